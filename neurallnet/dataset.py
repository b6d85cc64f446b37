"""From the name of a source to arrays: locate, manifest, split, decoded images. What a training or an evaluation starts from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from neurallnet.config import DataConfig, SplitConfig
from neurallnet.data.cache import load_images
from neurallnet.data.manifest import Manifest, current_manifest, manifest_digest, read_manifest
from neurallnet.data.sources import get_source, locate
from neurallnet.data.splits import make_split, split_groups
from neurallnet.errors import DataError
from neurallnet.paths import Workspace


@dataclass(frozen=True)
class Dataset:
    """Readable images of one source, in manifest order; `classes` is empty for an unlabelled source."""

    root: Path
    manifest: Manifest
    classes: tuple[str, ...]

    @property
    def frame(self) -> pd.DataFrame:
        return self.manifest.frame

    @property
    def digest(self) -> str:
        """sha256 of the manifest: which images, with which labels."""
        return manifest_digest(self.frame)

    @property
    def labels(self) -> np.ndarray:
        """int64 (N,): position of each image's class in `classes`, or -1 without a label."""
        return self.frame["label"].map({name: i for i, name in enumerate(self.classes)}).fillna(-1).to_numpy(np.int64)

    def images(self, view: DataConfig | int, work: Workspace, progress: bool | None = None) -> np.ndarray:
        """uint8 (N, size, size, 3) in manifest order, decoded once into the workspace's cache.

        `view` is what a run sees of an image; a number is a size in pixels, with the scale bar removed.
        """
        view = DataConfig(image_size=view) if isinstance(view, int) else view
        return load_images(self.frame, self.root, view.image_size, work.cache, progress, view.scale_bar)

    def groups(self) -> pd.Series:
        """path -> group of images that are not independent: near-duplicates, and one patient's images where known."""
        return split_groups(self.frame)


def open_dataset(
    name: str, work: Workspace, data: Path | str | None = None, strict: bool = False, progress: bool | None = None
) -> Dataset:
    """The data set called `name`; `data` is the folder of the user's images (else $NEURALLNET_DATA).

    The manifest is kept in the workspace and made anew when a file was added, removed or changed. Raises DataError.
    """
    root = locate(name, data, work)
    source = get_source(name, root)
    if source.classes and root.resolve() in (place := work.root.resolve(), *place.parents):
        raise DataError(f"{work.root}: this workspace lies among the classes and would be taken for one; name another with --work")
    manifest = current_manifest(source, root, work.manifests / name, strict=strict, progress=progress)
    return Dataset(root, manifest, source.classes)


def split_folds(dataset: Dataset, config: SplitConfig) -> pd.DataFrame:
    """The split of `dataset`: columns path, fold, in manifest order."""
    split = make_split(dataset.frame, config).set_index("path")
    return split.loc[dataset.frame["path"]].reset_index()


def rows_in(split: pd.DataFrame, *folds: str) -> np.ndarray:
    """Positions of the images of `folds`, in manifest order: indices into a Dataset's arrays."""
    return np.flatnonzero(split["fold"].isin(folds))


def rejected_images(work: Workspace, name: str) -> int:
    """How many files of the source `name` its manifest in `work` could not use."""
    return len(read_manifest(work.manifests / name).rejected)
