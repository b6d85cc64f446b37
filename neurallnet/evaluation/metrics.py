"""How often the network is right: by class, and in the benign/malignant reading laboratories screen for."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp
from sklearn.metrics import (
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    roc_auc_score,
    roc_curve,
)

from neurallnet.errors import DataError
from neurallnet.evaluation.predictions import class_order, correctness, logits_of


def metrics(predictions: pd.DataFrame) -> dict[str, Any]:
    """Accuracy, balanced accuracy, macro F1, per-class figures and confusion matrix of labelled predictions.

    `confusion` has the true class in rows, the predicted one in columns. The recall of a class without images
    and the precision of one never predicted are None; the means are over the classes that have images (macro
    F1: that occur at all).
    """
    right = correctness(predictions)
    classes = class_order(predictions)
    label, predicted = predictions["label"].to_numpy(str), predictions["predicted"].to_numpy(str)
    precision, recall, f1, support = precision_recall_fscore_support(
        label, predicted, labels=classes, zero_division=np.nan
    )
    return {
        "n": int(right.size),
        "correct": int(right.sum()),
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.nanmean(recall)),
        "macro_f1": float(f1_score(label, predicted, average="macro", zero_division=0)),
        "classes": classes,
        "per_class": {
            name: {"recall": _or_none(r), "precision": _or_none(p), "f1": _or_none(f), "support": int(n)}
            for name, r, p, f, n in zip(classes, recall, precision, f1, support, strict=True)
        },
        "confusion": confusion_matrix(label, predicted, labels=classes).tolist(),
    }


def malignancy_score(predictions: pd.DataFrame, benign: str = "Benign") -> np.ndarray:
    """Log-odds of "any class but benign" per image: ordered as 1 - p_benign, without its ties at 0 and 1."""
    classes = class_order(predictions)
    if benign not in classes:
        raise DataError(f"predictions: no class {benign!r} among {', '.join(classes)}; name the benign class")
    logits, is_benign = logits_of(predictions), np.array([c == benign for c in classes])
    return logsumexp(logits[:, ~is_benign], axis=1) - logits[:, is_benign][:, 0]


def screening_threshold(
    predictions: pd.DataFrame, specificity: float = 0.95, benign: str = "Benign"
) -> float | None:
    """The malignancy score from which on to call malignant: most found, `specificity` of the benign spared.

    None when no threshold finds a malignant image at that specificity. Fit it on validation images.
    """
    malignant, score = _two_classes(predictions, benign)
    false_alarms, sensitivity, thresholds = roc_curve(malignant, score, drop_intermediate=False)
    allowed = np.flatnonzero(false_alarms <= 1 - specificity + 1e-12)
    best = allowed[sensitivity[allowed].argmax()]
    return float(thresholds[best]) if sensitivity[best] > 0 else None


def screening(
    predictions: pd.DataFrame,
    threshold: float | None = None,
    specificity: float = 0.95,
    benign: str = "Benign",
) -> dict[str, Any]:
    """The binary reading: area under the ROC curve; sensitivity and specificity at a threshold.

    `highest_logit` holds the two for the plain decision by that. Without `threshold` it is taken
    from these same images at `specificity`, which flatters; `threshold_from` says so.
    """
    malignant, score = _two_classes(predictions, benign)
    given = threshold is not None
    if not given:
        threshold = screening_threshold(predictions, specificity, benign)
    called = np.zeros_like(malignant) if threshold is None else score >= threshold
    top = predictions["predicted"].to_numpy(str) != benign
    return {
        "n": int(malignant.size),
        "n_malignant": int(malignant.sum()),
        "auroc": float(roc_auc_score(malignant, score)),
        "threshold": threshold,
        "threshold_from": "other images" if given else f"these images, at specificity {specificity:g}",
        "sensitivity": float(called[malignant].mean()),
        "specificity": float((~called[~malignant]).mean()),
        "highest_logit": {
            "sensitivity": float(top[malignant].mean()),
            "specificity": float((~top[~malignant]).mean()),
        },
    }


def _two_classes(predictions: pd.DataFrame, benign: str) -> tuple[np.ndarray, np.ndarray]:
    correctness(predictions)  # refuses unlabelled images
    score = malignancy_score(predictions, benign)
    malignant = predictions["label"].to_numpy(str) != benign
    if malignant.all() or not malignant.any():
        raise DataError("screening: needs benign and malignant images; these have only one of the two")
    return malignant, score


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
