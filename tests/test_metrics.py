"""Metrics, calibration and selective prediction, against scikit-learn and worked examples."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, balanced_accuracy_score, classification_report, roc_auc_score

from neurallnet.errors import DataError
from neurallnet.evaluation import (
    aurc,
    build_predictions,
    calibration,
    expected_calibration_error,
    fit_temperature,
    metrics,
    probabilities,
    reliability,
    risk_coverage,
    screening,
    screening_threshold,
)

CLASSES = np.array(["Benign", "Early", "Pre", "Pro"])


def noisy(n: int = 400, scale: float = 2.0, seed: int = 0):
    """Predictions whose logits are calibrated for scale 1: labels are drawn from the softmax itself."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, 4)) * 2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    label = [rng.choice(4, p=row) for row in p]
    return build_predictions([f"{i:05d}" for i in range(n)], CLASSES[label], "test", logits * scale)


def certain(label: list[str], predicted: list[str], confidence: list[float]):
    """Predictions with given top probabilities of the predicted class."""
    p = np.array(
        [np.where(c == CLASSES, top, (1 - top) / 3) for c, top in zip(predicted, confidence, strict=True)]
    )
    return build_predictions([f"{i:05d}" for i in range(len(label))], label, "test", np.log(p))


def test_metrics_equal_sklearn():
    table = noisy()
    found = metrics(table)
    label, predicted = table["label"].to_numpy(str), table["predicted"].to_numpy(str)
    assert found["accuracy"] == accuracy_score(label, predicted) == found["correct"] / found["n"]
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(label, predicted))
    report = classification_report(label, predicted, output_dict=True)
    assert found["macro_f1"] == pytest.approx(report["macro avg"]["f1-score"])
    for name in CLASSES:
        assert found["per_class"][name]["recall"] == pytest.approx(report[name]["recall"])
        assert found["per_class"][name]["precision"] == pytest.approx(report[name]["precision"])
        assert found["per_class"][name]["support"] == report[name]["support"]
    assert np.trace(found["confusion"]) == found["correct"]


def test_confusion_has_true_classes_in_rows():
    found = metrics(certain(["Benign", "Early", "Early"], ["Benign", "Pro", "Early"], [0.9] * 3))
    assert found["confusion"] == [[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_absent_classes_have_no_recall_and_do_not_count():
    found = metrics(certain(["Benign", "Early"], ["Benign", "Pro"], [0.9, 0.9]))
    assert found["per_class"]["Pre"] == {"recall": None, "precision": None, "f1": None, "support": 0}
    assert found["per_class"]["Pro"]["recall"] is None
    assert found["balanced_accuracy"] == 0.5


def test_calibration_worked_by_hand():
    # bins of 1/15: 0.9 three times (two right), 0.5 once (wrong)
    table = certain(["Pro"] * 4, ["Pro", "Pro", "Early", "Early"], [0.9, 0.9, 0.9, 0.5])
    assert expected_calibration_error(table) == pytest.approx(0.75 * abs(2 / 3 - 0.9) + 0.25 * 0.5, abs=1e-5)
    found = calibration(table)
    right, wrong = 0.1**2 + 3 * (0.1 / 3) ** 2, 0.9**2 + (1 - 0.1 / 3) ** 2 + 2 * (0.1 / 3) ** 2
    unsure = 0.5**2 + (1 - 0.5 / 3) ** 2 + 2 * (0.5 / 3) ** 2
    assert found["brier"] == pytest.approx((2 * right + wrong + unsure) / 4, abs=1e-5)
    nll = -np.log([0.9, 0.9, 0.1 / 3, 0.5 / 3]).mean()
    assert found["nll"] == pytest.approx(nll, abs=1e-5)


def test_reliability_equals_sklearn_calibration_curve():
    table = noisy()
    right = (table["label"] == table["predicted"]).to_numpy(int)
    accuracy, confidence = calibration_curve(right, probabilities(table).max(axis=1), n_bins=15)
    found = reliability(table)
    np.testing.assert_allclose(found["accuracy"], accuracy)
    np.testing.assert_allclose(found["confidence"], confidence)
    assert found["n"].sum() == len(table)


def test_temperature_undoes_overconfidence():
    table = noisy(n=4000, scale=3.0)
    temperature = fit_temperature(table)
    assert temperature == pytest.approx(3, rel=0.1)
    before, after = calibration(table), calibration(table, temperature)
    assert after["ece"] < before["ece"] / 3
    assert after["nll"] < before["nll"]


def test_temperature_is_bounded_when_all_are_right():
    assert 0.04 < fit_temperature(certain(["Pro", "Pre"], ["Pro", "Pre"], [0.9, 0.8])) < 0.1


def test_risk_coverage_worked_by_hand():
    table = certain(["Pro", "Pro", "Pro", "Pro"], ["Pro", "Early", "Pro", "Early"], [0.9, 0.8, 0.7, 0.6])
    curve = risk_coverage(table)
    assert curve["coverage"].tolist() == [0.25, 0.5, 0.75, 1]
    np.testing.assert_allclose(curve["risk"], [0, 1 / 2, 1 / 3, 2 / 4])
    assert aurc(table) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_equal_confidence_is_answered_together():
    table = certain(["Pro"] * 4, ["Pro", "Early", "Early", "Pro"], [0.7] * 4)
    assert risk_coverage(table)["coverage"].tolist() == [1]
    assert aurc(table) == 0.5


def test_screening_equals_sklearn_and_keeps_its_specificity():
    table = noisy()
    malignant = (table["label"] != "Benign").to_numpy()
    found = screening(table, specificity=0.9)
    assert found["auroc"] == pytest.approx(roc_auc_score(malignant, 1 - probabilities(table)[:, 0]))
    assert found["specificity"] >= 0.9
    assert "these images" in found["threshold_from"]
    other = noisy(seed=1)
    moved = screening(other, threshold=screening_threshold(table, 0.9))
    assert moved["threshold"] == found["threshold"]
    assert moved["threshold_from"] == "other images"


def test_screening_worked_by_hand():
    label = ["Benign", "Benign", "Pro", "Pro"]
    logits = np.array([[4, 0, 0, 0], [1, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 5]], float)
    table = build_predictions(list("abcd"), label, "test", logits)
    assert screening(table, specificity=1.0)["sensitivity"] == 0.5  # c looks more benign than b
    assert screening(table, specificity=0.5)["sensitivity"] == 1.0
    assert screening(table)["highest_logit"] == {"sensitivity": 0.5, "specificity": 1.0}
    hopeless = build_predictions(list("ab"), ["Benign", "Pro"], "test", logits[[3, 0]])
    assert screening(hopeless, specificity=1.0)["threshold"] is None
    assert screening(hopeless, specificity=1.0)["sensitivity"] == 0


def test_screening_needs_both_kinds():
    with pytest.raises(DataError, match="only one of the two"):
        screening(certain(["Pro"], ["Pro"], [0.9]))
    with pytest.raises(DataError, match="no class 'Healthy'"):
        screening(certain(["Pro", "Benign"], ["Pro", "Pro"], [0.9, 0.8]), benign="Healthy")
