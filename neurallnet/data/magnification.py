"""Magnification from the picture itself: a red cell is a ruler.

Red cells measure 7.2 um on a smear, give or take a few per cent in health (Turgeon, Clinical Hematology, 2017), so that their
diameter in pixels says how large the microscope and the camera made a micrometre. Two laboratories' pictures can then be
brought to one scale. What is measured is the *separate* red cells: crowded ones, cells cut by the border and cells with a
nucleus are left out.
"""

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.filters import threshold_otsu

from neurallnet.data.borders import require_picture
from neurallnet.errors import DataError

LIMITS = (0.4, 2.5)  # factors of a change of scale: beyond it either the pixels or the field are too few
LEAST_CELLS = 6  # separate red cells; with fewer the median is one cell's chance
DIAMETERS = (0.02, 0.30)  # diameters a red cell may have as a share of the width
_WIDTH = 320  # pixels a picture is measured at; a red cell of the primary set then spans 17
_CAP = 0.45  # absorbance from which a pixel is as dark as any red cell; nuclei would pull the threshold up
_NUCLEUS = 0.3  # absorbance of green above that of red and blue: chromatin binds the purple dye, haemoglobin does not
_PURPLE = 0.04  # share of such pixels from which a cell is not a red cell
_ELONGATED = 1.45  # longest axis over shortest
_ELLIPSE = 0.965  # area over that of the ellipse with the same moments: 1 for an ellipse, less for two that touch
_SPREAD = 1.4  # cells further from the middle diameter than this factor are no red cells: platelets, blots


def red_cell_diameter(image: np.ndarray) -> float | None:
    """Median diameter in pixels of the separate red cells in uint8 (H, W, 3); None where they are fewer than LEAST_CELLS.

    The diameter is that of the circle of the same area. Pixels are taken for square: stretch a squeezed picture back first.
    Crop borders and remove the scale bar first (`neurallnet.data.field`).
    Raises DataError unless `image` is uint8 (H, W, 3).
    """
    require_picture(image)
    height, width = image.shape[:2]
    shrink = min(1.0, _WIDTH / width)
    if shrink < 1:
        size = round(width * shrink), max(1, round(height * shrink))
        image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))
    diameters = _diameters(*_red_cells(image), image.shape[1])
    return float(np.median(diameters) / shrink) if len(diameters) >= LEAST_CELLS else None


def to_common_scale(image: np.ndarray, diameter: float, wanted: float) -> np.ndarray:
    """The picture at the scale at which a red cell has `wanted` times the picture's width: uint8, same shape (H, W, 3).

    `diameter` is what red cells have now, in pixels. Enlarging keeps the middle of the field; shrinking mirrors the field out.
    The factor is limited to LIMITS. Raises DataError for an image that is not uint8 (H, W, 3) or a length that is not positive.
    """
    require_picture(image)
    if not (0 < diameter < np.inf and 0 < wanted < np.inf):
        raise DataError(f"red cells cannot be brought from {diameter} pixels to {wanted} of the width; give positive lengths")
    height, width = image.shape[:2]
    factor = float(np.clip(wanted * width / diameter, *LIMITS))
    picture = Image.fromarray(image)
    if factor >= 1:
        left, top = (side * (1 - 1 / factor) / 2 for side in (width, height))
        box = (left, top, width - left, height - top)
        return np.array(picture.resize((width, height), Image.Resampling.BILINEAR, box=box))
    small = np.array(picture.resize((max(1, round(width * factor)), max(1, round(height * factor))), Image.Resampling.BILINEAR))
    pads = [((side - got) // 2, side - got - (side - got) // 2) for side, got in zip((height, width), small.shape, strict=False)]
    return np.pad(small, (*pads, (0, 0)), mode="symmetric")


def _red_cells(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Stained pixels with holes filled, and pixels of nuclei: two bool (h, w)."""
    step = max(1, image.shape[1] // 100)
    empty = np.percentile(image[::step, ::step].reshape(-1, 3), 95, axis=0)
    table = np.log((np.maximum(empty, 1) + 1) / (np.arange(256)[:, None] + 1)).astype(np.float32)  # Beer-Lambert
    red, green, blue = (table[image[..., channel], channel] for channel in range(3))
    capped = np.clip(green, 0, _CAP)
    stained = capped > threshold_otsu(capped[::step, ::step], nbins=64) if np.ptp(capped) > 0 else np.zeros(green.shape, bool)
    return ndimage.binary_fill_holes(stained), green - (red + blue) / 2 > _NUCLEUS


def _diameters(stained: np.ndarray, nuclei: np.ndarray, width: int) -> np.ndarray:
    """Diameters in pixels of the separate red cells among the stained components."""
    labels, count = ndimage.label(stained)
    if not count:
        return np.empty(0)
    rows, columns = np.nonzero(labels)
    label = labels[rows, columns]

    def total(weights: np.ndarray) -> np.ndarray:
        return np.bincount(label, weights, count + 1)[1:]

    area = np.bincount(label, minlength=count + 1)[1:]
    y, x = total(rows) / area, total(columns) / area
    # 1/12 is a pixel's own second moment.
    yy, xx = total(rows.astype(float) ** 2) / area - y * y + 1 / 12, total(columns.astype(float) ** 2) / area - x * x + 1 / 12
    xy = total(rows * columns) / area - x * y
    root = np.sqrt((xx - yy) ** 2 + 4 * xy * xy)
    elongation = np.sqrt((xx + yy + root) / np.maximum(xx + yy - root, 1e-9))
    ellipse = area / (4 * np.pi * np.sqrt(np.maximum(xx * yy - xy * xy, 1e-9)))
    diameter = 2 * np.sqrt(area / np.pi)
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    good = (elongation < _ELONGATED) & (ellipse > _ELLIPSE) & (total(nuclei[rows, columns]) < _PURPLE * area)
    good &= (diameter > max(4.0, DIAMETERS[0] * width)) & (diameter < DIAMETERS[1] * width)
    good[edge[edge > 0] - 1] = False
    return _alike(diameter[good])


def _alike(diameter: np.ndarray) -> np.ndarray:
    """Those within a factor of the diameter that halves the cells' area: many small blots do not outweigh a few cells."""
    if not len(diameter):
        return diameter
    ordered = np.sort(diameter)
    area = np.cumsum(ordered**2)
    middle = ordered[np.searchsorted(area, area[-1] / 2)]
    return ordered[(ordered > middle / _SPREAD) & (ordered < middle * _SPREAD)]
