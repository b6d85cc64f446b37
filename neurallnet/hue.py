"""Hue normalization: every image is turned about the colour circle until its dominant hue is the same.

Stain, lamp and camera turn all hues of a slide together; what cells differ by within one image stays. The dominant hue of an
image is the direction of sum(chroma^2 * (cos hue, sin hue)) over its pixels, hue and chroma as in the HSV model: saturated
pixels, those of the nuclei, decide. A shift of all hues by one angle therefore changes nothing of what a network sees.

`_hue.c` does the work where the engine was built and no gradient is asked for; otherwise torch operations of the same meaning do.
"""

import ctypes

import torch
from torch import Tensor

from neurallnet.fused import library
from neurallnet.light import balance_light, standardize_light

DOMINANT = 4.4  # sextants of the circle (264 degrees): violet, where most stained nuclei are, so that pictures look usual
STRIDE = 2  # every second pixel each way is enough to find the dominant hue
RADIANS = torch.pi / 3  # of a sextant
TINY = 1e-6


def normalize_hue(images: Tensor) -> Tensor:
    """RGB (B, 3, H, W) in [0, 1] -> the same with its dominant hue at DOMINANT; value and saturation (HSV) of pixels stay.

    An image without colour stays as it is.

    >>> red, blue = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 1.0])
    >>> torch.allclose(*normalize_hue(torch.stack((red, blue))[:, :, None, None]), atol=1e-5)
    True
    """
    plain = images.device.type == "cpu" and images.dtype == torch.float32 and not images.requires_grad
    if plain and library() is not None and not torch.jit.is_tracing():  # an exporter would keep the result as a constant
        return _compiled(images)
    return _composed(images)


def stained_alike(images: Tensor, hue: str | tuple[str, ...]) -> Tensor:
    """What a network of `ModelConfig.hue` sees of images (B, 3, H, W) in [0, 1].

    Of a way of their own for each column, one after the other: (B, 3 * columns, H, W).
    """
    if isinstance(hue, tuple):
        return torch.cat([stained_alike(images, each) for each in hue], 1)
    if hue == "grey":
        return images.mean(1, keepdim=True).expand_as(images)
    if hue == "balanced":
        images = balance_light(images)
    images = images if hue == "stored" else normalize_hue(images)
    return standardize_light(images) if hue == "standardized" else images


def _compiled(images: Tensor) -> Tensor:
    last = images.is_contiguous(memory_format=torch.channels_last)
    images = images if last else images.contiguous()
    out = torch.empty_like(images)
    batch, _, height, width = images.shape
    library().hue_normalize(
        *(ctypes.c_void_p(tensor.data_ptr()) for tensor in (images, out)),
        *map(ctypes.c_int64, (batch, height, width)),
        ctypes.c_int(last),
        ctypes.c_float(DOMINANT),
    )
    return out


def image_hue(images: Tensor) -> Tensor:
    """RGB (B, 3, H, W) in [0, 1] -> (B,): the dominant hue of each, in sextants from -3 to 3.

    >>> image_hue(torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1))  # green
    tensor([2.])
    """
    _, chroma, hue = _parts(images)
    return dominant_hue(hue, chroma)


def _parts(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Value, chroma and hue of every pixel, (B, H, W) each."""
    red, green, blue = images.unbind(1)
    value = torch.maximum(torch.maximum(red, green), blue)
    chroma = value - torch.minimum(torch.minimum(red, green), blue)
    return value, chroma, hue_of(red, green, blue, value, chroma)


def _composed(images: Tensor) -> Tensor:
    value, chroma, hue = _parts(images)
    turned = hue + (DOMINANT - dominant_hue(hue, chroma))[:, None, None]
    return torch.stack([value - chroma * ramp(turned + offset) for offset in (5, 3, 1)], 1)


def hue_of(red: Tensor, green: Tensor, blue: Tensor, value: Tensor, chroma: Tensor) -> Tensor:
    """Hue in sextants, from -1 to 5, given value = max(R, G, B) and chroma = value - min(R, G, B)."""
    scale = chroma.clamp_min(TINY).reciprocal()
    if_green, if_blue = 2 + (blue - red) * scale, 4 + (red - green) * scale
    return torch.where(value == red, (green - blue) * scale, torch.where(value == green, if_green, if_blue))


def dominant_hue(hue: Tensor, chroma: Tensor) -> Tensor:
    """(B, H, W) each -> (B,): the chroma-weighted circular mean, in sextants from -3 to 3."""
    hue, chroma = hue[:, ::STRIDE, ::STRIDE], chroma[:, ::STRIDE, ::STRIDE]
    weight, angle = chroma.square(), hue * RADIANS
    x, y = (weight * torch.cos(angle)).mean((1, 2)), (weight * torch.sin(angle)).mean((1, 2))
    # the half-angle form of atan2, which every exporter knows
    return torch.atan(y / (x + torch.sqrt(x.square() + y.square())).clamp_min(TINY**2)) * (2 / RADIANS)


def ramp(place: Tensor) -> Tensor:
    """What HSV takes from the value, as a share of the chroma: 0, then 1 from `place` 1 to 3 of a circle of 6."""
    place = torch.remainder(place, 6)
    return torch.minimum(place, 4 - place).clamp(0, 1)
