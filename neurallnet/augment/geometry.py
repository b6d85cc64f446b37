"""The eight symmetries of the square."""

import torch
from torch import Tensor


def symmetries(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Each image of (B, H, W, 3), H = W, turned by a random multiple of 90 degrees and mirrored or not."""
    choice = torch.randint(8, (len(batch),), generator=generator)
    out = torch.empty_like(batch)
    for k in range(8):
        chosen = choice == k
        turned = torch.rot90(batch[chosen], k % 4, dims=(1, 2))
        out[chosen] = turned.flip(2) if k >= 4 else turned
    return out
