"""Shapes: amounts of dye of single cells, drawn on small square patches.

An outline is a circle whose radius wobbles, r(t) = R * (1 + sum_k w_k cos(k t + p_k)), stretched into an
ellipse; `inside` is 1 within, 0 without, and a soft step of `edge` pixels between. Patches are float64;
lengths are in pixels.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from neurallnet.data.synthetic_classes import Morphology
from neurallnet.data.synthetic_stain import CHROMATIN, CYTOPLASM, EOSIN


@dataclass(frozen=True)
class Cell:
    """A drawn leukocyte: patch of dye amounts (4, P, P), outline (P, P) from 0 to 1, and what was drawn."""

    amounts: np.ndarray
    inside: np.ndarray
    radius: float  # pixels
    nucleus_share: float  # nucleus area / cell area as asked for


def grid(half: int, x: float = 0.0, y: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates (1, P) and (P, 1) of a patch of side 2 half + 1, relative to (x, y) from its middle."""
    line = np.arange(-half, half + 1, dtype=np.float64)
    return line[None, :] - x, line[:, None] - y


def outline(
    rng: np.random.Generator,
    x: np.ndarray,
    y: np.ndarray,
    radius: float,
    wobble: float,
    stretch: float = 0.06,
) -> np.ndarray:
    """Distance from the middle as a share of the wobbling outline's: 1 on the outline. Shape of x and y
    broadcast.
    """
    turn, squeeze = rng.uniform(0, 2 * np.pi), 1 + stretch * rng.uniform(-1, 1)
    u = (x * np.cos(turn) + y * np.sin(turn)) * squeeze
    v = (y * np.cos(turn) - x * np.sin(turn)) / squeeze
    distance = np.sqrt(u * u + v * v) + 1e-9
    unit = (u + 1j * v) / distance
    shape, power = 1.0, unit
    for bumps in (2, 3, 4):
        power = power * unit
        phase = rng.uniform(0, 2 * np.pi)
        shape = shape + wobble * (2.4 / bumps**1.5) * rng.uniform(0.2, 1) * (
            power.real * np.cos(phase) - power.imag * np.sin(phase)
        )
    return distance / (radius * shape)


def inside(share: np.ndarray, radius: float | np.ndarray, edge: float = 1.6) -> np.ndarray:
    """1 within the outline, 0 without, smooth over `edge` pixels."""
    step = np.clip((1 - share) * radius / edge + 0.5, 0, 1)
    return step * step * (3 - 2 * step)


def clumps(rng: np.random.Generator, side: int, grain: float) -> np.ndarray:
    """Random texture (side, side) of unit variance with grains of `grain` pixels, cut at 2.2 sigma."""
    sigma = max(grain, 0.5)
    smooth = gaussian_filter(rng.standard_normal((side, side)), sigma, mode="wrap", truncate=3.0)
    return np.clip(smooth * (2 * np.sqrt(np.pi) * sigma), -2.2, 2.2)


def leukocyte(rng: np.random.Generator, kind: Morphology, scale: float) -> Cell:
    """One cell of a class, `scale` pixels per micrometre: nucleus with chromatin and nucleoli in a blue rim
    of cytoplasm.
    """
    radius = kind.radius * scale * (1 + 0.09 * rng.uniform(-1, 1))
    share = min(kind.nucleus + 0.05 * rng.uniform(-1, 1), 0.93)
    half = int(radius * 1.25) + 3
    x, y = grid(half, *rng.uniform(-0.5, 0.5, 2))
    body_share = outline(rng, x, y, radius, 0.035)
    body = inside(body_share, radius)
    inner = radius * np.sqrt(share)
    away, turn = (radius - inner) * rng.uniform(0, 0.8), rng.uniform(0, 2 * np.pi)
    x, y = x - away * np.cos(turn), y - away * np.sin(turn)
    nucleus_share = outline(rng, x, y, inner, kind.irregularity)
    nucleus = inside(nucleus_share, inner) * body
    texture = clumps(rng, 2 * half + 1, kind.grain * scale)
    rim = np.clip(1 - np.abs(nucleus_share - 0.94) / 0.10, 0, 1)  # the nuclear membrane
    chromatin = kind.density * (1 + kind.clumping * texture + 0.16 * rim)
    light = np.zeros_like(body)
    for _ in range(rng.integers(kind.nucleoli[0], kind.nucleoli[1] + 1)):
        size, out, turn = (
            inner * rng.uniform(0.17, 0.26),
            inner * rng.uniform(0.05, 0.6),
            rng.uniform(0, 2 * np.pi),
        )
        spot = outline(rng, x - out * np.cos(turn), y - out * np.sin(turn), size, 0.08)
        light = np.maximum(light, kind.nucleolus * inside(spot, size, 2.2))
    amounts = np.zeros((4, *body.shape))
    amounts[CHROMATIN] = nucleus * chromatin * (1 - 0.5 * light)
    plasma = kind.basophilia * (0.55 + 0.45 * np.minimum(body_share, 1) ** 3) * (1 + 0.10 * texture)
    amounts[CYTOPLASM] = plasma * (body - nucleus) + 0.35 * light * nucleus
    return Cell(amounts, body, radius, share)


