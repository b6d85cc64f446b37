"""Why this recipe: which images each arm is judged by, and what it makes of another laboratory."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from neurallnet import alarms, choice
from neurallnet.alarms import healthy_elsewhere
from neurallnet.arms import CHOICES
from neurallnet.choice import choice_table
from neurallnet.evaluation import build_predictions

NAMES = {"b": "Benign", "e": "Early", "p": "Pre", "o": "Pro", "-": ""}


def predictions(predicted: str, labels: str, fold: str = "external") -> pd.DataFrame:
    logits = np.array([[3.0 * (letter == known) for known in "bepo"] for letter in predicted])
    return build_predictions([f"{i}.png" for i in range(len(labels))], [NAMES[letter] for letter in labels], fold, logits)


def study(profile: str = "full", synthetic: bool = False) -> SimpleNamespace:
    groups = pd.Series(range(9), index=[f"{i}.png" for i in range(9)])
    data = SimpleNamespace(classes=tuple("bepo"), groups=lambda: groups)
    return SimpleNamespace(profile=profile, synthetic=synthetic, work=None, run=lambda name: name, dataset=lambda source=None: data)


@pytest.mark.parametrize(
    "synthetic, labels, rate, fields",
    [(False, "--------", 3 / 8, 8), (True, "bbbbeepo", 1 / 4, 4)],
    ids=["all healthy", "labelled"],
)
def test_only_healthy_fields_can_be_false_alarms(monkeypatch, synthetic, labels, rate, fields):
    monkeypatch.setattr(alarms, "external_predictions", lambda *asked: predictions("bbbebbpo", labels))
    found = healthy_elsewhere(study(synthetic=synthetic), "base-0")
    assert (found["rate"], found["n"]) == (rate, fields)


def test_each_arm_has_a_row_of_its_own_folds(monkeypatch):
    """One arm reads all but one image of its folds, the recipe every one; the second fold's false alarms are counted too."""

    def validation(study, name, shifts, severities):
        table = predictions("bepb" if name == "choice-grey-3-0" else "bepo", "bepo", "val")
        return table.assign(corruption="none", severity=0)

    monkeypatch.setattr(choice, "corrupted_validation", validation)
    monkeypatch.setattr(choice, "each_corruption", lambda table: [(("none", 0), table.drop(columns=["corruption", "severity"]))])
    monkeypatch.setattr(
        choice, "healthy_elsewhere", lambda study, name: {"rate": 0.5 if name == "choice-grey-3-0" else 0.1, "n": 20}
    )
    found = choice_table(study()).set_index("choice")
    assert set(found.index) == {"as published", *CHOICES}
    assert found.loc["grey", "balanced_accuracy"] == pytest.approx((1 + 0.75) / 2)
    assert found.loc["as published", "balanced_accuracy"] == 1
    assert found.loc["grey", "false_alarms"] == pytest.approx(0.3) and found.loc["unmoved", "false_alarms"] == pytest.approx(0.1)
    assert set(found["fields"]) == {20} and set(found["n"]) == {8}
