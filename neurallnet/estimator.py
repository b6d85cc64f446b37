"""NeurALLNet as a scikit-learn classifier: for cross-validation, pipelines and comparisons written for scikit-learn.

    NeurALLNetClassifier(epochs=5).fit(images, labels).predict(others)

It trains with this package's own `fit` and leaves no file behind. A study with a record of what was trained on what is made with
`neurallnet train`; this class keeps a network in memory. Not a medical device.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from neurallnet.checkpoints import put_weights, read_tensors, write_tensors
from neurallnet.config import DataConfig, ModelConfig, RunConfig, TrainConfig, run_config
from neurallnet.data.images import decode_image, preprocess, preprocess_file
from neurallnet.errors import DataError, RunError
from neurallnet.networks import build_model
from neurallnet.training import Examples, fit, predict_logits

_KIND = "NeurALLNetClassifier"


class InputError(DataError, ValueError):
    """A DataError that code written for scikit-learn catches as the ValueError it expects."""


class NeurALLNetClassifier(ClassifierMixin, BaseEstimator):
    """A spiking network behind fit, predict, predict_proba and score.

    X is uint8 (N, H, W, 3), RGB, or a sequence of N paths of 8-bit RGB images; y holds N labels of any kind. Parameters with a
    name of `neurallnet.config` mean the same and have its defaults. `validation_fraction` of the images, drawn per class, is held
    out for the accuracy and loss in `history_`. No training image is painted free of cells: labels need not mean leukemia.
    `random_state`: int, RandomState, or None for another network at each fit. `verbose`: show a bar.

    After `fit`: `classes_` (sorted labels), `model_` (the network, evaluation mode), `history_` (a dict per epoch), `n_iter_`.
    `fit` raises ConfigError for a bad parameter, InputError for an X or y it cannot use, ImageError naming a file.

    >>> NeurALLNetClassifier(epochs=5, time_steps=2).get_params()["time_steps"]
    2
    """

    def __init__(
        self,
        *,
        epochs: int = TrainConfig.epochs,
        batch_size: int = TrainConfig.batch_size,
        learning_rate: float = TrainConfig.learning_rate,
        image_size: int = DataConfig.image_size,
        scale_bar: str = DataConfig.scale_bar,
        channels: Sequence[int] = ModelConfig.channels,
        time_steps: int = ModelConfig.time_steps,
        excitation: str = ModelConfig.excitation,
        augment: bool = True,
        validation_fraction: float = 0.1,
        random_state: Any = 0,
        verbose: bool = False,
    ) -> None:
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.image_size = image_size
        self.scale_bar = scale_bar
        self.channels = channels
        self.time_steps = time_steps
        self.excitation = excitation
        self.augment = augment
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False  # pictures, not rows of a table
        tags.input_tags.string = True  # paths
        return tags

    def fit(self, X: Any, y: Any) -> "NeurALLNetClassifier":
        """Train on images X with labels y. Raises InputError, ImageError (naming the file), ConfigError."""
        if y is None:
            raise InputError(f"{_KIND}: requires y to be passed, but the target y is None")
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        config = self._config(len(classes))
        images = self._views(X)
        check_consistent_length(images, y)
        train, validation = _hold_out(labels, classes, self.validation_fraction, config.seed)
        with torch.random.fork_rng(devices=[]), tempfile.TemporaryDirectory(prefix="neurallnet-") as scratch:
            torch.manual_seed(config.seed)
            model = build_model(config.model)
            plan = config.train, config.seed, Path(scratch) / "checkpoint.safetensors"
            examples = Examples(images, labels.astype(np.int64))
            history = fit(model, examples, train, validation, *plan, progress=bool(self.verbose), changes=config.augment)
        self.classes_, self.model_, self.history_, self.n_iter_ = classes, model.eval(), history, len(history)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Shares (N, classes) in the order of `classes_`, each row adding up to 1; an image's row does not depend on the others."""
        check_is_fitted(self, "model_")
        return softmax(predict_logits(self.model_, self._views(X), batch_size=1).astype(np.float64), axis=1)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable label of each image, (N,)."""
        place = self.predict_proba(X).argmax(axis=1)
        return self.classes_[place]

    def save(self, path: Path | str) -> None:
        """Write the fitted network, its labels and its parameters as safetensors: nothing that is executed on reading."""
        check_is_fitted(self, "model_")
        classes = self.classes_.tolist()
        seed = int(self.random_state) if isinstance(self.random_state, int | np.integer) else None
        known = self.get_params() | {"channels": list(self.channels), "random_state": seed}
        about = {"kind": _KIND, "classes": classes, "parameters": known, "history": self.history_}
        write_tensors(Path(path), dict(self.model_.state_dict()), about)

    @classmethod
    def load(cls, path: Path | str) -> "NeurALLNetClassifier":
        """What `save` wrote, ready to predict; raises RunError when the file is missing, damaged or something else."""
        tensors, about = read_tensors(Path(path))
        if about.get("kind") != _KIND:
            raise RunError(f"{path}: holds no {_KIND}; give a file that its save() wrote")
        self = cls(**about["parameters"] | {"channels": tuple(about["parameters"]["channels"])})
        self.classes_, self.history_ = np.array(about["classes"]), about["history"]
        self.model_, self.n_iter_ = build_model(self._config(len(self.classes_)).model), len(self.history_)
        put_weights(self.model_, tensors, Path(path))
        self.model_.eval()
        return self

    def _config(self, classes: int) -> RunConfig:
        """The run's configuration; raises InputError for a single class, ConfigError for a bad value."""
        if classes < 2:
            raise InputError(f"{_KIND}: y has {classes} class; two or more are needed")
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31 - 1)
        changes = {"cell_free": 0.0} if self.augment else {"symmetries": False} | dict.fromkeys(_AMOUNTS, 0.0)
        return run_config(
            {
                "data": {"image_size": self.image_size, "scale_bar": self.scale_bar},
                "model": {
                    "classes": classes,
                    "channels": tuple(self.channels),
                    "time_steps": self.time_steps,
                    "excitation": self.excitation,
                },
                "train": {"epochs": self.epochs, "batch_size": self.batch_size, "learning_rate": self.learning_rate},
                "augment": changes,
                "seed": int(seed),
            }
        )

    def _views(self, X: Any) -> np.ndarray:
        """What the network sees of X, uint8 (N, image_size, image_size, 3); raises InputError, ImageError."""
        view = {"size": self.image_size, "scale_bar": self.scale_bar}
        need = f"{_KIND}: X must be uint8 (N, height, width, 3) or a sequence of paths"
        if isinstance(X, np.ndarray) and X.ndim == 4:
            if X.dtype != np.uint8 or X.shape[3] != 3 or 0 in X.shape:
                raise InputError(f"{need}, not {X.dtype} {X.shape}")
            return np.stack([_view(picture, place, view) for place, picture in enumerate(np.ascontiguousarray(X))])
        elif not isinstance(X, str) and hasattr(X, "__len__") and len(X) and all(isinstance(one, str | Path) for one in X):
            return np.stack([preprocess_file(decode_image(path), path, **view) for path in map(Path, X)])
        found = f"{X.dtype} {X.shape}" if isinstance(X, np.ndarray) else type(X).__name__
        raise InputError(f"{need}, not {found}. Reshape your data: a picture is not a row of a table")


def _view(picture: np.ndarray, place: int, view: dict[str, Any]) -> np.ndarray:
    """What the network sees of X[place]; raises InputError."""
    try:
        return preprocess(Image.fromarray(picture), **view)
    except DataError as error:
        raise InputError(f"{_KIND}: X[{place}]: {error}") from None


_AMOUNTS = ("stain", "brightness", "contrast", "saturation", "hue", "noise", "cell_free")


def _hold_out(labels: np.ndarray, classes: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions for training and for validation, which has its share of every class, of a small one perhaps none.

    Raises InputError when a class is too small.
    """
    if not 0 < fraction <= 0.5:
        raise InputError(f"{_KIND}: validation_fraction {fraction} is not above 0 and at most 0.5")
    counts = np.bincount(labels)
    if counts.min() < 2:
        name = classes.tolist()[counts.argmin()]
        raise InputError(f"{_KIND}: class {name!r} has one image; two or more are needed, to train and to validate")
    held = max(len(classes), round(fraction * len(labels)))
    parts = train_test_split(np.arange(len(labels)), test_size=held, stratify=labels, random_state=seed)
    return np.sort(parts[0]), np.sort(parts[1])
