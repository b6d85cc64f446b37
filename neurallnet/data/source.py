"""What a data set is to this package: how its files are found, which classes it has, whom to cite, what is known of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from neurallnet.data.listing import FoundImage, Listing, class_folders, has_images, list_classes, list_flat, normalized
from neurallnet.data.tables import read_table
from neurallnet.errors import DataError
from neurallnet.paths import DATA_VARIABLE

TRUTH = ("patient", "session", "lab")  # columns only the synthetic generator knows
BENIGN, MALIGNANT = "Benign", "Malignant"
BINARY = (BENIGN, MALIGNANT)  # classes of a set that tells leukemia from health but names no subtype
SEGMENTED = "taleqani_segmented"


@dataclass(frozen=True)
class Notes:
    """What cannot be computed from the files, in the order of Gebru et al. 2021 (doi 10.1145/3458723); "" is not known.

    Never a number that the manifest gives: `datasheet` computes those.
    """

    motivation: str = ""
    content: str = ""
    collection: str = ""
    preprocessing: str = ""
    uses: str = ""
    distribution: str = ""
    maintenance: str = ""
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """One data set. `names` pairs normalized folder names with classes (empty: unlabelled); `layout` lists the files of
    a set whose labels lie elsewhere; `folders` are usual places below the data root, most specific first; `known` are
    columns a manifest has beside the usual ones; `lab` marks a simulated laboratory.
    """

    name: str
    classes: tuple[str, ...]
    citation: str
    url: str = ""
    licence: str = "not verified: research use"
    kaggle: str | None = None
    names: tuple[tuple[str, str], ...] = ()
    folders: tuple[str, ...] = ("",)
    layout: Callable[[Path], Listing] | None = None
    known: tuple[str, ...] = ()
    lab: str | None = None
    healthy: bool = False  # unlabelled, but known to hold no leukemia: a malignant call is a false alarm
    notes: Notes = Notes()

    def scan(self, root: Path) -> Listing:
        """Files below the source root, and what is wrong with it; raises DataError for a missing or foreign folder."""
        if not Path(root).is_dir():
            raise DataError(f"{root}: no such folder; name your image folder with --data or {DATA_VARIABLE}")
        if self.layout:
            return self.layout(Path(root))
        listing = list_classes(Path(root), dict(self.names)) if self.names else list_flat(Path(root))
        return _with_truth(listing, Path(root)) if self.lab else listing

    def find(self, root: Path) -> list[FoundImage]:
        """(path, label, order, extra) of each file below the source root; raises DataError like `scan`."""
        return self.scan(root).images

    def accepts(self, folder: Path) -> bool:
        """Whether `folder` looks like this source's root."""
        if (folder.name.casefold() == "segmented") != (self.name == SEGMENTED):
            return False  # Original/ and Segmented/ hold equal names: never take one for the other
        if self.layout:
            return folder.is_dir() and bool(self.layout(folder).images)
        if not self.names:
            return has_images(folder)
        return folder.is_dir() and any(normalized(name) in dict(self.names) for name in class_folders(folder))


def _with_truth(listing: Listing, root: Path) -> Listing:
    """Add what the generator wrote to truth.csv; a file it does not list becomes a problem."""
    truth = read_table(root / "truth.csv", ("path", *TRUTH)).set_index("path")[list(TRUTH)].to_dict("index")
    known = [image._replace(extra=truth[image.path]) for image in listing.images if image.path in truth]
    foreign = [(image.path, "is not listed in truth.csv") for image in listing.images if image.path not in truth]
    return Listing(known, listing.problems + foreign)
