"""Every tenth of the random split tested once: counted by hand, and the splits the profile really makes."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from published import made_up_set
from test_leak import predictions

from neurallnet import tenths
from neurallnet.arms import CROSSED, arms, tenth
from neurallnet.claims import build_claims
from neurallnet.claims.paper import PRIMARY_ACCURACY
from neurallnet.config import TENTHS
from neurallnet.dataset import split_folds
from neurallnet.evaluation import cluster_interval, paired_cluster_difference
from neurallnet.evidence import write_evidence
from neurallnet.tenths import tenths_in_words, tenths_intervals, tenths_report, tenths_table

LABELS = "abab"
CALLED = {"base-0": "abab", "base-tenth-1-0": "bbbb", "committee-0": "abab", "committee-tenth-1-0": "bbab"}  # of profile smoke


class Study:
    """Two tenths of four images; of the second the single network misreads two, the committee one of them."""

    profile = "smoke"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def dataset(self) -> SimpleNamespace:
        paths = [f"{fold}-{place}" for fold in (0, 1) for place in range(4)]
        groups = pd.Series(np.arange(8), index=pd.Index(paths, name="path"))
        frame = pd.DataFrame({"path": paths, "order": [*range(4), *range(4)]})
        return SimpleNamespace(groups=lambda: groups, frame=frame, digest="d")

    def arm(self, name: str) -> str:
        return name

    def test(self, name: str, why: str) -> pd.DataFrame:
        self.asked.append(name)
        fold = int("tenth" in name)
        assert f"tenth {fold} " in why
        return predictions(LABELS, CALLED[name], fold, 0).drop(columns=["split_fold", "seed"])


def colour(study: Study, config: str, why: str) -> pd.DataFrame:
    """Colour alone misreads two of the published tenth and one of the other."""
    fold = [f"{tenth('committee', fold)}-0" for fold in (0, 1)].index(config)
    assert f"tenth {fold} " in why
    return predictions(LABELS, ["bbbb", "abaa"][fold], fold, 0).drop(columns=["split_fold", "seed"])


@pytest.fixture
def found(monkeypatch) -> dict:
    monkeypatch.setattr(tenths, "probe_test", colour)
    return tenths_report(Study())


def test_all_tenths_are_pooled_and_the_published_one_stands_beside(found):
    rows = {row["network"]: row for row in found["rows"]}
    assert {name: (row["accuracy"], row["n"]) for name, row in rows.items()} == {
        "committee": (7 / 8, 8),
        "base": (6 / 8, 8),
        "colour": (5 / 8, 8),
    }
    base = rows["base"]
    assert (base["published"]["accuracy"], base["published"]["n"], base["lowest"], base["highest"]) == (1, 4, 0.5, 1)
    assert [(part["split_fold"], part["accuracy"]) for part in base["tenths"]] == [(0, 1.0), (1, 0.5)]
    wanted = cluster_interval(np.array([1, 1, 1, 1, 0, 1, 0, 1.0]), np.arange(8))
    assert (base["low"], base["high"]) == (wanted.low, wanted.high)


def test_leads_are_paired_image_by_image(found):
    ours, base, colour_alone = (row["lead_of_ours"] for row in found["rows"])
    assert ours is None and (base["points"], base["n"]) == (12.5, 8) and colour_alone["points"] == 25
    wanted = paired_cluster_difference(np.array([1, 1, 1, 1, 0, 1, 1, 1.0]), np.array([1, 1, 1, 1, 0, 1, 0, 1.0]), np.arange(8))
    assert (base["low"], base["high"]) == (100 * wanted.interval.low, 100 * wanted.interval.high)


def test_an_image_that_all_networks_misread_bounds_what_any_could_reach(found):
    part = found["misread"]
    assert (part["n"], part["wrong_in_some"], [image["path"] for image in part["images"]]) == (8, 2, ["1-0"])
    assert "Of 8 images" in (said := tenths_in_words(found)) and "2 are misread by some network and 1 by all" in said
    assert said.endswith("87.50%.") and "Committee, trained short, NeurALLNet, single" in said


def test_table_and_figure_show_both(found):
    table = tenths_table(found).set_index("network")
    assert table.loc["NeurALLNet, single", "published tenth"] == "100.00%"
    assert table.loc["NeurALLNet, single", "all tenths"].startswith("75.00% [")
    assert table.loc["Colour alone", "lowest, highest"] == "50.00%, 75.00%"
    assert table["lead of ours, points"].str.split(" ").str[0].tolist() == ["", "12.50", "25.00"]
    points = tenths_intervals(found).set_index("label")["value"]
    assert points["Committee, trained short, all tenths"] == 0.875 and points["Committee, trained short, published tenth"] == 1


def test_networks_that_the_profile_does_not_cross_are_not_asked(monkeypatch):
    monkeypatch.setattr(tenths, "probe_test", colour)
    study = Study()
    tenths_report(study)
    assert sorted(study.asked) == sorted(CALLED)


def test_in_profile_full_every_image_tests_once_for_every_network(tmp_path):
    primary = made_up_set(tmp_path, "taleqani", 30)
    configs = {arm.name: arm.config for arm in arms("full")}
    for network in CROSSED:
        tested: list[str] = []
        for fold in range(TENTHS):
            config = configs[f"{tenth(network, fold)}-0"]
            assert config.model == configs[f"{network}-0"].model and config.seed == 0
            split = split_folds(primary, config.split)
            tested += split["path"][split["fold"] == "test"].tolist()
        assert sorted(tested) == sorted(primary.frame["path"])


def test_claims_are_of_the_network_that_ships_and_of_colour(found, tmp_path):
    write_evidence(tmp_path / "tenths.json", found)
    ours, colour_alone, lead = build_claims(tmp_path, tmp_path)
    assert (ours.id, ours.ours, ours.n, ours.paper) == ("primary_accuracy_tenths", 7 / 8, 8, PRIMARY_ACCURACY)
    assert "2 tenths" in ours.protocol and "lowest 75.00%, highest 100.00%" in ours.protocol
    assert ours.verdict == "reproduced", "eight images cannot tell"
    assert (colour_alone.id, colour_alone.ours, colour_alone.verdict) == ("colour_only_accuracy_tenths", 5 / 8, "not reproduced")
    assert colour_alone.paper is None and "the paper's network" in colour_alone.claim, "the paper says nothing of colour alone"
    assert (lead.id, lead.ours, lead.paper, lead.interval[0] < 25) == ("tenths_lead_over_colour", 25, None, True)
