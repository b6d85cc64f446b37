"""Stain, lamp and camera: optical density per channel, brightness, contrast, saturation, hue.

All but the first is one 3x3 matrix and an offset per image, so a batch of 64 costs about as much as copying it (a library's
step-by-step jitter cost a quarter of the training time).
"""

import math

import torch
from torch import Tensor

from neurallnet.config import AugmentConfig

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_DARKEST = 1 / 255


def to_float(batch: Tensor) -> Tensor:
    """uint8 (B, H, W, 3) -> float32 (B, 3, H, W) in [0, 1], channels_last without a copy of the layout."""
    return batch.permute(0, 3, 1, 2).to(torch.float32).div_(255)


def colour(images: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """Random stain, brightness, contrast, saturation and hue per image of (B, 3, H, W) in [0, 1]; same shape and range."""
    size = len(images)

    def between(low: float, high: float, *shape: int) -> Tensor:
        return torch.empty(size, *(shape or (1, 1))).uniform_(low, high, generator=generator)

    if config.stain:
        images = stain(images, torch.exp(between(-config.stain, config.stain, 3, 1, 1)))
    turn = hue_rotation(between(-config.hue, config.hue) * 2 * math.pi)
    luma = torch.tensor(_LUMA).expand(3, 3)
    saturation = between(1 - config.saturation, 1 + config.saturation)
    contrast = between(1 - config.contrast, 1 + config.contrast)
    matrix = (saturation * torch.eye(3) + (1 - saturation) * luma) @ turn
    mean = images.mean((1, 2, 3)).view(size, 1, 1)
    brightness = between(1 - config.brightness, 1 + config.brightness)
    offset = (brightness * (1 - contrast) * mean).expand(size, 3, 1)
    pixels = images.permute(0, 2, 3, 1).flatten(1, 2)
    changed = torch.baddbmm(offset.transpose(1, 2), pixels, (brightness * contrast * matrix).transpose(1, 2))
    return changed.clamp_(0, 1).view(size, *images.shape[2:], 3).permute(0, 3, 1, 2)


def stain(images: Tensor, factor: Tensor) -> Tensor:
    """Optical density -log(I) of each channel times `factor` (B, 3, 1, 1): more or less dye of each colour; white stays white."""
    return images.clamp_min(_DARKEST) ** factor


def hue_rotation(angle: Tensor) -> Tensor:
    """Rotations of RGB space about its grey axis: `angle` (B, 1, 1) in radians -> (B, 3, 3)."""
    cosine, sine = torch.cos(angle), torch.sin(angle)
    along = torch.full((3, 3), 1 / 3)
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    return cosine * torch.eye(3) + (1 - cosine) * along + sine * cross
