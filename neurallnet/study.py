"""What a notebook opens first: a profile's workspace, data set and runs, and the place its numbers go to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from neurallnet.arms import arms
from neurallnet.config import RunConfig, SplitConfig, profile_config
from neurallnet.dataset import Dataset, open_dataset, split_folds
from neurallnet.errors import ConfigError, DataError
from neurallnet.evidence import write_evidence
from neurallnet.paths import Workspace, workspace
from neurallnet.readlog import read_test_reads
from neurallnet.runs import TEST_FOLD, TEST_READS, Run, evaluate_learned, evaluate_run, train_run


@dataclass(frozen=True)
class Study:
    """One profile at work in one workspace. `synthetic` says that its images are drawn: figures must then be labelled."""

    profile: str
    work: Workspace
    data: Path | None
    config: RunConfig

    @property
    def synthetic(self) -> bool:
        return self.config.data.source.startswith("synthetic")

    def dataset(self, source: str | None = None) -> Dataset:
        """The profile's own images, or those of another source."""
        return open_dataset(source or self.config.data.source, self.work, self.data)

    def split(self, config: SplitConfig) -> pd.DataFrame:
        """The split of the profile's own images: columns path, fold, in manifest order."""
        return split_folds(self.dataset(), config)

    def arm(self, name: str) -> RunConfig:
        """Configuration of a named run of the profile, e.g. "base-0"; raises ConfigError naming the known ones."""
        known = {arm.name: arm.config for arm in arms(self.profile)}
        if name not in known:
            raise ConfigError(f"arm {name!r} is unknown; profile {self.profile} has {', '.join(known)}")
        return known[name]

    def seeds(self, network: str) -> list[str]:
        """The runs of an arm, one per seed that the profile trains, e.g. of "base"; raises ConfigError when there is none."""
        self.arm(f"{network}-0")
        return [arm.name for arm in arms(self.profile) if arm.name.rsplit("-", 1)[0] == network]

    def run(self, name: str = "base-0") -> Run:
        """The finished run of an arm, trained now if it is not there."""
        return train_run(self.arm(name), self.work, self.data)

    def test(self, name: str = "base-0", why: str = "") -> pd.DataFrame:
        """Test predictions of an arm's run; read once and logged with the reason, afterwards taken from the run's folder."""
        return evaluate_run(self.run(name), self.work, self.data, why or f"published result of {name}")

    def learned(self, name: str = "base-0") -> pd.DataFrame:
        """Predictions of the training images of an arm's run, as they are; afterwards taken from the run's folder."""
        return evaluate_learned(self.run(name), self.work, self.data)

    def test_read(self, run: Run) -> dict[str, Any]:
        """The log entry of the reading of a run's test fold; raises DataError when the log does not have it."""
        log = self.work.evidence / TEST_READS
        entries = [e for e in read_test_reads(log) if (e["run"], e["what"]) == (run.address, TEST_FOLD)]
        if not entries:
            raise DataError(f"{log}: has no reading of the test fold of {run.address}; restore the log")
        return entries[0]

    def save(self, name: str, payload: dict[str, Any]) -> Path:
        """Write evidence/<name>.json; returns its path."""
        path = self.work.evidence / f"{name}.json"
        write_evidence(path, {"profile": self.profile, "synthetic": self.synthetic, **payload})
        return path


def open_study(profile: str = "smoke", data: str | Path | None = None, work: str | Path | None = None) -> Study:
    """The study of `profile`; `data` is the folder of real images (else $NEURALLNET_DATA), `work` the workspace."""
    return Study(profile, workspace(work, profile), Path(data) if data else None, profile_config(profile))
