"""What a corruption costs: the untouched image against itself, corrupted."""

import pandas as pd

from neurallnet.errors import DataError
from neurallnet.evaluation.paired import paired_cluster_difference
from neurallnet.evaluation.predictions import groups_of
from neurallnet.robustness.tables import CLEAN, KEYS, by_picture, paired_pictures

MIDDLE = 3  # the severity that claims are about


def corruption_drops(predictions: pd.DataFrame, groups: pd.Series, severity: int = MIDDLE, seed: int = 0) -> pd.DataFrame:
    """Columns corruption, severity, drop, low, high, unit, n, seeds: points of accuracy lost at `severity`, paired by image.

    `predictions` as of `corrupted_predictions`, of one seed or several, whose mean counts; the interval is bootstrapped over
    `groups` (path -> group). Raises DataError when the untouched images are missing.
    """
    seeds = predictions["seed"].nunique() if "seed" in predictions else 1
    parts = {key: part.drop(columns=KEYS) for key, part in by_picture(predictions).groupby(KEYS, sort=False)}
    clean = parts.get((CLEAN, 0))
    if clean is None:
        raise DataError("corruptions: the untouched images are missing; evaluate them with the corrupted ones")
    rows = []
    for (name, level), part in parts.items():
        if name == CLEAN or level != severity:
            continue
        pairs = paired_pictures(clean, part)
        found = paired_cluster_difference(pairs["first"], pairs["second"], groups_of(pairs, groups), seed=seed)
        ends = {"low": 100 * found.interval.low, "high": 100 * found.interval.high, "unit": found.interval.unit, "n": found.n}
        rows.append({"corruption": name, "severity": int(level), "drop": 100 * found.value, **ends, "seeds": seeds})
    return pd.DataFrame(rows)
