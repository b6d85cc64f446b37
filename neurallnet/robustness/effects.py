"""What each corruption does to one picture: float64 (H, W, 3) in [0, 1] -> the same; `level` is in the unit of its table.

Lengths are in per cent of the picture's height, so that a severity means the same at any size. Draws come from `rng` alone.
Values are the encoded sRGB ones a network sees, not linear light. Results need not be clipped; `corrupt` does that.
"""

from io import BytesIO

import numpy as np
from PIL import Image
from scipy.ndimage import convolve
from skimage import color, exposure, filters, transform, util

Random = np.random.Generator


def gaussian_noise(image: np.ndarray, level: float, rng: Random) -> np.ndarray:
    """Independent noise of standard deviation `level` per pixel and channel."""
    return util.random_noise(image, "gaussian", rng=rng, var=level**2)


def salt_and_pepper(image: np.ndarray, level: float, rng: Random) -> np.ndarray:
    """A share `level` of the pixels turns white or black, all three channels together."""
    flips = util.random_noise(np.full(image.shape[:2], 0.5), "s&p", rng=rng, amount=level)[..., None]
    return np.where(flips == 0.5, image, flips)


def gaussian_blur(image: np.ndarray, level: float, rng: Random) -> np.ndarray:
    """Gaussian kernel with a standard deviation of `level` per cent of the height."""
    return filters.gaussian(image, level / 100 * len(image), mode="mirror", channel_axis=-1)


def defocus(image: np.ndarray, level: float, rng: Random) -> np.ndarray:
    """Uniform disc (a lens out of focus) with a radius of `level` per cent of the height, its rim antialiased."""
    radius = level / 100 * len(image)
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return convolve(image, (disc / disc.sum())[..., None], mode="mirror")


def occlusion(image: np.ndarray, level: float, rng: Random) -> np.ndarray:
    """One square over a share `level` of the picture, anywhere within it, in the picture's mean colour."""
    height, width = image.shape[:2]
    side = min(round((level * height * width) ** 0.5), height, width)
    top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
    covered = image.copy()
    covered[top : top + side, left : left + side] = image.mean((0, 1))
    return covered


def rotation(image: np.ndarray, level: float, rng: Random) -> np.ndarray:
    """Turned by `level` degrees, left or right, about the centre; bicubic; corners filled by reflection."""
    return transform.rotate(image, _sign(rng) * level, order=3, mode="reflect")


def illumination(image: np.ndarray, level: float, rng: Random) -> np.ndarray:
    """A lamp out of centre: brightness changes steadily from one edge to `level` times (or 1 / `level`) at the opposite one."""
    height, width = image.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.linspace(-1, 1, height)[:, None] * np.sin(angle), np.linspace(-1, 1, width) * np.cos(angle)
    way = 0.5 + 0.5 * (x + y) / (abs(np.sin(angle)) + abs(np.cos(angle)))  # 0 at one corner, 1 at the other
    return image * (level ** (_sign(rng) * way))[..., None]


def contrast(image: np.ndarray, level: float, rng: Random) -> np.ndarray:
    """All values drawn towards the picture's mean brightness until `level` of their distance is left."""
    mean = image.mean()
    ends = tuple(mean + level * (end - mean) for end in (0.0, 1.0))
    return exposure.rescale_intensity(image, in_range=(0.0, 1.0), out_range=ends)


def hue_shift(image: np.ndarray, level: float, rng: Random) -> np.ndarray:
    """Every hue turned by `level` degrees, one way or the other; saturation and value (HSV) stay."""
    hsv = color.rgb2hsv(image)
    hsv[..., 0] = (hsv[..., 0] + _sign(rng) * level / 360) % 1
    return color.hsv2rgb(hsv)


def stain_shift(image: np.ndarray, level: float, rng: Random) -> np.ndarray:
    """One dye takes stronger by the share `level` and the other weaker, in optical density.

    Amounts of haematoxylin (here the blue-violet dye of a Romanowsky stain) and eosin are those of scikit-image's
    colour deconvolution (Ruifrok & Johnston 2001). The picture is multiplied by the ratio of the two renderings, so that
    what three dyes cannot express is kept and level 0 changes nothing.
    """
    dyes, sign = color.rgb2hed(image), _sign(rng)
    changed = dyes * [1 + sign * level, 1 - sign * level, 1]
    return image * color.hed2rgb(changed) / color.hed2rgb(dyes)


def jpeg(image: np.ndarray, level: float, rng: Random) -> np.ndarray:
    """Stored as a JPEG of quality `level` (libjpeg's scale, chroma at half resolution) and read again."""
    buffer = BytesIO()
    Image.fromarray(util.img_as_ubyte(image)).save(buffer, "JPEG", quality=int(level), subsampling="4:2:0")
    return util.img_as_float64(np.asarray(Image.open(buffer)))


def _sign(rng: Random) -> int:
    return 1 if rng.random() < 0.5 else -1
