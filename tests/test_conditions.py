"""Other embargoes and cuts and the scale bar: what is compared with what, worked out by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_leak import predictions

from neurallnet import conditions
from neurallnet.arms import CHOSEN_REFIT, EVERY_BLOCK, EVERY_BLOCK_REFIT, SHIPPED, TAKEN, make_arm, session_arm
from neurallnet.conditions import CONDITIONS, conditions_intervals, conditions_table, gain, of_runs
from neurallnet.errors import DataError
from neurallnet.leak import network_arms


def together(*runs) -> pd.DataFrame:
    return pd.concat([predictions(*run) for run in runs], ignore_index=True)


def test_only_runs_of_the_same_fold_and_seed_are_compared():
    wide = together(("aab", "aab", 0, 0), ("abb", "abb", 2, 0))
    published = together(*((labels, labels, fold, seed) for fold, labels in ((0, "aab"), (1, "ab"), (2, "abb")) for seed in (0, 1)))
    kept = of_runs(published, wide)
    assert kept[["split_fold", "seed"]].drop_duplicates().to_numpy().tolist() == [[0, 0], [2, 0]] and len(kept) == 6


def test_gain_is_the_paired_difference_of_balanced_accuracies():
    changed, published = together(("aaab", "aaab", 0, 0)), together(("aaab", "abaa", 0, 0))
    groups = pd.Series(np.arange(4), index=pd.Index([f"0-{i}" for i in range(4)], name="path"))
    found = gain(changed, published, groups)
    assert found["points"] == pytest.approx(100 * (1 - (2 / 3 + 0) / 2))
    assert found["low"] <= found["points"] <= found["high"]
    assert gain(published, changed, groups)["points"] == pytest.approx(-found["points"])


def test_other_test_images_are_not_taken_for_the_same():
    one, other = together(("aab", "aab", 0, 0)), together(("aab", "aab", 1, 0))
    groups = pd.Series(range(6), index=[f"{fold}-{i}" for fold in (0, 1) for i in range(3)])
    with pytest.raises((DataError, ValueError)):
        gain(one, other, groups)


def test_an_image_is_paired_with_itself_wherever_the_order_was_cut():
    """Four images, of which the cut moves one to the other block, where it is misread as before."""
    later, published = together(("aab", "aba", 0, 0), ("b", "b", 1, 0)), together(("aa", "ba", 0, 0), ("bb", "aa", 1, 0))
    later["path"], published["path"] = list("pqrs"), list("pqrs")
    groups = pd.Series(range(4), index=pd.Index(list("pqrs"), name="path"))
    assert gain(later, published, groups)["points"] == pytest.approx(100 * (0.5 - 0.25))


def test_a_condition_is_held_against_the_published_runs_of_its_own_folds_and_seeds(monkeypatch):
    published = together(("aab", "aab", 0, 0), ("aab", "bbb", 0, 1), ("abb", "aaa", 1, 0))
    tables = {"base": published, "embargo-75": together(("aab", "abb", 0, 0))}
    trained = {"base": [(0, 0), (0, 1), (1, 0)], "embargo-75": [(0, 0)], "embargo-150": [(4, 0)]}  # of the last, base has no block
    runs = {name: [SimpleNamespace(split=SimpleNamespace(fold=f), seed=s) for f, s in of] for name, of in trained.items()}
    of_arm = {name: [(name, config) for config in configs] for name, configs in runs.items()}
    monkeypatch.setattr(conditions, "network_arms", lambda profile, protocol, arm: of_arm.get(arm, []))
    monkeypatch.setattr(conditions, "held_out", lambda study, protocol, arm="base": tables[arm])
    monkeypatch.setattr(conditions, "probe_held_out", lambda study, protocol, network: together(("aab", "aba", 0, 0)))
    groups = pd.Series(range(6), index=pd.Index([f"{fold}-{i}" for fold in (0, 1) for i in range(3)], name="path"))
    study = SimpleNamespace(profile="full", dataset=lambda: SimpleNamespace(groups=lambda: groups, digest="d"))
    (row,) = conditions.conditions_report(study)["rows"]
    assert (row["condition"], row["folds"], row["seeds"], row["n"]) == ("embargo 75, session", [0], [0], 3)
    assert (row["balanced_accuracy"], row["published"], row["colour"]) == (0.75, 1.0, 0.25)
    assert row["gain"]["points"] == pytest.approx(-25) and row["lead_over_colour"]["points"] == pytest.approx(50)


@pytest.mark.parametrize("protocol, arm, reference", [(protocol, arm, network) for protocol, arm, _, network in CONDITIONS])
def test_a_condition_differs_from_the_published_run_in_one_setting(protocol, arm, reference):
    trained = network_arms("full", protocol, arm)
    seeds = [{config.seed for _, config in network_arms("full", protocol, name)} for name in (arm, reference)]
    assert trained and seeds[0] & seeds[1], "with a seed of both"
    for _, config in trained:
        begin = reference if protocol == "random" else session_arm(reference, config.split.fold)
        plain, found = make_arm("full", begin, config.seed).config.to_dict(), config.to_dict()
        parts = [part for part in plain if isinstance(plain[part], dict)]
        changed = [(part, key) for part in parts for key in plain[part] if plain[part][key] != found[part][key]]
        wanted = {"bar-visible": ("data", "scale_bar"), "refit": ("train", "refit"), "no-se": ("model", "excitation")}
        wanted |= dict.fromkeys(("trio-refit", CHOSEN_REFIT, EVERY_BLOCK_REFIT), ("train", "refit"))
        wanted |= dict.fromkeys(("shifted-base", "shifted-small-cnn"), ("split", "offset"))
        wanted |= dict.fromkeys(("few-75", "few-150"), ("split", "as_few_as"))
        wanted |= {"committee-tinted": ("model", "hue"), "as-given-masked": ("data", "scale_bar")}
        wanted |= {"committee-elsewhere": ("augment", "elsewhere"), "committee-elsewhere-tinted": ("model", "hue")}
        wanted |= dict.fromkeys(("committee-long", "base-long", "small-cnn-long"), ("train", "epochs"))
        given = [("data", "image_size"), ("data", "scale_bar"), ("model", "hue")]
        several = dict.fromkeys(("as-given", "committee-as-given"), given)
        several |= dict.fromkeys(("alone-normalized", "alone-standardized"), [("model", "columns"), ("model", "hue")])
        several |= dict.fromkeys((SHIPPED, EVERY_BLOCK), [("augment", "stain"), ("train", "epochs")])
        if protocol == "session" and arm == SHIPPED and TAKEN[config.split.fold] == reference:
            several[arm] = []  # the committee trained short was taken for this block
        assert sorted(changed) == sorted(several.get(arm, [wanted.get(arm, ("split", "embargo"))]))


ROW = {
    "condition": "embargo 75, session",
    "arm": "embargo-75",
    "reference": "base",
    "folds": [0, 2],
    "seeds": [0],
    "n": 1304,
    "balanced_accuracy": 0.93,
    "low": 0.92,
    "high": 0.94,
    "published": 0.95,
    "gain": {"points": -2.0, "low": -3.0, "high": -1.0},
    "colour": 0.91,
}


def test_a_row_is_shown_with_what_it_is_compared_with():
    shown = conditions_table([ROW]).iloc[0]
    assert shown["without the change, same folds and seeds"] == "95.00%" and shown["gain, points"] == "-2.00 [-3.00, -1.00]"
    assert shown["folds"] == "0, 2" and shown["SE"] == "yes"
    without, anew = ROW | {"arm": "no-se"}, ROW | {"arm": "refit", "reference": "no-se"}
    peer = ROW | {"arm": "shifted-small-cnn", "reference": "small-cnn"}
    tinted = ROW | {"arm": "committee-elsewhere-tinted", "reference": "committee-elsewhere"}
    shipped = ROW | {"arm": CHOSEN_REFIT, "reference": SHIPPED}
    assert list(conditions_table([without, anew, peer, tinted, shipped])["SE"]) == ["no"] * 5
    (drawn,) = conditions_intervals([ROW]).to_dict("records")
    assert (drawn["value"], drawn["low"], drawn["high"], drawn["n"]) == (-2.0, -3.0, -1.0, 1304)
