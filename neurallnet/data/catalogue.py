"""The data sets this project knows: what their folders mean, where they usually lie, whom to cite."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from neurallnet.config import CLASSES
from neurallnet.data.listing import (
    FoundImage,
    Listing,
    class_folders,
    has_images,
    list_classes,
    list_flat,
    normalized,
)
from neurallnet.data.tables import read_table
from neurallnet.errors import DataError
from neurallnet.paths import DATA_VARIABLE

TRUTH = ("patient", "session", "lab")  # columns only the synthetic generator knows
_SEGMENTED = "taleqani_segmented"


@dataclass(frozen=True)
class Source:
    """One data set. `names` pairs normalized folder names with classes (empty: unlabelled); `folders` are
    usual places below the data root, most specific first; `lab` marks a simulated laboratory.
    """

    name: str
    classes: tuple[str, ...]
    citation: str
    url: str = ""
    licence: str = "not verified: research use"
    kaggle: str | None = None
    names: tuple[tuple[str, str], ...] = ()
    folders: tuple[str, ...] = ("",)
    lab: str | None = None
    healthy: bool = False  # unlabelled, but known to hold no leukemia: a malignant call is a false alarm

    def scan(self, root: Path) -> Listing:
        """Files below the source root, and what is wrong with it; raises DataError for a missing or foreign
        folder.
        """
        if not Path(root).is_dir():
            raise DataError(f"{root}: no such folder; name your image folder with --data or {DATA_VARIABLE}")
        listing = list_classes(Path(root), dict(self.names)) if self.names else list_flat(Path(root))
        return _with_truth(listing, Path(root)) if self.lab else listing

    def find(self, root: Path) -> list[FoundImage]:
        """(path, label, order, extra) of each file below the source root; raises DataError like `scan`."""
        return self.scan(root).images

    def accepts(self, folder: Path) -> bool:
        """Whether `folder` looks like this source's root."""
        if (folder.name.casefold() == "segmented") != (self.name == _SEGMENTED):
            return False  # Original/ and Segmented/ hold equal names: never take one for the other
        if not self.names:
            return has_images(folder)
        return folder.is_dir() and any(normalized(name) in dict(self.names) for name in class_folders(folder))


def _with_truth(listing: Listing, root: Path) -> Listing:
    """Add what the generator wrote to truth.csv; a file it does not list becomes a problem."""
    truth = read_table(root / "truth.csv", ("path", *TRUTH)).set_index("path")[list(TRUTH)].to_dict("index")
    known = [image._replace(extra=truth[image.path]) for image in listing.images if image.path in truth]
    foreign = [
        (image.path, "is not listed in truth.csv") for image in listing.images if image.path not in truth
    ]
    return Listing(known, listing.problems + foreign)


_OWN_NAMES = tuple((name.casefold(), name) for name in CLASSES)
_TALEQANI = Source(
    name="taleqani",
    classes=CLASSES,
    citation="Aria et al. 2021, doi 10.34740/KAGGLE/DSV/2175623; "
    "Ghaderzadeh et al. 2022, doi 10.1002/int.22753",
    url="https://www.kaggle.com/datasets/mehradaria/leukemia",
    kaggle="mehradaria/leukemia",
    names=_OWN_NAMES,
    folders=("taleqani/Original", "leukemia/Original", "Original", "taleqani", "leukemia", ""),
)
_SYNTHETIC = Source(
    name="synthetic",
    classes=CLASSES,
    citation="drawn by this package's generator; no patient stands behind any of it",
    licence="BSD-3-Clause",
    names=_OWN_NAMES,
    lab="A",
)

SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        source.name: source
        for source in (
            _SYNTHETIC,
            replace(_SYNTHETIC, name="synthetic_external", lab="B"),
            _TALEQANI,
            replace(
                _TALEQANI,
                name=_SEGMENTED,
                folders=("taleqani/Segmented", "leukemia/Segmented", "Segmented", ""),
            ),
            Source(
                name="external",
                classes=CLASSES,
                citation="Hosseini et al. 2023, doi 10.1016/j.imu.2023.101244",
                url="https://www.kaggle.com/datasets/mohammadamireshraghi/blood-cell-cancer-all-4class",
                kaggle="mohammadamireshraghi/blood-cell-cancer-all-4class",
                names=(
                    ("benign", "Benign"),
                    ("[malignant] early pre-b", "Early"),
                    ("[malignant] pre-b", "Pre"),
                    ("[malignant] pro-b", "Pro"),
                ),
                folders=(
                    "external/Blood cell Cancer [ALL]",
                    "blood-cell-cancer-all-4class/Blood cell Cancer [ALL]",
                    "Blood cell Cancer [ALL]",
                    "external",
                    "blood-cell-cancer-all-4class",
                    "",
                ),
            ),
            Source(
                name="external_probe",
                classes=(),
                citation="fifteen images of `external`: Hosseini et al. 2023, doi 10.1016/j.imu.2023.101244",
                url="https://www.kaggle.com/datasets/mohammadamireshraghi/blood-cell-cancer-all-4class",
                folders=("external_probe", ""),
            ),
            Source(
                name="bccd",
                classes=(),
                citation="BCCD data set, healthy blood smears",
                url="https://github.com/Shenggan/BCCD_Dataset",
                licence="MIT",
                healthy=True,
                folders=(
                    "bccd",
                    "bccd/JPEGImages",
                    "BCCD_Dataset/BCCD/JPEGImages",
                    "BCCD/JPEGImages",
                    "JPEGImages",
                    "",
                ),
            ),
            Source(name="folder", classes=(), citation="your own images", licence="yours"),
        )
    }
)
