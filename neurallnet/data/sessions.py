"""The session protocol: blocks of each class's acquisition order, kept apart by an embargo.

File numbers follow acquisition, so neighbours share slide, field and stain. With n images of a class in
order, fold k of five and embargo e, for a test block in the middle:

    |  train  | e | test (n/5) | e |  train  | e | val (n/10) |

Validation is the tenth at the far end of the order from the test block: at the end for folds 0 to 2, at the
start for 3 and 4. Embargoed images are in no fold ("unused"). With an offset all blocks begin that share of
a block later; the last one then holds both ends of the order, and its validation lies in the middle.

To choose a setting, blocks are held out by pairs, which validate and do not test: for each test block a setting can be chosen by
networks that have not seen it, from what they make of the other block.
"""

from bisect import bisect_left

import numpy as np
import pandas as pd

from neurallnet.errors import DataError

SESSION_FOLDS = 5


def session_folds(
    frame: pd.DataFrame, fold: int, embargo: int, offset: float = 0.0, as_few_as: int | None = None
) -> np.ndarray:
    """Fold of each row (object array): "train", "val", "test" or "unused".

    With `as_few_as`, a class keeps as many training images as that embargo would leave, evenly spread.

    Raises DataError when a class cannot give all three; it names the class and the largest embargo all
    classes allow.
    """
    folds = np.full(len(frame), "unused", dtype=object)
    classes = _in_order(frame)
    limits = {label: largest_embargo(len(rows), fold, offset) for label, rows in classes.items()}
    tightest = min(limits, key=limits.get)
    if limits[tightest] < 0:
        raise DataError(
            f"session split: class {tightest} has only {len(classes[tightest])} images, too few at any "
            "embargo"
        )
    widest = as_few_as or embargo
    if widest > limits[tightest]:
        raise DataError(
            f"session split: class {tightest} ({len(classes[tightest])} images) is too small for "
            f"embargo {widest} in fold {fold}; "
            f"the largest that works is {limits[tightest]}"
        )
    for rows in classes.values():
        folds[rows] = class_blocks(len(rows), fold, embargo, offset)
        if as_few_as is not None:
            left = int((class_blocks(len(rows), fold, as_few_as, offset) == "train").sum())
            spare_all_but(left, folds, rows[folds[rows] == "train"])
    return folds


def pair_folds(frame: pd.DataFrame, fold: int, other: int, embargo: int) -> np.ndarray:
    """Fold of each row (object array) where two blocks validate and none tests: "train", "val" or "unused".

    Raises DataError naming a class that has no image left to train on, or none in one of the blocks.
    """
    folds = np.full(len(frame), "unused", dtype=object)
    for label, rows in _in_order(frame).items():
        folds[rows] = class_pair(len(rows), fold, other, embargo)
        if len(rows) < SESSION_FOLDS:
            raise DataError(f"session split: class {label} has only {len(rows)} images, too few for {SESSION_FOLDS} blocks")
        if not (folds[rows] == "train").any():
            blocks = f"blocks {fold} and {other}"
            raise DataError(f"session split: class {label} ({len(rows)} images) has none to train on without {blocks}")
    return folds


def _in_order(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Positions of each class's rows, in acquisition order."""
    ranked = frame.reset_index(drop=True).sort_values(["label", "order", "path"])
    return {label: rows.index.to_numpy() for label, rows in ranked.groupby("label")}


def class_pair(size: int, fold: int, other: int, embargo: int) -> np.ndarray:
    """Fold of each of `size` ordered images of one class where blocks `fold` and `other` are held out.

    >>> "".join(name[1] for name in class_pair(20, 1, 3, 1))  # r: train, a: val, n: unused
    'rrrnaaaanrrnaaaanrrr'
    """
    edges = np.linspace(0, size, SESSION_FOLDS + 1).round().astype(int)
    blocks = np.full(size, "train", dtype=object)
    for block in (fold, other):
        blocks[max(0, edges[block] - embargo) : edges[block + 1] + embargo] = "unused"
    for block in (fold, other):
        blocks[edges[block] : edges[block + 1]] = "val"
    return blocks


def spare_all_but(left: int, folds: np.ndarray, train: np.ndarray) -> None:
    """Leave `left` of the positions `train` as they are, evenly spread over their order, and mark the others "unused"."""
    kept = train[np.linspace(0, len(train) - 1, left).round().astype(int)]
    folds[np.setdiff1d(train, kept)] = "unused"


def class_blocks(size: int, fold: int, embargo: int, offset: float = 0.0) -> np.ndarray:
    """Fold of each of `size` ordered images of one class; "train" is empty when the embargo is too large.

    >>> "".join(name[1] for name in class_blocks(20, 2, 1))  # r: train, e: test, a: val, n: unused
    'rrrrrrrneeeenrrrrnaa'
    >>> "".join(name[1] for name in class_blocks(20, 4, 1, 0.5))
    'eenrrrrrnaanrrrrrnee'
    """
    edges = np.linspace(0, size, SESSION_FOLDS + 1).round().astype(int)
    start, stop = edges[fold : fold + 2] + round(offset * size / SESSION_FOLDS)
    held = max(1, round(size / 10))
    if stop > size:
        tests, first = [(start, size), (0, stop - size)], (size - held) // 2
    else:
        tests, first = [(start, stop)], size - held if start + stop <= size else 0
    blocks = np.full(size, "train", dtype=object)
    for begin, end in (*tests, (first, first + held)):
        blocks[max(0, begin - embargo) : end + embargo] = "unused"
    blocks[first : first + held] = "val"
    for begin, end in tests:
        blocks[begin:end] = "test"
    return blocks


def largest_embargo(size: int, fold: int, offset: float = 0.0) -> int:
    """The largest embargo that leaves `size` ordered images a test block, a validation block that far from
    it, and one image to train on; -1 when none does.
    """
    free = class_blocks(size, fold, 0, offset)
    test, val = np.flatnonzero(free == "test"), np.flatnonzero(free == "val")
    if not len(test) or not len(val) or not (free == "train").any():
        return -1
    apart = int(np.abs(test[:, None] - val).min()) - 1  # images between the two blocks
    return (
        bisect_left(
            range(apart + 1), True, key=lambda e: not (class_blocks(size, fold, e, offset) == "train").any()
        )
        - 1
    )
