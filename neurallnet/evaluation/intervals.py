"""How far an accuracy could be off, with the unit that was resampled always named.

Near-duplicate frames are not independent: an interval over images is too narrow when several show one field.
The interval over near-duplicate groups is the headline; those over images stand beside it for comparison with
papers that use them.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from statsmodels.stats.proportion import proportion_confint

from neurallnet.errors import DataError
from neurallnet.evaluation.resampling import Method, drawn_share, mean_share, resample_groups

RESAMPLES = 9999


@dataclass(frozen=True)
class Interval:
    """A confidence interval: ends, level, how it was made, and what was taken as independent."""

    low: float
    high: float
    level: float
    method: str
    unit: str

    def contains(self, value: float) -> bool:
        return self.low <= value <= self.high

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return f"[{self.low:.4f}, {self.high:.4f}] ({self.level:.0%} {self.method} over {self.unit}s)"


def wilson_interval(correct: float, n: int, level: float = 0.95, unit: str = "image") -> Interval:
    """Wilson's score interval for `correct` of `n` (Wilson 1927); never empty and never outside [0, 1].

    >>> str(wilson_interval(320, 326))
    '[0.9604, 0.9915] (95% Wilson over images)'
    """
    if n <= 0 or not 0 <= correct <= n:
        raise DataError(f"interval: {correct} of {n} is no share of anything")
    low, high = proportion_confint(correct, n, alpha=1 - level, method="wilson")
    return Interval(float(low), float(high), level, "Wilson", unit)


def bootstrap_interval(
    correct: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    method: Method = "BCa",
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Bootstrap over single images of the accuracy or, given `labels`, of the balanced accuracy."""
    return cluster_interval(
        correct,
        np.arange(len(correct)),
        labels,
        method=method,
        level=level,
        unit="image",
        resamples=resamples,
        seed=seed,
    )


def cluster_interval(
    correct: np.ndarray,
    groups: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    method: Method = "BCa",
    level: float = 0.95,
    unit: str = "near-duplicate group",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Bootstrap over groups of images: whole groups are drawn with replacement, each with all its images.

    correct, groups, labels: shape (images,). The statistic is the share of right images or, given `labels`,
    the mean of the shares per label. Where all groups agree (every image right, say) there is nothing to
    resample: Wilson's interval on the number of groups takes over and `method` says so. Raises DataError for
    empty input or a single group.
    """
    sums, sizes = group_sums(correct, groups, labels)
    value, units = mean_share(sums.sum(0), sizes.sum(0)), len(sums)
    if units < 2:
        raise DataError(f"interval: {units} {unit} cannot say how {unit}s differ; two or more are needed")

    def statistic(times: np.ndarray) -> np.ndarray:
        return drawn_share(times, sums, sizes)

    low, high, used = resample_groups(statistic, units, method, level, resamples, seed)
    if high > low:
        return Interval(low, high, level, f"{used} bootstrap", unit)
    wilson = wilson_interval(float(value) * units, units, level, unit)
    return Interval(wilson.low, wilson.high, level, "Wilson (all alike, so a bootstrap has no spread)", unit)


def group_sums(
    correct: np.ndarray, groups: np.ndarray, labels: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Sum of `correct` and number of images per group and label, two arrays of shape (groups, labels).

    Without `labels` all images share one. Raises DataError when lengths differ or there is no image.
    """
    correct, groups = np.asarray(correct, dtype=np.float64), np.asarray(groups)
    labels = np.zeros(len(correct)) if labels is None else np.asarray(labels)
    if not len(correct) == len(groups) == len(labels) or not len(correct):
        raise DataError(
            f"interval: {len(correct)} results, {len(groups)} groups, {len(labels)} labels; all must be equal"
        )
    row, column = (np.unique(x, return_inverse=True)[1] for x in (groups, labels))
    shape = (row.max() + 1, column.max() + 1)
    sums, sizes = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, (row, column), correct)
    np.add.at(sizes, (row, column), 1)
    return sums, sizes
