"""Shortcut probes: how far a classifier gets that cannot have looked at a cell's form.

    colour      21 numbers per image (mean, standard deviation and five quantiles of each channel), logistic regression
    background  6 numbers of the brightest 30% of pixels (mean and standard deviation of each channel), random forest
    corner      the pixels of the lower right corner, where the scale bar is burned in, random forest

What a probe reaches under a split is what that split gives away; a network's accuracy is to be read against it. A probe is
fitted on the training images and read on validation; asking for "test" is a reading of the test images and to be logged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neurallnet.config import CLASSES
from neurallnet.data.splits import FOLDS
from neurallnet.errors import ConfigError, DataError
from neurallnet.evaluation.intervals import bootstrap_interval, cluster_interval
from neurallnet.evaluation.metrics import metrics
from neurallnet.evaluation.predictions import build_predictions, correctness, groups_of

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BRIGHTEST = 0.3  # share of pixels taken as background: cells cover less than 70% of a field
CORNER = (20 / 128, 24 / 128)  # height and width of the corner as shares of the image's: holds the scale bar
TREES = 300
_LEAST = 1e-6  # a forest's probability of zero, kept finite as a logit


def colour_statistics(images: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 3) -> (N, 21): mean, standard deviation, then QUANTILES, of R, G, B each, in grey levels."""
    return np.array([_moments(image.reshape(-1, 3), QUANTILES) for image in _images(images)])


def background(images: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 3) -> (N, 6): mean and standard deviation of R, G, B over the brightest 30% of pixels."""
    return np.array([_moments(_brightest(image.reshape(-1, 3))) for image in _images(images)])


def corner(images: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 3) -> (N, h * w * 3): pixels of the lower right corner, CORNER of the image's height and width."""
    height, width = (
        max(1, round(share * side)) for share, side in zip(CORNER, _images(images).shape[1:3], strict=True)
    )
    return images[:, -height:, -width:].reshape(len(images), -1)


def _moments(pixels: np.ndarray, quantiles: Sequence[float] = ()) -> np.ndarray:
    rows = [pixels.mean(0), pixels.std(0)]
    return np.concatenate([*rows, *np.quantile(pixels, quantiles, axis=0)] if quantiles else rows)


def _brightest(pixels: np.ndarray) -> np.ndarray:
    brightness = pixels.sum(1, dtype=np.int64)
    return pixels[brightness >= np.quantile(brightness, 1 - BRIGHTEST)]


def _images(images: np.ndarray) -> np.ndarray:
    if images.ndim != 4 or images.shape[3] != 3 or not len(images):
        raise DataError(
            f"probe: images have shape {images.shape}, not (N, height, width, 3) with at least one image"
        )
    return images


def _forest() -> ClassifierMixin:
    return RandomForestClassifier(TREES, random_state=0)


def _logistic() -> ClassifierMixin:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))


@dataclass(frozen=True)
class Probe:
    """What a probe may see of an image, and the classifier it uses."""

    title: str
    features: Callable[[np.ndarray], np.ndarray]
    classifier: Callable[[], ClassifierMixin]


PROBES = {
    "colour": Probe("Colour statistics", colour_statistics, _logistic),
    "background": Probe("Background only", background, _forest),
    "corner": Probe("Corner, scale bar painted out", corner, _forest),
}


def probe(
    name: str,
    features: np.ndarray,
    labels: np.ndarray,
    paths: Sequence[str],
    split: pd.DataFrame,
    fold: str = "val",
    classes: Sequence[str] = CLASSES,
    learned: Sequence[str] = ("train",),
) -> pd.DataFrame:
    """Predictions table of the images of `fold` by the classifier of probe `name`, fitted on the folds `learned`.

    `features` (N, F) and `labels` int (N,), positions in `classes`, follow `paths`; `split` has columns path, fold in any
    order. Raises ConfigError for an unknown probe or fold; DataError when the split lacks an image, a fold is empty, an image
    has no label, or training has fewer than two classes.
    """
    folds, labels = _folds(name, paths, split, fold), np.asarray(labels)
    if not len(paths) == len(features) == len(labels):
        raise DataError(
            f"probe: {len(features)} rows of features and {len(labels)} labels for {len(paths)} paths"
        )
    train, read = np.flatnonzero(np.isin(folds, learned)), np.flatnonzero(folds == fold)
    known = set(labels[train].tolist())
    if not len(read) or len(known) < 2:
        raise DataError(
            f"probe: {len(read)} images in {fold} and {len(known)} classes in train; one and two are needed"
        )
    if min(labels[train].min(), labels[read].min()) < 0:
        raise DataError("probe: an image has no label; choose a labelled source")
    classifier = PROBES[name].classifier().fit(features[train], labels[train])
    p = np.zeros((len(read), len(classes)))
    p[:, classifier.classes_] = classifier.predict_proba(features[read])
    named = [classes[label] for label in labels[read]]
    return build_predictions([paths[i] for i in read], named, fold, np.log(np.maximum(p, _LEAST)), classes)


def probe_table(
    images: np.ndarray,
    labels: np.ndarray,
    paths: Sequence[str],
    splits: Mapping[str, pd.DataFrame],
    groups: pd.Series | None = None,
    names: Sequence[str] = tuple(PROBES),
    fold: str = "val",
    classes: Sequence[str] = CLASSES,
) -> pd.DataFrame:
    """Every probe under every split: probe, split, title, fold, accuracy, balanced_accuracy, low, high, unit, n, n_train.

    low and high are the 95% interval of the balanced accuracy, bootstrapped over `groups` (path -> group) or images.
    """
    rows = []
    for name in names:
        features = _probe(name).features(images)
        for split_name, split in splits.items():
            table = probe(name, features, labels, paths, split, fold, classes)
            n_train = int((split["fold"] == "train").sum())
            key = {"probe": name, "split": split_name, "title": PROBES[name].title, "fold": fold}
            rows.append({**key, **_scores(table, groups), "n": len(table), "n_train": n_train})
    return pd.DataFrame(rows)


def _scores(table: pd.DataFrame, groups: pd.Series | None) -> dict[str, float | str]:
    right, label, found = correctness(table), table["label"].to_numpy(str), metrics(table)
    by_image = groups is None
    interval = (
        bootstrap_interval(right, label)
        if by_image
        else cluster_interval(right, groups_of(table, groups), label)
    )
    scores = {key: found[key] for key in ("accuracy", "balanced_accuracy")}
    return scores | {"low": interval.low, "high": interval.high, "unit": interval.unit}


def _probe(name: str) -> Probe:
    if name not in PROBES:
        raise ConfigError(f"probe {name!r} is unknown; choose one of {', '.join(PROBES)}")
    return PROBES[name]


def _folds(name: str, paths: Sequence[str], split: pd.DataFrame, fold: str) -> np.ndarray:
    """Fold of each of `paths`."""
    _probe(name)
    if fold not in FOLDS or fold == "train":
        raise ConfigError(f"probe: fold {fold!r} cannot be reported; choose one of val, test, unused")
    found = pd.Series(list(paths)).map(split.set_index("path")["fold"])
    if found.isna().any():
        lost = paths[int(found.isna().to_numpy().argmax())]
        raise DataError(f"probe: {lost} is not in the split; make both from one manifest")
    return found.to_numpy(object)
