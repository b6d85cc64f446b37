"""Predictions tables of a run: whole, canonical, of the images the split or the manifest says, and logged when held out."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neurallnet.errors import DataError
from neurallnet.evaluation.predictions import answers, check_predictions, class_order, logits_of, read_predictions
from neurallnet.external import TRUTH
from neurallnet.robustness.corruptions import get_corruption
from neurallnet.robustness.tables import CLEAN, KEYS, each_corruption, read_corrupted
from neurallnet.runs import TEST_FOLD, Run
from neurallnet.verify.check import first_difference
from neurallnet.verify.published import PublishedStudy

Reads = Sequence[dict[str, Any]]  # entries of the log of test-set readings


def check_table(study: PublishedStudy, run: Run, path: Path, reads: Reads) -> None:
    """Raise DataError unless the predictions table `path` of `run` is what it claims to be. Its kind is in its name."""
    kind = path.stem.split("-")[1]
    if kind not in KINDS:
        raise DataError(f"{path.name}: no way to check a table of kind {kind!r}; add one to KINDS in neurallnet/verify/tables.py")
    KINDS[kind](study, run, path, reads)


def _fold(study: PublishedStudy, run: Run, path: Path, reads: Reads) -> None:
    """predictions-train.csv, predictions-val.csv, predictions-test.csv: the images of that fold of the run's split."""
    table, fold = read_predictions(path), path.stem.removeprefix("predictions-")
    _same_text(path, rebuilt(table))
    split = run.split()
    _same_images(path, table, split.loc[split["fold"] == fold, "path"], fold, study.dataset_of(run.record["manifest"]).frame)
    if fold == "test":
        logged(path, run, reads, TEST_FOLD, run.record["split"])


def _exported(study: PublishedStudy, run: Run, path: Path, reads: Reads) -> None:
    """predictions-exported-<form>.csv: the validation images, by the network in another form; readings need no log."""
    table, split = read_predictions(path), run.split()
    _same_text(path, rebuilt(table))
    _same_images(path, table, split.loc[split["fold"] == "val", "path"], "val", study.dataset_of(run.record["manifest"]).frame)


def _external(study: PublishedStudy, run: Run, path: Path, reads: Reads) -> None:
    """predictions-external-<digest>.csv: every image of the data set with that digest; where it only tells benign from malignant,
    labels are empty and the column `truth` has what is known.
    """
    table = read_predictions(path)
    _same_text(path, rebuilt(table))
    other = study.dataset_of(path.stem.removeprefix("predictions-external-"))
    shown = table.assign(label=table[TRUTH].where(table["label"] == "")) if TRUTH in table else table
    _same_images(path, shown, other.frame["path"], "external", other.frame)
    logged(path, run, reads, f"external set {other.frame['source'].iloc[0]}", other.digest)


def _corrupted(study: PublishedStudy, run: Run, path: Path, reads: Reads) -> None:
    """predictions-corrupted-<digest>.csv: the test images, untouched and under each corruption and severity in the digest."""
    _under_corruption(study, run, path, "test")
    logged(path, run, reads, "corrupted test fold", run.record["split"])


def _shifted(study: PublishedStudy, run: Run, path: Path, reads: Reads) -> None:
    """predictions-shifted-<digest>.csv: the same of the validation images, whose readings need no log."""
    _under_corruption(study, run, path, "val")


def _under_corruption(study: PublishedStudy, run: Run, path: Path, fold: str) -> None:
    table = read_corrupted(path)
    split, frame = run.split(), study.dataset_of(run.record["manifest"]).frame
    wanted = split.loc[split["fold"] == fold, "path"]
    cells, shown = dict(each_corruption(table)), ["path", "label", "fold"]
    first = next(iter(cells.values()))
    for part in cells.values():
        if part is first or not part[shown].equals(first[shown]):
            _same_images(path, part, wanted, fold, frame)
    _same_text(path, rebuilt(table, KEYS))
    names = list(dict.fromkeys(get_corruption(name).name for name, _ in cells if name != CLEAN))
    severities = list(dict.fromkeys(str(severity) for name, severity in cells if name != CLEAN))
    asked = f"{' '.join(names)} {' '.join(severities)}"
    whole = [(CLEAN, 0), *((name, int(severity)) for name in names for severity in severities)]
    if list(cells) != whole or hashlib.sha256(asked.encode()).hexdigest()[:12] != path.stem.split("-")[2]:
        raise DataError(f"{path.name}: does not hold the corruptions and severities its name stands for; it has {asked}")
    if (run.folder / f"predictions-{fold}.csv").exists():
        clean, plain = logits_of(cells[CLEAN, 0]), logits_of(run.predictions(fold))
        if clean.shape != plain.shape or not np.allclose(clean, plain, atol=1e-3):
            raise DataError(f"{path.name}: its untouched images have other logits than those in predictions-{fold}.csv")


KINDS: dict[str, Callable[[PublishedStudy, Run, Path, Reads], None]] = {
    "train": _fold,
    "val": _fold,
    "test": _fold,
    "exported": _exported,
    "external": _external,
    "corrupted": _corrupted,
    "shifted": _shifted,
}


def rebuilt(table: pd.DataFrame, keys: Sequence[str] = ()) -> pd.DataFrame:
    """The table made again from its paths, labels, folds and logits: sorted, with the classes and probabilities these give.

    Rows of one value of `keys`, which come first, are sorted among themselves; columns that are none of a predictions table are
    kept as they are.
    """
    made = pd.concat([table[[*keys, "path", "label", "fold"]], answers(logits_of(table), class_order(table))], axis=1)
    made = made.join(table[[name for name in table.columns if name not in made.columns]])
    place = made.groupby([*keys], sort=False).ngroup() if keys else pd.Series(0, index=made.index)
    made = made.assign(_place=place).sort_values(["_place", "path"], ignore_index=True).drop(columns="_place")
    return check_predictions(made, keys=(*keys, "path"))


def logged(path: Path, run: Run, reads: Reads, what: str, split: str) -> None:
    """Raise DataError unless the log of readings names this one."""
    if not any((e.get("run"), e.get("what"), e.get("split")) == (run.address, what, split) for e in reads):
        raise DataError(f"{path.name}: the log of readings has no {what!r} of {run.address}; restore evidence/test_reads.jsonl")


def _same_images(path: Path, table: pd.DataFrame, wanted: pd.Series, fold: str, frame: pd.DataFrame) -> None:
    if odd := sorted(set(table["path"]) ^ set(wanted)):
        raise DataError(f"{path.name}: {odd[0]} is in the table or in {fold}, not in both ({len(odd)} such images)")
    label = table["path"].map(frame.set_index("path")["label"])
    wrong = (table["label"] != label) | (table["fold"] != fold)
    if wrong.any():
        row = table[wrong].iloc[0]
        raise DataError(f"{path.name}: {row['path']} is {row['label']!r}, {row['fold']}; by manifest and split it is not")


def _same_text(path: Path, table: pd.DataFrame) -> None:
    text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    if problem := first_difference(path.read_bytes().decode(), text):
        raise DataError(f"{path.name}: {problem}")
