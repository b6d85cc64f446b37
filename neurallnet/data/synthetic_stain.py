"""Stain and light: how the amount of dye in a field becomes colour.

Beer-Lambert: a pixel that holds the amounts a_k of dye k transmits, in colour channel c,

    I_c = I0_c * exp(-sum_k a_k M_kc)

with M the optical density of each dye (natural logarithm) and I0 the lamp. M and I0 belong to the *session*:
a batch of dye, a staining time, a lamp setting. A network that learns them has learnt the session, which is
the leak the splits measure.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from neurallnet.data.synthetic_config import BATCH, SESSION, SyntheticConfig, stream

# Channels of a field, in the order of the rows of M.
CHROMATIN, CYTOPLASM, EOSIN, HAEMOGLOBIN = range(4)
BATCHES = 5  # dye batches a laboratory uses; sessions of different classes share them
BAR_FORMS = (
    "box-black",
    "box-red",
    "bracket-200",
    "bracket-500",
)  # in class order: the form a class favours in lab A


@dataclass(frozen=True)
class Laboratory:
    """What every session of a laboratory has in common.

    `pixels_per_um` is for images 224 pixels high; `dyes` (4, 3) are optical densities for red, green, blue;
    `lamp` (3,) is the empty background, 0 to 255; `blur` in micrometres.
    """

    pixels_per_um: float
    dyes: tuple[tuple[float, float, float], ...]
    lamp: tuple[float, float, float]
    blur: float
    vignette: float  # chance that a session has black corners
    bars: tuple[str, ...]


LABORATORIES = {
    "A": Laboratory(
        pixels_per_um=3.3,
        dyes=((0.86, 1.38, 0.36), (0.52, 0.40, 0.10), (0.12, 0.46, 0.22), (0.44, 0.40, 0.24)),
        lamp=(246.0, 246.0, 250.0),
        blur=0.22,
        vignette=0.04,
        bars=BAR_FORMS,
    ),
    "B": Laboratory(
        pixels_per_um=4.3,
        dyes=((0.78, 1.05, 0.30), (0.40, 0.46, 0.16), (0.10, 0.50, 0.34), (0.24, 0.52, 0.46)),
        lamp=(226.0, 231.0, 234.0),
        blur=0.30,
        vignette=0.35,
        bars=("none", "line"),
    ),
}


@dataclass(frozen=True)
class Session:
    """One sitting at the microscope: everything its images share beside the patient."""

    stain: str  # name of the dye batch
    scale_bar: str
    dyes: np.ndarray  # (4, 3) optical density per amount of dye
    lamp: np.ndarray  # (3,) colour of empty background, 0 to 255
    tilt: tuple[float, float]  # relative brightness across the field, right and down
    vignette: bool
    blur: float  # pixels
    noise: float  # grey levels
    density: float  # red cells, relative
    pallor: float  # depth of the red cells' pale centre, 0 to 1


def session_of(config: SyntheticConfig, label: int, patient: int, session: int) -> Session:
    """The session a patient of class number `label` was photographed in."""
    lab = LABORATORIES[config.lab]
    rng = stream(config, SESSION, label, patient, session)
    spread = config.stain_spread
    batch = int(rng.integers(BATCHES))
    own = stream(config, BATCH, batch).uniform(-1, 1, (4, 3))  # this batch's hue
    time = rng.uniform(-1, 1, (4, 1))  # staining time and pH: how strongly each dye took
    dyes = np.array(lab.dyes) * (1 + 0.16 * spread * own) * (1 + 0.22 * spread * time)
    lamp = np.array(lab.lamp) * (1 + spread * (0.03 * rng.uniform(-1, 0.4) + 0.022 * rng.uniform(-1, 0.8, 3)))
    favoured = lab.bars[label % len(lab.bars)]
    bar = (
        favoured
        if config.lab == "A" and rng.random() < config.scale_bar_bias
        else lab.bars[rng.integers(len(lab.bars))]
    )
    scale = config.size / 224
    return Session(
        stain=f"{config.lab}-batch-{batch + 1}",
        scale_bar=bar,
        dyes=dyes,
        lamp=np.minimum(lamp, 255.0),
        tilt=(rng.uniform(-0.05, 0.05), rng.uniform(-0.05, 0.05)),
        vignette=bool(rng.random() < lab.vignette),
        blur=lab.blur * lab.pixels_per_um * scale * rng.uniform(0.8, 1.5),
        noise=rng.uniform(3.0, 7.0),
        density=rng.uniform(0.55, 1.25),
        pallor=rng.uniform(0.4, 1.0),
    )


def photograph(
    amounts: np.ndarray, session: Session, brightness: float, rng: np.random.Generator
) -> np.ndarray:
    """Transmitted light of dye amounts (4, H, W) as float64 (H, W, 3), 0 to 255 and beyond; Beer-Lambert,
    blur, noise.
    """
    height, width = amounts.shape[1:]
    y = np.linspace(-1, 1, height)[:, None]
    x = np.linspace(-1, 1, width)[None, :]
    light = brightness * (1 + session.tilt[0] * x + session.tilt[1] * y - 0.03 * (x * x + y * y))
    if session.vignette:
        light = light * np.clip((1.30 - np.sqrt(x * x + y * y)) / 0.08, 0.03, 1)
    image = np.empty((3, height, width))
    for channel in range(3):
        # Summed in a fixed order, not by a matrix product, whose rounding differs between processors.
        depth = sum(amounts[dye] * session.dyes[dye, channel] for dye in range(len(amounts)))
        clear = gaussian_filter(np.exp(-depth), session.blur, mode="nearest", truncate=3.0)
        image[channel] = session.lamp[channel] * light * clear
    image += session.noise * (rng.random((3, height, width)) - 0.5)
    return image.transpose(1, 2, 0)
