"""Finding the files of a data set on disk, without opening them.

Class names come from explicit tables, compared whole after casefolding and squeezing spaces: "[Malignant]
early Pre-B" contains "Pre-B", so any comparison by substring would mislabel a whole class.
"""

import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from neurallnet.data.images import IMAGE_SUFFIXES
from neurallnet.errors import DataError

_NOT_CLASSES = {"__macosx"}  # left by macOS archives
_BREAKING = {"Cc", "Zl", "Zp"}  # Unicode's control characters, line and paragraph separators
_NOT_IMAGES = {"thumbs.db", "desktop.ini"}  # left by Windows


class FoundImage(NamedTuple):
    """A file that claims to be an image: POSIX path below the root, class or "", acquisition order, what
    else is known.
    """

    path: str
    label: str
    order: int
    extra: dict[str, str]


@dataclass
class Listing:
    """Files found, and (path, reason) of what cannot be one."""

    images: list[FoundImage] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)


def normalized(name: str) -> str:
    """A folder name for comparison.

    >>> normalized(" [Malignant]  Pre-B")
    '[malignant] pre-b'
    """
    return " ".join(name.casefold().split())


def class_folders(root: Path) -> list[str]:
    """Names of the folders directly below `root` that may be classes, sorted; raises DataError when `root`
    cannot be listed.
    """
    names = [entry.name for entry in _entries(root) if _is_folder(entry)]
    return [name for name in names if normalized(name) not in _NOT_CLASSES]


def has_images(folder: Path) -> bool:
    """Whether `folder` exists and directly holds a file named like an image."""
    return folder.is_dir() and any(Path(e.name).suffix.lower() in IMAGE_SUFFIXES for e in _entries(folder))


def list_classes(root: Path, table: Mapping[str, str]) -> Listing:
    """Files of a class-per-folder tree; `table` maps normalized folder names to classes.

    A class without folder or files becomes a problem; a folder the table does not know raises DataError
    listing the known names.
    """
    listing = Listing()
    folders = {name: table.get(normalized(name)) for name in class_folders(root)}
    unknown = [name for name, label in folders.items() if label is None]
    if unknown:
        known = ", ".join(f"{name!r}" for name in table)
        raise DataError(
            f"{root}: unknown class folder(s) {', '.join(map(repr, unknown))}; known names are {known}"
        )
    for label in dict.fromkeys(table.values()):
        own = [name for name, target in folders.items() if target == label]
        if not own:
            listing.problems.append((label, f"there is no folder for class {label}"))
        for name in own:
            _list_folder(root, name, label, listing)
    for entry in _entries(root):
        if not _is_folder(entry) and Path(entry.name).suffix.lower() in IMAGE_SUFFIXES:
            listing.problems.append((printable(entry.name), "lies outside the class folders"))
    return listing


def list_flat(root: Path) -> Listing:
    """Files of a folder of unlabelled images; their label is ""."""
    listing = Listing()
    _list_folder(root, "", "", listing)
    return listing


def file_names(root: Path, folder: str, listing: Listing) -> list[str]:
    """Names of what lies in root/folder, sorted; one that no table can hold becomes a problem of `listing`."""
    names = [e.name for e in _entries(root / folder) if e.name.casefold() not in _NOT_IMAGES]
    usable = [name for name in names if name == printable(name)]
    for name in set(names) - set(usable):
        path = f"{folder}/{printable(name)}".lstrip("/")
        listing.problems.append((path, "has control characters or broken text in its name; rename it"))
    return usable


def _list_folder(root: Path, folder: str, label: str, listing: Listing) -> None:
    known = len(listing.problems)
    usable = file_names(root, folder, listing)
    orders = _orders(usable)
    for name in usable:
        listing.images.append(FoundImage(f"{folder}/{name}".lstrip("/"), label, orders[name], {}))
    if not usable and len(listing.problems) == known:
        listing.problems.append((folder or ".", "the folder holds no images"))


def _orders(names: list[str]) -> dict[str, int]:
    """`acquisition_order` by name; a note or a table that lies among the images moves none of them."""
    images = [name for name in names if Path(name).suffix.lower() in IMAGE_SUFFIXES]
    others = [name for name in names if name not in set(images)]
    return {name: order for part in (images, others) for name, order in zip(part, acquisition_order(part), strict=True)}


def acquisition_order(names: list[str]) -> list[int]:
    """The last number in each file name; when a name has none, every file's rank by natural sorting instead.

    >>> acquisition_order(["WBC-Benign-010.jpg", "WBC-Benign-002.jpg"])
    [10, 2]
    >>> acquisition_order(["b10.png", "b9.png", "cover.png"])
    [2, 1, 3]
    """
    found = [re.search(r"([0-9]+)[^0-9]*$", Path(name).stem) for name in names]
    if all(match and len(match[1]) <= 18 for match in found):  # 18 digits fit 64 bits
        return [int(match[1]) for match in found]
    rank = {name: place for place, name in enumerate(sorted(names, key=_natural), start=1)}
    return [rank[name] for name in names]


def _natural(name: str) -> tuple:
    parts = re.split(r"([0-9]+)", name)
    return tuple(int(p) if i % 2 else p for i, p in enumerate(parts)), name


def printable(name: str) -> str:
    """The name itself when it can be written to a table, else with the characters escaped that no line of one can hold.

    >>> printable("標本\\u3000一.png") == "標本\\u3000一.png", printable("two\\nlines.png")
    (True, 'two\\\\nlines.png')
    """
    shown = name.encode("utf-8", "backslashreplace").decode()
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in _BREAKING else c for c in shown)


def _is_folder(entry: os.DirEntry) -> bool:
    return os.path.isdir(entry.path)  # False for a symlink loop, where entry.is_dir() raises


def _entries(folder: Path) -> list[os.DirEntry]:
    """Entries that are not hidden, sorted by name; raises DataError."""
    try:
        with os.scandir(folder) as found:
            return sorted((e for e in found if not e.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed: {error.strerror or error}") from None
