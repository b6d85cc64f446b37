"""Near-duplicates by perceptual hash: pictures whose 64-bit pHashes differ in few bits.

A pair is near-duplicate when the Hamming distance of its hashes is at most `max_distance`; a group is a
connected component of that relation, so two members of a group may differ by more. Source: Zauner 2010, as
implemented by the imagehash package.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from neurallnet.errors import DataError

MAX_DISTANCE = (
    4  # of 64 bits; on the primary set such pairs are neighbours in acquisition order and never cross classes
)
_BLOCK = 1024  # rows compared at a time: 1024 x N eight-byte words of memory


def near_pairs(hashes: Iterable[str], max_distance: int = MAX_DISTANCE) -> np.ndarray:
    """All pairs at Hamming distance <= `max_distance`: int64 array (pairs, 3) of i, j, distance with i < j,
    in that order.

    Raises DataError for a hash that is not 16 hexadecimal digits.
    """
    words = hash_words(hashes)
    found = [np.empty((0, 3), np.int64)]
    for start in range(0, len(words), _BLOCK):
        distance = np.bitwise_count(words[start : start + _BLOCK, None] ^ words[None, start:])
        i, j = np.nonzero(distance <= max_distance)
        later = j > i
        i, j = i[later], j[later]
        found.append(np.column_stack((i + start, j + start, distance[i, j])).astype(np.int64))
    return np.concatenate(found)


def cross_distances(hashes: Iterable[str], others: Iterable[str]) -> np.ndarray:
    """Hamming distance of each of `hashes` to each of `others`: uint8 (N, M). Raises DataError like `hash_words`."""
    return np.bitwise_count(hash_words(hashes)[:, None] ^ hash_words(others)[None])


def hash_words(hashes: Iterable[str]) -> np.ndarray:
    """Perceptual hashes as uint64 (N,). Raises DataError for one that is not 16 hexadecimal digits."""
    hashes = list(hashes)
    try:
        return np.array([int(h, 16) for h in hashes], dtype=np.uint64)
    except (ValueError, TypeError, OverflowError):
        bad = next(
            h
            for h in hashes
            if not isinstance(h, str) or len(h) != 16 or set(h) - set("0123456789abcdefABCDEF")
        )
        raise DataError(
            f"perceptual hash {bad!r} is not 16 hexadecimal digits; make the manifest again"
        ) from None


def components(size: int, pairs: np.ndarray) -> np.ndarray:
    """Group of each of `size` items under the relation `pairs` (n, 2): int64 (size,), numbered by first
    appearance.
    """
    links = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    labels = connected_components(links, directed=False)[1]
    return pd.factorize(labels)[0].astype(np.int64)


def near_duplicate_groups(frame: pd.DataFrame, max_distance: int = MAX_DISTANCE) -> pd.Series:
    """Group id per path (index `path`, sorted, name `group`); images without a near-duplicate are groups of
    one.

    Depends on the manifest's rows, not on their order.
    """
    ordered = frame.sort_values("path")
    pairs = near_pairs(ordered["phash"], max_distance)
    return pd.Series(
        components(len(ordered), pairs[:, :2]), index=pd.Index(ordered["path"], name="path"), name="group"
    )
