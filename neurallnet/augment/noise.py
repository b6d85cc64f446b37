"""The camera's noise."""

import torch
from torch import Tensor


def noise(images: Tensor, largest: float, generator: torch.Generator, share: float = 0.5) -> Tensor:
    """Gaussian noise on a `share` of the images (B, 3, H, W) in [0, 1], its standard deviation uniform up to `largest`."""
    shape = (len(images), 1, 1, 1)
    level = torch.rand(shape, generator=generator) * largest * (torch.rand(shape, generator=generator) < share)
    draws = torch.empty_like(images).normal_(generator=generator)
    return draws.mul_(level).add_(images).clamp_(0, 1)
