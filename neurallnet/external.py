"""Images of another laboratory, without retraining.

Accuracy where the labels are the network's own classes, sensitivity and specificity where only leukemia or health is known, false
alarms where all are healthy.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from neurallnet.data.source import BENIGN, BINARY, MALIGNANT
from neurallnet.data.sources import get_source
from neurallnet.dataset import Dataset
from neurallnet.errors import DataError
from neurallnet.evaluation import (
    build_predictions,
    cluster_interval,
    correctness,
    groups_of,
    metrics,
    screening_threshold,
    wilson_interval,
)
from neurallnet.evaluation.screening_report import binary_report
from neurallnet.paths import Workspace
from neurallnet.runs import Run, read_once
from neurallnet.study import Study
from neurallnet.training import predict_logits

TRUTH = "truth"  # column of a predictions table: Benign or Malignant, where the class among the network's own is not known


def external_predictions(run: Run, dataset: Dataset, work: Workspace, classes: tuple[str, ...], why: str) -> pd.DataFrame:
    """Predictions of `run` on every image of another set; the reading is logged. Labels are "" where unknown.

    Images of a set that only tells benign from malignant have no label among `classes`; column `truth` holds what is known.
    """

    def prepare() -> Callable[[], pd.DataFrame]:
        return partial(_predicted, run.model(), dataset, dataset.images(run.config.data, work), classes)

    name = f"predictions-external-{dataset.digest[:12]}.csv"
    what = f"external set {dataset.frame['source'].iloc[0]}"
    return read_once(run, name, work, what, why, dataset.digest, prepare)


def _predicted(model: nn.Module, dataset: Dataset, images: np.ndarray, classes: tuple[str, ...]) -> pd.DataFrame:
    frame = dataset.frame.assign(label="") if dataset.classes == BINARY else dataset.frame
    logits = predict_logits(model, images)
    table = build_predictions(frame["path"].tolist(), frame["label"].tolist(), "external", logits, classes)
    return _with_truth(table, dataset) if dataset.classes == BINARY else table


def external_accuracy(table: pd.DataFrame, groups: pd.Series, seed: int = 0) -> dict[str, Any]:
    """Metrics on a labelled external set with the naive (image) and the cluster interval beside each other."""
    right = correctness(table)
    return {
        **metrics(table),
        "interval": cluster_interval(right, groups_of(table, groups), seed=seed).to_dict(),
        "naive_interval": wilson_interval(int(right.sum()), len(right)).to_dict(),
    }


def false_alarms(table: pd.DataFrame, benign: str = "Benign") -> dict[str, Any]:
    """On a set without leukemia every malignant call is a false alarm: their number, rate, class and mean confidence."""
    alarm = table["predicted"] != benign
    confidence = table[[c for c in table.columns if c.startswith("p_")]].max(axis=1)
    return {
        "n": len(table),
        "alarms": int(alarm.sum()),
        "rate": float(alarm.mean()),
        "interval": wilson_interval(int(alarm.sum()), len(table)).to_dict(),
        "by_class": {str(k): int(v) for k, v in table.loc[alarm, "predicted"].value_counts().sort_index().items()},
        "mean_confidence_of_alarms": float(confidence[alarm].mean()) if alarm.any() else None,
    }


def benign_or_malignant(table: pd.DataFrame, dataset: Dataset, threshold: float | None = None, seed: int = 0) -> dict[str, Any]:
    """Sensitivity, specificity and ROC figures (`binary_report`) of predictions that have the column `truth`.

    Intervals are over images and over patients; over near-duplicate groups where a patient is not known. A perceptual hash takes
    many single cells on black for near-duplicates, so it is not asked where patients are known. Raises DataError for a table
    without `truth`, or one that holds anything but Benign and Malignant.
    """
    if TRUTH not in table or not table[TRUTH].isin(BINARY).all():
        raise DataError(f"predictions: column {TRUTH} is missing or holds other than {' and '.join(BINARY)}; predict again")
    units, unit = sampling_units(dataset)
    malignant = (table[TRUTH] == MALIGNANT).to_numpy()
    return binary_report(table, malignant, groups_of(table, units), unit, threshold, benign=BENIGN, seed=seed)


def sampling_units(dataset: Dataset) -> tuple[pd.Series, str]:
    """path -> what is independent of the rest, and its name: the patient where every image's is known, else `Dataset.groups`."""
    frame = dataset.frame
    if "patient" not in frame or (frame["patient"] == "").any():
        return dataset.groups(), "near-duplicate group"
    people = frame.groupby(["lab", "patient"] if "lab" in frame else "patient").ngroup()
    return pd.Series(people.to_numpy(), index=frame["path"], name="patient"), "patient"


