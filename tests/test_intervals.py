"""Intervals against the paper's, closed forms and each other."""

import numpy as np
import pytest
import scipy.stats
from scipy.stats import binom, norm

from neurallnet.errors import DataError
from neurallnet.evaluation import bootstrap_interval, cluster_interval, resampling, wilson_interval
from neurallnet.evaluation.resampling import drawn_share, draws, kept_draws, mean_share, resample_groups, times_drawn


def right(correct: int, n: int) -> np.ndarray:
    return np.arange(n) < correct


@pytest.mark.parametrize(
    ("correct", "n", "accuracy", "low", "high"),
    [(320, 326, 0.9816, 0.9663, 0.9939), (3113, 3242, 0.9602, 0.9534, 0.9667)],
)
def test_percentile_bootstrap_gives_the_papers_intervals(correct, n, accuracy, low, high):
    found = bootstrap_interval(right(correct, n), method="percentile")
    assert correct / n == pytest.approx(accuracy, abs=5e-5)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.002)
    assert (found.level, found.method, found.unit) == (0.95, "percentile bootstrap", "image")


def test_percentile_bootstrap_equals_binomial_quantiles():
    found = bootstrap_interval(right(90, 100), method="percentile")
    assert (found.low, found.high) == pytest.approx(binom.ppf([0.025, 0.975], 100, 0.9) / 100, abs=0.011)


@pytest.mark.parametrize(("correct", "n"), [(0, 5), (3, 7), (320, 326), (326, 326)])
def test_wilson_closed_form(correct, n):
    z, p = norm.ppf(0.975), correct / n
    centre, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    found = wilson_interval(correct, n)
    expected = (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)
    assert found.contains(p)


@pytest.mark.parametrize(("correct", "n"), [(1, 0), (-1, 4), (5, 4)])
def test_wilson_refuses_impossible_counts(correct, n):
    with pytest.raises(DataError, match=f"{correct} of {n}"):
        wilson_interval(correct, n)


def test_bca_is_close_to_wilson_when_there_is_enough():
    bca, wilson = bootstrap_interval(right(900, 1000)), wilson_interval(900, 1000)
    assert (bca.low, bca.high) == pytest.approx((wilson.low, wilson.high), abs=0.003)
    assert bca.method == "BCa bootstrap"


def test_same_seed_same_interval():
    assert bootstrap_interval(right(90, 100)) == bootstrap_interval(right(90, 100))
    rng = np.random.default_rng(0)
    correct, groups = rng.random(200) < 0.9, rng.integers(0, 40, 200)
    assert cluster_interval(correct, groups, seed=1) == cluster_interval(correct, groups, seed=1)
    assert cluster_interval(correct, groups, seed=1) != cluster_interval(correct, groups, seed=2)


def test_singletons_give_the_image_interval():
    correct = np.random.default_rng(0).permutation(right(280, 300))
    groups = [f"group {i}" for i in range(300)]
    single, image = cluster_interval(correct, groups), bootstrap_interval(correct)
    assert (single.low, single.high) == pytest.approx((image.low, image.high), abs=0.004)
    assert (single.unit, image.unit) == ("near-duplicate group", "image")


def test_copies_add_nothing_over_groups_but_fool_the_image_interval():
    once = right(140, 150)
    fourfold, groups = np.repeat(once, 4), np.repeat(np.arange(150), 4)
    honest, fooled, before = (
        cluster_interval(fourfold, groups),
        bootstrap_interval(fourfold),
        bootstrap_interval(once),
    )
    assert honest.high - honest.low == pytest.approx(before.high - before.low, rel=0.1)
    assert fooled.high - fooled.low < 0.6 * (honest.high - honest.low)


def test_balanced_accuracy_counts_classes_alike():
    correct = np.concatenate([right(95, 100), right(10, 20)])
    labels = np.repeat(["Pro", "Benign"], [100, 20])
    found = bootstrap_interval(correct, labels)
    assert found.contains((0.95 + 0.5) / 2)
    assert not found.contains(105 / 120)


