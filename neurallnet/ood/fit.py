"""One call to fit the out-of-distribution model of a trained network, one to predict with it."""

from typing import NamedTuple

import numpy as np
from torch import nn

from neurallnet.errors import DataError
from neurallnet.ood.features import features
from neurallnet.ood.model import RATE, Method, OodModel, threshold_at

FEATURE = "appearance"
STRETCHES = 5  # of each class's training images in order: about as long as a session of the session protocol


class Judged(NamedTuple):
    """`logits` (N, classes) float32, `score` (N,) float64, and `flagged` (N,) bool: not of the kind the network was made for."""

    logits: np.ndarray
    score: np.ndarray
    flagged: np.ndarray


def fit_ood(
    model: nn.Module,
    train_images: np.ndarray,
    train_labels: np.ndarray,
    val_images: np.ndarray,
    rate: float = RATE,
    batch_size: int = 64,
) -> OodModel:
    """The out-of-distribution model of a trained network: fitted on its training images, threshold included.

    Images uint8 (N, H, W, 3) as the network sees them, of each class in order of acquisition (manifest order is); `train_labels`
    (N,) int; `val_images` may be none. The threshold is `session_threshold`'s. Raises ConfigError for a network without blocks,
    DataError.
    """
    train = features(model, train_images, batch_size)[FEATURE]
    fitted = OodModel.fit(train, train_labels, feature=FEATURE)
    unseen = fitted.score(features(model, val_images, batch_size)[FEATURE]) if len(val_images) else np.empty(0)
    left_out = stretch_scores(train, train_labels)
    return fitted.with_threshold(session_threshold(unseen, *left_out, rate), rate)


def predict_and_judge(model: nn.Module, ood: OodModel, images: np.ndarray, batch_size: int = 64) -> Judged:
    """Logits, scores and flags of `images` uint8 (N, H, W, 3) in one forward pass each, float32. Raises ConfigError, DataError."""
    found = features(model, images, batch_size)
    score = ood.score(found[ood.feature])
    return Judged(found["logits"], score, ood.flags(score))


def stretch_scores(
    train: np.ndarray, labels: np.ndarray, method: Method = "mahalanobis", stretches: int = STRETCHES
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of training images by a model that did not have their stretch of the acquisition order, and each one's stretch.

    Each class's images are cut, in the order given, into `stretches` contiguous parts; the k-th parts of all classes are scored
    by a model of the others. Neighbours in that order share slide and stain, so this is what images of an unseen slide get; the
    network itself has seen them. Returns (N,) float64 and (N,) int from 0. Raises DataError when a class has too few images.
    """
    labels, place, score = np.asarray(labels), np.zeros(len(labels), int), np.zeros(len(labels))
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        if len(own) < 2 * stretches:
            raise DataError(f"out-of-distribution model: class {label} has {len(own)} training images; {2 * stretches} are needed")
        place[own] = np.arange(len(own)) * stretches // len(own)
    for stretch in range(stretches):
        out = place == stretch
        score[out] = OodModel.fit(train[~out], labels[~out], method).score(train[out])
    return score, place


def session_threshold(validation: np.ndarray, left_out: np.ndarray, stretch: np.ndarray, rate: float = RATE) -> float:
    """A threshold that flags at most `rate` of the validation images, where there are any new to the network, and of each left-out
    stretch of the training images. No held-out image has a say in it.

    Validation images alone are of the training images' slides or of one other session; a threshold from them flags several
    times as many images of the next session.
    """
    parts = [*([validation] if len(validation) else []), *(left_out[stretch == k] for k in np.unique(stretch))]
    return max(threshold_at(part, rate) for part in parts)
