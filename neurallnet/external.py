"""Images of another laboratory, without retraining: accuracy where labels are known, false alarms where all are healthy."""

from typing import Any

import numpy as np
import pandas as pd

from neurallnet.dataset import Dataset
from neurallnet.evaluation import (
    build_predictions,
    cluster_interval,
    correctness,
    groups_of,
    metrics,
    read_predictions,
    wilson_interval,
    write_predictions,
)
from neurallnet.machine import set_up
from neurallnet.paths import Workspace
from neurallnet.readlog import append_test_read
from neurallnet.runs import TEST_READS, Run
from neurallnet.study import Study
from neurallnet.training import predict_logits


def external_predictions(run: Run, dataset: Dataset, work: Workspace, classes: tuple[str, ...], why: str) -> pd.DataFrame:
    """Predictions of `run` on every image of another set; the reading is logged. Labels are "" where unknown."""
    path = run.folder / f"predictions-external-{dataset.digest[:12]}.csv"
    if not path.exists():
        set_up()
        append_test_read(work.evidence / TEST_READS, why, run.address, dataset.digest)
        size = run.config.data.image_size
        rows = np.arange(len(dataset.frame))
        logits = predict_logits(run.model(), dataset.images(size, work), rows)
        frame = dataset.frame
        table = build_predictions(frame["path"].tolist(), frame["label"].tolist(), "external", logits, classes)
        write_predictions(path, table)
    return read_predictions(path)


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

    Labelled images give accuracy; images without labels are taken as free of leukemia and give the false-alarm rate.
    """
    run = study.run(arm)
    frame = other.frame
    predictions = external_predictions(run, other, study.work, study.dataset().classes, f"external set {frame['source'].iloc[0]}")
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
    evidence = {**found, "source": str(frame["source"].iloc[0]), "manifest": other.digest, "run": run.address, "measure": measure}
    return {
        "evidence": evidence,
        "table": pd.Series(shown, name="value").to_frame(),
        "figure": pd.DataFrame(rows),
        "measure": measure,
    }
