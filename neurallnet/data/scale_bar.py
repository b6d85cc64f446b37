"""Scale bars, found and painted out: what the microscope's software burned into a corner says nothing about cells.

In the primary set the form of the bar goes with the class, so a network may read the corner. A found bar is painted over
with mirrored neighbouring content, always over the same share of the picture: were the patch as large as the bar, its size
would go on telling the forms apart.

    >>> clean = remove_scale_bar(picture)  # doctest: +SKIP
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from neurallnet.data.burned_in import WHITE, ink, rules
from neurallnet.errors import DataError

PATCH = 0.16  # side of the patch as a share of the picture's: the primary set's bars end at 0.14
GROWTH = 0.08  # a larger bar gets the next patch up: 0.24, 0.32
REACH = (0.24, 0.30)  # height and width of the corner searched, as shares of the picture's
WORKING_WIDTH = 640  # wider pictures are searched at a whole fraction of their size
LEAST_SIDE = 32  # pixels; in a smaller picture nothing can be read, scale bar or cell

_LEAST_INK = 0.03  # pixels of ink per pixel of the picture's width
_LEAST_LENGTH = 0.04  # longer side of the ink as a share of the width: a bar has a length, a grain of dirt has none
_JOIN = 0.03  # strokes this close, as a share of the width, belong to one bar
_MARGIN = 0.02  # white paper beyond the ink counts as the bar's up to this share of the width


@dataclass(frozen=True)
class Box:
    """Rows top to bottom - 1 and columns left to right - 1 of a picture, in pixels."""

    top: int
    left: int
    bottom: int
    right: int

    def __post_init__(self) -> None:
        if not (0 <= self.top < self.bottom and 0 <= self.left < self.right):
            raise ValueError(f"{self} is empty or outside the picture")


def remove_scale_bar(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) with its scale bar painted over; the array itself when it has none.

    The patch is PATCH of the height and width in the bar's corner whatever the bar's form, and larger in steps of GROWTH only
    where the bar is. It shows the rows next to it, mirrored, and blends into the columns next to it.
    Raises DataError unless `image` is uint8 (H, W, 3).
    """
    found = _find(image)
    if found is None:
        return image
    (flip_y, flip_x), box = found
    clean = image.copy()
    turned = clean[:: -1 if flip_y else 1, :: -1 if flip_x else 1]  # a view in which the bar is lower right
    height, width = turned.shape[:2]
    _paint(turned, _patch(height - box.top, height), _patch(width - box.left, width))
    return clean


def _patch(reach: int, side: int) -> int:
    """Pixels to paint over along a side of the picture, when the bar reaches `reach` pixels from its end."""
    share = PATCH
    while round(share * side) < reach:
        share += GROWTH
    return min(round(share * side), side // 2)


def _paint(image: np.ndarray, height: int, width: int) -> None:
    """Mirror the rows above into the lower right corner of (H, W, 3), in place."""
    above = image[-2 * height : -height, -width:][::-1].astype(np.float32)
    beside = image[-height:, -2 * width : -width][:, ::-1]
    ramp = max(2, width // 8)  # columns over which the patch passes into what is beside it
    share = ((np.arange(ramp) + 0.5) / ramp)[None, :, None]
    above[:, :ramp] = share * above[:, :ramp] + (1 - share) * beside[:, :ramp]
    image[-height:, -width:] = np.rint(above)


def _find(image: np.ndarray) -> tuple[tuple[bool, bool], Box] | None:
    """Which way to flip the picture (y, x) so that its bar is lower right, and the bar's box in the flipped picture."""
    if not (isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3):
        shape = getattr(image, "shape", None)
        raise DataError(f"an image of shape {shape} and type {getattr(image, 'dtype', type(image))} is not uint8 (H, W, 3)")
    if min(image.shape[:2]) < LEAST_SIDE:
        return None
    every = max(1, image.shape[1] // 64)
    middle = image[image.shape[0] // 4 : 3 * image.shape[0] // 4 : every, :: every].astype(np.int16)
    redness = np.percentile(middle[..., 0] - np.maximum(middle[..., 1], middle[..., 2]), 99.5)
    for flip_y, flip_x in ((False, False), (False, True), (True, False), (True, True)):
        box = _lower_right(image[:: -1 if flip_y else 1, :: -1 if flip_x else 1], redness)
        if box is not None:
            return (flip_y, flip_x), box
    return None


def _lower_right(image: np.ndarray, redness: float) -> Box | None:
    """The scale bar in the lower right corner of (H, W, 3)."""
    height, width = image.shape[:2]
    every = max(1, -(-width // WORKING_WIDTH))
    rows, columns = (round(share * side) // every * every for share, side in zip(REACH, (height, width), strict=True))
    if not rows * columns:
        return None
    corner = _planes(image[height - rows :, width - columns :], every)
    for marks in (lambda: ink(corner, width // every, redness), lambda: rules(corner, width // every)):
        found = _bar(marks(), corner, width // every)
        if found is not None:
            top, left, bottom, right = (every * edge for edge in found)
            return Box(height - rows + top, width - columns + left, height - rows + bottom, width - columns + right)
    return None


def _planes(corner: np.ndarray, every: int) -> np.ndarray:
    """The channels of uint8 (h, w, 3), means of blocks of `every` pixels: int16 (3, h / every, w / every)."""
    total = sum(
        corner[row::every, column::every].transpose(2, 0, 1).astype(np.int16)
        for row in range(every)
        for column in range(every)
    )
    return total // every**2 if every > 1 else np.ascontiguousarray(total)


def _bar(marks: np.ndarray, corner: np.ndarray, width: int) -> tuple[int, int, int, int] | None:
    """Top, left, bottom, right of the largest cluster of marks and of the paper around it, if it is as large as a bar."""
    if marks.sum() < _LEAST_INK * width:
        return None
    join = max(1, round(_JOIN * width / 2))
    clusters, count = ndimage.label(ndimage.maximum_filter(marks.view(np.uint8), 2 * join + 1, mode="constant"))
    sizes = np.bincount(clusters[marks], minlength=count + 1)
    rows, columns = np.nonzero((clusters == sizes.argmax()) & marks)
    top, left, bottom, right = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
    if sizes.max() < _LEAST_INK * width or max(bottom - top, right - left) < _LEAST_LENGTH * width:
        return None
    white = corner.min(0) >= WHITE
    most = round(_MARGIN * width)
    above = _white_rows(white[max(0, top - most) : top, left:right][::-1])
    below = _white_rows(white[bottom : bottom + most, left:right])
    top, bottom = int(top - above), int(bottom + below)
    before = _white_rows(white[top:bottom, max(0, left - most) : left][:, ::-1].T)
    after = _white_rows(white[top:bottom, right : right + most].T)
    return top, int(left - before), bottom, int(right + after)


def _white_rows(white: np.ndarray) -> int:
    """How many rows of bool (n, m), from the first on, are white."""
    blank = white.all(1)
    return len(blank) if blank.all() else int(blank.argmin())
