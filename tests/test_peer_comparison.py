"""Peers against the network: the rows of both protocols, from predictions made up so that every figure is known."""

import numpy as np
import pandas as pd
import pytest

from neurallnet import leak, peer_comparison
from neurallnet.arms import NO_SE, SHIPPED, TRIO_REFIT, Arm, make_arm
from neurallnet.claims.published import PUBLISHED
from neurallnet.evaluation import build_predictions
from neurallnet.peer_comparison import (
    published_table,
    random_table,
    session_in_words,
    session_intervals,
    session_rows,
    session_table,
    together_rows,
    together_table,
)
from neurallnet.titles import TITLES

CLASSES = ("Benign", "Pro")
FOLDS = (0, 1)


def block(fold: int, wrong: int, seed: int = 0) -> pd.DataFrame:
    """Test block of `fold`: 20 images, half of each class, of which the first `wrong` of each class are called the other."""
    truth = np.repeat([0, 1], 10)
    called = np.where(np.tile(np.arange(10), 2) < wrong, 1 - truth, truth)
    paths = [f"{CLASSES[t]}-{fold}-{place:02}" for place, t in enumerate(truth)]
    table = build_predictions(paths, [CLASSES[t] for t in truth], "test", 3.0 * np.eye(2)[called], CLASSES)
    return table.assign(split_fold=fold, seed=seed)


class Images:
    def groups(self) -> pd.Series:
        paths = [path for fold in FOLDS for path in block(fold, 0)["path"]]
        return pd.Series(np.arange(len(paths)), index=pd.Index(paths, name="path"))


class Study:
    profile = "smoke"

    def dataset(self) -> Images:
        return Images()


def runs(profile: str, protocol: str, name: str) -> list[Arm]:
    """The single network has both folds, the twin one."""
    names = ("session-0", "session-1") if name == "base" else (f"{name}-session-0",)
    return [make_arm("smoke", each) for each in names]


@pytest.fixture
def rows(monkeypatch) -> list[dict]:
    tables = {
        "base": pd.concat([block(0, 2), block(1, 2)]),
        SHIPPED: pd.concat([block(0, 1), block(0, 2, seed=1), block(1, 1), block(1, 0, seed=1)]),
        "dense": block(0, 3),
    }
    monkeypatch.setattr(peer_comparison, "held_out", lambda study, protocol, name: tables[name])
    monkeypatch.setattr(peer_comparison, "probe_held_out", lambda study, protocol: pd.concat([block(0, 5), block(1, 9)]))
    monkeypatch.setattr(peer_comparison, "network_arms", runs)
    return session_rows(Study(), ["base", "dense"])


def test_networks_are_compared_on_the_folds_that_all_have(rows):
    found = {row["network"]: row for row in rows}
    assert list(found) == [SHIPPED, "base", "dense", "colour"]
    balanced = [row["balanced_accuracy"] for row in rows]
    assert balanced == pytest.approx([0.85, 0.8, 0.7, 0.5])  # of block 0 alone; two seeds of ours
    assert {row["n"] for row in rows} == {20} and {row["folds"] for row in rows} == {1}


def test_a_difference_is_paired_over_common_seeds(rows):
    found = {row["network"]: row["against_ours"] for row in rows}
    assert found[SHIPPED] is None
    assert found["dense"]["seeds"] == 1 and found["dense"]["drop"] == pytest.approx(20)  # seed 0 has 90%, the twin 70%
    assert found["colour"]["drop"] == pytest.approx(40) and found["colour"]["low"] > 0
    assert found["colour"]["p_holm"] <= found["dense"]["p_holm"]


def test_balanced_leads_are_paired_by_seed_and_of_colour_over_every_seed(rows):
    found = {row["network"]: row["balanced_lead_of_ours"] for row in rows}
    assert found[SHIPPED] is None
    assert found["dense"]["points"] == pytest.approx(20), "of seed 0, the twin's only one: 90% against 70%"
    assert found["colour"]["points"] == pytest.approx(35), "both seeds, 90% and 80%, against 50%"
    assert "worse: Dense twin (20.00 points [" in session_in_words({"session": rows})


