"""Conformal sets against a hand-worked example, the guarantee itself by simulation, and an independent formula for the rank."""

import numpy as np
import pandas as pd
import pytest

from neurallnet.errors import ConfigError, DataError
from neurallnet.evaluation.conformal import (
    ClassThresholds,
    against_class,
    conformal_rank,
    conformal_report,
    conformal_sets,
    fit_conformal,
)
from neurallnet.evaluation.predictions import build_predictions


def two_classes(benign_against_early, labels):
    """A table whose log-odds against Benign are the given numbers (and those against Early their negatives)."""
    against = np.asarray(benign_against_early, float)
    logits = np.stack([-against, np.zeros_like(against)], axis=1)
    paths = [f"{place:04d}.png" for place in range(len(against))]
    return build_predictions(paths, labels, "val", logits, ("Benign", "Early"))


def drawn(rng, n, separation=1.5, classes=("Benign", "Early", "Pre")):
    """Images of unequal classes, scored by a network that is often wrong about the rarest."""
    label = rng.choice(len(classes), n, p=[0.2, 0.3, 0.5])
    logits = rng.normal(size=(n, len(classes)))
    logits[np.arange(n), label] += np.array([0.4, 1, 1.4])[label] * separation
    paths = [f"{place:06d}.png" for place in range(n)]
    return build_predictions(paths, [classes[k] for k in label], "val", logits, classes)


def test_hand_worked_example():
    """Nine benign scores 1..9: at 80% the rank is ceil(10 * 0.8) = 8; four early ones allow at most 4/5."""
    labels = ["Benign"] * 9 + ["Early"] * 4
    validation = two_classes([1, 2, 3, 4, 5, 6, 7, 8, 9, 4, 3, 2, 1], labels)
    fitted = fit_conformal(validation, coverage=0.8)
    assert fitted.n == (9, 4)
    assert fitted.thresholds == pytest.approx((8.0, -1.0))  # against Early: -4, -3, -2, -1, of which the fourth
    sets = conformal_sets(two_classes([8, 8.5, 0.5, -1], ["Benign"] * 4), fitted)
    assert sets.tolist() == [[True, True], [False, True], [True, False], [True, False]]


def test_too_few_images_put_the_class_in_every_set():
    fitted = fit_conformal(two_classes([1, 2, 3, -1], ["Benign"] * 3 + ["Early"]), coverage=0.9)
    assert fitted.thresholds == (None, None)
    assert conformal_sets(two_classes([-50, 50], ["Benign", "Early"]), fitted).all()


@pytest.mark.parametrize("n", [1, 5, 18, 19, 20, 39, 100, 199])
def test_rank_is_the_smallest_that_guarantees_coverage(n):
    """The k-th smallest of n exchangeable scores covers a new one with probability k / (n + 1)."""
    rank = conformal_rank(n, 0.05)
    assert rank / (n + 1) >= 0.95 - 1e-12 > (rank - 1) / (n + 1)


def test_score_orders_as_the_probability_does_and_has_no_ties_at_certainty():
    table = two_classes([-60, -50, -40, 0, 3], ["Benign"] * 5)
    assert (table["p_Benign"].iloc[:3] == 1).all()
    scores = against_class(table)[:, 0]
    assert np.all(np.diff(scores) > 0)
    p = table["p_Benign"].to_numpy()[3:]
    np.testing.assert_allclose(scores[3:], np.log((1 - p) / p), atol=1e-5)


def test_each_class_is_covered_on_average_over_validation_sets():
    """The guarantee, class by class: the mean coverage over draws lies between 1 - alpha and 1 - alpha + 1 / (n_c + 1)."""
    rng = np.random.default_rng(0)
    coverage, slack = [], []
    for _ in range(60):
        fitted, test = fit_conformal(drawn(rng, 240), coverage=0.9), drawn(rng, 300)
        sets, label = conformal_sets(test, fitted), test["label"].to_numpy(str)
        coverage.append([sets[label == name, place].mean() for place, name in enumerate(fitted.classes)])
        slack.append([1 / (n + 1) for n in fitted.n])
    mean, error = np.mean(coverage, axis=0), 4 * np.std(coverage, axis=0) / np.sqrt(60)
    assert (mean > 0.9 - error).all() and (mean < 0.9 + np.mean(slack, axis=0) + error).all()
    assert error.max() < 0.03


def test_report_counts_what_the_sets_say():
    fitted = ClassThresholds(0.2, ("Benign", "Early"), (0.0, -2.0), (9, 9))
    table = two_classes([-1, 1, 5, -3], ["Benign", "Benign", "Early", "Early"])
    assert conformal_sets(table, fitted).tolist() == [[True, False], [False, False], [False, True], [True, False]]
    report = conformal_report(table, fitted).set_index("class")
    assert report.loc["all", ["n", "coverage", "mean_size", "single", "empty"]].tolist() == [4, 0.5, 0.75, 0.75, 0.25]
    assert report.loc["Early", "coverage"] == 0.5 and report.loc["Benign", "empty"] == 0.5
    assert (report["unit"] == "image").all()


def test_interval_is_over_groups_where_they_are_given():
    rng = np.random.default_rng(1)
    fitted, table = fit_conformal(drawn(rng, 200)), drawn(rng, 120)
    groups = pd.Series(np.arange(120) // 10, index=table["path"])
    narrow, wide = conformal_report(table, fitted), conformal_report(table, fitted, groups)
    assert set(wide["unit"]) == {"near-duplicate group"} and (wide["coverage"] == narrow["coverage"]).all()
    assert ((wide["low"] <= wide["coverage"]) & (wide["coverage"] <= wide["high"])).all()


def test_bad_input_is_refused():
    table = two_classes([1, -1], ["Benign", "Early"])
    for coverage in (0, 1, 1.5):
        with pytest.raises(ConfigError, match="between 0 and 1"):
            fit_conformal(table, coverage)
    with pytest.raises(DataError, match="no label"):
        fit_conformal(two_classes([1, 2], ["Benign", ""]))
    with pytest.raises(DataError, match="other classes"):
        conformal_sets(table, fit_conformal(drawn(np.random.default_rng(0), 60)))
