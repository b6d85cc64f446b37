"""Mean corruption error (Hendrycks & Dietterich 2019, arXiv 1903.12261): errors as multiples of a baseline's.

With E the error rate at severity s of corruption c, and E0 that on untouched images:

    CE_c          = sum_s E_sc           / sum_s E_sc(baseline)
    relative CE_c = sum_s (E_sc - E0)    / sum_s (E_sc(baseline) - E0(baseline))

mCE and relative mCE are their means over corruptions: 1 is the baseline's own, below 1 is better. The first asks who is
more often right, the second who loses less; a network that is poor on clean images may win the second.
"""

from dataclasses import dataclass

import pandas as pd

from neurallnet.errors import DataError
from neurallnet.robustness.tables import CLEAN


@dataclass(frozen=True)
class MeanCorruptionError:
    """`per_corruption` has columns corruption, ce, relative_ce.

    A ratio is NaN where the baseline has no error, or no loss, to compare with; it is left out of the mean and its
    corruption named in `undefined` or `undefined_relative`. A mean of no ratio at all is None.
    """

    mce: float | None
    relative_mce: float | None
    per_corruption: pd.DataFrame
    undefined: tuple[str, ...]
    undefined_relative: tuple[str, ...]


def mean_corruption_error(table: pd.DataFrame, baseline: pd.DataFrame) -> MeanCorruptionError:
    """mCE of one robustness table against another, which must have the same corruptions, severities and images.

    Raises DataError when they differ or the untouched images are missing.
    """
    (error, clean), (reference, reference_clean) = _errors(table, "table"), _errors(baseline, "baseline")
    if not error.index.equals(reference.index) or table["n"].max() != baseline["n"].max():
        raise DataError(
            "mCE: the table and the baseline differ in corruptions, severities or images; evaluate both alike"
        )
    ce = _ratio(error, reference)
    relative = _ratio(error - clean, reference - reference_clean)
    per_corruption = pd.DataFrame({"ce": ce, "relative_ce": relative}).reset_index()
    missing = [tuple(ratio.index[ratio.isna()]) for ratio in (ce, relative)]
    means = [None if ratio.isna().all() else float(ratio.mean()) for ratio in (ce, relative)]
    return MeanCorruptionError(*means, per_corruption, *missing)


def _ratio(errors: pd.Series, reference: pd.Series) -> pd.Series:
    """Ratio of sums over severities by corruption; NaN unless the baseline's sum is positive."""
    above, below = (x.groupby(level="corruption").sum() for x in (errors, reference))
    return above / below.where(below > 1e-12)


def _errors(table: pd.DataFrame, what: str) -> tuple[pd.Series, float]:
    """Error rates indexed by corruption and severity, sorted, and the one on untouched images."""
    clean = table.loc[table["corruption"] == CLEAN, "accuracy"]
    rest = table[table["corruption"] != CLEAN].set_index(["corruption", "severity"]).sort_index()
    if len(clean) != 1 or rest.empty or rest.index.has_duplicates or table["n"].nunique() != 1:
        raise DataError(
            f"mCE: the {what} needs one row 'none' for untouched images and one per corruption and severity, all of the same n"
        )
    return 1 - rest["accuracy"], 1 - float(clean.iloc[0])
