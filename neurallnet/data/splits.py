"""Train, validation and test as a file: image -> fold.

`random`   the paper's protocol: stratified tenths, one tests, the next validates, eight train.
Near-duplicates leak. `group`    the same with whole groups: near-duplicates, and patients where they are
known, never straddle. `session`  each class's file order cut into five contiguous fifths; one tests, with an
embargo on either side, or two are held out to choose by, and none tests.

A split depends on the manifest's rows and the seed, not on row order or platform.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from neurallnet.config import TENTHS, SplitConfig
from neurallnet.data.phash import MAX_DISTANCE, components, near_duplicate_groups, near_pairs
from neurallnet.data.sessions import SESSION_FOLDS, pair_folds, session_folds
from neurallnet.data.tables import read_table, write_table
from neurallnet.errors import DataError

__all__ = ["FOLDS", "make_split", "near_duplicate_groups", "read_split", "split_groups", "write_split"]

FOLDS = ("train", "val", "test", "unused")
_FEWEST = 3  # parts a `group` split needs


def make_split(frame: pd.DataFrame, config: SplitConfig) -> pd.DataFrame:
    """Split a labelled manifest: columns path, fold (one of FOLDS), sorted by path.

    Raises DataError when images have no label, a class is too small for the protocol, or there is no such
    fold.
    """
    ordered = frame.sort_values("path", ignore_index=True)
    unlabelled = ordered.loc[ordered["label"] == "", "path"]
    if len(unlabelled) or ordered.empty:
        first = f" (first: {unlabelled.iloc[0]})" if len(unlabelled) else ""
        raise DataError(
            f"cannot split: {len(unlabelled)} of {len(ordered)} images have no label{first}; choose a "
            "labelled source"
        )
    folds = {"random": _random, "group": _group, "session": _session}[config.protocol](ordered, config)
    return pd.DataFrame({"path": ordered["path"], "fold": folds})


def split_groups(frame: pd.DataFrame, max_distance: int = MAX_DISTANCE) -> pd.Series:
    """What must not straddle folds: near-duplicates joined with images of one patient, where `patient` is
    known.

    Group id per path (index `path`, sorted, name `group`). Patients of different laboratories are different
    people.
    """
    ordered = frame.sort_values("path", ignore_index=True)
    pairs = near_pairs(ordered["phash"], max_distance)[:, :2]
    if "patient" in ordered:
        known = ordered[ordered["patient"] != ""]
        keys = ["patient", "lab"] if "lab" in ordered else ["patient"]
        first = known.groupby(keys)["patient"].transform(lambda rows: rows.index[0])
        pairs = np.concatenate(
            (pairs, np.column_stack((first.to_numpy(np.int64), known.index.to_numpy(np.int64))))
        )
    return pd.Series(
        components(len(ordered), pairs), index=pd.Index(ordered["path"], name="path"), name="group"
    )


def write_split(split: pd.DataFrame, path: Path) -> None:
    """Write a split as CSV sorted by path; equal splits are equal files. Raises DataError."""
    write_table(split[["path", "fold"]].sort_values("path"), Path(path))


def read_split(path: Path) -> pd.DataFrame:
    """Read a split; raises DataError when an image comes twice or a fold is unknown."""
    split = read_table(Path(path), ("path", "fold"))[["path", "fold"]]
    twice = split.loc[split["path"].duplicated(), "path"]
    if len(twice):
        raise DataError(f"{path}: {twice.iloc[0]} comes more than once; make the split again")
    foreign = sorted(set(split["fold"]) - set(FOLDS))
    if foreign:
        raise DataError(f"{path}: unknown fold {foreign[0]!r}; folds are {', '.join(FOLDS)}")
    return split


def _random(frame: pd.DataFrame, config: SplitConfig) -> np.ndarray:
    counts = frame["label"].value_counts()
    if counts.min() < TENTHS:
        raise DataError(
            f"class {counts.idxmin()} has {counts.min()} images; a random split needs {TENTHS} or more "
            "per class"
        )
    cutter = StratifiedKFold(TENTHS, shuffle=True, random_state=config.seed)
    return _rotate([part for _, part in cutter.split(frame, frame["label"])], config.fold)


def _group(frame: pd.DataFrame, config: SplitConfig) -> np.ndarray:
    """Ten parts, or as many as the class with the fewest groups has, so that each can hold every class."""
    groups = split_groups(frame).to_numpy()
    counts = pd.Series(groups).groupby(frame["label"].to_numpy()).nunique()
    parts = min(TENTHS, int(counts.min()))
    if parts < _FEWEST:
        raise DataError(
            f"class {counts.idxmin()} has {parts} group(s) of near-duplicates or patients; a group "
            f"split needs {_FEWEST} or more"
        )
    if config.fold >= parts:
        raise DataError(
            f"group split: fold {config.fold} does not exist; these images allow folds 0 to {parts - 1}"
        )
    cutter = StratifiedGroupKFold(parts, shuffle=True, random_state=config.seed)
    folds = _rotate([part for _, part in cutter.split(frame, frame["label"], groups)], config.fold)
    held = frame["label"].groupby(folds).unique()
    for fold in ("train", "val", "test"):
        lacking = set(frame["label"]) - set(held.get(fold, ()))
        if lacking:
            raise DataError(
                f"group split: no {min(lacking)} image in {fold}; its groups are too few or large; try "
                "another seed or fold"
            )
    return folds


def _session(frame: pd.DataFrame, config: SplitConfig) -> np.ndarray:
    for fold in (config.fold, config.other or 0):
        if fold >= SESSION_FOLDS:
            raise DataError(f"session split: fold {fold} does not exist; choose 0 to {SESSION_FOLDS - 1}")
    if config.other is not None:
        return pair_folds(frame, config.fold, config.other, config.embargo)
    return session_folds(frame, config.fold, config.embargo, config.offset, config.as_few_as)


def _rotate(parts: list[np.ndarray], fold: int) -> np.ndarray:
    folds = np.full(sum(map(len, parts)), "train", dtype=object)
    folds[parts[fold]] = "test"
    folds[parts[(fold + 1) % len(parts)]] = "val"
    return folds
