"""The only place that knows folders.

A workspace holds everything the package computes; it can be deleted and is rebuilt. Real images are read where the user
keeps them and are never copied into it (only resized arrays are cached, under `cache/`, which git ignores).

    workspace/
      synthetic/   images drawn by the embedded generator
      manifests/   one CSV per source
      cache/       decoded images, memory-mapped
      runs/        one folder per training run
      evidence/    JSON behind every number
      notebooks/   notebooks executed by papermill
"""

import os
from dataclasses import dataclass
from pathlib import Path

from neurallnet.errors import DataError

DATA_VARIABLE = "NEURALLNET_DATA"
WORK_VARIABLE = "NEURALLNET_WORK"


@dataclass(frozen=True)
class Workspace:
    """Folders of one workspace; each property names a folder, `ensure` makes it."""

    root: Path

    @property
    def synthetic(self) -> Path:
        return self.root / "synthetic"

    @property
    def manifests(self) -> Path:
        return self.root / "manifests"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def evidence(self) -> Path:
        return self.root / "evidence"

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"


def workspace(root: Path | str | None = None, profile: str = "smoke") -> Workspace:
    """The workspace at `root`, else at $NEURALLNET_WORK, else `work/<profile>` of the checkout or the current folder."""
    chosen = root or os.environ.get(WORK_VARIABLE) or (repository() or Path()) / "work" / profile
    return Workspace(Path(chosen).expanduser().resolve())


def data_root(root: Path | str | None = None) -> Path | None:
    """The folder of the user's real images: `root`, else $NEURALLNET_DATA, else None.

    Raises DataError when the named folder does not exist.
    """
    chosen = root or os.environ.get(DATA_VARIABLE)
    if not chosen:
        return None
    path = Path(chosen).expanduser()
    if not path.is_dir():
        raise DataError(f"{path}: no such folder; give the folder of your images with --data or {DATA_VARIABLE}")
    return path.resolve()


def repository() -> Path | None:
    """The checkout this package is imported from (it has pyproject.toml), or None for an installed wheel."""
    top = Path(__file__).resolve().parent.parent
    return top if (top / "pyproject.toml").is_file() else None
