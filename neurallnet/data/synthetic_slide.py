"""The glass: a canvas of dye amounts, and where on it things come to lie."""

from dataclasses import dataclass, field

import numpy as np

from neurallnet.data.synthetic_cells import Cell, clumps, grid, inside, outline, red_cells
from neurallnet.data.synthetic_stain import CHROMATIN, EOSIN, HAEMOGLOBIN, Session


@dataclass
class Slide:
    """Dye amounts (4, H + 2m, W + 2m) and leukocyte mask of that size, for a view (H, W) and a margin of m
    pixels.

    The margin holds the cells that the border of the view cuts, and room for a second look.
    """

    view: tuple[int, int]
    scale: float  # pixels per micrometre
    amounts: np.ndarray = field(init=False)
    mask: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.margin = int(18 * self.scale)  # wider than half of any patch
        shape = tuple(side + 2 * self.margin for side in self.view)
        self.amounts, self.mask = np.zeros((4, *shape)), np.zeros(shape, dtype=bool)

    def spots(self, rng: np.random.Generator, count: int, beyond: float) -> list[tuple[float, float]]:
        """Random places (x, y) in the view, or up to `beyond` pixels outside it (inside it, if negative)."""
        high, wide = (side + 2 * beyond for side in self.view)
        start = self.margin - beyond
        return [(start + x * wide, start + y * high) for x, y in rng.random((count, 2)).tolist()]

    def patch(self, x: float, y: float, side: int) -> tuple[slice, slice]:
        """Rows and columns of a patch of odd side around a place."""
        top, left = int(y) - side // 2, int(x) - side // 2
        return slice(top, top + side), slice(left, left + side)

    def add(self, dye: int, amount: np.ndarray, x: float, y: float) -> None:
        """Add a square patch of one dye around a place."""
        self.amounts[dye][self.patch(x, y, amount.shape[0])] += amount


def place_cells(
    rng: np.random.Generator, slide: Slide, cells: list[Cell]
) -> list[tuple[float, float, float]]:
    """A place and the radius (x, y, r) of each cell; cells touch at most lightly where 30 tries allow it."""
    taken: list[tuple[float, float, float]] = []
    for cell in cells:
        for x, y in slide.spots(rng, 30, -0.35 * cell.radius):
            if all((x - a) ** 2 + (y - b) ** 2 > (0.95 * (cell.radius + r)) ** 2 for a, b, r in taken):
                break
        taken.append((x, y, cell.radius))
    return taken


def put_cells(slide: Slide, cells: list[Cell], places: list[tuple[float, float, float]]) -> None:
    """Lay leukocytes over what is there, and mark them in the mask."""
    for cell, (x, y, _) in zip(cells, places, strict=True):
        rows, columns = slide.patch(x, y, cell.inside.shape[0])
        slide.amounts[:, rows, columns] *= 1 - 0.9 * cell.inside
        slide.amounts[:, rows, columns] += cell.amounts
        slide.mask[rows, columns] |= cell.inside > 0.5


def scatter_red_cells(
    rng: np.random.Generator, slide: Slide, session: Session, taken: list[tuple[float, float, float]]
) -> None:
    """Add red cells between the leukocytes; they may overlap each other, which looks darker, as on glass."""
    beyond = 4 * slide.scale
    area = (slide.view[0] + 2 * beyond) * (slide.view[1] + 2 * beyond)
    count = int(session.density * area / (9.6 * slide.scale) ** 2)
    amounts, radii = red_cells(rng, count, slide.scale, session.pallor)
    near = [(x, y, (r + 2.2 * slide.scale) ** 2) for x, y, r in taken]
    for amount, radius in zip(amounts, radii.tolist(), strict=True):
        for x, y in slide.spots(rng, 8, beyond):
            if all((x - a) ** 2 + (y - b) ** 2 > far for a, b, far in near):
                near.append((x, y, (1.55 * radius) ** 2))
                slide.add(HAEMOGLOBIN, amount, x, y)
                break


def scatter_debris(rng: np.random.Generator, slide: Slide) -> None:
    """Add platelets (small, purple) and now and then a smudge (the pink ghost of a burst cell)."""
    for x, y in slide.spots(rng, int(rng.integers(1, 7)), 0):
        radius = slide.scale * rng.uniform(0.5, 1.0)
        share = outline(rng, *grid(int(1.6 * radius) + 2), radius, 0.15)
        slide.add(CHROMATIN, 0.5 * inside(share, radius, 2.0), x, y)
    for x, y in slide.spots(rng, int(rng.random() < 0.22), 0):
        radius = slide.scale * rng.uniform(4.5, 7.5)
        half = int(1.5 * radius) + 3
        ghost = inside(outline(rng, *grid(half), radius, 0.16, 0.2), radius, 0.7 * radius)
        ghost = ghost * (1 + 0.3 * clumps(rng, 2 * half + 1, 0.7 * slide.scale))
        slide.add(EOSIN, 0.35 * ghost, x, y)
        slide.add(CHROMATIN, 0.22 * ghost, x, y)
