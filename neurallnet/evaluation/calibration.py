"""Whether a probability means what it says."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from sklearn.metrics import brier_score_loss, log_loss

from neurallnet.evaluation.predictions import class_order, correctness, probabilities

BINS = 15  # Guo et al. 2017, "On calibration of modern neural networks", arXiv 1706.04599


def reliability(predictions: pd.DataFrame, temperature: float = 1.0, bins: int = BINS) -> pd.DataFrame:
    """Confidence against accuracy in equal-width bins of the top probability.

    Columns: low, high (edges of the bin), n, confidence, accuracy; empty bins are left out.
    """
    right = correctness(predictions)
    confidence = probabilities(predictions, temperature).max(axis=1)
    edges = np.linspace(0, 1, bins + 1)
    place = np.searchsorted(edges[1:-1], confidence)
    n = np.bincount(place, minlength=bins)
    kept = n > 0
    sums = [np.bincount(place, weights=w, minlength=bins)[kept] / n[kept] for w in (confidence, right)]
    return pd.DataFrame(
        {
            "low": edges[:-1][kept],
            "high": edges[1:][kept],
            "n": n[kept],
            "confidence": sums[0],
            "accuracy": sums[1],
        }
    )


def expected_calibration_error(
    predictions: pd.DataFrame, temperature: float = 1.0, bins: int = BINS
) -> float:
    """ECE = sum over bins of (n_bin / n) |accuracy_bin - confidence_bin|, of the top label."""
    table = reliability(predictions, temperature, bins)
    return float(np.average((table["accuracy"] - table["confidence"]).abs(), weights=table["n"]))


def calibration(predictions: pd.DataFrame, temperature: float = 1.0) -> dict[str, Any]:
    """ECE, Brier score (sum over classes, 0 to 2) and negative log-likelihood (nats per image) at a
    temperature.
    """
    place, p = _class_numbers(predictions), probabilities(predictions, temperature)
    every = range(p.shape[1])
    return {
        "n": len(place),
        "temperature": temperature,
        "bins": BINS,
        "ece": expected_calibration_error(predictions, temperature),
        "brier": float(brier_score_loss(place, p, labels=every, scale_by_half=False)),
        "nll": float(log_loss(place, p, labels=every)),
    }


def fit_temperature(validation: pd.DataFrame) -> float:
    """The temperature in [0.05, 20] with the lowest log-loss; fit it on validation, never on test images.

    The bounds matter when every validation image is right: then the likelihood asks for a temperature of
    zero.
    """
    place = _class_numbers(validation)
    every = range(len(class_order(validation)))

    def loss(log_temperature: float) -> float:
        return log_loss(place, probabilities(validation, float(np.exp(log_temperature))), labels=every)

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded").x))


def _class_numbers(predictions: pd.DataFrame) -> np.ndarray:
    correctness(predictions)  # refuses unlabelled images
    return predictions["label"].map({c: i for i, c in enumerate(class_order(predictions))}).to_numpy(int)
