"""Two networks on the same images, against binomial arithmetic and statsmodels."""

import numpy as np
import pytest
from scipy.stats import binomtest
from statsmodels.stats.multitest import multipletests

from neurallnet.errors import DataError
from neurallnet.evaluation import (
    build_predictions,
    holm,
    mcnemar_exact,
    paired_cluster_difference,
    paired_correctness,
)


def two(both: int, only_first: int, only_second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    counts = [both, only_first, only_second, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


@pytest.mark.parametrize("counts", [(50, 8, 1, 3), (300, 1, 6, 0), (10, 4, 4, 0)])
def test_mcnemar_is_a_sign_test_of_the_discordant(counts):
    found = mcnemar_exact(*two(*counts))
    _, first, second, _ = counts
    assert (found.only_first, found.only_second) == (first, second)
    assert found.p_value == pytest.approx(min(1, binomtest(first, first + second).pvalue))


def test_mcnemar_without_discordant_images():
    assert mcnemar_exact(*two(20, 0, 0, 5)).p_value == 1


def test_difference_has_the_normal_width_when_images_are_independent():
    first, second = two(800, 80, 40, 80)
    found = paired_cluster_difference(first, second, np.arange(1000))
    assert found.value == pytest.approx(0.04)
    assert found.n == 1000
    half = 1.96 * np.sqrt((0.12 - 0.04**2) / 1000)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.04 - half, 0.04 + half), abs=0.003)


def test_copies_widen_the_difference_to_that_of_the_originals():
    first, second = two(160, 16, 8, 16)
    alone = paired_cluster_difference(first, second, np.arange(200)).interval
    copied = paired_cluster_difference(
        np.repeat(first, 3), np.repeat(second, 3), np.repeat(np.arange(200), 3)
    ).interval
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=0.1)


def test_difference_of_balanced_accuracies():
    first, second = np.repeat([True, False, True], [90, 10, 10]), np.repeat([True, False], [100, 10])
    labels = np.repeat(["Pro", "Benign"], [100, 10])
    found = paired_cluster_difference(first, second, np.arange(110), labels)
    assert found.value == pytest.approx((0.9 + 1.0) / 2 - (1.0 + 0.0) / 2)
    assert found.interval.contains(found.value)


def test_twins_are_not_proven_equal():
    correct = np.arange(100) < 95
    found = paired_cluster_difference(correct, correct, np.arange(100))
    assert found.value == 0
    assert -0.05 < found.interval.low < 0 < found.interval.high < 0.05
    assert "Wilson" in found.interval.method


def test_holm_equals_statsmodels_and_keeps_names():
    raw = {"se": 0.001, "dense": 0.02, "beta": 0.03, "reset": 0.4}
    assert list(holm(raw)) == list(raw)
    assert list(holm(raw).values()) == pytest.approx(multipletests(list(raw.values()), method="holm")[1])
    assert holm({}) == {}


def test_tables_are_matched_by_image_not_by_row():
    logits = np.eye(4)
    a = build_predictions(list("wxyz"), ["Benign", "Early", "Pre", "Pro"], "test", logits)
    b = build_predictions(list("zyxw"), ["Pro", "Pre", "Early", "Benign"], "test", logits[[3, 2, 0, 0]])
    found = paired_correctness(a, b.iloc[::-1]).set_index("path")
    assert found["first"].all()
    assert found.index[~found["second"]].tolist() == ["x"]
    with pytest.raises(DataError, match="in one table only"):
        paired_correctness(a, b.iloc[1:])
    with pytest.raises(DataError, match="two different labels"):
        paired_correctness(a, build_predictions(list("wxyz"), ["Pro", "Early", "Pre", "Pro"], "test", logits))


def test_unequal_lengths_are_refused():
    with pytest.raises(DataError, match="same images"):
        mcnemar_exact(np.ones(3, bool), np.ones(4, bool))
