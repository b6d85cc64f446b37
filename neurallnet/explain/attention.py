"""How much of an explanation lies where it should: shares of attention, against the share that chance would give.

Attention spread evenly puts a share of itself inside a mask that equals the mask's share of the area. So chance of an image is
that area, and the ratio of mean share to mean area says how many times chance; it is a ratio of means, because a ratio per image
would be ruled by the smallest masks.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from neurallnet.errors import DataError
from neurallnet.evaluation.intervals import RESAMPLES, Interval, group_sums
from neurallnet.evaluation.resampling import resample_groups

UNIT = "near-duplicate group"
LEAST_AREA = 0.01  # a mask of less is taken for a failed segmentation


@dataclass(frozen=True)
class Ratio:
    """Sum of one quantity over the sum of another, with its interval over groups of images."""

    value: float
    interval: Interval


@dataclass(frozen=True)
class Inside:
    """Share of the attention inside the masks of `n` images in `groups` groups; `chance` is the masks' share of the area.

    `value` is the mean share per image with interval `low` to `high`, `ratio` is value / chance with its own. Images were left
    out because the mask was too small or because no place had attention.
    """

    value: float
    low: float
    high: float
    chance: float
    ratio: float
    ratio_low: float
    ratio_high: float
    n: int
    groups: int
    mask_too_small: int
    no_attention: int
    unit: str = UNIT

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def share_inside(attention: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Share of each image's attention (N, h, w), none negative, inside `covered` (N, h, w) or (h, w), in [0, 1]; shape (N,).

    NaN where an image has no attention anywhere. Raises DataError for other shapes and for negative attention.
    """
    if attention.ndim != 3 or attention.shape[1:] != covered.shape[-2:] or (attention < 0).any():
        raise DataError(
            f"attention: maps {attention.shape} and masks {covered.shape}; needed are equal sizes and no negative value"
        )
    total = attention.sum((1, 2), dtype=np.float64)
    part = (attention * covered).sum((1, 2), dtype=np.float64)
    return np.divide(part, total, out=np.full(len(total), np.nan), where=total > 0)


def attention_inside(
    attention: np.ndarray,
    covered: np.ndarray,
    groups: np.ndarray,
    counted: np.ndarray | None = None,
    least_area: float = LEAST_AREA,
    seed: int = 0,
) -> Inside | None:
    """`Inside` of the images whose mask covers at least `least_area`; None when fewer than two groups are left.

    `counted` (h, w) in [0, 1]: what of each place counts, in attention as in area; all of it by default.
    """
    counted = np.ones(covered.shape[-2:]) if counted is None else counted
    share = share_inside(attention * counted, covered)
    area = np.broadcast_to((covered * counted).sum((-2, -1), dtype=np.float64) / counted.sum(dtype=np.float64), share.shape)
    large, known = area >= least_area, np.isfinite(share)
    kept, groups = large & known, np.asarray(groups)
    count = len(np.unique(groups[kept]))
    if count < 2:
        return None
    share, area, groups = share[kept], area[kept], groups[kept]
    mean, ratio = mean_over(share, groups, seed), ratio_over(share, area, groups, seed)
    ends = (mean.value, mean.interval.low, mean.interval.high, float(area.mean()))
    others = (ratio.value, ratio.interval.low, ratio.interval.high)
    return Inside(*ends, *others, len(share), count, int((~large).sum()), int((large & ~known).sum()))


def ratio_over(top: Sequence[float], bottom: Sequence[float], groups: np.ndarray, seed: int = 0) -> Ratio:
    """sum(top) / sum(bottom) over images, `bottom` above zero, with its 95% BCa interval over groups; all of shape (N,).

    Raises DataError with fewer than two groups.
    """
    sums, weights = group_sums(top, groups)[0][:, 0], group_sums(bottom, groups)[0][:, 0]
    if len(sums) < 2:
        raise DataError(f"interval: {len(sums)} {UNIT} cannot say how they differ; two or more are needed")

    def statistic(times: np.ndarray) -> np.ndarray:
        return (times @ sums) / (times @ weights)

    low, high, method = resample_groups(statistic, len(sums), "BCa", 0.95, RESAMPLES, seed)
    return Ratio(float(sums.sum() / weights.sum()), Interval(low, high, 0.95, f"{method} bootstrap", UNIT))


def mean_over(values: Sequence[float], groups: np.ndarray, seed: int = 0) -> Ratio:
    """Mean over images (N,) with its interval over groups, for quantities that may be negative."""
    return ratio_over(values, np.ones(len(values)), groups, seed)
