"""Which pairs of pictures are worth comparing: neighbours in file order, and those with the most similar visual words.

Comparing all pairs of 3,256 pictures would take hours. A picture's visual words are its descriptors, each replaced by the nearest
of a few hundred cluster centres and counted (Sivic and Zisserman, ICCV 2003, doi 10.1109/ICCV.2003.1238663).
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import MiniBatchKMeans

from neurallnet.audit.features import Features
from neurallnet.audit.settings import AuditConfig
from neurallnet.audit.store import kept
from neurallnet.data.phash import near_pairs

_LEARN = 60_000  # descriptors the words are learnt from
_BLOCK = 256  # pictures whose descriptors are held as float32 at a time


def order_pairs(frame: pd.DataFrame, window: int) -> np.ndarray:
    """Pairs of pictures of one class at most `window` places apart in file order: int64 (n, 2), row positions, i < j."""
    ranked = frame.reset_index(drop=True).sort_values(["order", "path"])
    found = [np.empty((0, 2), np.int64)]
    for _, rows in ranked.groupby("label", sort=True):
        place = rows.index.to_numpy(np.int64)
        found += [np.column_stack((place[:-step], place[step:])) for step in range(1, min(window, len(place) - 1) + 1)]
    return np.sort(np.concatenate(found), axis=1)


def hash_pairs(frame: pd.DataFrame, max_distance: int) -> np.ndarray:
    """Pairs within `max_distance` bits of perceptual hash: int64 (n, 2), i < j."""
    return near_pairs(frame["phash"], max_distance)[:, :2]


def vocabulary(features: Features, config: AuditConfig, folder: Path) -> np.ndarray:
    """Visual words, float32 (words, 128), learnt from `features` and kept below `folder`."""

    def learn() -> dict[str, np.ndarray]:
        picture, place = np.nonzero(np.arange(features.descriptors.shape[1]) < features.counts[:, None])
        if not len(picture):
            return {"words": np.zeros((1, 128), np.float32)}
        chosen = np.random.default_rng(config.seed).permutation(len(picture))[:_LEARN]
        sample = features.descriptors[picture[chosen], place[chosen]].astype(np.float32)
        size = min(config.words, len(np.unique(sample, axis=0)))
        words = MiniBatchKMeans(size, random_state=config.seed, n_init=1, batch_size=4096, max_iter=10).fit(sample).cluster_centers_
        return {"words": words.astype(np.float32)}

    return kept(folder / "words.npz", learn)["words"]


def word_counts(features: Features, words: np.ndarray) -> np.ndarray:
    """How often each word occurs in each picture: float32 (N, words)."""
    counts = np.zeros((len(features), len(words)), np.float32)
    half = (words**2).sum(1) / 2
    for start in range(0, len(features), _BLOCK):
        part = slice(start, start + _BLOCK)
        picture, place = np.nonzero(np.arange(features.descriptors.shape[1]) < features.counts[part, None])
        word = (features.descriptors[part][picture, place].astype(np.float32) @ words.T - half).argmax(1)
        np.add.at(counts, (picture + start, word), 1)
    return counts


def similarity(counts: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Cosine of the word counts, damped by a square root and weighed by how rare a word is among `others`: float32 (N, M)."""
    rarity = np.log(len(others) / np.maximum((others > 0).sum(0), 1)) + 1e-6  # +: one picture alone is similar to itself
    here, there = (np.sqrt(part) * rarity for part in (counts, others))
    here, there = (part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-9) for part in (here, there))
    return (here @ there.T).astype(np.float32)


def most_similar(similar: np.ndarray, count: int) -> np.ndarray:
    """The `count` columns of greatest value in each row of (N, M), lower columns first among equals: int64 (n, 2)."""
    count = min(count, similar.shape[1])
    best = np.argsort(-similar, axis=1, kind="stable")[:, :count]
    return np.column_stack((np.repeat(np.arange(len(similar)), count), best.ravel()))


def candidates(frame: pd.DataFrame, features: Features, config: AuditConfig, folder: Path) -> np.ndarray:
    """Pairs within a set that are compared: neighbours in file order, near-duplicates, most similar: int64 (n, 2), i < j."""
    counts = word_counts(features, vocabulary(features, config, folder))
    similar = similarity(counts, counts)
    np.fill_diagonal(similar, -1)
    listed = most_similar(similar, config.shortlist)
    listed = np.sort(listed[listed[:, 0] != listed[:, 1]], axis=1)
    pairs = (order_pairs(frame, config.window), hash_pairs(frame, config.max_distance), listed)
    return np.unique(np.concatenate(pairs), axis=0)
