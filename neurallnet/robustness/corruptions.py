"""The corruptions and their severities, and the one function that applies them.

The paper names six corruptions and publishes no levels; the five severities of each are ours, from hardly visible (1) to
more than a laboratory would accept (5). They were set by looking at pictures, not at any network's results.

Pictures are corrupted at the size a network sees them, so noise and compression are coarser than the same setting at the
microscope: shrinking a 1024-pixel field to 96 averages most of both away.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pandas as pd

from neurallnet.errors import ConfigError, DataError

SEVERITIES = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Corruption:
    """One family: `levels[s - 1]` of `parameter`, in `unit`, is severity s; `reason` says why these.

    What it does to a picture is the function `name` in effects.py.
    """

    name: str
    title: str
    parameter: str
    unit: str
    levels: tuple[float, float, float, float, float]
    reason: str


_ALL = (
    Corruption(
        "gaussian_noise", "Gaussian noise",
        "standard deviation", "of full scale", (0.03, 0.06, 0.1, 0.15, 0.22),
        "a short exposure, then a camera no one would use; ImageNet-C begins at 0.08",
    ),
    Corruption(
        "salt_and_pepper", "Salt-and-pepper noise",
        "pixels replaced", "share of the picture", (0.005, 0.01, 0.03, 0.06, 0.12),
        "dead and hot pixels and lost data; ImageNet-C begins at 0.03",
    ),
    Corruption(
        "gaussian_blur", "Gaussian blur",
        "standard deviation", "% of the height", (0.5, 1, 1.5, 2, 3),
        "0.5 to 2.9 pixels at 96; at 3 chromatin is gone and only size and colour are left",
    ),
    Corruption(
        "occlusion", "Random occlusion",
        "area covered", "share of the picture", (0.02, 0.05, 0.1, 0.2, 0.35),
        "from one cell to a third of the field; in the mean colour, so that the patch is no bright cue",
    ),
    Corruption(
        "rotation", "Rotation",
        "angle", "degrees", (5, 10, 20, 30, 45),
        "a smear has no up; 45 is as far from the right angles seen in training as can be",
    ),
    Corruption(
        "illumination", "Illumination variation",
        "brightness at the far edge", "times (or 1 over it)", (1.1, 1.2, 1.35, 1.55, 1.9),
        "a lamp off centre, until half the field is washed out; background is near white, so 1.2 clips",
    ),
    Corruption(
        "hue_shift", "Hue shift",
        "angle", "degrees of the colour circle", (9, 18, 36, 54, 90),
        "36 turns a violet nucleus blue or magenta, about the range of blood stains; 90 no stain does",
    ),
    Corruption(
        "stain_shift", "Stain shift",
        "change of either dye", "share of its amount", (0.1, 0.2, 0.35, 0.5, 0.7),
        "staining time and pH; 0.2 is the strong scaling of Tellez et al. 2019 (arXiv 1902.06543)",
    ),
    Corruption(
        "defocus", "Defocus blur",
        "radius of the disc", "% of the height", (0.8, 1.4, 2, 3, 4),
        "0.8 to 3.8 pixels at 96; an oil-immersion objective is focused by hand within a micrometre",
    ),
    Corruption(
        "jpeg", "JPEG compression",
        "quality", "libjpeg scale", (60, 40, 25, 15, 8),
        "a messenger's setting, then storage no one should use; ImageNet-C has 25 to 7",
    ),
    Corruption(
        "contrast", "Contrast",
        "contrast left", "share", (0.8, 0.65, 0.5, 0.35, 0.2),
        "an open condenser and stray light; ImageNet-C has 0.4 to 0.05",
    ),
)  # fmt: skip

CORRUPTIONS: dict[str, Corruption] = {corruption.name: corruption for corruption in _ALL}
PAPER_SIX = ("gaussian_noise", "salt_and_pepper", "gaussian_blur", "occlusion", "rotation", "illumination")


def corrupt(images: np.ndarray, name: str, severity: int, paths: Sequence[str]) -> np.ndarray:
    """`images` uint8 (N, H, W, 3), any size, corrupted: a new array of that shape.

    Each picture's draws depend on its entry in `paths`, the corruption and the severity alone: not on order,
    batches or the other pictures. Raises ConfigError for an unknown name or a severity other than 1 to 5,
    DataError for other arrays or where scikit-image is missing.

    >>> corrupt(np.full((1, 8, 8, 3), 200, np.uint8), "contrast", 5, ["a.png"]).max()
    np.uint8(200)
    """
    corruption = get_corruption(name)
    if isinstance(severity, bool) or severity not in SEVERITIES:
        raise ConfigError(f"severity {severity!r} of {name} does not exist; choose 1 to 5")
    check_images(images)
    if len(paths) != len(images):
        raise DataError(f"corruption: {len(paths)} paths for {len(images)} images; each image needs its own")
    apply, level = getattr(_effects(), name), corruption.levels[severity - 1]
    out = np.empty_like(images, order="C")
    for place, path in enumerate(paths):
        rng = np.random.default_rng(image_seed(path, name, severity))
        out[place] = np.rint(np.clip(apply(images[place] / 255, level, rng), 0, 1) * 255)
    return out


def get_corruption(name: str) -> Corruption:
    """The corruption called `name`; raises ConfigError."""
    if name not in CORRUPTIONS:
        raise ConfigError(f"corruption {name!r} is unknown; choose one of {', '.join(CORRUPTIONS)}")
    return CORRUPTIONS[name]


def image_seed(path: str, name: str, severity: int) -> int:
    """Seed of one picture's draws, 128 bits of sha256."""
    return int.from_bytes(hashlib.sha256(f"{name} {severity} {path}".encode()).digest()[:16])


def check_images(images: np.ndarray) -> None:
    """Raise DataError unless `images` is uint8 (N, H, W, 3)."""
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise DataError(f"images are {images.dtype} {images.shape}, not uint8 (N, height, width, 3)")


def _effects() -> ModuleType:
    """effects.py, imported when first needed: the statistics of kept predictions do without scikit-image."""
    try:
        from neurallnet.robustness import effects
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "skimage":
            raise
        raise DataError("corruptions need scikit-image; run: pip install 'neurallnet[audit]'") from None
    return effects


def severity_table() -> pd.DataFrame:
    """What each severity means: title, parameter, unit, one column per severity, reason; a row per corruption name."""
    rows = [
        {"corruption": c.name, "title": c.title, "parameter": c.parameter, "unit": c.unit}
        | dict(zip(map(str, SEVERITIES), c.levels, strict=True))
        | {"reason": c.reason}
        for c in _ALL
    ]
    return pd.DataFrame(rows).set_index("corruption")
