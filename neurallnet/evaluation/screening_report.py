"""A network of several classes read as benign against malignant, on images whose subtype nobody knows.

What can be said of such images: how many malignant ones are called any malignant class (sensitivity), how many benign ones are
called benign (specificity), how well the malignancy score ranks them (area under the ROC curve), and what is found when 95% of
the benign are to be spared. Which malignant class was called is counted and never scored: there is no truth to score it with.
"""

from typing import Any

import numpy as np
import pandas as pd

from neurallnet.errors import DataError
from neurallnet.evaluation.intervals import Interval, cluster_interval, wilson_interval
from neurallnet.evaluation.metrics import malignancy_score, screening

# A ROC curve each: seconds for ten thousand images. Another seed moves an end by a tenth of the standard error.
CURVE_RESAMPLES = 999
_METHOD = "percentile bootstrap, units with and without malignant images drawn apart"


def binary_report(
    predictions: pd.DataFrame,
    malignant: np.ndarray,
    units: np.ndarray,
    unit: str = "near-duplicate group",
    threshold: float | None = None,
    specificity: float = 0.95,
    benign: str = "Benign",
    seed: int = 0,
) -> dict[str, Any]:
    """Sensitivity, specificity, AUROC and sensitivity at `specificity`, each with an interval over images and over `units`.

    `malignant` (bool) and `units` (what is independent: patients, say) have one entry per row of `predictions`, whose labels are
    not read. Sensitivity and specificity are those of the highest logit: Wilson over images, BCa over units. A `threshold` of
    the malignancy score found on other images adds `at_given_threshold`; `at_specificity` takes its threshold from these same
    images, in every resample anew, and flatters. `cluster_interval` is None where a class has a single unit, and an interval of
    the ROC curve is None where no resample differs. Raises DataError when there are only benign or only malignant images.
    """
    malignant, units = np.asarray(malignant, dtype=bool), np.asarray(units)
    if not len(predictions) == len(malignant) == len(units):
        raise DataError(f"screening: {len(malignant)} classes and {len(units)} units for {len(predictions)} predictions")
    truth = predictions.assign(label=np.where(malignant, f"not {benign}", benign))  # any name but `benign` will do
    best = screening(truth, None, specificity, benign)
    score = malignancy_score(predictions, benign)
    shares = {"seed": seed, "unit": unit}
    called = predictions["predicted"].to_numpy(str) != benign
    curve = {
        "image": roc_intervals(score, malignant, np.arange(len(score)), "image", specificity, seed),
        unit: roc_intervals(score, malignant, units, unit, specificity, seed),
    }
    found = {
        "n": len(malignant),
        "n_malignant": int(malignant.sum()),
        "n_benign": int((~malignant).sum()),
        "unit": unit,
        "units_malignant": len(np.unique(units[malignant])),
        "units_benign": len(np.unique(units[~malignant])),
        "sensitivity": _share(called[malignant], units[malignant], **shares),
        "specificity": _share(~called[~malignant], units[~malignant], **shares),
        "auroc": {"value": best["auroc"], **_curve(curve, unit, 0)},
        "at_specificity": {
            "aim": specificity,
            "threshold": best["threshold"],
            "threshold_from": best["threshold_from"],
            "specificity": best["specificity"],
            "sensitivity": {"value": best["sensitivity"], **_curve(curve, unit, 1)},
        },
        "called": {
            name: {str(k): int(v) for k, v in predictions.loc[rows, "predicted"].value_counts().sort_index().items()}
            for name, rows in (("malignant", malignant), ("benign", ~malignant))
        },
    }
    if threshold is not None:
        above = score >= threshold
        found["at_given_threshold"] = {
            "threshold": threshold,
            "sensitivity": _share(above[malignant], units[malignant], **shares),
            "specificity": _share(~above[~malignant], units[~malignant], **shares),
        }
    return found


def roc_statistics(
    score: np.ndarray, malignant: np.ndarray, weights: np.ndarray, specificity: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """AUROC and the greatest sensitivity at `specificity` or above, for each row of `weights` (draws, images): two (draws,) arrays.

    A weight says how often an image was drawn; images of equal score share a threshold. Equal to scikit-learn's weighted curves.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    drawn, is_malignant = np.asarray(weights, dtype=np.float64)[:, order], np.asarray(malignant)[order]
    start = np.zeros((len(drawn), 1))
    hits = np.hstack((start, np.cumsum(drawn * is_malignant, axis=1)[:, ends]))
    alarms = np.hstack((start, np.cumsum(drawn * ~is_malignant, axis=1)[:, ends]))
    sensitivity, false_alarms = hits / hits[:, -1:], alarms / alarms[:, -1:]
    area = np.trapezoid(sensitivity, false_alarms, axis=1)
    return area, np.where(false_alarms <= 1 - specificity + 1e-12, sensitivity, 0).max(axis=1)


def roc_intervals(
    score: np.ndarray, malignant: np.ndarray, units: np.ndarray, unit: str, specificity: float, seed: int
) -> list[dict[str, Any] | None]:
    """95% intervals (`Interval.to_dict`) of the two `roc_statistics`, or None: too few units, or no draw differs.

    Units are drawn within strata, so that no draw loses a class.
    """
    member = np.unique(units, return_inverse=True)[1]
    holds = np.zeros((member.max() + 1, 2), dtype=bool)
    holds[member, malignant.astype(int)] = True
    if holds.sum(axis=0).min() < 2:
        return [None, None]
    rng, draws = np.random.default_rng(seed), []
    for size in _batches(len(score)):
        counts = np.zeros((size, len(holds)))
        for stratum in ((True, False), (False, True), (True, True)):
            own = np.flatnonzero((holds == stratum).all(axis=1))
            if len(own):
                counts[:, own] = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), size)
        draws.append(roc_statistics(score, malignant, counts[:, member], specificity))
    ends = [np.quantile(values, (0.025, 0.975)) for values in map(np.concatenate, zip(*draws, strict=True))]
    return [Interval(float(a), float(b), 0.95, _METHOD, unit).to_dict() if b > a else None for a, b in ends]


def _share(right: np.ndarray, units: np.ndarray, unit: str, seed: int) -> dict[str, Any]:
    several = len(np.unique(units)) > 1
    return {
        "value": float(right.mean()),
        "correct": int(right.sum()),
        "n": len(right),
        "interval": wilson_interval(int(right.sum()), len(right)).to_dict(),
        "cluster_interval": cluster_interval(right, units, unit=unit, seed=seed).to_dict() if several else None,
    }


def _curve(intervals: dict[str, list[dict[str, Any] | None]], unit: str, place: int) -> dict[str, Any]:
    return {"interval": intervals["image"][place], "cluster_interval": intervals[unit][place]}


def _batches(images: int) -> list[int]:
    size = max(1, min(CURVE_RESAMPLES, 2_000_000 // images))  # keeps a table of draws near 16 MB
    return [size] * (CURVE_RESAMPLES // size) + ([CURVE_RESAMPLES % size] if CURVE_RESAMPLES % size else [])