def external_source(study: Study, source: str | None = None) -> str:
    """`source`, or the other laboratory of the profile: the second simulated one, or BCCD for real images."""
    return source or ("synthetic_external" if study.synthetic else "bccd")


def external_report(study: Study, other: Dataset, arm: str, seed: int = 0) -> dict[str, Any]:
    """What chapter 03 shows: `evidence`, a one-column `table`, and rows for `interval_figure` with their `measure`.

    Images labelled with the network's classes give accuracy, those labelled benign or malignant the binary reading and no
    accuracy; those of a set known to be healthy give the false-alarm rate. Raises DataError for others.
    """
    run = study.run(arm)
    source = str(other.frame["source"].iloc[0])
    labelled = bool((other.labels >= 0).all())
    if not labelled and not get_source(source).healthy:
        raise DataError(f"{source}: has images without a label and is not known to be healthy; accuracy cannot be told")
    predictions = external_predictions(run, other, study.work, study.dataset().classes, f"another laboratory for {arm}")
    if other.classes == BINARY:
        found = benign_or_malignant(predictions, other, screening_threshold(run.predictions("val")), seed)
        measure, shown, rows = _binary_rows(found)
    elif labelled:
        found = external_accuracy(predictions, other.groups(), seed)
        measure, shown, rows = _accuracy_rows(found)
    else:
        found = false_alarms(predictions)
        measure, shown, rows = _alarm_rows(found)
    return {
        "evidence": {**found, "source": source, "manifest": other.digest, "run": run.address, "measure": measure},
        "table": pd.Series(shown, name="value").to_frame(),
        "figure": pd.DataFrame(rows),
        "measure": measure,
    }


def _with_truth(table: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    return table.assign(**{TRUTH: table["path"].map(dataset.frame.set_index("path")["label"])})


def _accuracy_rows(found: dict[str, Any]) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    value = found["accuracy"]
    shown = {"images": found["n"], "accuracy": f"{value:.2%}", "balanced accuracy": f"{found['balanced_accuracy']:.2%}"}
    intervals = {"naive, over images": found["naive_interval"], "over groups": found["interval"]}
    return "Accuracy", shown, [_row(name, value, interval, found["n"]) for name, interval in intervals.items()]


def _alarm_rows(found: dict[str, Any]) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    value = found["rate"]
    shown = {"images": found["n"], "false alarms": found["alarms"], "rate": f"{value:.2%}", "called": found["by_class"]}
    return "False-alarm rate", shown, [_row("over images", value, found["interval"], found["n"])]


def _binary_rows(found: dict[str, Any]) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
    unit, best = found["unit"], found["at_specificity"]
    shown = {
        "malignant images": f"{found['n_malignant']} ({found['units_malignant']} {unit}s)",
        "benign images": f"{found['n_benign']} ({found['units_benign']} {unit}s)",
        "sensitivity": _told(found["sensitivity"]),
        "specificity": _told(found["specificity"]),
        "AUROC": _told(found["auroc"]),
        f"sensitivity at {best['aim']:.0%} specificity, threshold from these images": _told(best["sensitivity"]),
    }
    if given := found.get("at_given_threshold"):
        shown |= {f"{name} at the validation images' threshold": _told(given[name]) for name in ("sensitivity", "specificity")}
    rows = [
        _row(f"{name}, over {over}s", found[name.lower()]["value"], interval, found[name.lower()]["n"])
        for name in ("Sensitivity", "Specificity")
        for over, key in (("image", "interval"), (unit, "cluster_interval"))
        if (interval := found[name.lower()][key])
    ]
    return "Benign or malignant", shown, rows


def _told(share: dict[str, Any]) -> str:
    interval = share["cluster_interval"] or share["interval"]
    ends = f" [{interval['low']:.2%}, {interval['high']:.2%}] over {interval['unit']}s" if interval else ""
    return f"{share['value']:.2%}{ends}"


def _row(label: str, value: float, interval: dict[str, Any], n: int) -> dict[str, Any]:
    return {"label": label, "value": value, **interval, "n": n, "unit": "images"}
