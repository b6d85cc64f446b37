"""Another laboratory: false alarms and accuracy counted by hand; sets that are neither labelled nor healthy are refused."""

import numpy as np
import pandas as pd
import pytest

from neurallnet.ablation import compare, comparison_table
from neurallnet.data.sources import get_source
from neurallnet.evaluation import build_predictions
from neurallnet.external import external_accuracy, external_source, false_alarms
from neurallnet.study import open_study


def table(predicted: str, labels: str, sure: float = 3.0) -> pd.DataFrame:
    """Predictions with one logit up; letters b, e, p, o stand for Benign, Early, Pre, Pro, "-" for no label."""
    names = {"b": "Benign", "e": "Early", "p": "Pre", "o": "Pro", "-": ""}
    logits = np.array([[sure * (letter == c) for c in "bepo"] for letter in predicted])
    paths = [f"{i:03}.png" for i in range(len(predicted))]
    return build_predictions(paths, [names[letter] for letter in labels], "external", logits)


def test_false_alarms_by_hand():
    found = false_alarms(table("bbbbbbeo", "--------"))
    assert (found["n"], found["alarms"], found["rate"]) == (8, 2, 0.25)
    assert found["by_class"] == {"Early": 1, "Pro": 1}
    assert found["mean_confidence_of_alarms"] == pytest.approx(np.exp(3) / (np.exp(3) + 3), rel=1e-4)
    assert false_alarms(table("bbb", "---"))["mean_confidence_of_alarms"] is None


def test_accuracy_has_both_intervals():
    found = external_accuracy(table("bbeepoob" * 5, "bbeeppoo" * 5), pd.Series({f"{i:03}.png": i // 4 for i in range(40)}))
    assert found["accuracy"] == 30 / 40
    assert found["interval"]["unit"] != found["naive_interval"]["unit"]


def test_ablation_drop_is_in_points_and_paired():
    groups = pd.Series({f"{i:03}.png": i for i in range(8)})
    found = compare(table("bbeeppoo", "bbeeppoo"), table("bbeeppbb", "bbeeppoo"), groups)
    assert found["drop"] == 25.0 and (found["only_whole_right"], found["only_ablated_right"]) == (2, 0)
    assert found["mcnemar_p"] == 0.5  # two discordant images, both one way: 2 * 0.5 ** 2
    assert comparison_table(found).loc["drop, points", "value"] == "25.00"


def test_only_bccd_counts_as_healthy():
    assert get_source("bccd").healthy and not get_source("external_probe").healthy
    assert external_source(open_study("full")) == "bccd" and external_source(open_study()) == "synthetic_external"
