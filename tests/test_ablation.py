"""Arms against a reference: numbers by hand, p-values by enumeration, and intervals that resample groups, not images."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from statsmodels.stats.multitest import multipletests

from neurallnet.ablation import compare_arms, sign_flip_p
from neurallnet.errors import DataError
from neurallnet.evaluation import build_predictions


def predictions(right: list[bool] | np.ndarray, start: int = 0) -> pd.DataFrame:
    """Of images that all are A; a wrong one is called B."""
    logits = np.where(np.asarray(right, bool)[:, None], [2.0, 0.0], [0.0, 2.0])
    paths = [f"{start + i:04}.png" for i in range(len(logits))]
    return build_predictions(paths, ["A"] * len(logits), "test", logits, ("A", "B"))


def alone(n: int) -> pd.Series:
    return pd.Series({f"{i:04}.png": i for i in range(n)})


def pattern(n: int, wrong: range) -> np.ndarray:
    return ~np.isin(np.arange(n), list(wrong))


def test_sign_flip_is_exact_for_few_groups():
    """Groups lead by 3, 1, 1, -1: of the 16 assignments of signs, those at least as far from zero as the sum 4."""
    first = np.array([1, 1, 1, 1, 1, 0, 1, 0], bool)
    second = np.array([0, 0, 0, 0, 0, 1, 1, 0], bool)
    groups = np.array([0, 0, 0, 1, 2, 3, 4, 4])
    sums = [sum(s * v for s, v in zip(signs, (3, 1, 1, 1), strict=True)) for signs in itertools.product((1, -1), repeat=4)]
    assert sign_flip_p(first, second, groups) == pytest.approx(np.mean(np.abs(sums) >= 4))


def test_sign_flip_over_single_images_is_mcnemar():
    first, second = pattern(60, range(0, 2)), pattern(60, range(2, 11))
    assert sign_flip_p(first, second, np.arange(60)) == pytest.approx(binomtest(2, 11).pvalue, rel=1e-9)
    assert sign_flip_p(first, first, np.arange(60)) == 1.0
    one = first.copy()
    one[0] = not one[0]
    assert sign_flip_p(first, one, np.arange(60)) == 1.0  # swapped or not, one image is as far off


def test_sign_flip_is_more_careful_when_errors_come_in_groups():
    first, second = pattern(60, range(0)), pattern(60, range(0, 9))
    assert sign_flip_p(first, second, np.arange(60)) < 0.01 < sign_flip_p(first, second, np.arange(60) // 3)


def test_rows_by_hand():
    n = 200
    tables = {
        "base": {0: predictions(pattern(n, range(0, 4)))},
        "worse": {0: predictions(pattern(n, range(2, 22)))},  # 18 lost, 2 won
        "same": {0: predictions(pattern(n, range(0, 4)))},
    }
    found = compare_arms(tables, alone(n)).set_index("arm")
    assert list(found.index) == ["worse", "same"]
    row = found.loc["worse"]
    assert (row["n"], row["groups"], row["seeds"]) == (200, 200, 1)
    assert (row["reference_accuracy"], row["accuracy"], row["drop"]) == pytest.approx((0.98, 0.90, 8.0))
    assert (row["only_reference"], row["only_arm"]) == (18, 2)
    assert row["mcnemar_p"] == pytest.approx(binomtest(2, 20).pvalue)
    half = 100 * 1.96 * np.sqrt((0.1 - 0.08**2) / n)
    assert (row["low"], row["high"]) == pytest.approx((8 - half, 8 + half), abs=0.8)
    assert found.loc["same", ["drop", "p", "mcnemar_p"]].tolist() == [0, 1, 1]
    for given, adjusted in (("p", "p_holm"), ("mcnemar_p", "mcnemar_holm")):
        assert found[adjusted].tolist() == pytest.approx(multipletests(found[given], method="holm")[1].tolist())


def test_copies_of_one_field_do_not_narrow_the_interval():
    once = {"base": pattern(80, range(0, 2)), "arm": pattern(80, range(2, 14))}
    single = compare_arms({name: {0: predictions(right)} for name, right in once.items()}, alone(80)).iloc[0]
    thrice = {name: {0: predictions(np.repeat(right, 3))} for name, right in once.items()}
    groups = pd.Series({f"{i:04}.png": i // 3 for i in range(240)})
    copied = compare_arms(thrice, groups).iloc[0]
    assert copied["groups"] == 80 and copied["n"] == 240
    assert copied["drop"] == pytest.approx(single["drop"])
    assert copied["high"] - copied["low"] == pytest.approx(single["high"] - single["low"], rel=0.1)


def test_seeds_are_paired_and_averaged():
    """Two seeds lose 10 and 2 of 100 images; the seed that only the reference has is left out. McNemar: the first seed."""
    whole = predictions(pattern(100, range(0)))
    arm = {1: predictions(pattern(100, range(0, 10))), 0: predictions(pattern(100, range(50, 52)))}
    row = compare_arms({"base": {0: whole, 1: whole, 2: predictions(pattern(100, range(90)))}, "arm": arm}, alone(100)).iloc[0]
    assert (row["seeds"], row["n"], row["groups"]) == (2, 100, 100)
    assert (row["drop"], row["only_reference"]) == (pytest.approx(6.0), 2)


def test_what_cannot_be_compared_is_named():
    table = predictions(pattern(10, range(0)))
    with pytest.raises(DataError, match="reference 'base'"):
        compare_arms({"arm": {0: table}}, alone(10))
    with pytest.raises(DataError, match="arm arm and base have no seed in common"):
        compare_arms({"base": {0: table}, "arm": {1: table}}, alone(10))
    with pytest.raises(DataError, match="in one table only"):
        compare_arms({"base": {0: table}, "arm": {0: predictions(pattern(9, range(0)))}}, alone(10))
