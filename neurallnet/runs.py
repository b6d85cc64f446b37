"""The run store: a training is addressed by what was asked for and the images it saw; finished runs are reused.

    runs/<config digest>-<manifest digest>/
      config.json             the RunConfig
      split.csv               image -> fold
      checkpoint.safetensors  while training
      history.csv             a row per epoch
      weights.safetensors     float32 weights and buffers, averaged, after the last epoch
      predictions-val.csv     logits of the validation images; `evaluate_run` adds predictions-test.csv, `evaluate_learned` those of
                          the training images, predictions-train.csv
      run.json                written last: a run without it is unfinished and is resumed

With `train.refit`, history and validation predictions are those of the same run without, to whose network the validation images
were new (`first` in run.json is its address; it is trained before where it is not there); the weights learned from them too.
"""

import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from filelock import FileLock
from torch import nn

from neurallnet.checkpoints import load_weights, save_weights
from neurallnet.config import RunConfig, run_config, with_changes
from neurallnet.data.splits import write_split
from neurallnet.data.tables import read_table, write_table, write_text
from neurallnet.dataset import Dataset, open_dataset, rows_in, split_folds
from neurallnet.errors import RunError
from neurallnet.evaluation.predictions import build_predictions, class_order, read_predictions, write_predictions
from neurallnet.evidence import canonical_json, provenance, read_evidence
from neurallnet.fused import engine
from neurallnet.machine import resolve_precision, set_up
from neurallnet.mixing import mix_in
from neurallnet.model import parameter_count
from neurallnet.networks import build_model
from neurallnet.paths import Workspace
from neurallnet.readlog import append_test_read
from neurallnet.training import Examples, fit, predict_logits

TEST_READS = "test_reads.jsonl"
TEST_FOLD = "test fold"
LEARNED = "learned"  # for `run_fold`: the training images, and with `train.refit` the validation images
HEALTHY = "Benign"  # the class of fields without leukemia
HISTORY = ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy"]


