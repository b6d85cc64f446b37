"""Groups of images drawn with replacement: how often each is drawn, and scipy's bootstrap interval of what follows from it.

Numbers of draws are made once for as many groups and kept, since most intervals of a chapter are over the same groups, unless
there are so many groups that they would fill the memory: scipy then makes the interval of the statistics that it is given.
"""

import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import DegenerateDataWarning, bootstrap

Method = Literal["BCa", "percentile"]
# How often each group is drawn, shape (..., groups) -> the statistic of each resample, shape (...)
Statistic = Callable[[np.ndarray], np.ndarray]
_BLOCK = 2_000_000  # values of a table of resamples worked on at once: about 16 MB
_KEPT = 50_000_000  # values of a table of resamples that is kept for the next interval, at most: 100 MB


class _Drawn(NamedTuple):
    """What scipy's bootstrap takes for a result that has its resamples already."""

    bootstrap_distribution: np.ndarray


def resample_groups(
    statistic: Statistic, units: int, method: Method, level: float, resamples: int, seed: int
) -> tuple[float, float, Method]:
    """Ends of scipy's bootstrap interval of `statistic` over `units` groups, and the method that gave them.

    BCa has no answer when the estimate lies at the edge of all resamples; the percentile interval of the same
    resamples then takes its place. Equal ends mean that no resample differed.
    """

    def of_numbers(drawn: np.ndarray, axis: int = -1) -> np.ndarray:
        return statistic(times_drawn(drawn, units).astype(np.float64))

    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", DegenerateDataWarning)  # answered below
        blocks = kept_draws(units, resamples, seed) if units * resamples <= _KEPT else draws(units, resamples, seed)
        distribution = np.concatenate([statistic(times.astype(np.float64)) for times in blocks])
        result = bootstrap(
            (np.arange(units),),
            of_numbers,
            n_resamples=0,
            batch=max(1, _BLOCK // units),
            vectorized=True,
            method=method,
            confidence_level=level,
            bootstrap_result=_Drawn(distribution),
        )
    low, high = result.confidence_interval
    if not np.isfinite([low, high]).all():
        low, high = np.quantile(distribution, [(1 - level) / 2, (1 + level) / 2])
        method = "percentile"
    return float(low), float(high), method


def draws(units: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each of `units` groups is drawn in each resample of as many: read-only uint16, shape (resamples, units), in blocks
    of rows that fit a processor's cache.

    The same numbers as scipy's bootstrap draws with that seed.
    """
    generator, rows = np.random.default_rng(seed), max(1, _BLOCK // units)
    for start in range(0, resamples, rows):
        drawn = generator.integers(0, units, (min(rows, resamples - start), units))
        block = times_drawn(drawn, units).astype(np.uint16)
        block.setflags(write=False)
        yield block


@lru_cache(maxsize=2)
def kept_draws(units: int, resamples: int, seed: int) -> tuple[np.ndarray, ...]:
    """`draws`, made once."""
    return tuple(draws(units, resamples, seed))


def times_drawn(drawn: np.ndarray, units: int) -> np.ndarray:
    """Numbers of groups, shape (..., n) -> how often each of `units` groups is among them, shape (..., units)."""
    rows = drawn.reshape(-1, drawn.shape[-1])
    places = rows + units * np.arange(len(rows))[:, None]
    return np.bincount(places.ravel(), minlength=units * len(rows)).reshape(*drawn.shape[:-1], units)


def drawn_share(times: np.ndarray, sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """`mean_share` of each resample: how often groups are drawn (..., groups), `group_sums` of all groups -> (...).

    Rounded, so that equal resamples are equal in whatever order a processor adds: BCa counts those below the estimate.
    """
    both = times @ np.hstack((sums, sizes))
    return mean_share(both[..., : sums.shape[-1]], both[..., sums.shape[-1] :]).round(12)


def mean_share(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Mean over labels (last axis) of sums / sizes; a label that a resample lost is left out of its mean."""
    present = sizes > 0
    return np.divide(sums, sizes, out=np.zeros_like(sums), where=present).sum(-1) / present.sum(-1)