def test_unequal_groups_are_a_ratio_of_sums():
    # 10 groups of 9 right images, 10 groups of 1 wrong image: accuracy 0.9, not the mean of group shares, 0.5
    correct, groups = (
        np.repeat([True, False], [90, 10]),
        np.concatenate([np.repeat(np.arange(10), 9), np.arange(10, 20)]),
    )
    found = cluster_interval(correct, groups)
    assert found.contains(0.9)
    assert not found.contains(0.5)


@pytest.mark.parametrize("share", [0, 1])
@pytest.mark.parametrize("method", ["BCa", "percentile"])
def test_all_right_or_all_wrong_is_no_certainty(share, method):
    correct, groups = np.full(100, share, bool), np.repeat(np.arange(25), 4)
    found = cluster_interval(correct, groups, method=method)
    wilson = wilson_interval(25 * share, 25)
    assert (found.low, found.high) == (wilson.low, wilson.high)
    assert "Wilson" in found.method
    assert "no spread" in found.method


def test_one_error_in_many_is_finite():
    found = bootstrap_interval(right(325, 326))
    assert 0.98 < found.low < 325 / 326 < found.high <= 1


def test_empty_unequal_and_single_groups_are_refused():
    with pytest.raises(DataError):
        bootstrap_interval(np.array([], bool))
    with pytest.raises(DataError, match="3 results, 2 groups"):
        cluster_interval(right(2, 3), [0, 1])
    with pytest.raises(DataError, match="two or more"):
        cluster_interval(right(2, 3), [0, 0, 0])


def test_resamples_are_shares_of_whole_groups_and_equal_ones_are_equal():
    """Against the sums written out; and the same groups in another order are the same resample, to the last digit."""
    generator = np.random.default_rng(0)
    sums, sizes = generator.random((50, 4)) / 3, generator.integers(0, 3, (50, 4)).astype(float)
    drawn = generator.integers(0, 50, (2, 7, 50))
    found = drawn_share(times_drawn(drawn, 50), sums, sizes)
    np.testing.assert_allclose(found, mean_share(sums[drawn].sum(-2), sizes[drawn].sum(-2)), atol=1e-11)
    assert found.shape == (2, 7)
    place = generator.permutation(50)
    assert np.array_equal(found, drawn_share(times_drawn(np.argsort(place)[drawn], 50), sums[place], sizes[place]))


def test_percentiles_take_over_where_no_resample_reaches_the_estimate():
    low, high, used = resample_groups(lambda times: (times > 0).mean(-1), 20, "BCa", 0.95, 999, 0)
    assert used == "percentile" and 0.4 < low < 0.64 < high < 0.9, "about 64% of groups are in a resample"


@pytest.mark.parametrize("method", ["BCa", "percentile"])
@pytest.mark.parametrize("units", [3, 40, 4000])  # few, some, and more than one block of them
def test_the_interval_is_scipys_own(method, units):
    values = np.random.default_rng(1).exponential(size=units)
    wanted = scipy.stats.bootstrap((values,), np.mean, n_resamples=999, method=method, rng=np.random.default_rng(7), batch=500)
    low, high, used = resample_groups(lambda times: times @ values / units, units, method, 0.95, 999, 7)
    assert (low, high) == pytest.approx(tuple(wanted.confidence_interval), rel=1e-12) and used == method
    assert all(not block.flags.writeable and (block.sum(1) == units).all() for block in draws(units, 999, 7))


def test_a_large_table_of_resamples_is_not_kept_and_gives_the_same_interval(monkeypatch):
    values = np.random.default_rng(1).exponential(size=300)
    asked = (lambda times: times @ values / 300), 300, "BCa", 0.95, 999, 7
    kept_draws.cache_clear()
    kept = resample_groups(*asked)
    assert kept_draws.cache_info().currsize == 1 and resample_groups(*asked) == kept
    kept_draws.cache_clear()
    monkeypatch.setattr(resampling, "_KEPT", 300 * 999 - 1)
    assert resample_groups(*asked) == kept and kept_draws.cache_info().currsize == 0
