"""How often the audit would call two pictures one field by chance: the same comparison where no pair can be right.

mirrored  the candidate pairs themselves, one picture mirrored: same stain, same cells, same shortlist, but a field seen in a
          mirror is not that field, and a map that mirrors back is refused
classes   random pairs of different classes
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from neurallnet.audit.features import Features, extract
from neurallnet.audit.matching import compare, plausible, verified
from neurallnet.audit.settings import AuditConfig

PARTNERS = 25  # random pictures of other classes that each chosen picture is compared with


def mirrored_pairs(
    pictures: np.ndarray, features: Features, pairs: np.ndarray, config: AuditConfig, folder: Path, progress: bool | None = None
) -> pd.DataFrame:
    """`matching.compare` of `controls` random pictures' mirror images with all their partners in the candidate `pairs`."""
    chosen = _chosen(len(features), config)
    mirrors = extract(pictures[chosen], config, folder / "mirrored", " of mirror images", progress, mirrored=True)
    both = np.concatenate((pairs, pairs[:, ::-1]))
    place = np.full(len(features), -1)
    place[chosen] = np.arange(len(chosen))
    asked = np.column_stack((place[both[:, 0]], both[:, 1]))
    return compare(mirrors, features, asked[asked[:, 0] >= 0], config, folder / "mirrored", " with mirror images", progress)


def class_pairs(
    labels: np.ndarray, features: Features, config: AuditConfig, folder: Path, progress: bool | None = None
) -> pd.DataFrame:
    """`matching.compare` of `controls` random pictures with PARTNERS random ones of other classes each; empty for one class."""
    rng = np.random.default_rng(config.seed)
    asked = [np.empty((0, 2), np.int64)]
    for i in _chosen(len(features), config):
        others = np.flatnonzero(labels != labels[i])
        chosen = rng.choice(others, min(PARTNERS, len(others)), replace=False)
        asked.append(np.column_stack((np.full(len(chosen), i), chosen)))
    return compare(features, features, np.concatenate(asked), config, folder / "classes", " across classes", progress)


def _chosen(count: int, config: AuditConfig) -> np.ndarray:
    size = min(config.controls, count)
    return np.sort(np.random.default_rng(config.seed).choice(count, size, replace=False))


def chance(table: pd.DataFrame, config: AuditConfig) -> dict[str, Any]:
    """Of a control: pairs compared, how many were verified, the upper end of the rate's 95% Clopper-Pearson interval over pairs,
    and the most inliers of any plausible map. Pairs that share a picture are not independent: the bound is a little too low.
    """
    if table.empty:
        return {"pairs": 0, "verified": None, "rate_high": None, "most_inliers": None, "why": "the set has a single class or image"}
    found = int(verified(table, config).sum())
    high = binomtest(found, len(table)).proportion_ci(0.95, method="exact").high
    most = int(table["inliers"].where(plausible(table, config.max_stretch), 0).max())
    return {"pairs": len(table), "verified": found, "rate_high": float(high), "most_inliers": most}
