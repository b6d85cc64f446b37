"""Training-time augmentation of whole batches: eight symmetries of the square, and colour.

A field of a smear has no up or down, and the stain varies from slide to slide; nothing else is varied here. Colour is one 3x3
matrix and an offset per image, so a batch of 64 costs about as much as copying it (a library's step-by-step jitter cost a
quarter of the training time).
"""

import math

import torch
from torch import Tensor

BRIGHTNESS, CONTRAST, SATURATION = 0.2, 0.2, 0.25  # largest relative change
HUE = 0.06  # largest turn about the grey axis, in fractions of a full turn
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def to_float(batch: Tensor) -> Tensor:
    """uint8 (B, H, W, 3) -> float32 (B, 3, H, W) in [0, 1], channels_last without a copy of the layout."""
    return batch.permute(0, 3, 1, 2).to(torch.float32).div_(255)


def augment(batch: Tensor, mode: str, generator: torch.Generator) -> Tensor:
    """uint8 (B, H, W, 3), H = W -> augmented float32 (B, 3, H, W) in [0, 1]; `mode` is "full", "geometry" or "none"."""
    if mode == "none":
        return to_float(batch)
    batch = symmetries(batch, generator)
    return colour(to_float(batch), generator) if mode == "full" else to_float(batch)


def symmetries(batch: Tensor, generator: torch.Generator) -> Tensor:
    """Each image of (B, H, W, 3) turned by a random multiple of 90 degrees and mirrored or not."""
    choice = torch.randint(8, (len(batch),), generator=generator)
    out = torch.empty_like(batch)
    for k in range(8):
        chosen = choice == k
        turned = torch.rot90(batch[chosen], k % 4, dims=(1, 2))
        out[chosen] = turned.flip(2) if k >= 4 else turned
    return out


def colour(images: Tensor, generator: torch.Generator) -> Tensor:
    """Random brightness, contrast, saturation and hue per image of (B, 3, H, W) in [0, 1]; same shape and range."""
    size = len(images)

    def between(low: float, high: float) -> Tensor:
        return torch.empty(size, 1, 1).uniform_(low, high, generator=generator)

    turn = hue_rotation(between(-HUE, HUE) * 2 * math.pi)
    luma = torch.tensor(_LUMA).expand(3, 3)
    saturation, contrast = between(1 - SATURATION, 1 + SATURATION), between(1 - CONTRAST, 1 + CONTRAST)
    matrix = (saturation * torch.eye(3) + (1 - saturation) * luma) @ turn
    mean = images.mean((1, 2, 3)).view(size, 1, 1)
    brightness = between(1 - BRIGHTNESS, 1 + BRIGHTNESS)
    offset = (brightness * (1 - contrast) * mean).expand(size, 3, 1)
    pixels = images.permute(0, 2, 3, 1).flatten(1, 2)
    changed = torch.baddbmm(offset.transpose(1, 2), pixels, (brightness * contrast * matrix).transpose(1, 2))
    return changed.clamp_(0, 1).view(size, *images.shape[2:], 3).permute(0, 3, 1, 2)


def hue_rotation(angle: Tensor) -> Tensor:
    """Rotations of RGB space about its grey axis: `angle` (B, 1, 1) in radians -> (B, 3, 3)."""
    cosine, sine = torch.cos(angle), torch.sin(angle)
    along = torch.full((3, 3), 1 / 3)
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    return cosine * torch.eye(3) + (1 - cosine) * along + sine * cross
