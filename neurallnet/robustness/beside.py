"""Other networks under the same corruptions of the same images: errors as multiples of theirs, and who is right more often."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from neurallnet.evaluation.paired import paired_cluster_difference
from neurallnet.evaluation.predictions import groups_of
from neurallnet.robustness.mce import mean_corruption_error
from neurallnet.robustness.tables import CLEAN, by_picture, paired_pictures, summarize_corrupted


def robustness_beside(ours: pd.DataFrame, others: Mapping[str, pd.DataFrame], groups: pd.Series) -> list[dict[str, Any]]:
    """A row per network of `others`: how `ours` fares beside it, from tables of `corrupted_predictions` of the same pictures, of
    one seed or several, over which all figures are means.

    `clean`, `corrupted`: its accuracy on untouched images, and its mean over every corruption and severity; `ours`: our mean.
    `lead`, `low`, `high`: points by which ours is above, paired by picture, with the 95% interval over `groups` (path -> group).
    `mce`, `relative_mce`: our mean corruption errors as multiples of its own, None where nothing can be divided by; `left_out`,
    `relative_left_out`: the corruptions left out of them. Raises DataError when corruptions, severities or images differ.
    """
    ours_by_picture, summary = by_picture(ours), summarize_corrupted(ours)
    return [{"network": name, **_row(ours_by_picture, summary, other, groups)} for name, other in others.items()]


def _row(ours: pd.DataFrame, summary: pd.DataFrame, other: pd.DataFrame, groups: pd.Series) -> dict[str, Any]:
    """`ours`: `by_picture`; `summary`: `summarize_corrupted` of ours."""
    table = summarize_corrupted(other)
    errors = mean_corruption_error(summary, table)
    pairs = paired_pictures(ours, by_picture(other))
    pairs = pairs[pairs["corruption"] != CLEAN]
    found = paired_cluster_difference(pairs["first"], pairs["second"], groups_of(pairs, groups))
    return {
        "clean": float(table.loc[table["corruption"] == CLEAN, "accuracy"].item()),
        "corrupted": float(pairs["second"].mean()),
        "ours": float(pairs["first"].mean()),
        "lead": 100 * found.value,
        "low": 100 * found.interval.low,
        "high": 100 * found.interval.high,
        "unit": found.interval.unit,
        "n": int(pairs["path"].nunique()),
        "mce": errors.mce,
        "relative_mce": errors.relative_mce,
        "left_out": list(errors.undefined),
        "relative_left_out": list(errors.undefined_relative),
    }
