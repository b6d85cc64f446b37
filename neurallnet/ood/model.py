r"""The out-of-distribution model: how far an image's features lie from those of the training images.

With features standardized per column and whitened by the shrunk covariance of the residuals around class means (Ledoit & Wolf
2004, doi 10.1016/S0047-259X(03)00096-4), the score is the distance to the k-th nearest reference,

.. math:: s(x) = \lVert z(x) - r_{(k)}(x) \rVert_2 , \quad z(x) = \frac{x - m}{d} L , \quad L L^T = \Sigma^{-1}.

References are the class means with k = 1, which is the Mahalanobis distance of Lee et al. 2018 (arXiv 1807.03888), or all
training images with k = 5, which is the nearest-neighbour distance of Sun et al. 2022 (arXiv 2204.06507) in that metric.
A higher score is less like the training images; the threshold is in the units of the score, standard deviations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from sklearn.covariance import ledoit_wolf
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from neurallnet.checkpoints import read_tensors, write_tensors
from neurallnet.errors import ConfigError, DataError, RunError

Method = Literal["mahalanobis", "neighbours"]
RATE = 0.05  # share of images like the training images that may be flagged
NEIGHBOURS = 5  # one neighbour could be a near-duplicate
FORMAT = 1
OOD_FILE = "ood.safetensors"  # beside the weights of a run

_TENSORS = ("center", "scale", "whiten", "references", "threshold")


@dataclass(frozen=True)
class OodModel:
    """`center`, `scale` (F,); `whiten` (F, F); `references` (R, F), whitened; all float32. `feature` names what F is of.

    `threshold`: scores above it are flagged; None before it was fitted. `rate`: the share it was fitted for.
    """

    center: np.ndarray
    scale: np.ndarray
    whiten: np.ndarray
    references: np.ndarray
    nearest: int = 1
    feature: str = "appearance"
    threshold: float | None = None
    rate: float = RATE

    @classmethod
    def fit(
        cls, features: np.ndarray, labels: np.ndarray, method: Method = "mahalanobis", feature: str = "appearance"
    ) -> "OodModel":
        """From training images: `features` (N, F) float, `labels` (N,) int. Raises DataError for other, equal or too few."""
        features, labels = np.asarray(features, np.float64), np.asarray(labels)
        if features.ndim != 2 or len(features) != len(labels) or len(labels) <= len(np.unique(labels)):
            raise DataError(f"out-of-distribution model: features {features.shape} and {len(labels)} labels do not make a fit")
        if not np.isfinite(features).all():
            raise DataError("out-of-distribution model: a feature is not finite; the network diverged")
        center, scale = features.mean(0), features.std(0)
        scale = np.where(scale > 1e-6, scale, np.inf)  # a column that never varies, a dead channel's, says nothing
        z = (features - center) / scale
        classes, place = np.unique(labels, return_inverse=True)
        means = np.stack([z[place == k].mean(0) for k in range(len(classes))])
        alive = np.isfinite(scale)
        covariance = np.eye(len(scale))
        covariance[np.ix_(alive, alive)] = ledoit_wolf((z - means[place])[:, alive], assume_centered=True)[0]
        try:
            whiten = np.linalg.cholesky(np.linalg.inv(covariance))
        except np.linalg.LinAlgError:
            raise DataError("out-of-distribution model: the images of each class are all alike; it needs others") from None
        references, nearest = (means, 1) if method == "mahalanobis" else (z, min(NEIGHBOURS, len(z)))
        single = (np.asarray(value, np.float32) for value in (center, np.where(alive, scale, np.inf), whiten, references @ whiten))
        return cls(*single, nearest=nearest, feature=feature)

    def score(self, features: np.ndarray) -> np.ndarray:
        """float64 (N,): distance in standard deviations; higher is less like the training images. Raises DataError."""
        features = np.asarray(features, np.float64)
        if features.ndim != 2 or features.shape[1] != len(self.center):
            raise DataError(f"out-of-distribution model: features are {features.shape}, not (N, {len(self.center)})")
        if not len(features):
            return np.empty(0)
        z = ((features - self.center) / self.scale) @ self.whiten
        search = NearestNeighbors(n_neighbors=self.nearest, algorithm="brute").fit(self.references.astype(np.float64))
        return search.kneighbors(z)[0][:, -1]

    def with_threshold(self, threshold: float, rate: float = RATE) -> "OodModel":
        """A copy that flags scores above `threshold`, which was made for a share `rate` of false flags."""
        return replace(self, threshold=float(threshold), rate=rate)

    def flag(self, features: np.ndarray) -> np.ndarray:
        """bool (N,): whether each image is out of distribution. Raises ConfigError when no threshold was fitted."""
        return self.flags(self.score(features))

    def flags(self, scores: np.ndarray) -> np.ndarray:
        """`flag` for scores already at hand."""
        if self.threshold is None:
            raise ConfigError("out-of-distribution model: no threshold; set one with with_threshold()")
        return np.asarray(scores) > self.threshold

    def to_tensors(self) -> dict[str, Tensor]:
        """Everything, as tensors that safetensors can hold; see `from_tensors`."""
        if self.threshold is None:
            raise ConfigError("out-of-distribution model: no threshold; set one with with_threshold()")
        arrays = {name: torch.from_numpy(getattr(self, name).copy()) for name in _TENSORS[:-1]}
        return arrays | {"threshold": torch.tensor(self.threshold, dtype=torch.float64)}

    def metadata(self) -> dict[str, Any]:
        return {"format": FORMAT, "feature": self.feature, "nearest": self.nearest, "rate": self.rate}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any], where: str = "ood") -> "OodModel":
        """The model from `to_tensors` and `metadata`; raises RunError naming `where` when they are not such a model."""
        size = tuple(tensors["center"].shape) if "center" in tensors else ()
        good = set(_TENSORS) <= set(tensors) and len(size) == 1 and metadata.get("format") == FORMAT
        good = good and tensors["scale"].shape == size and tensors["whiten"].shape == size * 2
        good = good and tensors["references"].dim() == 2 and tensors["references"].shape[1:] == size
        good = good and 1 <= int(metadata.get("nearest", 0)) <= len(tensors["references"])
        finite = good and all(bool(tensors[name].isfinite().all()) for name in _TENSORS if name != "scale")
        if not (finite and bool((tensors["scale"] > 0).all())):
            raise RunError(f"{where}: holds no out-of-distribution model of format {FORMAT}; fit it again")
        arrays = (tensors[name].numpy() for name in _TENSORS[:-1])
        rest = {name: metadata[name] for name in ("nearest", "feature", "rate")}
        return cls(*arrays, threshold=float(tensors["threshold"]), **rest)


def threshold_at(scores: np.ndarray, rate: float = RATE) -> float:
    """The smallest of `scores` that at most a share `rate` of them exceeds. Raises ConfigError, DataError.

    >>> threshold_at(np.arange(1, 101), 0.05)
    95.0
    """
    if not 0 < rate < 1:
        raise ConfigError(f"out-of-distribution rate {rate!r} is not between 0 and 1")
    if not len(scores) or not np.isfinite(scores).all():
        raise DataError("out-of-distribution threshold: needs scores of one image or more, all finite")
    ordered = np.sort(np.asarray(scores, np.float64))
    allowed = int(np.floor(round(rate * len(ordered), 9)))
    return float(ordered[len(ordered) - 1 - allowed])


def save_ood(path: Path, model: OodModel) -> None:
    """Write the model as safetensors, atomically; never pickled."""
    write_tensors(Path(path), model.to_tensors(), model.metadata())


def load_ood(path: Path) -> OodModel:
    """Read what `save_ood` wrote; raises RunError when the file is missing, damaged or something else."""
    return OodModel.from_tensors(*read_tensors(Path(path)), where=str(path))
