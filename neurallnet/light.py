"""White balance: what light passes through an empty part of the glass is taken for white.

Lamp, filter and camera give each field a background of its own, from yellow to blue; a dye is what takes light away from it
(Beer-Lambert). Each channel is divided by its value in the brightest spot of the field, a square of some pixels, so that no
single bright pixel decides. A field without an empty spot keeps at most what its brightest spot says.
"""

from torch import Tensor
from torch.nn import functional as F

SPOTS = 24  # squares across the width that the field is cut into: smaller than the gaps between red cells, larger than noise
FAINTEST = 0.2  # a channel whose brightest spot is darker than this is dark for another reason than its lamp


def balance_light(images: Tensor) -> Tensor:
    """RGB (B, 3, H, W) in [0, 1] -> the same with the brightest spot of each channel at 1.

    >>> yellow = torch.tensor([1.0, 0.9, 0.6]).view(1, 3, 1, 1).expand(1, 3, 48, 48)
    >>> bool((balance_light(yellow) == 1).all())
    True
    """
    spots = F.avg_pool2d(images, spot_side(images.shape[3]))
    background = spots.amax((2, 3), keepdim=True).clamp_min(FAINTEST)
    return (images / background).clamp_max(1)


def spot_side(width: int) -> int:
    """Pixels a side of a spot in a field of `width` pixels."""
    return max(1, width // SPOTS)
