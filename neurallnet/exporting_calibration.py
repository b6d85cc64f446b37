"""Images that fix the ranges of an 8-bit export: training images of the network where the user has them, else drawn smears."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from neurallnet.config import run_config
from neurallnet.data.images import preprocess
from neurallnet.data.synthetic import draw_image
from neurallnet.data.synthetic_config import SyntheticConfig
from neurallnet.data.synthetic_plan import frames
from neurallnet.dataset import open_dataset, rows_in, split_folds
from neurallnet.errors import DataError
from neurallnet.paths import Workspace, data_root
from neurallnet.runs import split_digest
from neurallnet.sweep import CALIBRATION

DRAWN_PER_CLASS = 16


@dataclass(frozen=True)
class Calibration:
    """`images` uint8 (N, size, size, 3); `told` says what they are; `warning` why they are not training images, or empty."""

    images: np.ndarray
    told: str
    warning: str = ""


def calibration_images(card: Mapping[str, Any], work: Workspace, data: Path | str | None = None) -> Calibration:
    """For the network that `card` describes (`pretrained.run_card`): up to 256 of its training images, evenly spaced in file order.

    Without them, smears are drawn, and the warning says why. Raises DataError when the folder `data` was named and holds others.
    """
    source, trained = run_config(card["config"]).data.source, card["trained_on"]
    if not trained["synthetic"] and data_root(data) is None:
        return drawn(card, "no folder of real images is named (--data or NEURALLNET_DATA)")
    try:
        return training_images(card, work, data)
    except DataError as error:
        if data is not None or trained["synthetic"]:
            raise
        return drawn(card, f"images of {source} are not at hand: {error}")


def training_images(card: Mapping[str, Any], work: Workspace, data: Path | str | None = None) -> Calibration:
    """The network's training images; raises DataError when those in `data` are not the ones it saw."""
    config, trained = run_config(card["config"]), card["trained_on"]
    dataset = open_dataset(config.data.source, work, data)
    split = split_folds(dataset, config.split)
    if dataset.digest != trained["manifest"] or split_digest(split) != trained["split"]:
        raise DataError(f"{dataset.root}: holds other images than the network was trained on; give their folder with --data")
    chosen = evenly(rows_in(split, "train"))
    told = f"{len(chosen)} {'SYNTHETIC ' if trained['synthetic'] else ''}training images of {config.data.source}"
    return Calibration(dataset.images(config.data, work)[chosen], told)


def evenly(rows: np.ndarray, count: int = CALIBRATION) -> np.ndarray:
    """At most `count` of `rows`, evenly spaced."""
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)]


def drawn(card: Mapping[str, Any], reason: str) -> Calibration:
    """Smears drawn by the synthetic generator, as the network would see pictures of that kind."""
    size = card["image_size"]
    count = {"images_per_class": DRAWN_PER_CLASS, "patients_per_class": 2, "sessions_per_patient": 1}
    plan = SyntheticConfig(**count, size=min(max(size, 64), 1024))
    smears = [Image.fromarray(draw_image(plan, frame.path)) for frame in frames(plan)]
    images = np.stack([preprocess(smear, size, card["scale_bar"]) for smear in smears])
    warning = f"8-bit ranges come from drawn smears, not from training images: {reason}; check the file's accuracy before use"
    return Calibration(images, f"{len(images)} SYNTHETIC drawn smears, no training images", warning)
