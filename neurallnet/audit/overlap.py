"""Overlap of two sets, at any resolution: which pictures of another set show a field of this one.

Both sets are squeezed to one size first, as the primary set's publishers did with whole 1024 x 768 frames; after that a picture
and its full-resolution original differ by compression only. Perceptual hashes, which see 32 x 32 pixels of any picture, and
visual words say what is worth comparing; geometry decides.

    same image   one field, and no corner moved more than `same_image`: the same view, perhaps at another resolution
    same field   one field, shifted, turned or cropped
    hash only    hashes within `max_distance`, but geometry finds no common points: look at it yourself
    none         nothing found; the row names the most similar picture
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from neurallnet.audit.agreement import pixel_agreement
from neurallnet.audit.features import Features
from neurallnet.audit.matching import compare, moved, verified
from neurallnet.audit.settings import AuditConfig
from neurallnet.audit.shortlist import most_similar, similarity, vocabulary, word_counts
from neurallnet.data.phash import cross_distances

VERDICTS = ("same image", "same field", "hash only", "none")
COLUMNS = ("file", "match", "label", "label_match", "distance", "matches", "inliers", "moved", "agreement", "verdict")


@dataclass(frozen=True)
class Pictures:
    """A set as the audit compares it: its manifest's rows, pictures uint8 (N, size, size, 3) and features in that order."""

    frame: pd.DataFrame
    pixels: np.ndarray
    features: Features


def overlap(
    this: Pictures, other: Pictures, config: AuditConfig, words: Path, folder: Path, title: str = "", progress: bool | None = None
) -> pd.DataFrame:
    """Rows COLUMNS, one per picture of `other` (`file`) and finding in `this` (`match`), most inliers first.

    A picture without a finding has one row. `words` is the folder of this set's visual words; comparisons are kept below `folder`.
    """
    vocabulary_ = vocabulary(this.features, config, words)
    similar = similarity(word_counts(other.features, vocabulary_), word_counts(this.features, vocabulary_))
    distance = cross_distances(other.frame["phash"], this.frame["phash"])
    asked = np.concatenate((most_similar(similar, config.shortlist), np.argwhere(distance <= config.max_distance)))
    nearest = np.column_stack((np.arange(len(other.frame)), distance.argmin(1)))
    pairs = np.unique(np.concatenate((asked, nearest)), axis=0)
    table = compare(other.features, this.features, pairs, config, folder, title, progress)
    table["distance"] = distance[table["i"], table["j"]].astype(np.int64)
    table["verdict"] = _verdicts(table, config)
    best = table.sort_values(["i", "inliers", "distance", "j"], ascending=[True, False, True, True], kind="stable")
    shown = best[(best["verdict"] != "none") | ~best["i"].duplicated() & best["i"].isin(_without(best))].reset_index(drop=True)
    found = shown["verdict"].isin(VERDICTS[:2]).to_numpy()
    agreement = np.full(len(shown), np.nan)
    agreement[found] = pixel_agreement(other.pixels, this.pixels, shown[found])
    shown = shown.assign(moved=np.where(found, moved(shown, config.size), np.nan), agreement=agreement)
    return _named(shown, this.frame, other.frame)


def _verdicts(table: pd.DataFrame, config: AuditConfig) -> np.ndarray:
    found = verified(table, config)
    still = moved(table, config.size) <= config.same_image
    hashed = table["distance"].to_numpy() <= config.max_distance
    return np.select([found & still, found, hashed], VERDICTS[:3], VERDICTS[3])


def _without(table: pd.DataFrame) -> set[int]:
    """Pictures for which nothing was found."""
    return set(table["i"]) - set(table.loc[table["verdict"] != "none", "i"])


def _named(table: pd.DataFrame, this: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    for name, frame, place, column in (
        ("file", other, "i", "path"),
        ("match", this, "j", "path"),
        ("label", other, "i", "label"),
        ("label_match", this, "j", "label"),
    ):
        table[name] = frame[column].to_numpy(object)[table[place]]
    rank = table["verdict"].map({verdict: k for k, verdict in enumerate(VERDICTS)})
    order = table.assign(rank=rank).sort_values(["file", "rank", "inliers", "match"], ascending=[True, True, False, True])
    return order[list(COLUMNS)].reset_index(drop=True)


def overlap_report(table: pd.DataFrame) -> dict[str, Any]:
    """Of an overlap table: images of the other set, how many have each best verdict, share found again (same image or field)
    with its 95% Clopper-Pearson interval over images, findings with unequal labels, and the fewest inliers of a first finding.
    """
    best = table.drop_duplicates("file")
    counts = {verdict: int((best["verdict"] == verdict).sum()) for verdict in VERDICTS}
    found = counts["same image"] + counts["same field"]
    again = best[best["verdict"].isin(VERDICTS[:2])]
    labelled = again[again["label"] != ""]
    interval = binomtest(found, len(best)).proportion_ci(0.95, method="exact")
    return {
        "images": len(best),
        "verdicts": counts,
        "found": found,
        "share": found / len(best),
        "share_low": float(interval.low),
        "share_high": float(interval.high),
        "unit": "image",
        "fewest_inliers": int(again["inliers"].min()) if len(again) else None,
        "labels_compared": len(labelled),
        "labels_differ": int((labelled["label"] != labelled["label_match"]).sum()),
    }
