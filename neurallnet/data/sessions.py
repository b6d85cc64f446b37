"""The session protocol: blocks of each class's acquisition order, kept apart by an embargo.

File numbers follow acquisition, so neighbours share slide, field and stain. With n images of a class in
order, fold k of five and embargo e, for a test block in the middle:

    |  train  | e | test (n/5) | e |  train  | e | val (n/10) |

Validation is the tenth at the far end of the order from the test block: at the end for folds 0 to 2, at the
start for 3 and 4. Embargoed images are in no fold ("unused").
"""

from bisect import bisect_left

import numpy as np
import pandas as pd

from neurallnet.errors import DataError

SESSION_FOLDS = 5


def session_folds(frame: pd.DataFrame, fold: int, embargo: int) -> np.ndarray:
    """Fold of each row (object array): "train", "val", "test" or "unused".

    Raises DataError when a class cannot give all three; it names the class and the largest embargo all
    classes allow.
    """
    folds = np.full(len(frame), "unused", dtype=object)
    ranked = frame.reset_index(drop=True).sort_values(["label", "order", "path"])
    classes = {label: rows.index.to_numpy() for label, rows in ranked.groupby("label")}
    limits = {label: largest_embargo(len(rows), fold) for label, rows in classes.items()}
    tightest = min(limits, key=limits.get)
    if limits[tightest] < 0:
        raise DataError(
            f"session split: class {tightest} has only {len(classes[tightest])} images, too few at any "
            "embargo"
        )
    if embargo > limits[tightest]:
        raise DataError(
            f"session split: class {tightest} ({len(classes[tightest])} images) is too small for "
            f"embargo {embargo} in fold {fold}; "
            f"the largest that works is {limits[tightest]}"
        )
    for rows in classes.values():
        folds[rows] = class_blocks(len(rows), fold, embargo)
    return folds


def class_blocks(size: int, fold: int, embargo: int) -> np.ndarray:
    """Fold of each of `size` ordered images of one class; "train" is empty when the embargo is too large.

    >>> "".join(name[1] for name in class_blocks(20, 2, 1))  # r: train, e: test, a: val, n: unused
    'rrrrrrrneeeenrrrrnaa'
    """
    edges = np.linspace(0, size, SESSION_FOLDS + 1).round().astype(int)
    start, stop = edges[fold], edges[fold + 1]
    held = max(1, round(size / 10))
    first, last = (size - held, size) if fold <= SESSION_FOLDS // 2 else (0, held)
    blocks = np.full(size, "train", dtype=object)
    blocks[max(0, first - embargo) : last + embargo] = "unused"
    blocks[max(0, start - embargo) : stop + embargo] = "unused"
    blocks[first:last] = "val"
    blocks[start:stop] = "test"
    return blocks


def largest_embargo(size: int, fold: int) -> int:
    """The largest embargo that leaves `size` ordered images a test block, a validation block that far from
    it, and one image to train on; -1 when none does.
    """
    free = class_blocks(size, fold, 0)
    test, val = np.flatnonzero(free == "test"), np.flatnonzero(free == "val")
    if not len(test) or not len(val) or not (free == "train").any():
        return -1
    apart = max(test[0] - val[-1], val[0] - test[-1]) - 1  # images between the two blocks
    return (
        bisect_left(range(apart + 1), True, key=lambda e: not (class_blocks(size, fold, e) == "train").any())
        - 1
    )
