"""What the report says, as plain values: a pure function of the files in a run's folder.

Groups of near-duplicates come from images.csv where the run has one, else from the manifest in the run's workspace; without
either, intervals are over images, and say so.
"""

import hashlib
from typing import Any

import numpy as np
import pandas as pd

from neurallnet.data.manifest import manifest_digest, read_manifest
from neurallnet.data.splits import split_groups
from neurallnet.data.tables import read_table
from neurallnet.errors import DataError
from neurallnet.evaluation import (
    Interval,
    bootstrap_interval,
    calibration,
    cluster_interval,
    correctness,
    fit_temperature,
    groups_of,
    metrics,
    probabilities,
)
from neurallnet.evaluation.conformal import share_interval
from neurallnet.evidence import read_evidence
from neurallnet.ood import OOD_FILE
from neurallnet.paths import Workspace
from neurallnet.runs import Run
from neurallnet.trust import ece_interval

IMAGES, REJECTED, NOTES = "images.csv", "rejected.csv", "notes.json"
FOLDS = ("train", "val", "test", "unused")


def report_facts(run: Run) -> dict[str, Any]:
    """Everything the page shows. Raises RunError when test or validation predictions are missing, DataError when damaged."""
    record, test, validation = run.record, run.predictions("test"), run.predictions("val")
    notes = read_evidence(run.folder / NOTES) if (run.folder / NOTES).is_file() else {}
    images, rejected = _images(run), _rejected(run)
    groups = None if images is None else images.set_index("path")["group"]
    found = metrics(test)
    return {
        "address": run.address,
        "folder": notes.get("folder") or run.config.data.source,
        "synthetic": bool(notes.get("synthetic")) or run.config.data.source.startswith("synthetic"),
        "split": notes.get("split") or run.config.split.protocol,
        "ood": notes.get("ood") or ("fitted on the training images" if (run.folder / OOD_FILE).is_file() else "not fitted"),
        "metrics": found,
        "headline": headline(test, groups),
        "majority": max(row["support"] for row in found["per_class"].values()) / found["n"],
        "classes": class_rows(test, groups, images),
        "calibration": calibration_facts(test, validation, groups),
        "history": run.history(),
        "rejected": rejected,
        "images": record["images"],
        "record": record,
        "weights": hashlib.sha256(run.weights.read_bytes()).hexdigest() if run.weights.is_file() else None,
    }


def headline(test: pd.DataFrame, groups: pd.Series | None) -> list[dict[str, Any]]:
    """Accuracy and balanced accuracy of the test images: name, value, interval (95%, its unit inside)."""
    right, found = correctness(test), metrics(test)
    labels = test["label"].to_numpy(str)
    rows = []
    for name, value, strata in (
        ("Accuracy", found["accuracy"], None),
        ("Balanced accuracy (mean of the recalls)", found["balanced_accuracy"], labels),
    ):
        rows.append({"name": name, "value": value, "interval": _interval(right, test, groups, strata)})
    return rows


def class_rows(test: pd.DataFrame, groups: pd.Series | None, images: pd.DataFrame | None) -> list[dict[str, Any]]:
    """A dict per class: name, images per fold (None: not known), n of the test, recall with interval, precision."""
    found, rows = metrics(test), []
    right, labels = correctness(test), test["label"].to_numpy(str)
    place = None if groups is None else groups_of(test, groups)
    for name, values in found["per_class"].items():
        mine = labels == name
        interval = share_interval(right[mine], None if place is None else place[mine]) if mine.any() else None
        counts = None
        if images is not None:
            counts = images.loc[images["label"] == name, "fold"].value_counts().reindex(FOLDS, fill_value=0).to_dict()
        rows.append({"name": name, "counts": counts, "n": values["support"], "recall": values["recall"], "interval": interval})
        rows[-1]["precision"] = values["precision"]
    return rows


def calibration_facts(test: pd.DataFrame, validation: pd.DataFrame, groups: pd.Series | None) -> dict[str, Any]:
    """Expected calibration error with its interval, mean confidence, accuracy, and the temperature fitted on validation."""
    found = calibration(test)
    few = len(test) < 2 or (groups is not None and len(np.unique(groups_of(test, groups))) < 2)
    return {
        "ece": found["ece"],
        "bins": found["bins"],
        "interval": None if few else ece_interval(test, groups),
        "confidence": float(probabilities(test).max(axis=1).mean()),
        "accuracy": float(correctness(test).mean()),
        "temperature": fit_temperature(validation),
    }


def _interval(right: np.ndarray, test: pd.DataFrame, groups: pd.Series | None, strata: np.ndarray | None) -> Interval | None:
    """None when a single image or group cannot say how these differ."""
    try:
        if groups is None:
            return bootstrap_interval(right, strata)
        return cluster_interval(right, groups_of(test, groups), strata)
    except DataError:
        return None


def _images(run: Run) -> pd.DataFrame | None:
    """Columns path, label, fold, group of the run's images, or None when nothing here knows their groups."""
    if (run.folder / IMAGES).is_file():
        return read_table(run.folder / IMAGES, ("path", "label", "fold", "group"), ("group",))
    kept = _manifest(run)
    if kept is None:
        return None
    groups, folds = split_groups(kept.frame), run.split().set_index("path")["fold"]
    table = kept.frame[["path", "label"]].reset_index(drop=True)
    return table.assign(fold=folds.loc[table["path"]].to_numpy(), group=groups.loc[table["path"]].to_numpy())


def _rejected(run: Run) -> pd.DataFrame | None:
    """Columns path, reason of files that were not used, or None when that is not known."""
    if (run.folder / REJECTED).is_file():
        return read_table(run.folder / REJECTED, ("path", "reason"))
    kept = _manifest(run)
    return None if kept is None else kept.rejected


def _manifest(run: Run):
    """The manifest kept beside the run, when it lists the images the run was trained on."""
    folder = Workspace(run.home).manifests / run.config.data.source
    try:
        kept = read_manifest(folder)
    except DataError:
        return None
    return kept if manifest_digest(kept.frame) == run.record["manifest"] else None
