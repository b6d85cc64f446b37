"""A study that has only what is published: runs, predictions, manifests and the log of readings; no image, no training."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from neurallnet.config import SplitConfig, profile_config
from neurallnet.data.manifest import read_manifest
from neurallnet.data.sources import get_source
from neurallnet.dataset import Dataset, split_folds
from neurallnet.errors import DataError, RunError
from neurallnet.paths import Workspace
from neurallnet.runs import Run, open_run
from neurallnet.study import Study


@dataclass(frozen=True)
class PublishedDataset(Dataset):
    """The manifest of a data set: names, labels, hashes and groups, but no pixel."""

    def images(self, size: int, work: Workspace, progress: bool | None = None) -> np.ndarray:
        raise DataError(f"{self.root}: verification has no images; publish the predictions this number is computed from")

    def groups(self) -> pd.Series:
        return self._groups

    @cached_property
    def digest(self) -> str:
        return super().digest

    @cached_property
    def _groups(self) -> pd.Series:
        return super().groups()


@dataclass(frozen=True)
class PublishedStudy(Study):
    """Answers as `Study` does, from published files; raises RunError or DataError for what is not published."""

    datasets: dict[str, PublishedDataset] = field(default_factory=dict, repr=False)
    splits: dict[tuple[str, SplitConfig], pd.DataFrame] = field(default_factory=dict, repr=False)
    tables: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict, repr=False)

    def dataset(self, source: str | None = None) -> PublishedDataset:
        name = source or self.config.data.source
        if name not in self.datasets:
            folder = self.work.manifests / name
            self.datasets[name] = PublishedDataset(folder, read_manifest(folder), get_source(name).classes)
        return self.datasets[name]

    def dataset_of(self, digest: str) -> PublishedDataset:
        """The published data set whose digest begins with `digest`."""
        every = [self.dataset(folder.name) for folder in sorted(self.work.manifests.iterdir()) if folder.is_dir()]
        found = [dataset for dataset in every if digest and dataset.digest.startswith(digest)]
        if len(found) != 1:
            raise DataError(f"{self.work.manifests}: {len(found)} manifests have the digest {digest}; publish it with the results")
        return found[0]

    def split(self, config: SplitConfig) -> pd.DataFrame:
        return self.split_of(self.dataset(), config)

    def split_of(self, dataset: PublishedDataset, config: SplitConfig) -> pd.DataFrame:
        """The split that `config` makes of a manifest: columns path, fold."""
        key = (dataset.digest, config)
        if key not in self.splits:
            self.splits[key] = split_folds(dataset, config)
        return self.splits[key]

    def run(self, name: str = "base-0") -> Run:
        digest = self.arm(name).digest()
        found = sorted(self.work.runs.glob(f"{digest}-*"))
        if len(found) != 1:
            raise RunError(f"{self.work.runs}: {len(found)} published runs of arm {name} ({digest}), not one; publish it")
        return open_run(found[0])

    def test(self, name: str = "base-0", why: str = "") -> pd.DataFrame:
        return self._table(name, "test")

    def learned(self, name: str = "base-0") -> pd.DataFrame:
        return self._table(name, "train")

    def _table(self, name: str, fold: str) -> pd.DataFrame:
        """Read once: many figures are of the same runs."""
        if (name, fold) not in self.tables:
            self.tables[name, fold] = self.run(name).predictions(fold)
        return self.tables[name, fold].copy(deep=False)


@contextmanager
def open_published(results: Path, profile: str = "full") -> Iterator[PublishedStudy]:
    """The study of `results`/full, in a scratch workspace that points there: nothing below `results` is written to.

    What takes a lock or would log a reading does it in the scratch folder, which is gone afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="neurallnet-verify-") as scratch:
        work = Workspace(Path(scratch))
        work.runs.mkdir()
        full = results.resolve() / "full"
        for kind, target in (("evidence", work.evidence), ("manifests", work.manifests)):
            if (full / kind).is_dir():
                shutil.copytree(full / kind, target)
            target.mkdir(exist_ok=True)
        for folder in sorted(path for path in (full / "runs").glob("*") if path.is_dir()):
            try:
                (work.runs / folder.name).symlink_to(folder, target_is_directory=True)
            except OSError:  # a system without links, or that asks for rights to make one
                shutil.copytree(folder, work.runs / folder.name)
        yield PublishedStudy(profile, work, None, profile_config(profile))
