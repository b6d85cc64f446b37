"""Black borders, cropped: what a camera puts around a field of view is not the field.

A letterbox or pillarbox is a band of black rows or columns that ends at once; a round field, as seen through an eyepiece, is
an ellipse on black. Anything else that is dark (dirt, a dark field with cells at the border, a lamp that fades towards the
corners) is the picture's own and stays.
"""

import numpy as np

from neurallnet.errors import DataError

BLACK = 24  # brightest channel of a black pixel, grey levels: JPEG leaves black at up to 16, a dark nucleus is above 60
BAND = 0.98  # share of black pixels in a row or column of a border
OPEN = 0.5  # a row behind a border has fewer black pixels than this share of its own
RIM = 0.005  # share of the side that is cropped with a border: the edge itself is blurred
FIT = 0.96  # share of pixels a round field must explain: lit inside the ellipse, black outside
SHRINK = 0.97  # of the ellipse's axes, for its blurred rim
_SAMPLES = 160  # rows and columns looked at for a round field


def crop_black_borders(image: np.ndarray) -> np.ndarray:
    """The field of view of uint8 (H, W, 3), a view of the array: (h, w, 3) with h <= H, w <= W.

    Straight borders are cropped exactly, a round field to about the largest rectangle in it.
    Raises DataError when `image` is not uint8 (H, W, 3) or black all over.

    >>> framed = np.zeros((120, 160, 3), np.uint8)
    >>> framed[20:100] = 200
    >>> crop_black_borders(framed).shape
    (78, 160, 3)
    """
    require_picture(image)
    rows, columns = (max(1, side // _SAMPLES) for side in image.shape[:2])
    if _black(image[::rows, ::columns]).all() and _black(image).all():
        raise DataError("an image that is black all over shows no field of view; leave it out")
    top, bottom = _band(_black(image[:, ::columns]))
    image = image[top:bottom]
    left, right = _band(_black(image[::rows]).T)
    return _crop_round(image[:, left:right])


def require_picture(image: np.ndarray) -> None:
    """Raise DataError unless `image` is a non-empty uint8 array (H, W, 3)."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        kind = f"shape {image.shape} and type {image.dtype}" if isinstance(image, np.ndarray) else f"type {type(image).__name__}"
        raise DataError(f"an image of {kind} cannot be used; give uint8 (height, width, 3)")
    if not image.size:
        raise DataError(f"an image of shape {image.shape} has no pixels")


def _black(image: np.ndarray) -> np.ndarray:
    """uint8 (h, w, 3) -> bool (h, w)."""
    return np.maximum(np.maximum(image[..., 0], image[..., 1]), image[..., 2]) <= BLACK


def _band(black: np.ndarray) -> tuple[int, int]:
    """First row of the field and first row behind it, in bool (h, w)."""
    share = black.mean(1)
    return _leading(share), len(share) - _leading(share[::-1])


def _leading(share: np.ndarray) -> int:
    """Rows of a border at the start, given each row's share of black; 0 where it does not end at once."""
    border = share >= BAND
    rows = int(border.argmin())  # 0 too when all rows are border
    rim = max(1, round(RIM * len(share)))
    opened = share[rows + rim : rows + 3 * rim + 1]
    return rows + rim if rows and len(opened) and np.median(opened) < OPEN else 0


def _crop_round(image: np.ndarray) -> np.ndarray:
    """The largest rectangle about the middle of a round field; the image itself when its field is not round."""
    height, width = image.shape[:2]
    rows, columns = max(1, height // _SAMPLES), max(1, width // _SAMPLES)
    corners = image[:: max(1, height - 1), :: max(1, width - 1)]
    if min(height, width) < 16 or not _black(corners).all():
        return image
    lit = ~_black(image[::rows, ::columns])
    ellipse = _ellipse(lit)
    if ellipse is None:
        return image
    x, y, half_width, half_height = ellipse
    # In a whole ellipse the largest rectangle has sides of 1 / sqrt(2); the picture's own sides may cut it before that.
    angle = np.linspace(0.02, np.pi / 2 - 0.02, 200)
    wide = [np.clip(x + sign * SHRINK * half_width * np.cos(angle), 0, lit.shape[1]) for sign in (-1, 1)]
    high = [np.clip(y + sign * SHRINK * half_height * np.sin(angle), 0, lit.shape[0]) for sign in (-1, 1)]
    best = int(((wide[1] - wide[0]) * (high[1] - high[0])).argmax())
    top, bottom = (int(np.ceil(edge[best]) * rows) for edge in high)
    left, right = (int(np.ceil(edge[best]) * columns) for edge in wide)
    return image[top : min(bottom, height), left : min(right, width)]


def _ellipse(lit: np.ndarray) -> tuple[float, float, float, float] | None:
    """Middle (x, y) and half axes of the upright ellipse that is the lit part of bool (h, w); None when it is not one.

    Least squares of a x^2 + b x + c y^2 + d y = 1 over the outermost lit pixels of rows and columns that end in black.
    """
    points = np.concatenate([_outer(lit), _outer(lit.T)[:, ::-1]]) + 0.5
    if len(points) < 12:
        return None
    middle = np.array(lit.shape[::-1]) / 2
    u, v = ((points - middle) / middle).T
    a, b, c, d = np.linalg.lstsq(np.stack([u * u, u, v * v, v], 1), np.ones(len(u)), rcond=None)[0]
    if a <= 0 or c <= 0:
        return None
    level = 1 + b * b / (4 * a) + d * d / (4 * c)
    x, y = middle * (1 + np.array([-b / (2 * a), -d / (2 * c)]))
    half_width, half_height = middle * np.sqrt([level / a, level / c])
    rows, columns = np.indices(lit.shape) + 0.5
    inside = ((columns - x) / half_width) ** 2 + ((rows - y) / half_height) ** 2 < 1
    return (x, y, half_width, half_height) if (inside == lit).mean() >= FIT else None


def _outer(lit: np.ndarray) -> np.ndarray:
    """(x, y) of the first and last lit pixel of every row of bool (h, w) that begins and ends in black; (n, 2)."""
    rows = np.flatnonzero(lit.any(1) & ~lit[:, 0] & ~lit[:, -1])
    first, last = lit[rows].argmax(1), lit.shape[1] - 1 - lit[rows][:, ::-1].argmax(1)
    return np.concatenate([np.stack([first, rows], 1), np.stack([last, rows], 1)])