def test_tables_name_every_network_and_leave_its_own_difference_empty(rows):
    table = session_table({"session": rows})
    assert list(table["network"]) == ["NeurALLNet, committee", "NeurALLNet, single", "Dense twin", "Colour alone"]
    assert table["p (Holm)"].iloc[0] == "" and table["balanced accuracy"].iloc[2].startswith("70.00% [")
    assert list(session_intervals({"session": rows})["value"]) == pytest.approx([0.85, 0.8, 0.7, 0.5])


def test_seeds_read_together_outvote_the_one_that_errs(monkeypatch):
    """Three seeds that misread one image of each class, another one each: together they misread none; alone each has 90%."""

    def seed(fold: int, number: int) -> pd.DataFrame:
        wrong = block(fold, 0, number)
        for start in (0, 10):
            row = start + number
            columns = ["p_Benign", "p_Pro"]
            wrong.loc[row, columns] = wrong.loc[row, columns].to_numpy()[::-1]
            wrong.loc[row, "predicted"] = CLASSES[1 - CLASSES.index(wrong.loc[row, "label"])]
        return wrong

    tables = {SHIPPED: pd.concat([seed(fold, number) for fold in FOLDS for number in range(3)]), "small-cnn": block(0, 0)}
    monkeypatch.setattr(peer_comparison, "held_out", lambda study, protocol, name: tables[name])
    (row,) = together_rows(Study(), ["small-cnn"])  # a network with one seed has no row
    assert (row["network"], row["seeds"], row["n"], row["balanced_accuracy"]) == (SHIPPED, 3, 40, 1.0)
    assert row["gain"] == pytest.approx(10) and 0 < row["gain_low"] < row["gain_high"]
    # nothing varies, so the interval is Wilson's
    assert "balanced accuracy" in together_table({"together": []}), "without several seeds the table is empty, not headless"
    assert together_table({"together": [row]})["balanced accuracy"].iloc[0].startswith("100.00% [91.24%")


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        *((-1.8, -0.2, "better"), (0.3, 1.8, "worse"), (0.0, 1.0, "not told apart")),
        *((-0.3, 1.5, "not told apart"), (-1.5, 0.3, "not told apart")),
    ],
)
def test_words_follow_the_interval(low, high, verdict):
    other = {"points": (low + high) / 2, "low": low, "high": high}
    leads = {SHIPPED: None, "dense": other}
    found = {"session": [{"network": name, "balanced_lead_of_ours": lead} for name, lead in leads.items()]}
    points = f"{(low + high) / 2:.2f} points [{low:.2f}, {high:.2f}]"
    assert session_in_words(found).splitlines()[1:] == [f"{verdict}: Dense twin ({points})"]


def test_random_table_shows_our_accuracy_over_the_same_seeds():
    row = {"arm": "small-cnn", "parameters": 161_000, "seeds": 1, "n": 326, "accuracy": 0.95, "reference_accuracy": 0.98}
    row |= {"drop": 3.0, "low": 1.0, "high": 5.0, "p_holm": 0.01, "mcnemar_holm": 0.02}
    table = random_table({"random": {"reference": {"parameters": 295_254, "seeds": 5}, "rows": [row]}})
    assert list(table["parameters"]) == ["295,254", "161,000"] and list(table["ours, same seeds"]) == ["", "98.00%"]
    assert table["n"].iloc[1] == "326"


def test_every_peer_of_a_profile_has_a_title():
    ours = {leak.BASE, NO_SE, SHIPPED, TRIO_REFIT, "committee-elsewhere", "colour", "unaugmented"}
    longer = {"committee-long", "base-long"}
    assert set(peer_comparison.GROUPS["peers"]) | ours | longer == set(TITLES)


def test_published_figures_name_protocol_and_source():
    table = published_table()
    assert len(table) == len(PUBLISHED) and table.loc[0, "accuracy"] == "98.16%" and table.loc[0, "parameters"] == "0.3 M"
    assert (table[["protocol", "source"]] != "").all().all()