@dataclass(frozen=True)
class Run:
    """A finished run on disk."""

    folder: Path

    @property
    def record(self) -> dict[str, Any]:
        """run.json: provenance, parameter count, seconds."""
        return read_evidence(self.folder / "run.json")

    @property
    def config(self) -> RunConfig:
        return run_config(self.record["config"])

    @property
    def address(self) -> str:
        return self.folder.name

    @property
    def home(self) -> Path:
        """Root of the workspace the run lies in."""
        return self.folder.resolve().parent.parent

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of the logits; runs recorded before run.json named them have them in their
        predictions.
        """
        return tuple(self.record.get("classes") or class_order(self.predictions("val")))

    @property
    def weights(self) -> Path:
        return self.folder / "weights.safetensors"

    def history(self) -> pd.DataFrame:
        """A row per epoch: epoch, train_loss, train_accuracy, val_loss, val_accuracy."""
        return pd.read_csv(self.folder / "history.csv")

    def split(self) -> pd.DataFrame:
        return read_table(self.folder / "split.csv", ("path", "fold"))

    def predictions(self, fold: str) -> pd.DataFrame:
        """The predictions table of "val" or, once evaluated, "test"."""
        path = self.folder / f"predictions-{fold}.csv"
        if not path.exists():
            raise RunError(f"{path}: not there; evaluate the run first: neurallnet evaluate {self.folder}")
        return read_predictions(path)

    def model(self) -> nn.Module:
        """The trained network, in evaluation mode."""
        model = build_model(self.config.model)
        load_weights(self.weights, model)
        return model.eval()


def open_run(folder: Path | str) -> Run:
    """The finished run in `folder`; raises RunError when there is none."""
    run = Run(Path(folder))
    if not (run.folder / "run.json").is_file():
        raise RunError(f"{folder}: no finished run; train it first: neurallnet train")
    return run


def train_run(
    config: RunConfig,
    work: Workspace,
    data: Path | str | None = None,
    progress: bool | None = None,
    after_epoch: Callable[[int], Any] | None = None,
    strict: bool = False,
) -> Run:
    """Train what `config` asks for, or go on where a killed run stopped, or return the run that is there.

    `data` is the folder of the user's images; one that cannot be read is left out, or an error when `strict`. A second
    process that asks for the same run waits for the first. Raises DataError, RunError.
    """
    dataset = open_dataset(config.data.source, work, data, strict=strict, progress=progress)
    config = fitted_config(config, dataset)
    run = Run(work.runs / f"{config.digest()}-{dataset.digest[:8]}")
    run.folder.mkdir(parents=True, exist_ok=True)
    with FileLock(run.folder.with_name(f".{run.address}.lock")):
        if not (run.folder / "run.json").exists():
            first = None
            if config.train.refit:
                first = train_run(with_changes(config, train={"refit": False}), work, data, progress, after_epoch, strict)
            _train(run.folder, config, dataset, work, progress, after_epoch, first)
    return run


def _train(
    folder: Path,
    config: RunConfig,
    dataset: Dataset,
    work: Workspace,
    progress: bool | None,
    after_epoch: Callable[[int], Any] | None,
    first: Run | None,
) -> None:
    set_up()
    split = split_folds(dataset, config.split)
    write_text(canonical_json(config.to_dict()), folder / "config.json")
    write_split(split, folder / "split.csv")
    healthy = dataset.classes.index(HEALTHY) if HEALTHY in dataset.classes else 0
    examples = Examples(dataset.images(config.data, work, progress), dataset.labels, healthy)
    learned, unseen = rows_in(split, *learned_folds(config)), rows_in(split, *(() if first else ("val",)))
    checkpoint, mixed = folder / "checkpoint.safetensors", {}
    if config.train.synthetic:
        share, view = config.train.synthetic, config.data
        examples, learned, mixed = mix_in(examples, learned, dataset, view, share, config.seed, work)

    started = time.perf_counter()
    torch.manual_seed(config.seed)
    model = build_model(config.model)
    begun = f"{config.digest()} {split_digest(split)}"  # a checkpoint of another split would have learned from its test images
    plan = config.train, config.seed, checkpoint, begun, progress, after_epoch, config.augment
    history = fit(model, examples, learned, unseen, *plan)
    if first is None:
        write_table(pd.DataFrame(history, columns=HISTORY), folder / "history.csv")
        write_predictions(folder / "predictions-val.csv", _predict(model, dataset, examples.images, unseen, "val"))
    else:
        for name in ("history.csv", "predictions-val.csv"):
            shutil.copyfile(first.folder / name, folder / name)
    seconds = time.perf_counter() - started
    save_weights(folder / "weights.safetensors", model, {"config": config.to_dict(), "run": folder.name})
    record = {
        **describe_run(config, dataset),
        "classes": list(dataset.classes),  # in the order of the logits
        "parameters": parameter_count(model),
        "weights_bytes": (folder / "weights.safetensors").stat().st_size,
        "epochs": len(history),
        "images": {fold: int(n) for fold, n in split["fold"].value_counts().sort_index().items()},
        "seconds_since_last_resume": round(seconds, 1),
        **({"first": first.address} if first else {}),
        **({"mixed_in": mixed} if mixed else {}),  # synthetic laboratories learned from as well, by their hashes
    }
    write_text(canonical_json(record), folder / "run.json")
    checkpoint.unlink(missing_ok=True)


def learned_folds(config: RunConfig) -> tuple[str, ...]:
    """The folds that a run's kept weights learned from."""
    return ("train", "val") if config.train.refit else ("train",)


def fitted_config(config: RunConfig, dataset: Dataset) -> RunConfig:
    """`config` with what follows from the images: the number of classes, and no cells painted out where no class is healthy."""
    if not dataset.classes:
        return config
    changes: dict[str, Any] = {"model": {"classes": len(dataset.classes)}}
    if HEALTHY not in dataset.classes:
        changes["augment"] = {"cell_free": 0}
    return with_changes(config, **changes)


def describe_run(config: RunConfig, dataset: Dataset) -> dict[str, Any]:
    """Provenance of a run on `dataset`: configuration, hashes of images and split, code, machine."""
    split = split_folds(dataset, config.split)
    profile = "smoke" if config.data.source.startswith("synthetic") else "full"
    found = provenance(
        config,
        profile=profile,
        manifest_digest=dataset.digest,
        split_digest=split_digest(split),
        precision=resolve_precision(config.train.precision),
    )
    return {**found, "engine": engine()}


