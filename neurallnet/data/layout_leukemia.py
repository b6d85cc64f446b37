"""Files of the sets that tell leukemia from health in their file names or a table: C-NMC 2019 and ALL-IDB.

    C-NMC     training_data/fold_0/{all,hem}/UID_57_29_1_all.bmp   UID_<subject>_<image>_<cell>_<class>; H49 is healthy
              C-NMC_test_prelim_phase_data/1.bmp                   original name and label in a table beside the folder
    ALL-IDB1  Im001_1.jpg      whole fields; _1 holds blasts, _0 is of somebody without leukemia
    ALL-IDB2  Im001_1.tif      single cells cut from ALL-IDB1, named the same way

Paths are kept as published, so the training folders may be called C-NMC_training_data (The Cancer Imaging Archive) or
training_data (Kaggle). A name that does not fit becomes a problem, never a guess. The final test set has no published
labels and is passed over.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from neurallnet.data.images import IMAGE_SUFFIXES
from neurallnet.data.listing import FoundImage, Listing, class_folders, file_names, normalized
from neurallnet.data.source import BENIGN, MALIGNANT
from neurallnet.data.tables import read_table
from neurallnet.errors import DataError

_PRELIM = "c-nmc_test_prelim_phase_data"
_WAY = re.compile(rf"c-nmc_leukemia|(c-nmc_)?training_data|validation_data|{_PRELIM}|fold_[0-9]+")
_DEEPEST = 5  # folders below the root; ends a loop of symbolic links
_CELLS = {"all": MALIGNANT, "hem": BENIGN}
_DIGITS = {"1": MALIGNANT, "0": BENIGN}
_UID = re.compile(r"UID_(H?)([0-9]{1,9})_([0-9]{1,9})_([0-9]{1,9})(?:_(all|hem))?", re.IGNORECASE)
_IDB = re.compile(r"Im([0-9]{1,9})_([01])", re.IGNORECASE)
_FORM = "UID_<subject>_<image>_<cell>_<all or hem>"


class _Cell(NamedTuple):
    path: str
    label: str
    patient: str
    rank: tuple[bool, int, int, int]  # acquisition: patients before healthy subjects, then image, then cell


def list_cnmc(root: Path) -> Listing:
    """Cells of the training folds and of the preliminary test set, `patient` in `extra`.

    `order` counts the cells of a class by subject, image and cell, so that neighbours in it may share a blood film.
    """
    listing, cells = Listing(), []
    for folder, label in _cnmc_folders(root, "", listing):
        if label:
            cells += _training(root, folder, label, listing)
        else:
            cells += _preliminary(root, folder, listing)
    for label in _CELLS.values():
        own = sorted((cell for cell in cells if cell.label == label), key=lambda c: (c.rank, c.path))
        listing.images += [FoundImage(c.path, label, place, {"patient": c.patient}) for place, c in enumerate(own, 1)]
    _report_missing(listing, "cells")
    return listing


def list_all_idb1(root: Path) -> Listing:
    """Fields of ALL-IDB1; `order` is the image number. Patients are not published."""
    return _list_all_idb(root, (".jpg", ".jpeg"))


def list_all_idb2(root: Path) -> Listing:
    """Cells of ALL-IDB2. Told from ALL-IDB1, whose names are the same, by their format: TIFF, not JPEG."""
    return _list_all_idb(root, (".tif", ".tiff"))


def _list_all_idb(root: Path, suffixes: tuple[str, ...]) -> Listing:
    listing = Listing()
    for name in file_names(root, "", listing):
        path, match = Path(name), _IDB.fullmatch(Path(name).stem)
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            continue  # coordinates of the blasts (.xyc), and folders that hold them
        if not match:
            listing.problems.append((name, "is not named Im<number>_<1 for blasts, 0 for none>"))
        elif path.suffix.lower() not in suffixes:
            listing.problems.append((name, f"is not a {suffixes[0]} file as published; keep the published file"))
        else:
            listing.images.append(FoundImage(name, _DIGITS[match[2]], int(match[1]), {}))
    _report_missing(listing, "images")
    return listing


def _report_missing(listing: Listing, what: str) -> None:
    held = {image.label for image in listing.images}
    listing.problems += [(label, f"there are no {what} of class {label}") for label in _CELLS.values() if label not in held]


def _cnmc_folders(root: Path, folder: str, listing: Listing, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Folders that hold cells, as (path below root, class), class "" for the preliminary test set; in sorted order."""
    prelim = normalized(Path(folder or root).name) == _PRELIM
    inside = file_names(root, folder, Listing())
    images = [name for name in inside if Path(name).suffix.lower() in IMAGE_SUFFIXES]
    if prelim and images:
        yield folder, ""
        return
    listing.problems += [(_join(folder, name), "lies outside the folders all and hem") for name in images]
    for name in class_folders(root / folder):
        below, known = _join(folder, name), normalized(name)
        if known in _CELLS:
            yield below, _CELLS[known]
        elif _WAY.fullmatch(known) and depth < _DEEPEST:
            yield from _cnmc_folders(root, below, listing, depth + 1)
        elif folder and not prelim:  # beside the root's own folders other sets may lie
            listing.problems.append((below, "is no folder of C-NMC; expected are fold_0, fold_1, ... with all and hem"))


