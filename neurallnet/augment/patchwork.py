"""Fields put together from two slides: a rectangle of one image lies in another of its class.

As CutMix (Yun et al. 2019, arXiv 1905.04899), but within a class, so that labels stay: cells keep their class, while no background,
stain or neighbour belongs to it.
"""

import torch
from torch import Tensor

SIDES = (0.3, 0.7)  # of the field's width: least and largest side of the rectangle


def patchwork(batch: Tensor, labels: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """uint8 (B, H, W, 3) with a rectangle of another image of the same label in a random `share` of the images."""
    size, height, width = batch.shape[:3]
    chosen = torch.rand(size, generator=generator) < share
    partner = partners(labels, generator)
    inside = spans(size, height, generator)[:, :, None] & spans(size, width, generator)[:, None, :]
    hole = (inside & chosen[:, None, None])[..., None]
    return torch.where(hole, batch[partner], batch)


def partners(labels: Tensor, generator: torch.Generator) -> Tensor:
    """For each of `labels` (B,) the place of a random one that equals it, perhaps its own."""
    partner = torch.arange(len(labels))
    for label in labels.unique():
        places = (labels == label).nonzero()[:, 0]
        partner[places] = places[torch.randperm(len(places), generator=generator)]
    return partner


def spans(size: int, length: int, generator: torch.Generator) -> Tensor:
    """bool (size, length): a random stretch of each row, a share of SIDES long and wholly inside."""
    side = torch.empty(size, 1).uniform_(*SIDES, generator=generator)
    start = torch.rand(size, 1, generator=generator) * (1 - side)
    place = (torch.arange(length) + 0.5) / length
    return (place >= start) & (place < start + side)
