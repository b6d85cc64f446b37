"""The validation images an explanation is judged on. Test images are not needed for it, and are not read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neurallnet.paths import Workspace
from neurallnet.runs import Run, run_fold


@dataclass(frozen=True)
class Sample:
    """`images` uint8 (N, S, S, 3) as the network sees them, `labels` (N,) of `classes`, `paths` below `root`, `groups` (N,).

    `of`: number of validation images the sample was drawn from.
    """

    images: np.ndarray
    labels: np.ndarray
    paths: list[str]
    groups: np.ndarray
    classes: tuple[str, ...]
    source: str
    root: Path
    of: int

    def describe(self) -> dict[str, Any]:
        """What was looked at, for the evidence."""
        return {
            "fold": "val",
            "source": self.source,
            "n": len(self.images),
            "of": self.of,
            "by_class": {name: int((self.labels == place).sum()) for place, name in enumerate(self.classes)},
            "groups": len(np.unique(self.groups)),
        }

    def parts(self) -> dict[str, np.ndarray]:
        """ "all" and each class -> which images, bool (N,)."""
        of_class = {name: self.labels == place for place, name in enumerate(self.classes)}
        return {"all": np.ones(len(self.labels), bool), **of_class}


def validation_sample(run: Run, work: Workspace, data: Path | None = None, n: int | None = None, seed: int = 0) -> Sample:
    """About `n` of the validation images of `run`, each class in its share; all of them for None or when there are no more.

    Raises RunError when the images differ from those the run was trained on.
    """
    dataset, rows = run_fold(run, "val", work, data)
    chosen = rows[stratified(dataset.labels[rows], n, seed)]
    paths = dataset.frame["path"].iloc[chosen].tolist()
    return Sample(
        images=np.asarray(dataset.images(run.config.data, work)[chosen]),
        labels=dataset.labels[chosen],
        paths=paths,
        groups=dataset.groups().loc[paths].to_numpy(),
        classes=dataset.classes,
        source=run.config.data.source,
        root=dataset.root,
        of=len(rows),
    )


def stratified(labels: np.ndarray, n: int | None, seed: int = 0) -> np.ndarray:
    """Positions of about `n` of `labels`, sorted; each label in its share, rounded, and at least once.

    >>> stratified(np.array([0, 0, 0, 0, 1, 1]), 3).size
    3
    """
    if n is None or n >= len(labels):
        return np.arange(len(labels))
    places = pd.Series(np.arange(len(labels))).groupby(np.asarray(labels))
    drawn = [of.sample(max(1, round(n * len(of) / len(labels))), random_state=seed) for _, of in places]
    return np.sort(pd.concat(drawn).to_numpy())