def _training(root: Path, folder: str, label: str, listing: Listing) -> list[_Cell]:
    cells = []
    for name in file_names(root, folder, listing):
        path, match = _join(folder, name), _UID.fullmatch(Path(name).stem)
        if not match:
            listing.problems.append((path, f"is not named {_FORM}"))
        elif match[5] and _CELLS[match[5].lower()] != label:
            listing.problems.append((path, f"is named {match[5]} but lies in folder {Path(folder).name}"))
        else:
            cells.append(_cell(path, label, match))
    return cells


def _preliminary(root: Path, folder: str, listing: Listing) -> list[_Cell]:
    """Numbered images whose class, original name and so subject stand in a table of columns new_names, labels, Patient_ID."""
    where, table = _label_table(root, folder)
    if table is None:
        problem = "has no readable table with columns new_names and labels in it or above it; its images have no label"
        listing.problems.append((folder or ".", problem))
        return []
    rows = {name: group.to_dict("records") for name, group in table.groupby("new_names")}
    cells = []
    for name in file_names(root, folder, listing):
        if Path(name).suffix.lower() == ".csv":
            continue
        path, row = _join(folder, name), rows.pop(name, [])
        match = _UID.fullmatch(Path(row[0].get("Patient_ID", "")).stem) if row else None
        label = _DIGITS.get(row[0]["labels"]) if row else None
        if len(row) != 1:
            listing.problems.append((path, f"is listed {len(row)} times in {where}"))
        elif label is None:
            listing.problems.append((path, f"has the label {row[0]['labels']!r} in {where}; known are 1 (ALL) and 0"))
        elif "Patient_ID" in row[0] and not match:
            listing.problems.append((path, f"has the original name {row[0]['Patient_ID']!r} in {where}, not {_FORM}"))
        elif match and match[5] and _CELLS[match[5].lower()] != label:
            listing.problems.append((path, f"is labelled {row[0]['labels']} but originally named {match[5]} in {where}"))
        else:
            cells.append(_cell(path, label, match))
    listing.problems += [(_join(folder, str(name)), f"is listed in {where} but not there") for name in rows]
    return cells


def _label_table(root: Path, folder: str) -> tuple[str, pd.DataFrame | None]:
    """The label table in `folder` or the next folder above it that has one, not above the root; its path, and its rows."""
    places = [Path(folder), *Path(folder).parents]
    for place in places:
        for name in file_names(root, "" if place == Path() else place.as_posix(), Listing()):
            if not name.lower().endswith(".csv"):
                continue
            try:
                return (place / name).as_posix(), read_table(root / place / name, ("new_names", "labels"))
            except DataError:
                continue  # another table, or damaged: reported as none
    return "", None


def _cell(path: str, label: str, match: re.Match[str] | None) -> _Cell:
    if match is None:
        return _Cell(path, label, "", (True, 10**9, 0, 0))  # last: nothing is known of its acquisition
    healthy, subject, image, cell = match[1].upper(), int(match[2]), int(match[3]), int(match[4])
    return _Cell(path, label, f"{healthy}{subject}", (bool(healthy), subject, image, cell))


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}".lstrip("/")
