"""What software draws into a picture: ink no stain has, and lines straighter than any cell.

Three cues, each a bool map of the pixels it holds for drawn:

    black ink   a thin stroke, darker than all around it, on paper that is white in every channel
    red ink     a thin stroke whose red exceeds green and blue; nuclei are purple and red cells are no strokes
    rule        a thin stripe, white or with a channel that is nearly off, whose two edges are straight for several per cent
                of the picture; the outline of a cell bends sooner

A closing (opening) with a square wider than a stroke gives the brightness (redness) of what lies around it, and the
difference is the stroke: the black and white top hats of mathematical morphology (Serra, Image Analysis and Mathematical
Morphology, 1982). A picture is handled as its channels, int16 (3, h, w), since differences of uint8 wrap around.
"""

import numpy as np
from scipy import ndimage

STROKE = 0.035  # widest stroke of ink as a share of the picture's width: the bold bars of the primary set are 0.015
WHITE = 240  # paper is at least this in every channel; a background of glass is tinted
BLACK = 60  # grey levels black ink is darker than its paper
NEUTRAL = 60  # most grey levels between the channels of black ink; dirt and platelets are purple
RED = 12  # grey levels red exceeds green and blue in red ink, above the same of the picture's own cells
RED_STEP = 40  # grey levels that excess is above the excess around the stroke
SHARP = 200  # pixels of width from which ink keeps its contrast; in smaller pictures it is washed out
RULE_LENGTH = 0.07  # shortest rule as a share of the width
RULE_THICK = 0.02  # thickest rule as a share of the width
DARK = 60  # a dark rule is at most this in one channel or more
RULE_STEP = 8  # grey levels between a rule and its surroundings


def ink(picture: np.ndarray, width: int, redness: float) -> np.ndarray:
    """Black ink on white paper and thin red ink: int16 (3, h, w), cut from a picture of `width` pixels -> bool (h, w)."""
    side = max(3, round(STROKE * width)) | 1
    faded = min(1.0, width / SHARP)
    brightest, faintest = picture.max(0), picture.min(0)
    found = np.zeros(faintest.shape, bool)
    if brightest.min() < 255 - BLACK and faintest.max() >= WHITE:
        dark = ndimage.grey_closing(brightest, (side, side)) - brightest > faded * BLACK
        dark &= brightest - faintest < NEUTRAL
        if dark.any():
            found |= dark & (ndimage.grey_closing(faintest, (side, side)) >= WHITE)
    red = picture[0] - np.maximum(picture[1], picture[2])
    strong = red > RED + max(0, redness)
    if strong.any():
        found |= strong & (red - ndimage.grey_opening(red, (side, side)) > faded * RED_STEP)
    return found


def rules(picture: np.ndarray, width: int) -> np.ndarray:
    """Horizontal and vertical rules: int16 (3, h, w), cut from a picture of `width` pixels -> bool (h, w)."""
    faintest = picture.min(0)
    return _horizontal(faintest, width) | _horizontal(faintest.T, width).T


def _horizontal(grey: np.ndarray, width: int) -> np.ndarray:
    """Runs of white or black between two straight horizontal edges of opposite sign: int16 (h, w) -> bool (h, w)."""
    length, thick = max(8, round(RULE_LENGTH * width)), max(2, round(RULE_THICK * width))
    found = np.zeros(grey.shape, bool)
    step = np.diff(grey, axis=0)
    rising, falling = _runs(step > RULE_STEP, length), _runs(step < -RULE_STEP, length)
    for first, second, paint in ((rising, falling, grey >= WHITE), (falling, rising, grey <= DARK)):
        inside = _runs(paint, length) if first.any() and second.any() else None
        for rows in range(1, thick + 1) if inside is not None else ():
            middle = (rows + 1) // 2
            found[middle : middle + len(step) - rows] |= (
                first[:-rows] & second[rows:] & inside[middle : middle + len(step) - rows]
            )
    return ndimage.maximum_filter1d(found, length, axis=1, mode="constant") if found.any() else found


def _runs(edge: np.ndarray, length: int) -> np.ndarray:
    """Middles of runs of `length` or more marked pixels in a row; bool (h, w) -> bool (h, w)."""
    if edge.shape[1] < length or not edge.any():
        return np.zeros_like(edge)
    return ndimage.minimum_filter1d(edge.view(np.uint8), length, axis=1, mode="constant").astype(bool)
