"""Smears of our own generator among the training images: its two laboratories differ in stain, microscope and scale bar."""

from dataclasses import replace

import numpy as np

from neurallnet.config import DataConfig
from neurallnet.dataset import Dataset, open_dataset
from neurallnet.errors import ConfigError
from neurallnet.paths import Workspace
from neurallnet.training import Examples

LABORATORIES = ("synthetic", "synthetic_external")


def mix_in(
    examples: Examples, learned: np.ndarray, dataset: Dataset, view: DataConfig, share: float, seed: int, work: Workspace
) -> tuple[Examples, np.ndarray, dict[str, str]]:
    """`examples` and the rows to learn from with synthetic smears behind them, and the laboratories' hashes by name.

    Their number is `share` of that of `learned`, at most all there are; they are drawn with `seed` from the laboratories that are
    not `dataset` itself, and seen as `view` says. Raises ConfigError when the classes are not the generator's.
    """
    found = {name: open_dataset(name, work) for name in LABORATORIES if name != view.source}
    for name, laboratory in found.items():
        if laboratory.classes != dataset.classes:
            named = ", ".join(dataset.classes) or "none"
            raise ConfigError(f"train.synthetic: {name} has the classes {', '.join(laboratory.classes)}, the images have {named}")
    images = np.concatenate([laboratory.images(replace(view, source=name), work) for name, laboratory in found.items()])
    labels = np.concatenate([laboratory.labels for laboratory in found.values()])
    drawn = np.random.default_rng(seed).permutation(len(labels))[: round(share * len(learned))]
    mixed = replace(
        examples,
        images=np.concatenate([examples.images, images[drawn]]),
        labels=np.concatenate([examples.labels, labels[drawn]]),
    )
    rows = np.concatenate([learned, len(examples.labels) + np.arange(len(drawn))])
    return mixed, rows, {name: laboratory.digest for name, laboratory in found.items()}
