"""Corrupted test predictions of one arm, computed once and kept in its run's folder."""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial

import pandas as pd

from neurallnet.robustness.tables import corrupted_predictions, read_corrupted, write_corrupted
from neurallnet.runs import Run, read_once, run_fold
from neurallnet.study import Study
from neurallnet.training import predict_logits


def corrupted_validation(study: Study, arm: str, names: Sequence[str], severities: Sequence[int]) -> pd.DataFrame:
    """The same on validation images, which may be looked at as often as one likes; kept in the run's folder."""
    run = study.run(arm)
    path = run.folder / f"predictions-shifted-{_address(names, severities)}.csv"
    if not path.exists():
        write_corrupted(path, _prepare(study, run, "val", names, severities)())
    return read_corrupted(path)


def corrupted_test(study: Study, arm: str, names: Sequence[str], severities: Sequence[int]) -> pd.DataFrame:
    """Predictions of `arm` on its test images, untouched and under each corruption and severity; the reading is logged."""
    run = study.run(arm)
    name = f"predictions-corrupted-{_address(names, severities)}.csv"
    why, split = f"robustness of {arm}: {_asked(names, severities)}", run.record["split"]
    prepare = partial(_prepare, study, run, "test", names, severities)
    return read_once(run, name, study.work, "corrupted test fold", why, split, prepare, write_corrupted, read_corrupted)


def _prepare(
    study: Study, run: Run, fold: str, names: Sequence[str], severities: Sequence[int]
) -> Callable[[], pd.DataFrame]:
    dataset, rows = run_fold(run, fold, study.work, study.data)
    images = dataset.images(run.config.data, study.work)[rows]
    paths, labels = dataset.frame["path"].iloc[rows].tolist(), dataset.labels[rows]
    predict = partial(predict_logits, run.model())
    asked = predict, images, labels, paths, names, severities
    return partial(corrupted_predictions, *asked, classes=dataset.classes, fold=fold)


def _asked(names: Sequence[str], severities: Sequence[int]) -> str:
    return f"{' '.join(names)} {' '.join(map(str, severities))}"


def _address(names: Sequence[str], severities: Sequence[int]) -> str:
    return hashlib.sha256(_asked(names, severities).encode()).hexdigest()[:12]
