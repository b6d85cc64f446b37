"""Training-time augmentation of whole batches: where a cell lies, how it was stained and lit, and whether there is one at all.

A field of a smear has no up or down; stain, lamp and camera differ from slide to slide; and what makes a smear malignant is its
cells. Each is varied by one module; `AugmentConfig` says how much.
"""

import torch
from torch import Tensor

from neurallnet.augment.cells import on_other_fields, without_cells
from neurallnet.augment.colour import colour, to_float
from neurallnet.augment.elsewhere import elsewhere
from neurallnet.augment.geometry import move, symmetries
from neurallnet.augment.noise import noise
from neurallnet.config import AugmentConfig

__all__ = ["augment", "to_float"]


def augment(
    batch: Tensor, labels: Tensor, config: AugmentConfig, generator: torch.Generator, healthy: int = 0
) -> tuple[Tensor, Tensor]:
    """uint8 (B, H, W, 3), H = W, and labels int64 (B,) -> augmented float32 (B, 3, H, W) in [0, 1], and labels.

    `healthy` is the label of an image that has lost its nucleated cells.
    """
    if config.cell_free:
        batch, labels = without_cells(batch, labels, config.cell_free, healthy, generator)
    if config.background:
        batch = on_other_fields(batch, config.background, generator)
    if config.symmetries:
        batch = symmetries(batch, generator)
    images = to_float(batch)
    if config.any_move:
        images = move(images, config, generator)
    if config.elsewhere:
        images = elsewhere(images, config, generator)
    elif config.any_colour:
        images = colour(images, config, generator)
    return (noise(images, config.noise, generator) if config.noise else images), labels
