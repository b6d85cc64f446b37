"""The field of view alone: what every picture goes through before it is resized for the network."""

import numpy as np

from neurallnet.data.borders import crop_black_borders
from neurallnet.data.scale_bar import remove_scale_bar


def clean_field(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) without black borders and with its scale bar painted over: uint8 (h, w, 3), h <= H, w <= W.

    The array itself, or a view of it, when there is nothing to paint over. Raises DataError for an image that is not uint8
    (H, W, 3) or all black.
    """
    return remove_scale_bar(crop_black_borders(image))
