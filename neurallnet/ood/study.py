"""Out-of-distribution scores of a trained run: its stored model, and the score table of its images and other sources'."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock
from torch import nn

from neurallnet.dataset import Dataset
from neurallnet.ood.features import features
from neurallnet.ood.fit import FEATURE, fit_ood, stretch_scores
from neurallnet.ood.model import OOD_FILE, OodModel, load_ood, save_ood
from neurallnet.ood.scores import doubt, energy
from neurallnet.ood.tables import SCORES, STRETCH, check_scores, read_scores, write_scores
from neurallnet.paths import Workspace
from neurallnet.runs import LEARNED, Run, read_once, run_fold

Features = Mapping[str, np.ndarray]


def run_ood(run: Run, work: Workspace, data: Path | str | None = None) -> OodModel:
    """The out-of-distribution model stored with `run`; one that has none gets it now. Raises RunError, DataError, ConfigError."""
    path = run.folder / OOD_FILE
    with FileLock(run.folder.with_name(f".{run.address}.lock")):
        if not path.exists():
            dataset, train = run_fold(run, LEARNED, work, data)
            images, unseen = dataset.images(run.config.data, work), _unseen(run, work, data)
            save_ood(path, fit_ood(run.model(), images[train], dataset.labels[train], images[unseen]))
    return load_ood(path)


def score_table(
    run: Run, work: Workspace, others: Sequence[Dataset] = (), data: Path | str | None = None, why: str = ""
) -> pd.DataFrame:
    """Every score of `tables.SCORES` for the run's validation and test images, its training images left out by stretches, and
    the images of `others`; computed once, the reading logged, and kept in the run's folder. After a refit the validation images
    are training images.
    """
    fitted = run_ood(run, work, data)

    def prepare() -> Callable[[], pd.DataFrame]:
        dataset = run_fold(run, "test", work, data)[0]
        images, elsewhere = dataset.images(run.config.data, work), [other.images(run.config.data, work) for other in others]
        return partial(compute, run.model(), dataset, images, elsewhere)

    def compute(model: nn.Module, dataset: Dataset, images: np.ndarray, elsewhere: list[np.ndarray]) -> pd.DataFrame:
        rows = {fold: run_fold(run, fold, work, data)[1] for fold in (LEARNED, "test")} | {"val": _unseen(run, work, data)}
        rows = {fold: index for fold, index in rows.items() if len(index)}
        found = {fold: features(model, images[index]) for fold, index in rows.items()}
        labels = dataset.labels[rows[LEARNED]]
        models = {
            "mahalanobis": fitted,
            "neighbours": OodModel.fit(found[LEARNED][FEATURE], labels, "neighbours", FEATURE),
            "rates": OodModel.fit(spike_rates(found[LEARNED]), labels, feature="rates"),
        }
        parts = [_left_out(dataset, rows[LEARNED], found[LEARNED], labels)]
        for fold in (fold for fold in ("val", "test") if fold in rows):
            parts.append(_scored(fold, dataset, rows[fold], found[fold], models, dataset.classes))
        for other, pictures in zip(others, elsewhere, strict=True):
            seen, every = features(model, pictures), np.arange(len(other.frame))
            parts.append(_scored(str(other.frame["source"].iloc[0]), other, every, seen, models, dataset.classes))
        return _rounded(check_scores(pd.concat(parts, ignore_index=True)))

    address = hashlib.sha256(" ".join(other.digest for other in others).encode()).hexdigest()[:12]
    split, what = run.record["split"], "test fold, out-of-distribution scores"
    return read_once(run, f"ood-scores-{address}.csv", work, what, why, split, prepare, write_scores, read_scores)


def _unseen(run: Run, work: Workspace, data: Path | str | None) -> np.ndarray:
    """Validation images that are new to the kept network: none after a refit."""
    validation = run_fold(run, "val", work, data)[1]
    return validation[:0] if run.config.train.refit else validation


def spike_rates(found: Features) -> np.ndarray:
    """Mean spike rates of all blocks side by side, (N, sum of C_l)."""
    return np.concatenate([found[name] for name in found if name.startswith("rates_")], axis=1)


def _scored(
    name: str, dataset: Dataset, rows: np.ndarray, found: Features, models: Mapping[str, OodModel], classes: Sequence[str]
) -> pd.DataFrame:
    values = {
        "mahalanobis": models["mahalanobis"].score(found[FEATURE]),
        "neighbours": models["neighbours"].score(found[FEATURE]),
        "rates": models["rates"].score(spike_rates(found)),
    }
    return _table(np.full(len(rows), name), dataset, rows, found, values, classes)


def _left_out(dataset: Dataset, rows: np.ndarray, found: Features, labels: np.ndarray) -> pd.DataFrame:
    distances, stretch = stretch_scores(found[FEATURE], labels)
    values = {
        "mahalanobis": distances,
        "neighbours": stretch_scores(found[FEATURE], labels, "neighbours")[0],
        "rates": stretch_scores(spike_rates(found), labels)[0],
    }
    return _table(np.array([f"{STRETCH}{k + 1}" for k in stretch]), dataset, rows, found, values, dataset.classes)


def _table(
    sets: np.ndarray,
    dataset: Dataset,
    rows: np.ndarray,
    found: Features,
    values: Mapping[str, np.ndarray],
    classes: Sequence[str],
) -> pd.DataFrame:
    frame = dataset.frame.iloc[rows]
    table = pd.DataFrame({"set": sets, "path": frame["path"].to_numpy(), "label": frame["label"].to_numpy()})
    table["predicted"] = np.array(classes, dtype=object)[found["logits"].argmax(1)]
    return table.assign(**values, energy=energy(found["logits"]), doubt=doubt(found["logits"]))


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Six significant digits, as the file keeps them."""
    return table.assign(**{name: [float(f"{value:.6g}") for value in table[name]] for name in SCORES})
