"""What is not biology, taken out of a picture: the same for training images and a user's own."""

import numpy as np

from neurallnet.data.scale_bar import remove_scale_bar


def clean_field(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) without a burned-in scale bar."""
    return remove_scale_bar(image)
