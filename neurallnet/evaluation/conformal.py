r"""Sets of classes instead of one: split conformal prediction with a threshold for each class.

With s(x, c) = log((1 - p_c) / p_c), the log-odds against class c, and the n_c validation images of class c,

.. math:: C(x) = \{c : s(x, c) \le q_c\}, \quad
          q_c = \text{the } \lceil (n_c + 1)(1 - \alpha) \rceil \text{-th smallest } s(x_i, c) \text{ of class } c,

so that P(c in C(x) | class c) >= 1 - alpha for new images exchangeable with the validation images of c (Angelopoulos &
Bates 2021, arXiv 2107.07511, sections 1 and 4.2; the score is Sadinle, Lei & Wasserman's, arXiv 1609.00451, whose sets are the
smallest on average; Romano, Sesia & Candes 2020, arXiv 2006.02544, give the adaptive alternative). Images of another session
are not exchangeable with the validation images: there coverage is measured, not promised.

An empty set says that no class is likely enough. Where n_c is so small that the rank exceeds it, q_c is infinite and the class
is in every set. Own code, since MAPIE's Mondrian sets partition by a function of the image, not by its class.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from neurallnet.errors import ConfigError, DataError
from neurallnet.evaluation.intervals import Interval, cluster_interval, wilson_interval
from neurallnet.evaluation.predictions import class_order, correctness, groups_of, logits_of


@dataclass(frozen=True)
class ClassThresholds:
    """Largest score q_c at which class c is still in the set, per class; None where it is always in it.

    alpha: share of a class's images allowed to miss it; n: validation images per class; temperature: of the softmax.
    """

    alpha: float
    classes: tuple[str, ...]
    thresholds: tuple[float | None, ...]
    n: tuple[int, ...]
    temperature: float = 1.0


def against_class(predictions: pd.DataFrame, temperature: float = 1.0) -> np.ndarray:
    """log((1 - p_c) / p_c), shape (images, classes): orders images as 1 - p_c does, without its ties at 0 and 1."""
    logits = logits_of(predictions) / temperature
    others = [logsumexp(np.delete(logits, place, axis=1), axis=1) for place in range(logits.shape[1])]
    return np.stack(others, axis=1) - logits


def conformal_rank(n: int, alpha: float) -> int:
    """ceil((n + 1)(1 - alpha)): which of n sorted scores is the threshold; n + 1 means that none is large enough.

    >>> conformal_rank(19, 0.05), conformal_rank(18, 0.05)
    (19, 19)
    """
    return math.ceil(round((n + 1) * (1 - alpha), 9))


def fit_conformal(validation: pd.DataFrame, coverage: float = 0.95, temperature: float = 1.0) -> ClassThresholds:
    """Thresholds from labelled validation images. Raises ConfigError unless 0 < coverage < 1, DataError without labels."""
    if not 0 < coverage < 1:
        raise ConfigError(f"conformal coverage {coverage!r} is not between 0 and 1")
    correctness(validation)  # refuses unlabelled images
    alpha, classes = 1 - coverage, class_order(validation)
    scores, label = against_class(validation, temperature), validation["label"].to_numpy(str)
    thresholds: list[float | None] = []
    counts = []
    for place, name in enumerate(classes):
        own = np.sort(scores[label == name, place])
        rank = conformal_rank(len(own), alpha)
        thresholds.append(float(own[rank - 1]) if rank <= len(own) else None)
        counts.append(len(own))
    return ClassThresholds(round(alpha, 9), tuple(classes), tuple(thresholds), tuple(counts), temperature)


def conformal_sets(predictions: pd.DataFrame, fitted: ClassThresholds) -> np.ndarray:
    """bool (images, classes): which classes are in each image's set. Raises DataError for other classes."""
    if class_order(predictions) != list(fitted.classes):
        raise DataError(f"conformal sets were fitted for {', '.join(fitted.classes)}; the predictions have other classes")
    limits = np.array([np.inf if value is None else value for value in fitted.thresholds])
    return against_class(predictions, fitted.temperature) <= limits


def conformal_report(
    predictions: pd.DataFrame, fitted: ClassThresholds, groups: pd.Series | None = None, seed: int = 0
) -> pd.DataFrame:
    """Coverage and size of the sets of labelled images, overall ("all") and per class.

    Columns class, n, calibration_n, coverage, low, high, unit, mean_size, single, empty (shares of images). The 95% interval is
    a bootstrap over `groups` (path -> group), or Wilson's over images without them or where a class has one group only.
    """
    sets, label = conformal_sets(predictions, fitted), predictions["label"].to_numpy(str)
    correctness(predictions)
    covered = sets[np.arange(len(label)), [fitted.classes.index(name) for name in label]]
    sizes = sets.sum(1)
    group = None if groups is None else groups_of(predictions, groups)
    rows: list[dict[str, Any]] = []
    for name, n in zip(("all", *fitted.classes), (sum(fitted.n), *fitted.n), strict=True):
        chosen = np.ones(len(label), bool) if name == "all" else label == name
        if not chosen.any():
            continue
        interval = share_interval(covered[chosen], None if group is None else group[chosen], seed)
        rows.append(
            {
                "class": name,
                "n": int(chosen.sum()),
                "calibration_n": n,
                "coverage": float(covered[chosen].mean()),
                "low": interval.low,
                "high": interval.high,
                "unit": interval.unit,
                "mean_size": float(sizes[chosen].mean()),
                "single": float((sizes[chosen] == 1).mean()),
                "empty": float((sizes[chosen] == 0).mean()),
            }
        )
    return pd.DataFrame(rows)


def share_interval(hits: np.ndarray | Sequence[bool], groups: np.ndarray | None = None, seed: int = 0) -> Interval:
    """95% interval of the share of `hits`: bootstrap over groups, or Wilson's over images where there are not two groups."""
    hits = np.asarray(hits, bool)
    if groups is None or len(np.unique(groups)) < 2:
        return wilson_interval(int(hits.sum()), hits.size)
    return cluster_interval(hits, groups, seed=seed)