def neutrophil(rng: np.random.Generator, scale: float) -> Cell:
    """A bystander: three or four dark lobes in pale, pink, granular cytoplasm."""
    radius = 5.6 * scale * rng.uniform(0.92, 1.08)
    half = int(radius * 1.25) + 3
    x, y = grid(half)
    body = inside(outline(rng, x, y, radius, 0.05), radius)
    texture = clumps(rng, 2 * half + 1, 0.5 * scale)
    lobes, turn = int(rng.integers(3, 5)), rng.uniform(0, 2 * np.pi)
    nucleus = np.zeros_like(body)
    for lobe in range(lobes):
        angle, size = turn + 1.35 * lobe, radius * rng.uniform(0.29, 0.37)
        away = radius * rng.uniform(0.40, 0.48)
        spot = outline(rng, x - away * np.cos(angle), y - away * np.sin(angle), size, 0.10, 0.2)
        nucleus = np.maximum(nucleus, inside(spot, size))
    amounts = np.zeros((4, *body.shape))
    amounts[CHROMATIN] = nucleus * body * 1.2 * (1 + 0.2 * texture) + 0.10 * (body - nucleus * body)
    amounts[EOSIN] = 0.42 * body * (1 - nucleus) * (1 + 0.35 * texture)
    return Cell(amounts, body, radius, 0.4)


def red_cells(
    rng: np.random.Generator, count: int, scale: float, pallor: float
) -> tuple[np.ndarray, np.ndarray]:
    """Biconcave discs: haemoglobin (count, P, P), pale in the centre, and radii (count,) in pixels."""
    radii = 3.6 * scale * (1 + 0.13 * rng.uniform(-1, 1, count))
    half = int(radii.max(initial=1.0) * 1.2) + 2
    line = np.arange(-half, half + 1, dtype=np.float64)
    middle = rng.uniform(-0.5, 0.5, (2, count, 1, 1))
    turn = rng.uniform(0, 2 * np.pi, (count, 1, 1))
    squeeze = 1 + 0.10 * rng.uniform(-1, 1, (count, 1, 1))
    x, y = line[None, None, :] - middle[0], line[None, :, None] - middle[1]
    u, v = (x * np.cos(turn) + y * np.sin(turn)) * squeeze, (y * np.cos(turn) - x * np.sin(turn)) / squeeze
    share = np.sqrt(u * u + v * v) / radii[:, None, None]
    bumps = (
        1
        + 0.05
        * rng.uniform(-1, 1, (count, 1, 1))
        * (u * u - v * v)
        * u
        / (share * radii[:, None, None] + 1e-9) ** 3
    )
    share = share / bumps
    depth = pallor * rng.uniform(0.5, 1.15, (count, 1, 1))
    hollow = np.clip(1 - (share / rng.uniform(0.55, 0.75, (count, 1, 1))) ** 2, 0, 1) ** 1.5
    amount = inside(share, radii[:, None, None]) * (1 - np.minimum(depth, 1) * hollow)
    return amount * rng.uniform(0.85, 1.15, (count, 1, 1)), radii
