"""Leaving early: against a loop over images and steps written out."""

import numpy as np
import pytest

from neurallnet.early_exit import early_exit_curve
from neurallnet.errors import DataError


def by_hand(step_logits, labels, threshold):
    right, spent = 0, 0
    for image, label in enumerate(labels):
        for step in range(1, len(step_logits) + 1):
            mean = sum(step_logits[:step, image]) / step
            probabilities = np.exp(mean) / np.exp(mean).sum()
            if probabilities.max() >= threshold or step == len(step_logits):
                right += probabilities.argmax() == label
                spent += step
                break
    return right / len(labels), spent / len(labels)


def test_equals_the_loop():
    draw = np.random.default_rng(0)
    step_logits, labels = draw.normal(size=(4, 50, 3)) * 2, draw.integers(0, 3, 50)
    curve = early_exit_curve(step_logits, labels, [0.0, 0.6, 0.9, 1.1])
    for row in curve.itertuples():
        assert (row.accuracy, row.mean_steps) == pytest.approx(by_hand(step_logits, labels, row.threshold))
    assert curve["mean_steps"].is_monotonic_increasing
    assert curve["mean_steps"].iloc[0] == 1 and curve["mean_steps"].iloc[-1] == 4


def test_all_steps_give_the_accuracy_of_the_mean():
    draw = np.random.default_rng(1)
    step_logits, labels = draw.normal(size=(2, 30, 4)), draw.integers(0, 4, 30)
    accuracy = (step_logits.mean(0).argmax(1) == labels).mean()
    assert early_exit_curve(step_logits, labels, [2])["accuracy"].item() == pytest.approx(accuracy)


def test_a_probability_equal_to_the_threshold_leaves():
    curve = early_exit_curve(np.zeros((3, 1, 2)), np.array([0]), [0.5, 0.51])
    assert curve["mean_steps"].tolist() == [1, 3]


@pytest.mark.parametrize("shape, count", [((2, 3), 3), ((2, 3, 4), 2), ((0, 3, 4), 3), ((2, 0, 4), 0)])
def test_shapes_that_do_not_fit_are_refused(shape, count):
    with pytest.raises(DataError, match="do not fit"):
        early_exit_curve(np.zeros(shape), np.zeros(count, int), [0.5])
