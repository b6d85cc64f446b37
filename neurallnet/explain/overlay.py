"""One image with its explanation laid over it, for the user's own disk."""

import numpy as np
from matplotlib import colormaps
from PIL import Image
from torch import nn

from neurallnet.config import DataConfig
from neurallnet.data.images import preprocess
from neurallnet.errors import ConfigError, DataError
from neurallnet.explain.gradcam import cam_maps

OPACITY = 0.6  # of the strongest attention; places without any show the image as it is


def explain_image(
    model: nn.Module,
    image: np.ndarray,
    *,
    size: int = DataConfig.image_size,
    scale_bar: str = DataConfig.scale_bar,
    target: int | None = None,
    block: int | None = None,
    colours: str = "magma",
) -> np.ndarray:
    """`image` uint8 (H, W, 3) with its Grad-CAM, summed over time steps, laid over it; uint8 of the same shape.

    The network sees it as `preprocess` makes it of `size` and `scale_bar`, which should be those of the run. `target`: class
    number, the predicted one without it. `colours`: a matplotlib colour map. A map without attention leaves the image as it is.
    Raises DataError, ConfigError.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise DataError(f"explanation: the image is {image.dtype} {image.shape}; needed is uint8 (height, width, 3)")
    if colours not in colormaps:
        raise ConfigError(f"colour map {colours!r} is unknown to matplotlib; choose viridis or magma")
    targets = None if target is None else np.array([target])
    seen = preprocess(Image.fromarray(image), size, scale_bar)
    attention = cam_maps(model, seen[None], targets, block).attention
    strength = spread(attention[0] / max(attention.max(), np.finfo(np.float32).tiny), image.shape[:2])[..., None]
    colour = 255 * colormaps[colours](strength[..., 0])[..., :3]
    return np.round(image * (1 - OPACITY * strength) + colour * OPACITY * strength).astype(np.uint8)


def spread(strength: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map (h, w) in [0, 1] resized to (height, width), bilinear."""
    picture = Image.fromarray(strength.astype(np.float32)).resize(size[::-1], Image.Resampling.BILINEAR)
    return np.clip(np.asarray(picture), 0, 1)
