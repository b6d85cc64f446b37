"""Two networks on the same images: is one better, or did they fail on different ones by chance?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from neurallnet.errors import DataError
from neurallnet.evaluation.intervals import RESAMPLES, Interval, group_sums, wilson_interval
from neurallnet.evaluation.predictions import correctness
from neurallnet.evaluation.resampling import Method, drawn_share, mean_share, resample_groups


@dataclass(frozen=True)
class McNemar:
    """Images only the first network got right, those only the second did, and the exact two-sided p-value."""

    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True)
class Difference:
    """First minus second, with its interval, over `n` images."""

    value: float
    interval: Interval
    n: int


def paired_correctness(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Columns path, label, first, second (right or wrong), from two predictions tables of the same images.

    Raises DataError when an image or a label is not the same in both.
    """
    columns = [t[["path", "label"]].assign(right=correctness(t)).set_index("path") for t in (first, second)]
    only = columns[0].index.symmetric_difference(columns[1].index)
    if len(only):
        raise DataError(
            f"paired test: {only[0]} is in one table only (of {len(only)}); predict the same split with both"
        )
    other = columns[1].loc[columns[0].index]
    differs = (columns[0]["label"] != other["label"]).to_numpy()
    if differs.any():
        raise DataError(f"paired test: {columns[0].index[differs.argmax()]} has two different labels")
    return columns[0].rename(columns={"right": "first"}).assign(second=other["right"]).reset_index()


def mcnemar_exact(first: np.ndarray, second: np.ndarray) -> McNemar:
    """Exact McNemar test of two arrays of right/wrong over the same, independent images (McNemar 1947)."""
    first, second = _same_images(first, second, bool)
    a, b = int((first & ~second).sum()), int((~first & second).sum())
    counts = [[int((first & second).sum()), a], [b, int((~first & ~second).sum())]]
    return McNemar(a, b, float(mcnemar(counts, exact=True).pvalue))


def paired_cluster_difference(
    first: np.ndarray,
    second: np.ndarray,
    groups: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    method: Method = "BCa",
    level: float = 0.95,
    unit: str = "near-duplicate group",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """Accuracy (balanced accuracy, given `labels`) of the first minus that of the second, bootstrapped over
    groups.

    All arrays have shape (images,); `first` and `second` are right or wrong, or the share of a network's seeds that
    were right. When the two never differ, the interval is plus and minus the upper end of Wilson's interval for
    none of the groups, and `method` says so.
    """
    first, second = _same_images(first, second, float)
    (right, sizes), (others, _) = group_sums(first, groups, labels), group_sums(second, groups, labels)
    lead, units = right - others, len(sizes)
    if units < 2:
        raise DataError(f"paired test: {units} {unit} cannot say how {unit}s differ; two or more are needed")

    def statistic(times: np.ndarray) -> np.ndarray:
        return drawn_share(times, lead, sizes)

    value = float(mean_share(lead.sum(0), sizes.sum(0)))
    low, high, used = resample_groups(statistic, units, method, level, resamples, seed)
    if high > low:
        return Difference(value, Interval(low, high, level, f"paired {used} bootstrap", unit), first.size)
    reach = wilson_interval(0, units, level, unit).high
    ends = Interval(value - reach, value + reach, level, "Wilson (no group differs from another)", unit)
    return Difference(value, ends, first.size)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p-values of a family of comparisons, adjusted so that any false alarm among them stays at the level
    (Holm 1979).

    >>> {name: round(p, 6) for name, p in holm({"a": 0.01, "b": 0.04, "c": 0.03}).items()}
    {'a': 0.03, 'b': 0.06, 'c': 0.06}
    """
    if not p_values:
        return {}
    adjusted = multipletests(list(p_values.values()), method="holm")[1]
    return dict(zip(p_values, map(float, adjusted), strict=True))


def _same_images(first: np.ndarray, second: np.ndarray, kind: type) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(first, dtype=kind), np.asarray(second, dtype=kind)
    if first.shape != second.shape or not first.size:
        raise DataError(
            f"paired test: {first.size} and {second.size} results; both networks need the same images"
        )
    return first, second
