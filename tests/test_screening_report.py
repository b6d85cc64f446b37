"""The binary reading: counts by hand, ROC figures against scikit-learn, intervals that widen when patients are few."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve
from statsmodels.stats.proportion import proportion_confint

from neurallnet.errors import DataError
from neurallnet.evaluation import build_predictions, cluster_interval
from neurallnet.evaluation.metrics import malignancy_score
from neurallnet.evaluation.screening_report import binary_report, roc_intervals, roc_statistics


def drawn(n=240, seed=0, shift=1.5):
    """Predictions without labels, what is true, and forty patients of six cells, each with an offset of its own."""
    rng = np.random.default_rng(seed)
    patients = np.arange(n) // 6
    malignant = patients % 3 > 0
    logits = rng.normal(size=(n, 4))
    logits[:, 0] += np.where(malignant, -shift, shift) + rng.normal(size=patients.max() + 1)[patients]
    return build_predictions([f"{i:04}.png" for i in range(n)], [""] * n, "external", logits), malignant, patients


def test_counts_by_hand():
    """Called: malignant, malignant, benign | benign, malignant."""
    logits = np.array([[0, 3, 0, 0], [0, 0, 0, 2], [5, 0, 0, 0], [4, 0, 0, 0], [0, 0, 1, 0]], float)
    table = build_predictions(list("abcde"), [""] * 5, "external", logits)
    found = binary_report(table, [True, True, True, False, False], [0, 0, 1, 2, 3], "patient")
    assert (found["n"], found["n_malignant"], found["n_benign"]) == (5, 3, 2)
    assert (found["units_malignant"], found["units_benign"], found["unit"]) == (2, 2, "patient")
    assert (found["sensitivity"]["correct"], found["sensitivity"]["n"]) == (2, 3)
    assert (found["specificity"]["value"], found["specificity"]["n"]) == (0.5, 2)
    low, high = proportion_confint(2, 3, method="wilson")
    assert found["sensitivity"]["interval"]["low"] == pytest.approx(low)
    assert found["sensitivity"]["interval"]["high"] == pytest.approx(high)
    assert found["auroc"]["value"] == pytest.approx(4 / 6)  # of six pairs the first two beat d and e; c beats neither
    assert found["called"] == {"malignant": {"Benign": 1, "Early": 1, "Pro": 1}, "benign": {"Benign": 1, "Pre": 1}}


def test_nothing_is_said_about_subtypes():
    found = binary_report(*drawn())
    text = repr(found)
    assert "accuracy" not in text and "confusion" not in text and "per_class" not in text


def test_roc_figures_equal_sklearn_for_every_draw():
    """Scores with ties, weights with zeros: what a bootstrap makes."""
    rng = np.random.default_rng(1)
    score, malignant = rng.integers(0, 12, 80) / 3, rng.random(80) < 0.6
    weights = rng.integers(0, 4, (25, 80))
    area, sensitivity = roc_statistics(score, malignant, weights, 0.9)
    for row, auroc, found in zip(weights, area, sensitivity, strict=True):
        assert auroc == pytest.approx(roc_auc_score(malignant, score, sample_weight=row))
        kept = row > 0
        false, true, _ = roc_curve(malignant[kept], score[kept], sample_weight=row[kept], drop_intermediate=False)
        assert found == pytest.approx(true[false <= 0.1 + 1e-12].max())


def test_point_values_equal_sklearn_on_the_same_images():
    table, malignant, patients = drawn()
    found = binary_report(table, malignant, patients, "patient")
    score = malignancy_score(table)
    false, true, thresholds = roc_curve(malignant, score, drop_intermediate=False)
    assert found["auroc"]["value"] == pytest.approx(roc_auc_score(malignant, score))
    best = found["at_specificity"]
    assert best["sensitivity"]["value"] == pytest.approx(true[false <= 0.05 + 1e-12].max())
    assert best["specificity"] >= best["aim"] == 0.95 and "these images" in best["threshold_from"]
    given = binary_report(table, malignant, patients, "patient", threshold=float(np.median(score)))["at_given_threshold"]
    above = score >= np.median(score)
    assert given["sensitivity"]["value"] == pytest.approx(above[malignant].mean())
    assert given["specificity"]["value"] == pytest.approx((~above[~malignant]).mean())
    assert "at_given_threshold" not in found


def test_interval_over_patients_is_wider_than_over_images():
    table, malignant, patients = drawn()
    found = binary_report(table, malignant, patients, "patient")
    for share in (found["sensitivity"], found["auroc"], found["at_specificity"]["sensitivity"]):
        image, patient = share["interval"], share["cluster_interval"]
        assert patient["unit"] == "patient" and image["unit"] == "image"
        assert patient["high"] - patient["low"] > image["high"] - image["low"] > 0
        assert patient["low"] <= share["value"] <= patient["high"]


def test_interval_of_auroc_covers_the_truth_as_often_as_it_says():
    """Independent images, two normal scores a standard deviation apart: the true area is Phi(1 / sqrt 2)."""
    covered = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        malignant = np.arange(90) < 50
        score = rng.normal(size=90) + malignant
        ends, _ = roc_intervals(score, malignant, np.arange(90), "image", 0.95, seed)
        covered += ends["low"] <= norm.cdf(1 / np.sqrt(2)) <= ends["high"]
    assert covered >= 33  # 38 expected; 32 or fewer would come once in a thousand


def test_sensitivity_over_patients_is_the_cluster_bootstrap_of_malignant_images():
    table, malignant, patients = drawn()
    right = (table["predicted"] != "Benign").to_numpy()[malignant]
    own = cluster_interval(right, patients[malignant], unit="patient")
    assert binary_report(table, malignant, patients, "patient")["sensitivity"]["cluster_interval"] == own.to_dict()


def test_one_patient_of_a_class_gives_no_interval_over_patients():
    table, malignant, _ = drawn()
    found = binary_report(table, malignant, np.where(malignant, np.arange(len(table)), -1), "patient")
    assert found["specificity"]["cluster_interval"] is None and found["sensitivity"]["cluster_interval"]
    assert found["auroc"]["cluster_interval"] is None and found["auroc"]["interval"]


def test_patient_with_both_kinds_of_cells_is_drawn_whole():
    table, malignant, _ = drawn()
    found = binary_report(table, malignant, np.arange(len(table)) % 8, "patient")
    assert (found["units_malignant"], found["units_benign"]) == (8, 8)
    assert found["auroc"]["cluster_interval"]["low"] <= found["auroc"]["value"]


def test_perfect_ranking_claims_no_interval_of_zero_width():
    logits = np.repeat([[9.0, 0, 0, 0], [0, 9.0, 0, 0]], 10, axis=0)
    logits += np.random.default_rng(0).normal(size=logits.shape) / 10
    table = build_predictions([f"{i:02}" for i in range(20)], [""] * 20, "external", logits)
    found = binary_report(table, np.arange(20) > 9, np.arange(20))
    assert found["auroc"]["value"] == 1 and found["auroc"]["interval"] is None
    assert found["sensitivity"]["interval"]["low"] < 0.8 and found["sensitivity"]["cluster_interval"]["low"] < 0.8


def test_images_of_one_kind_are_refused():
    table, malignant, patients = drawn()
    with pytest.raises(DataError, match="only one of the two"):
        binary_report(table, np.zeros(len(table), bool), patients)
    with pytest.raises(DataError, match="3 classes and 240 units for 240 predictions"):
        binary_report(table, malignant[:3], patients)
