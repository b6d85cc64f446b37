"""Tables of out-of-distribution scores, and what they say: pure functions, no network, no images.

A score table has a row per image: `set`, `path`, `label` ("" where unknown), `predicted`, and a column per score of SCORES. Sets
are "val" and "test", "stretch-1", "stretch-2", ... (training images, scored without their stretch of the acquisition order) and
the names of other sources. Numbers have six significant digits, in memory as on disk.
"""

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from neurallnet.data.tables import write_text
from neurallnet.errors import DataError
from neurallnet.evaluation.intervals import Interval, cluster_interval, wilson_interval
from neurallnet.evaluation.predictions import groups_of
from neurallnet.ood.fit import session_threshold
from neurallnet.ood.model import RATE

KEYS = ["set", "path", "label", "predicted"]
SCORES = {
    "mahalanobis": "Mahalanobis distance, appearance",
    "neighbours": "fifth neighbour, appearance",
    "rates": "Mahalanobis distance, spike rates",
    "energy": "energy of the logits",
    "doubt": "maximum softmax",
}
STRETCH = "stretch-"
POOLED = "all together"
OWN = ("val", "test")


def write_scores(path: Path, table: pd.DataFrame) -> None:
    """Write a score table as CSV, atomically."""
    write_text(table.to_csv(index=False, float_format="%.6g", lineterminator="\n"), Path(path))


def read_scores(path: Path) -> pd.DataFrame:
    """Read and check what `write_scores` wrote; raises DataError naming the file and what is wrong."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        table = pd.read_csv(StringIO(text), dtype=dict.fromkeys(KEYS, str), keep_default_na=False)
        table = table.astype(dict.fromkeys(SCORES, float))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: no readable table of scores ({error}); remove it and run the chapter again") from None
    return check_scores(table, str(path))


def check_scores(table: pd.DataFrame, where: str = "scores") -> pd.DataFrame:
    """The same table, or a DataError that names `where` and what is missing or not finite."""
    missing = [c for c in (*KEYS, *SCORES) if c not in table.columns]
    if missing or table.empty:
        raise DataError(f"{where}: has no {', '.join(missing) or 'rows'}; score the images again")
    bad = ~np.isfinite(table[list(SCORES)]).all(axis=1) | table.duplicated(["set", "path"])
    if bad.any():
        raise DataError(f"{where}: {table.loc[bad, 'path'].iloc[0]} has a score that is not finite, or comes twice")
    return table


def threshold_of(table: pd.DataFrame, score: str, rate: float = RATE) -> float:
    """The threshold of one network's score table: `session_threshold` of its validation and left-out training images."""
    validation = table.loc[table["set"] == "val", score].to_numpy(float)
    left_out = table[table["set"].str.startswith(STRETCH)]
    stretch = left_out["set"].to_numpy(str)
    return session_threshold(validation, left_out[score].to_numpy(float), stretch, rate)


def flag_table(
    tables: Mapping[str, pd.DataFrame],
    groups: pd.Series | None = None,
    rate: float = RATE,
    benign: str = "Benign",
    seed: int = 0,
) -> pd.DataFrame:
    """How many images each score flags, by network (`tables`: name -> score table) and set.

    Columns part, score, set, n, threshold; flagged with its 95% interval low, high and unit; auroc of the set against the part's
    test images (None for val and test). Of the n_healthy images labelled `benign` or not at all (sources without labels are
    healthy ones): false_alarms, the share called anything else, and unflagged_alarms, the share called so and not flagged, with
    its interval unflagged_low, unflagged_high; None without such images. A row of part POOLED takes the networks together: flags
    at each one's own threshold, the mean of their AUROCs. Intervals are over `groups` (path -> group) for val and test, else over
    images, of which several networks may have scored the same.
    """
    rows: list[dict[str, Any]] = []
    for score in SCORES:
        judged = []
        for part, table in tables.items():
            threshold = threshold_of(table, score, rate)
            shown = table[~table["set"].str.startswith(STRETCH)]
            shown = shown.assign(part=part, threshold=threshold, flagged=shown[score] > threshold)
            auroc = {name: _auroc(shown, score, name) for name in shown["set"].unique() if name not in OWN}
            healthy, alarm = shown["label"].isin(["", benign]), shown["predicted"] != benign
            judged.append(shown.assign(healthy=healthy, alarm=alarm, auroc=shown["set"].map(auroc)))
        rows += [_row(part, groups, score, seed) for table in judged for _, part in table.groupby("set", sort=False)]
        if len(judged) > 1:
            together = pd.concat(judged, ignore_index=True)
            rows += [_row(part, groups, score, seed, POOLED) for _, part in together.groupby("set", sort=False)]
    return pd.DataFrame(rows)


def _auroc(table: pd.DataFrame, score: str, other: str) -> float:
    both = table[table["set"].isin(["test", other])]
    return float(roc_auc_score(both["set"] == other, both[score]))


def _row(table: pd.DataFrame, groups: pd.Series | None, score: str, seed: int, part: str | None = None) -> dict[str, Any]:
    name = str(table["set"].iloc[0])
    own = groups is not None and name in OWN
    group = groups_of(table, groups) if own else table["path"].to_numpy()
    unit = "near-duplicate group" if own else "image"
    ends, aurocs = _interval(table["flagged"].to_numpy(bool), group, unit, seed), table.groupby("part")["auroc"].first()
    row = {
        "part": part or table["part"].iloc[0],
        "score": score,
        "set": name,
        "n": len(table),
        "threshold": None if part else float(table["threshold"].iloc[0]),
        "flagged": float(table["flagged"].mean()),
        "low": ends.low,
        "high": ends.high,
        "unit": ends.unit,
        "auroc": None if aurocs.isna().any() else float(aurocs.mean()),
    }
    return row | _alarms(table, group, unit, seed)


def _alarms(table: pd.DataFrame, group: np.ndarray, unit: str, seed: int) -> dict[str, Any]:
    healthy = table["healthy"].to_numpy(bool)
    names = ("false_alarms", "unflagged_alarms", "unflagged_low", "unflagged_high")
    if not healthy.any():
        return {"n_healthy": 0} | dict.fromkeys(names)
    alarm = table["alarm"].to_numpy(bool)[healthy]
    unflagged = alarm & ~table["flagged"].to_numpy(bool)[healthy]
    ends = _interval(unflagged, group[healthy], unit, seed)
    values = (float(alarm.mean()), float(unflagged.mean()), ends.low, ends.high)
    return {"n_healthy": int(healthy.sum())} | dict(zip(names, values, strict=True))


def _interval(hits: np.ndarray, group: np.ndarray, unit: str, seed: int) -> Interval:
    if len(np.unique(group)) in (1, len(group)):
        return wilson_interval(int(hits.sum()), len(hits))
    return cluster_interval(hits, group, unit=unit, seed=seed)


def relative_scores(tables: Mapping[str, pd.DataFrame], score: str = "mahalanobis", rate: float = RATE) -> pd.DataFrame:
    """Columns part, set, path, score: a distance over its network's threshold, flagged above 1; training images left out."""
    parts = [
        table.loc[~table["set"].str.startswith(STRETCH), ["set", "path"]].assign(
            part=part, score=table[score] / threshold_of(table, score, rate)
        )
        for part, table in tables.items()
    ]
    return pd.concat(parts, ignore_index=True)[["part", "set", "path", "score"]]
