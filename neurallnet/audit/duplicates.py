"""Duplicates within a set: files equal byte for byte, and pictures whose perceptual hashes differ in few bits."""

from typing import Any

import numpy as np
import pandas as pd

from neurallnet.data.phash import MAX_DISTANCE, components, near_pairs

PAIR_COLUMNS = ("a", "b", "label_a", "label_b", "distance", "exact", "gap")


def duplicate_pairs(frame: pd.DataFrame, max_distance: int = MAX_DISTANCE) -> pd.DataFrame:
    """Pairs within `max_distance` bits of pHash, exact ones (equal sha256) included: PAIR_COLUMNS, sorted by path.

    `gap` is the difference of file numbers, None across classes, whose numbers are independent.
    """
    ordered = frame.sort_values("path", ignore_index=True)
    found = near_pairs(ordered["phash"], max_distance)
    pairs = pair_table(ordered, found[:, :2])
    sha = ordered["sha256"].to_numpy(object)
    pairs["distance"], pairs["exact"] = found[:, 2], sha[found[:, 0]] == sha[found[:, 1]]
    return pairs[list(PAIR_COLUMNS)]


def pair_table(frame: pd.DataFrame, pairs: np.ndarray) -> pd.DataFrame:
    """Names of row positions (n, 2): columns a, b, label_a, label_b, gap."""
    path, label, order = (frame[name].to_numpy() for name in ("path", "label", "order"))
    i, j = pairs[:, 0], pairs[:, 1]
    gap = pd.Series(np.abs(order[i] - order[j]), dtype="Int64").mask(label[i] != label[j])
    return pd.DataFrame({"a": path[i], "b": path[j], "label_a": label[i], "label_b": label[j], "gap": gap})


def gaps(pairs: pd.DataFrame) -> dict[str, Any]:
    """How far apart in file number the pairs of one class lie: n, median, p95, max, and the share above 3, 37 and 300."""
    gap = pairs["gap"].dropna().to_numpy(float)
    if not len(gap):
        return {"n": 0}
    median, p95, most = np.quantile(gap, (0.5, 0.95, 1))
    above = {f"above_{limit}": int((gap > limit).sum()) for limit in (3, 37, 300)}
    return {"n": len(gap), "median": float(median), "p95": float(p95), "max": int(most), **above}


def group_sizes(labels: np.ndarray, groups: np.ndarray) -> dict[str, Any]:
    """Of N images in `groups`: n, number of groups, images in groups of two or more, the largest, groups that mix classes."""
    sizes = pd.Series(groups).value_counts()
    mixed = pd.Series(labels).groupby(groups).nunique()
    return {
        "n": len(groups),
        "groups": len(sizes),
        "images_not_alone": int(sizes[sizes > 1].sum()),
        "largest": int(sizes.max()),
        "groups_of_mixed_class": int((mixed > 1).sum()),
    }


def count_pairs(frame: pd.DataFrame, pairs: pd.DataFrame) -> dict[str, Any]:
    """What the audit says of one kind of pair: pairs, images in them, groups, gaps, pairs across classes, and per class."""
    place = pd.Series(np.arange(len(frame)), index=frame["path"].to_numpy())
    joined = np.column_stack((place[pairs["a"]].to_numpy(), place[pairs["b"]].to_numpy())).astype(np.int64).reshape(-1, 2)
    groups, labels = components(len(frame), joined), frame["label"].to_numpy(object)
    across = (pairs["label_a"] != pairs["label_b"]).to_numpy(bool)
    per_class = {}
    for label in sorted(set(labels)):
        own, mine = labels == label, (pairs["label_a"] == label).to_numpy(bool) & ~across
        per_class[label] = {"pairs": int(mine.sum()), **group_sizes(labels[own], groups[own]), "gaps": gaps(pairs[mine])}
    return {
        "pairs": len(pairs),
        "pairs_across_classes": int(across.sum()),
        **group_sizes(labels, groups),
        "gaps": gaps(pairs),
        "classes": per_class,
    }


def duplicate_report(frame: pd.DataFrame, max_distance: int = MAX_DISTANCE) -> dict[str, Any]:
    """`count_pairs` of the exact pairs and of the near ones (exact ones included), with the threshold."""
    ordered = frame.sort_values("path", ignore_index=True)
    pairs = duplicate_pairs(ordered, max_distance)
    exact = duplicate_pairs(ordered, 0)
    return {
        "exact": count_pairs(ordered, exact[exact["exact"]]),
        "near": {"max_distance": max_distance, **count_pairs(ordered, pairs)},
    }