def split_digest(split: pd.DataFrame) -> str:
    """sha256 over the lines "fold  path" of a split, sorted by path."""
    ordered = split.sort_values("path")
    lines = "".join(f"{fold}  {path}\n" for path, fold in zip(ordered["path"], ordered["fold"], strict=True))
    return hashlib.sha256(lines.encode()).hexdigest()


def run_fold(run: Run, fold: str, work: Workspace, data: Path | str | None = None) -> tuple[Dataset, np.ndarray]:
    """The images `run` was trained on, and the positions of its `fold` among them, from the split kept with the run; "learned"
    is all that its weights learned from.

    Raises RunError when the images differ from those the run saw, or none is in the fold.
    """
    dataset = open_dataset(run.config.data.source, work, data)
    split = run.split()
    if dataset.digest != run.record["manifest"] or split_digest(split) != run.record["split"]:
        raise RunError(f"{run.folder}: trained on other images than those in {dataset.root}; train again")
    folds = learned_folds(run.config) if fold == LEARNED else (fold,)
    rows = rows_in(split.set_index("path").loc[dataset.frame["path"]], *folds)
    if not len(rows):
        more = ": both blocks that it holds out validate; see predictions-val.csv" if run.config.split.other is not None else ""
        raise RunError(f"{run.folder}: has no image in fold {fold!r}{more}")
    return dataset, rows


def evaluate_run(run: Run, work: Workspace, data: Path | str | None = None, why: str = "evaluation") -> pd.DataFrame:
    """Predictions of the run's test images; they are read once, logged with the reason, and kept in the run's folder.

    Raises RunError when the images differ from those the run was trained on.
    """

    def prepare() -> Callable[[], pd.DataFrame]:
        dataset, test = run_fold(run, "test", work, data)
        return partial(_predict, run.model(), dataset, dataset.images(run.config.data, work), test, "test")

    return read_once(run, "predictions-test.csv", work, TEST_FOLD, why, run.record["split"], prepare)


def evaluate_learned(run: Run, work: Workspace, data: Path | str | None = None) -> pd.DataFrame:
    """Predictions of the run's training images as they are, none moved or tinted; kept in its folder. No reading to be logged.

    Raises RunError when the images differ from those the run was trained on.
    """
    path = run.folder / "predictions-train.csv"
    with FileLock(run.folder.with_name(f".{run.address}.lock")):
        if not path.exists():
            set_up()
            dataset, learned = run_fold(run, "train", work, data)
            images = dataset.images(run.config.data, work)
            write_predictions(path, _predict(run.model(), dataset, images, learned, "train"))
    return read_predictions(path)


def read_once(
    run: Run,
    name: str,
    work: Workspace,
    what: str,
    why: str,
    split: str,
    prepare: Callable[[], Callable[[], pd.DataFrame]],
    write: Callable[[Path, pd.DataFrame], None] = write_predictions,
    read: Callable[[Path], pd.DataFrame] = read_predictions,
) -> pd.DataFrame:
    """The table `name` in the run's folder; when it is not there, the reading of held-out images is logged and it is computed.

    `prepare` finds images and weights and returns what computes the table: a reading that cannot take place is not logged. `what`
    is read and `why` go into the log, `split` is the digest of the split or the manifest. One process at a time.
    """
    path = run.folder / name
    with FileLock(run.folder.with_name(f".{run.address}.lock")):
        if not path.exists():
            set_up()
            compute = prepare()
            append_test_read(work.evidence / TEST_READS, what, run.address, split, why)
            write(path, compute())
    return read(path)


def _predict(
    model: nn.Module, dataset: Dataset, images: np.ndarray, rows: np.ndarray, fold: str
) -> pd.DataFrame:
    logits = predict_logits(model, images, rows)
    frame = dataset.frame.iloc[rows]
    return build_predictions(frame["path"].tolist(), frame["label"].tolist(), fold, logits, dataset.classes)
