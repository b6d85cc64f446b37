"""What lamp and exposure do to a whole picture, taken back: white balance, and one brightness and contrast for all pictures.

White balance: what light passes through an empty part of the glass is taken for white. Lamp, filter and camera give each field a
background of its own, from yellow to blue; a dye is what takes light away from it (Beer-Lambert). Each channel is divided by its
value in the brightest spot of the field, a square of some pixels, so that no single bright pixel decides. A field without an
empty spot keeps at most what its brightest spot says.

One brightness and contrast: the mean and the spread of a picture's values, all colours together, are made the same. The colours
of a picture keep their relations; one that is brighter or flatter as a whole is seen as before.
"""

from torch import Tensor
from torch.nn import functional as F

SPOTS = 24  # squares across the width that the field is cut into: smaller than the gaps between red cells, larger than noise
MEAN, SPREAD = 0.65, 0.2  # about those of the primary set's pictures, so that they look as usual
FLATTEST = 0.02  # least spread that counts as a picture's own: five grey levels
FAINTEST = 0.2  # a channel whose brightest spot is darker than this is dark for another reason than its lamp


def balance_light(images: Tensor) -> Tensor:
    """RGB (B, 3, H, W) in [0, 1] -> the same with the brightest spot of each channel at 1.

    >>> import torch
    >>> yellow = torch.tensor([1.0, 0.9, 0.6]).view(1, 3, 1, 1).expand(1, 3, 48, 48)
    >>> bool((balance_light(yellow) == 1).all())
    True
    """
    spots = F.avg_pool2d(images, spot_side(images.shape[3]))
    background = spots.amax((2, 3), keepdim=True).clamp_min(FAINTEST)
    return (images / background).clamp_max(1)


def standardize_light(images: Tensor) -> Tensor:
    """RGB (B, 3, H, W) -> the same with mean MEAN and standard deviation SPREAD over all values of each picture.

    A picture flatter than FLATTEST stays flat. Values may lie outside of [0, 1].

    >>> import torch
    >>> dim = torch.tensor([0.2, 0.4]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    >>> standardize_light(dim)[0, 0].tolist() == standardize_light(dim * 2)[0, 0].tolist()
    True
    """
    mean = images.mean((1, 2, 3), keepdim=True)
    centered = images - mean
    spread = centered.square().mean((1, 2, 3), keepdim=True).sqrt().clamp_min(FLATTEST)
    return centered * (SPREAD / spread) + MEAN


def spot_side(width: int) -> int:
    """Pixels a side of a spot in a field of `width` pixels."""
    return max(1, width // SPOTS)
