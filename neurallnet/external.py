"""Images of another laboratory, without retraining: accuracy where labels are known, false alarms where all are healthy."""

from typing import Any

import pandas as pd

from neurallnet.data.sources import get_source
from neurallnet.dataset import Dataset
from neurallnet.errors import DataError
from neurallnet.evaluation import (
    build_predictions,
    cluster_interval,
    correctness,
    groups_of,
    metrics,
    wilson_interval,
)
from neurallnet.paths import Workspace
from neurallnet.runs import Run, read_once
from neurallnet.study import Study
from neurallnet.training import predict_logits


def external_predictions(run: Run, dataset: Dataset, work: Workspace, classes: tuple[str, ...], why: str) -> pd.DataFrame:
    """Predictions of `run` on every image of another set; the reading is logged. Labels are "" where unknown."""

    def compute() -> pd.DataFrame:
        frame = dataset.frame
        images = dataset.images(run.config.data.image_size, work)
        logits = predict_logits(run.model(), images, precision=run.config.train.precision)
        return build_predictions(frame["path"].tolist(), frame["label"].tolist(), "external", logits, classes)

    name = f"predictions-external-{dataset.digest[:12]}.csv"
    what = f"external set {dataset.frame['source'].iloc[0]}"
    return read_once(run, name, work, what, why, dataset.digest, compute)


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


def external_source(study: Study, source: str | None = None) -> str:
    """`source`, or the other laboratory of the profile: the second simulated one, or BCCD for real images."""
    return source or ("synthetic_external" if study.synthetic else "bccd")


def external_report(study: Study, other: Dataset, arm: str, seed: int = 0) -> dict[str, Any]:
    """What chapter 03 shows: `evidence`, a one-column `table`, and rows for `interval_figure` with their `measure`.

    Labelled images give accuracy; those of a set known to be healthy give the false-alarm rate. Raises DataError for others.
    """
    run = study.run(arm)
    frame = other.frame
    source = str(frame["source"].iloc[0])
    if (other.labels < 0).any() and not get_source(source).healthy:
        raise DataError(f"{source}: has images without a label and is not known to be healthy; accuracy cannot be told")
    predictions = external_predictions(run, other, study.work, study.dataset().classes, f"another laboratory for {arm}")
    if (other.labels >= 0).all():
        found = external_accuracy(predictions, other.groups(), seed)
        measure, value = "Accuracy", found["accuracy"]
        intervals = {"naive, over images": found["naive_interval"], "over groups": found["interval"]}
        shown = {"images": found["n"], "accuracy": f"{value:.2%}", "balanced accuracy": f"{found['balanced_accuracy']:.2%}"}
    else:
        found = false_alarms(predictions)
        measure, value = "False-alarm rate", found["rate"]
        intervals = {"over images": found["interval"]}
        shown = {"images": found["n"], "false alarms": found["alarms"], "rate": f"{value:.2%}", "called": found["by_class"]}
    rows = [{"label": name, "value": value, **interval, "n": found["n"], "unit": "images"} for name, interval in intervals.items()]
    evidence = {**found, "source": source, "manifest": other.digest, "run": run.address, "measure": measure}
    return {
        "evidence": evidence,
        "table": pd.Series(shown, name="value").to_frame(),
        "figure": pd.DataFrame(rows),
        "measure": measure,
    }
