"""Accuracy under corruption: predictions for every corruption and severity, and their summary with intervals.

The corrupted predictions are an ordinary predictions table with two columns before it, `corruption` and `severity`; the
untouched images are corruption "none", severity 0. Those of several seeds of a network lie below each other, with a column `seed`.
Everything else is a pure function of that table.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from neurallnet.config import CLASSES
from neurallnet.data.tables import write_text
from neurallnet.errors import DataError
from neurallnet.evaluation.intervals import cluster_interval, wilson_interval
from neurallnet.evaluation.predictions import build_predictions, check_predictions, correctness, groups_of
from neurallnet.robustness.corruptions import CORRUPTIONS, PAPER_SIX, SEVERITIES, check_images, corrupt

Predict = Callable[[np.ndarray], np.ndarray]  # uint8 (N, H, W, 3) -> logits (N, classes)
KEYS = ["corruption", "severity"]
CLEAN = "none"


def corrupted_predictions(
    predict: Predict,
    images: np.ndarray,
    labels: np.ndarray,
    paths: Sequence[str],
    names: Sequence[str] = PAPER_SIX,
    severities: Sequence[int] = SEVERITIES,
    *,
    classes: Sequence[str] = CLASSES,
    fold: str = "test",
    progress: bool | None = None,
) -> pd.DataFrame:
    """Predictions for the untouched images, then for each corruption and severity, one table below the other.

    `images` uint8 (N, H, W, 3); `labels` int (N,), positions in `classes`, -1 where not known. Raises ConfigError, DataError.
    """
    check_images(images)
    cells = [(name, severity) for name in names for severity in severities]
    named = [classes[label] if label >= 0 else "" for label in labels]
    parts = [_part(CLEAN, 0, build_predictions(paths, named, fold, predict(images), classes))]
    bar = tqdm(cells, desc="corruptions", unit="set", disable=None if progress is None else not progress)
    for name, severity in bar:
        logits = predict(corrupt(images, name, severity, paths))
        parts.append(_part(name, severity, build_predictions(paths, named, fold, logits, classes)))
    return pd.concat(parts, ignore_index=True)


def summarize_corrupted(predictions: pd.DataFrame, groups: pd.Series | None = None) -> pd.DataFrame:
    """Columns corruption, severity, accuracy, low, high, n, unit, balanced_accuracy, seeds, lowest, highest; a row per corruption
    and severity.

    Accuracy is the mean over seeds, `lowest` and `highest` are those of one. The 95% interval is of the mean: a bootstrap over
    `groups` (path -> group), or Wilson's over images without them; seeds are taken as given, pictures as drawn.
    """
    seeds = predictions.get("seed", pd.Series(0, index=predictions.index))
    by_seed = pd.Series(correctness(predictions)).groupby([*(predictions[key].to_numpy() for key in KEYS), seeds.to_numpy()]).mean()
    rows = []
    for (name, severity), found in by_picture(predictions).groupby(KEYS, sort=False):
        right, each = found["right"].to_numpy(), by_seed[name, severity]
        over_groups = None if groups is None else groups_of(found, groups)
        interval = wilson_interval(right.sum(), right.size) if groups is None else cluster_interval(right, over_groups)
        ends = {"low": interval.low, "high": interval.high, "n": right.size, "unit": interval.unit}
        balanced = found.groupby("label")["right"].mean().mean()
        spread = {"seeds": len(each), "lowest": float(each.min()), "highest": float(each.max())}
        row = {"corruption": name, "severity": severity, "accuracy": float(right.mean())}
        rows.append({**row, **ends, "balanced_accuracy": float(balanced), **spread})
    return pd.DataFrame(rows)


def by_picture(table: pd.DataFrame) -> pd.DataFrame:
    """Columns corruption and severity where `table` has them, path, label, and right: the share of a picture's answers, one of
    each seed, that are right; in the table's order.
    """
    keys = [key for key in (*KEYS, "path") if key in table]
    each = table[[*keys, "label"]].assign(right=correctness(table))
    found = each.groupby(keys, sort=False).agg(label=("label", "first"), right=("right", "mean"))
    return found.reset_index()


def paired_pictures(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Columns path, label, first, second (and corruption, severity): two tables of `by_picture`, of the same pictures.

    Raises DataError when they differ.
    """
    keys = [key for key in (*KEYS, "path", "label") if key in one and key in other]
    pairs = one.rename(columns={"right": "first"}).merge(other.rename(columns={"right": "second"}), on=keys)
    if not len(pairs) == len(one) == len(other):
        raise DataError("corruptions: the tables compared have other pictures or labels; evaluate the same split with both")
    return pairs


def robustness_table(
    predict: Predict,
    images: np.ndarray,
    labels: np.ndarray,
    paths: Sequence[str],
    groups: pd.Series | None = None,
    names: Sequence[str] = PAPER_SIX,
    severities: Sequence[int] = SEVERITIES,
    progress: bool | None = None,
    *,
    classes: Sequence[str] = CLASSES,
) -> pd.DataFrame:
    """`corrupted_predictions`, summarized; for when the predictions themselves are not kept."""
    table = corrupted_predictions(
        predict, images, labels, paths, names, severities, classes=classes, progress=progress
    )
    return summarize_corrupted(table, groups)


def each_corruption(predictions: pd.DataFrame) -> Iterator[tuple[tuple[str, int], pd.DataFrame]]:
    """((corruption, severity), predictions table) in the order of the table."""
    for key, part in predictions.groupby(KEYS, sort=False):
        yield key, part.drop(columns=KEYS).reset_index(drop=True)


def robustness_curves(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of `summarize_corrupted` by name of network, as `plots.curves_figure` draws them.

    Severity 0, the untouched images, begins each line.
    """
    parts = []
    for series, table in tables.items():
        clean = table[table["corruption"] == CLEAN]
        for name, rows in table[table["corruption"] != CLEAN].groupby("corruption", sort=False):
            line = pd.concat([clean, rows]).assign(corruption=CORRUPTIONS[name].title, series=series)
            parts.append(line.rename(columns={"accuracy": "value"}))
    columns = ["corruption", "series", "severity", "value", "low", "high"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def write_corrupted(path: Path, predictions: pd.DataFrame) -> None:
    """Write corrupted predictions as CSV, atomically; numbers have six digits, in memory as on disk."""
    write_text(predictions.to_csv(index=False, float_format="%.6g", lineterminator="\n"), Path(path))


def read_corrupted(path: Path) -> pd.DataFrame:
    """Read and check what `write_corrupted` wrote; raises DataError naming the file and what is wrong."""
    try:
        text = {column: str for column in ("corruption", "path", "label", "fold", "predicted")}
        source = StringIO(Path(path).read_text(encoding="utf-8"))
        table = pd.read_csv(source, dtype=text | {"severity": "int64"}, keep_default_na=False)
        missing = [key for key in KEYS if key not in table.columns]
        if missing:
            raise ValueError(f"lacks the column {missing[0]}")
        check_predictions(table, str(path), (*KEYS, "path"))
    except (OSError, ValueError, TypeError) as error:  # pandas' parser errors are ValueErrors
        raise DataError(
            f"{path}: no readable corrupted predictions ({error}); run the evaluation again"
        ) from None
    return table


def _part(name: str, severity: int, table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(
        [pd.DataFrame({"corruption": name, "severity": severity}, index=table.index), table], axis=1
    )
