"""Where a cell lies: the eight symmetries of the square, and the field moved and magnified a little."""

import torch
from torch import Tensor
from torch.nn import functional as F

from neurallnet.config import AugmentConfig


def symmetries(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Each image of (B, H, W, 3), H = W, turned by a random multiple of 90 degrees and mirrored or not."""
    choice = torch.randint(8, (len(batch),), generator=generator)
    out = torch.empty_like(batch)
    for k in range(8):
        chosen = choice == k
        turned = torch.rot90(batch[chosen], k % 4, dims=(1, 2))
        out[chosen] = turned.flip(2) if k >= 4 else turned
    return out


def move(images: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """Each image of (B, 3, H, W) shifted and magnified at random, the field mirrored where it ends; same shape and range."""
    size = len(images)
    zoom = torch.empty(size).uniform_(-config.zoom, config.zoom, generator=generator).exp()
    shift = torch.empty(size, 2).uniform_(-2 * config.shift, 2 * config.shift, generator=generator)  # a field is 2 units wide
    places = torch.cat((torch.diag_embed(zoom[:, None].expand(size, 2)), shift[:, :, None]), 2)
    grid = F.affine_grid(places, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
