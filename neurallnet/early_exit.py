"""Stop after fewer time steps when the network is already sure: accuracy against steps spent."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import softmax

from neurallnet.errors import DataError


def early_exit_curve(step_logits: np.ndarray, labels: np.ndarray, thresholds: Sequence[float]) -> pd.DataFrame:
    """A row per threshold: threshold, accuracy, mean_steps.

    `step_logits` (T, N, classes), `labels` int (N,). After step t an image's logits are the mean of its first t; it leaves at
    the first step whose largest probability reaches the threshold, and at step T at the latest. A threshold above 1 lets no image
    leave early. Raises DataError for shapes that do not fit.

    >>> early_exit_curve(np.array([[[9.0, 0.0]], [[0.0, 0.0]]]), np.array([0]), [0.9])["mean_steps"].item()
    1.0
    """
    logits, labels = np.asarray(step_logits, np.float64), np.asarray(labels)
    if logits.ndim != 3 or labels.shape != logits.shape[1:2] or not logits.size:
        raise DataError(f"step logits {logits.shape} and labels {labels.shape} do not fit; give (T, N, classes) and (N,)")
    steps = np.arange(1, len(logits) + 1)
    so_far = logits.cumsum(0) / steps[:, None, None]
    sure, right = softmax(so_far, axis=2).max(2), so_far.argmax(2) == labels
    rows = []
    for threshold in thresholds:
        leaves = sure >= threshold
        leaves[-1] = True
        chosen = leaves.argmax(0)
        accuracy = right[chosen, np.arange(len(labels))].mean()
        rows.append({"threshold": float(threshold), "accuracy": float(accuracy), "mean_steps": float(steps[chosen].mean())})
    return pd.DataFrame(rows, columns=["threshold", "accuracy", "mean_steps"])
