"""Scores that need the logits only, to compare with: higher is less like the training images."""

import numpy as np
from scipy.special import logsumexp


def energy(logits: np.ndarray) -> np.ndarray:
    """-log sum_c exp(logit_c), shape (N,): the free energy at temperature 1 (Liu et al. 2020, arXiv 2010.03759)."""
    return -logsumexp(np.asarray(logits, np.float64), axis=1)


def doubt(logits: np.ndarray) -> np.ndarray:
    """log((1 - p) / p) of the top probability p, shape (N,): orders images as 1 - p does, without ties at certainty.

    The maximum-softmax baseline of Hendrycks & Gimpel 2017 (arXiv 1610.02136).
    """
    ordered = np.sort(np.asarray(logits, np.float64), axis=1)
    return logsumexp(ordered[:, :-1], axis=1) - ordered[:, -1]
