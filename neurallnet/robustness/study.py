"""Corrupted test predictions of one arm, computed once and kept in its run's folder."""

import hashlib
from collections.abc import Sequence
from functools import partial

import pandas as pd

from neurallnet.robustness.tables import corrupted_predictions, read_corrupted, write_corrupted
from neurallnet.runs import read_once, run_fold
from neurallnet.study import Study
from neurallnet.training import predict_logits


def corrupted_test(study: Study, arm: str, names: Sequence[str], severities: Sequence[int]) -> pd.DataFrame:
    """Predictions of `arm` on its test images, untouched and under each corruption and severity; the reading is logged."""
    run = study.run(arm)
    asked = f"{' '.join(names)} {' '.join(map(str, severities))}"

    def compute() -> pd.DataFrame:
        dataset, rows = run_fold(run, "test", study.work, study.data)
        images = dataset.images(run.config.data, study.work)[rows]
        paths, labels = dataset.frame["path"].iloc[rows].tolist(), dataset.labels[rows]
        predict = partial(predict_logits, run.model())
        return corrupted_predictions(predict, images, labels, paths, names, severities, classes=dataset.classes)

    name = f"predictions-corrupted-{hashlib.sha256(asked.encode()).hexdigest()[:12]}.csv"
    why, split = f"robustness of {arm}: {asked}", run.record["split"]
    return read_once(run, name, study.work, "corrupted test fold", why, split, compute, write_corrupted, read_corrupted)
