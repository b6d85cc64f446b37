"""Same-field groups within a set: pictures that show the same cells, shifted or turned, verified by geometry."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neurallnet.audit.agreement import pixel_agreement
from neurallnet.audit.controls import chance, class_pairs, mirrored_pairs
from neurallnet.audit.duplicates import count_pairs, pair_table
from neurallnet.audit.features import Features
from neurallnet.audit.matching import compare, moved, verified
from neurallnet.audit.settings import AuditConfig
from neurallnet.audit.shortlist import candidates
from neurallnet.data.phash import components, hash_words, near_pairs

OTHER_LIMITS = (6, 8, 10, 15, 20, 30)  # values of min_inliers whose effect is shown beside the chosen one's


@dataclass(frozen=True)
class FieldAudit:
    """What was compared and found.

    `compared`: `matching.compare` of every candidate pair; `pairs`: the verified ones by name (a, b, label_a, label_b, gap,
    distance, matches, inliers, moved, agreement); `groups`: path -> number of its same-field group; `report`: the counts, ready
    for JSON.
    """

    compared: pd.DataFrame
    pairs: pd.DataFrame
    groups: pd.Series
    report: dict[str, Any]


def audit_fields(
    frame: pd.DataFrame,
    pictures: np.ndarray,
    features: Features,
    config: AuditConfig,
    folder: Path,
    progress: bool | None = None,
) -> FieldAudit:
    """Find the same-field groups of a manifest's `frame`, whose `pictures` (N, size, size, 3) and `features` are in its order.

    Intermediate results are kept below `folder`; a killed audit goes on there. Raises DataError when it cannot be written.
    """
    asked = candidates(frame, features, config, folder)
    compared = compare(features, features, asked, config, folder / "within", "", progress)
    mirrored = mirrored_pairs(pictures, features, asked, config, folder, progress)
    crossed = class_pairs(frame["label"].to_numpy(object), features, config, folder, progress)
    pairs = named_pairs(frame, pictures, compared[verified(compared, config)], config)
    near = near_pairs(frame["phash"], config.max_distance)
    groups = field_groups(frame, pairs, near[:, :2])
    report = {
        "compared": len(compared),
        "same_field": count_pairs(frame, pairs),
        "distinct_fields": int(groups.nunique()),
        "agreement": _agreement(pairs["agreement"].to_numpy(float)),
        "near_not_verified": _lacking(frame, near[:, :2], pairs),
        "chance": {"mirrored": chance(mirrored, config), "classes": chance(crossed, config)},
        "other_limits": _limits(frame, compared, near[:, :2], {"mirrored": mirrored, "classes": crossed}, config),
        "shortlist": _shortlist(config),
    }
    return FieldAudit(compared, pairs, groups, report)


def named_pairs(frame: pd.DataFrame, pictures: np.ndarray, found: pd.DataFrame, config: AuditConfig) -> pd.DataFrame:
    """The rows of `matching.compare` in `found` with the names of their pictures, see FieldAudit.pairs."""
    found = found.reset_index(drop=True)
    words, pairs = hash_words(frame["phash"]), found[["i", "j"]].to_numpy(np.int64)
    return pair_table(frame, pairs).assign(
        distance=np.bitwise_count(words[pairs[:, 0]] ^ words[pairs[:, 1]]).astype(np.int64),
        matches=found["matches"],
        inliers=found["inliers"],
        moved=moved(found, config.size),
        agreement=pixel_agreement(pictures, pictures, found),
    )


def field_groups(frame: pd.DataFrame, pairs: pd.DataFrame, near: np.ndarray) -> pd.Series:
    """Group id per path (index `path`, name `group`): connected components of verified `pairs` and `near` duplicates (n, 2).

    Fields that overlap in a row form one group, though its ends have nothing in common.
    """
    place = pd.Series(np.arange(len(frame)), index=frame["path"].to_numpy())
    joined = np.column_stack((place[pairs["a"]].to_numpy(np.int64), place[pairs["b"]].to_numpy(np.int64)))
    groups = components(len(frame), np.concatenate((joined, near)))
    return pd.Series(groups, index=pd.Index(frame["path"], name="path"), name="group")


def _agreement(values: np.ndarray) -> dict[str, Any]:
    known = values[~np.isnan(values)]
    if not len(known):
        return {"n": 0}
    low, median = np.quantile(known, (0.05, 0.5))
    return {"n": len(known), "p5": float(low), "median": float(median), "below_half": int((known < 0.5).sum())}


def _lacking(frame: pd.DataFrame, near: np.ndarray, pairs: pd.DataFrame) -> dict[str, Any]:
    """Near-duplicates by hash that geometry does not confirm: how many of how many, and which."""
    known = set(zip(pairs["a"], pairs["b"], strict=True))
    names = pair_table(frame, near)[["a", "b"]].itertuples(index=False, name=None)
    lost = [list(pair) for pair in names if pair not in known]
    return {"of": len(near), "pairs": lost}


def _limits(
    frame: pd.DataFrame, compared: pd.DataFrame, near: np.ndarray, controls: dict[str, pd.DataFrame], config: AuditConfig
) -> list[dict[str, int]]:
    """How the findings depend on min_inliers: verified pairs, distinct fields, and pairs verified in each control."""
    rows = []
    for limit in sorted({*OTHER_LIMITS, config.min_inliers}):
        keep = verified(compared, config, limit)
        joined = np.concatenate((compared.loc[keep, ["i", "j"]].to_numpy(np.int64), near))
        row = {"min_inliers": limit, "pairs": int(keep.sum()), "distinct_fields": int(components(len(frame), joined).max()) + 1}
        rows.append(row | {name: int(verified(table, config, limit).sum()) for name, table in controls.items()})
    return rows


def _shortlist(config: AuditConfig) -> str:
    return (
        f"Not every pair was compared: {config.window} neighbours on either side in the class's file order, the {config.shortlist} "
        f"pictures of the whole set with the most similar visual words, and all within {config.max_distance} bits of pHash. "
        "Fields seen again outside of these are missed, so groups can only be larger and distinct fields fewer."
    )
