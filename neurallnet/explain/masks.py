"""Where the leukocytes are: masks to judge an explanation by, and their share of each place of a map.

    published   the images of `Segmented/`, where the authors of the data set blacked out what is no leukocyte
    stain       our rule: purple is strong in red and blue and weak in green, so the mean of red and blue minus green, smoothed
                by a 5 x 5 median and cut at Otsu's threshold (Otsu 1979, doi 10.1109/TSMC.1979.4310076)
    generator   the cells that the synthetic generator drew

In class Pro the published masks miss most of the cells and outline red cells instead, as their `agreement` with the stain rule
shows; that is why there are two. Neither is the rule by which training paints cells out: a network must not be judged by that.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from scipy.ndimage import median_filter

from neurallnet.data.images import decode_image
from neurallnet.data.sources import SOURCES, locate
from neurallnet.data.synthetic import SyntheticConfig, cell_mask
from neurallnet.errors import ConfigError, DataError
from neurallnet.paths import Workspace

SEGMENTED = "taleqani_segmented"
BLACK = 30  # grey levels: what JPEG leaves of a black background stays below
RULES = {
    "published": f"published segmentation, brightest channel above {BLACK}",
    "stain": "mean of red and blue minus green, 5 x 5 median, Otsu's threshold",
    "generator": "cells as the generator drew them",
}


def cell_masks(source: str, root: Path, paths: Sequence[str], work: Workspace, data: Path | None) -> dict[str, list[np.ndarray]]:
    """Kind of mask -> bool (height, width) per image of `paths` below `root`, at the size of the files.

    Synthetic images have "generator", those of the primary set "published" where the segmented images are there; all have
    "stain". Raises DataError for an image that cannot be read, ConfigError without scikit-image.
    """
    found = {}
    if lab := SOURCES[source].lab:
        found["generator"] = [cell_mask(SyntheticConfig(lab=lab), path) for path in paths]
    elif source == "taleqani" and (segmented := _segmented(work, data)) is not None:
        found["published"] = [published_mask(np.asarray(decode_image(segmented / path))) for path in paths]
    found["stain"] = [stain_mask(np.asarray(decode_image(Path(root) / path))) for path in paths]
    return found


def _segmented(work: Workspace, data: Path | None) -> Path | None:
    try:
        return locate(SEGMENTED, data, work)
    except DataError:
        return None


def published_mask(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) with a black background -> bool (H, W)."""
    return image.max(2) > BLACK


def stain_mask(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) -> bool (H, W), the purple part; nothing in an image of one colour."""
    try:
        from skimage.filters import threshold_otsu
    except ModuleNotFoundError:
        raise ConfigError("masks need scikit-image; run: pip install 'neurallnet[explain]'") from None
    red, green, blue = image.astype(np.float32).transpose(2, 0, 1)
    purple = median_filter((red + blue) / 2 - green, 5)
    return purple > threshold_otsu(purple)


def coverage(masks: Sequence[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Share of each place of a map (height, width) that a mask (H, W) covers, float32 (N, height, width).

    Exact where places cut through pixels, so that the mean over places is the mask's share of the area. Of a map of numbers it
    is their mean at each place.
    """
    return np.stack([_overlap(size[0], len(m)) @ m @ _overlap(size[1], m.shape[1]).T for m in masks]).astype(np.float32)


@cache
def _overlap(places: int, pixels: int) -> np.ndarray:
    """Share of each place (rows) that lies in each pixel (columns), along one side of an image."""
    edges, start = np.linspace(0, pixels, places + 1), np.arange(pixels)
    both = np.minimum(edges[1:, None], start + 1) - np.maximum(edges[:-1, None], start)
    return np.clip(both, 0, None) * places / pixels


def corner_coverage(size: tuple[int, int], share: float) -> np.ndarray:
    """`coverage` of the lower right corner, `share` of the height and of the width, float32 (height, width).

    >>> corner_coverage((2, 4), 0.25).tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5]]
    """
    down, across = (np.clip(np.arange(1, n + 1) - n * (1 - share), 0, 1) for n in size)
    return np.outer(down, across).astype(np.float32)


def agreement(first: np.ndarray, second: np.ndarray) -> float | None:
    """Dice coefficient of two bool masks of one shape: 1 when equal, 0 when apart, None when both are empty."""
    both = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / both if both else None
