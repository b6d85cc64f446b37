r"""Integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365) through captum: a second method, at the pixels.

The attribution of a pixel is :math:`(x - x') \int_0^1 \partial y_c / \partial x\,(x' + a (x - x'))\, da`, with the mean colour
of the images as baseline :math:`x'`. With true gradients the attributions of an image add up to :math:`y_c(x) - y_c(x')`. A
spiking network's own derivative is zero almost everywhere and a surrogate stands for it, so that they do not: the gap says by
how much, and belongs beside every picture made this way.
"""

import warnings
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from torch import nn
from tqdm import TqdmWarning

from neurallnet.augment import to_float
from neurallnet.errors import ConfigError
from neurallnet.explain.gradcam import batches

STEPS = 24  # points on the path, Gauss-Legendre
BATCH = 8  # images; captum multiplies them by STEPS


@dataclass(frozen=True)
class Attributions:
    """`maps` float32 (N, H, W): signed, summed over colours; `rise` (N,): y_c(x) - y_c(x'); `gap` (N,): sum of a map minus rise."""

    maps: np.ndarray
    rise: np.ndarray
    gap: np.ndarray

    @property
    def attention(self) -> np.ndarray:
        """What speaks for the class, (N, H, W): the positive part."""
        return np.maximum(self.maps, 0)


def integrated_gradients(
    model: nn.Module,
    images: np.ndarray,
    targets: np.ndarray,
    baseline: np.ndarray | None = None,
    steps: int = STEPS,
    batch_size: int = BATCH,
) -> Attributions:
    """Attributions of uint8 `images` (N, H, W, 3) for the logits of `targets` (N,).

    `baseline`: a colour, uint8 or float (3,) in grey levels; the images' mean without it. Raises ConfigError without captum.
    """
    model.eval()
    colour = mean_colour(images) if baseline is None else np.asarray(baseline)
    empty = torch.as_tensor(colour / 255, dtype=torch.float32).view(1, 3, 1, 1)
    method, parts = _captum().IntegratedGradients(lambda x: model(x).logits), []
    for rows in batches(images, batch_size):
        x = to_float(torch.from_numpy(images[rows])).requires_grad_()
        asked, start = torch.from_numpy(np.asarray(targets)[rows]), empty.expand_as(x)
        found = method.attribute(x, start, target=asked, n_steps=steps).detach()
        with torch.inference_mode():
            rise = (model(x).logits - model(start).logits).gather(1, asked[:, None])[:, 0]
        parts.append((found.sum(1).numpy(), rise.numpy(), (found.sum((1, 2, 3)) - rise).numpy()))
    return Attributions(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _captum() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TqdmWarning)  # that a notebook's kernel lacks widgets; no bar is drawn
            from captum import attr
    except ModuleNotFoundError:
        raise ConfigError("integrated gradients need captum; run: pip install 'neurallnet[explain]'") from None
    return attr


def mean_colour(images: np.ndarray) -> np.ndarray:
    """Mean colour (3,) of uint8 images (N, H, W, 3), in grey levels: one for all, so that it tells no class from another."""
    return images.mean((0, 1, 2))
