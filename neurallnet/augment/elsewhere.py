"""Another laboratory's stain, lamp and camera on a share of the training images; the others keep this laboratory's own.

Colours that vary widely in all images teach a network to do without them, also where they are known. Where half of the images
keep their own, it can learn both: what colours say that look as usual, and what is left to go by where they do not.
"""

import math

import torch
from torch import Tensor

from neurallnet.augment.colour import colour
from neurallnet.config import AugmentConfig

# Largest changes, about those that corruptions of severity 3 and 4 make (`robustness/corruptions.py`)
WIDE = AugmentConfig(stain=0.5, brightness=0.25, contrast=0.5, saturation=0.4, hue=0.2)
DYES = 0.5  # of the amount of either dye, each by itself
LAMP = 0.5  # log factor on the brightness from one edge of the field to the opposite one

# Optical density of R, G, B -> amounts of haematoxylin and eosin, and back: Ruifrok & Johnston 2001 (PMID 11531144), as in
# scikit-image's `hed_from_rgb` and `rgb_from_hed`
_TO_DYES = ((1.87798274, -0.06590806, -0.60190736), (-1.00767869, 1.13473037, -0.48041419))
_FROM_DYES = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11))
_DARKEST = 1e-6


def elsewhere(images: Tensor, config: AugmentConfig, generator: torch.Generator) -> Tensor:
    """(B, 3, H, W) in [0, 1] -> the same, a share `config.elsewhere` of the images changed as WIDE, DYES and LAMP allow and the
    others as `config` does."""
    there = torch.rand(len(images), generator=generator) < config.elsewhere
    out = torch.empty_like(images)
    if not there.all():
        some = images[~there]
        out[~there] = colour(some, config, generator) if config.any_colour else some
    if there.any():
        some = images[there]
        factors = torch.empty(len(some), 2).uniform_(1 - DYES, 1 + DYES, generator=generator)
        out[there] = colour(lamp(dyes(some, factors), generator), WIDE, generator)
    return out


def dyes(images: Tensor, factors: Tensor) -> Tensor:
    """The amounts of haematoxylin and eosin in each pixel times `factors` (B, 2); what two dyes cannot express is kept.

    The same as multiplying by the ratio of scikit-image's `hed2rgb` of both amounts: Tellez et al. 2018 (arXiv 1808.05896).
    """
    red, green, blue = images.clamp_min(_DARKEST).log_().unbind(1)
    taken = []
    for factor, (r, g, b) in zip((1 - factors).unbind(1), _TO_DYES, strict=True):
        amount = (red * -r).add_(green, alpha=-g).add_(blue, alpha=-b).clamp_(min=0)
        taken.append(amount.mul_(factor[:, None, None]))
    density = [(taken[0] * one).add_(taken[1], alpha=other) for one, other in zip(*_FROM_DYES, strict=True)]
    return torch.stack(density, 1).exp_().mul_(images).clamp_(0, 1)


def lamp(images: Tensor, generator: torch.Generator) -> Tensor:
    """Brightness changed steadily across the field, in a random direction, by up to exp(LAMP) at one edge."""
    size, height, width = len(images), *images.shape[2:]
    angle = torch.empty(size, 1, 1).uniform_(0, 2 * math.pi, generator=generator)
    x, y = torch.linspace(-1, 1, width) * torch.cos(angle), torch.linspace(-1, 1, height)[:, None] * torch.sin(angle)
    way = 0.5 + 0.5 * (x + y) / (torch.cos(angle).abs() + torch.sin(angle).abs())  # 0 at one corner, 1 at the other
    level = torch.empty(size, 1, 1).uniform_(-LAMP, LAMP, generator=generator)
    return (images * torch.exp(level * way)[:, None]).clamp_(0, 1)
