"""False alarms of every seed: means and intervals by hand, and which fields count."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_choice import predictions

from neurallnet import alarms
from neurallnet.alarms import alarm_report
from neurallnet.errors import ConfigError
from neurallnet.evaluation import cluster_interval
from neurallnet.study import open_study

CALLED = {"ours-0": "bbbbeo", "ours-1": "bbbbbp", "single-0": "eeebbb"}


def study(labels: str) -> SimpleNamespace:
    groups = pd.Series([0, 0, 1, 2, 3, 4], index=[f"{place}.png" for place in range(6)])
    other = SimpleNamespace(groups=lambda: groups, digest="d")
    data = SimpleNamespace(classes=tuple("bepo"))
    return SimpleNamespace(
        work=None,
        synthetic="-" not in labels,
        run=lambda name: SimpleNamespace(address=f"address of {name}"),
        dataset=lambda source=None: other if source else data,
    )


def report(monkeypatch, labels: str) -> dict:
    monkeypatch.setattr(alarms, "external_predictions", lambda run, *asked: predictions(CALLED[run.address.split()[-1]], labels))
    return alarm_report(study(labels), {"ours": ["ours-0", "ours-1"], "single": ["single-0"]})


def test_rate_is_the_mean_of_seeds_and_its_interval_resamples_groups_of_fields(monkeypatch):
    found = report(monkeypatch, "------")
    ours, single = found["rows"]
    assert (found["source"], found["manifest"]) == ("bccd", "d")
    assert (ours["seeds"], ours["n"], ours["lowest"], ours["highest"]) == (2, 6, 1 / 6, 2 / 6)
    assert ours["rate"] == pytest.approx(3 / 12) and single["rate"] == 0.5
    wanted = cluster_interval(np.array([0, 0, 0, 0, 0.5, 1]), np.array([0, 0, 1, 2, 3, 4]))
    assert (ours["low"], ours["high"]) == (wanted.low, wanted.high)
    assert [(run["network"], run["run"], run["alarms"]) for run in found["by_run"]] == [
        ("ours", "ours-0", 2),
        ("ours", "ours-1", 1),
        ("single", "single-0", 3),
    ]
    assert found["runs"] == {name: f"address of {name}" for name in CALLED}


def test_of_labelled_fields_only_the_healthy_ones_count(monkeypatch):
    ours = report(monkeypatch, "bbbbbe")["rows"][0]
    assert ours["n"] == 5 and ours["rate"] == pytest.approx((1 + 0) / 10)


def test_where_only_benign_is_told_from_malignant_the_benign_fields_count(monkeypatch):
    """Such sets have no label of the network's classes; what is known stands in another column."""
    known = ["Benign", "Benign", "Malignant", "Malignant", "Malignant", "Benign"]
    read = lambda run, *asked: predictions(CALLED[run.address.split()[-1]], "------").assign(truth=known)  # noqa: E731
    monkeypatch.setattr(alarms, "external_predictions", read)
    row = alarm_report(study("------"), {"ours": ["ours-0"]}, "cnmc")["rows"][0]
    assert row["n"] == 3 and row["rate"] == pytest.approx(1 / 3), "of the first, second and last field the last is called Pro"


def test_no_healthy_field_is_no_rate(monkeypatch):
    ours = report(monkeypatch, "eeeooo")
    assert ours["rows"][0] == {"network": "ours", "seeds": 2, "n": 0} and ours["by_run"][0]["rate"] is None


def test_a_study_names_the_seeds_of_a_network():
    assert open_study("full").seeds("committee") == [f"committee-{seed}" for seed in range(5)]
    with pytest.raises(ConfigError, match="nothing-0"):
        open_study("smoke").seeds("nothing")
