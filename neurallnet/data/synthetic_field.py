"""A field of view: its cells, its picture, its truth.

`draw_field` paints dye amounts on a slide, cell by cell on small patches; `draw_frame` crops a look at it (a
near-duplicate is another crop), and lets light, camera and scale bar do the rest.
"""

import numpy as np

from neurallnet.config import CLASSES
from neurallnet.data.synthetic_bars import draw_bar
from neurallnet.data.synthetic_cells import Cell, leukocyte, neutrophil
from neurallnet.data.synthetic_classes import MORPHOLOGY, patient_morphology
from neurallnet.data.synthetic_config import FIELD, TAKE, SyntheticConfig, stream
from neurallnet.data.synthetic_plan import Frame, frame_session
from neurallnet.data.synthetic_slide import Slide, place_cells, put_cells, scatter_debris, scatter_red_cells
from neurallnet.data.synthetic_stain import LABORATORIES, photograph


def draw_field(config: SyntheticConfig, frame: Frame) -> tuple[Slide, list[Cell]]:
    """The field a frame looks at, and its class's own cells (bystanders left out)."""
    rng = stream(config, FIELD, CLASSES.index(frame.label), frame.field)
    slide = Slide(config.shape, LABORATORIES[config.lab].pixels_per_um * config.size / 224)
    kind = patient_morphology(config, frame.label, frame.patient)
    count = int(rng.integers(kind.count[0], kind.count[1] + 1))
    own = [leukocyte(rng, kind, slide.scale) for _ in range(count)]
    cells = own + _bystanders(rng, slide.scale)
    places = place_cells(rng, slide, cells)
    scatter_red_cells(rng, slide, frame_session(config, frame), places)
    scatter_debris(rng, slide)
    put_cells(slide, cells, places)
    return slide, own


def draw_frame(config: SyntheticConfig, frame: Frame) -> np.ndarray:
    """The finished image, uint8 (H, W, 3)."""
    slide, _ = draw_field(config, frame)
    session = frame_session(config, frame)
    rng, rows, columns = _look(config, frame, slide.margin)
    brightness = 1 + 0.03 * rng.uniform(-1, 1)
    light = photograph(slide.amounts[:, rows, columns], session, brightness, rng)
    image = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    draw_bar(image, session.scale_bar)
    return image


def frame_mask(config: SyntheticConfig, frame: Frame) -> np.ndarray:
    """Where a frame shows leukocytes (bystanders included, smudges not): bool (H, W)."""
    slide, _ = draw_field(config, frame)
    _, rows, columns = _look(config, frame, slide.margin)
    return slide.mask[rows, columns]


def _look(config: SyntheticConfig, frame: Frame, margin: int) -> tuple[np.random.Generator, slice, slice]:
    """The stream of this look at the field, and its window: a later look is a few pixels off."""
    rng = stream(config, TAKE, CLASSES.index(frame.label), frame.field, frame.take)
    far = max(1, config.size // 75) if frame.take else 0
    top, left = (margin + int(step) for step in rng.integers(-far, far + 1, 2))
    return rng, slice(top, top + config.shape[0]), slice(left, left + config.shape[1])


def _bystanders(rng: np.random.Generator, scale: float) -> list[Cell]:
    """Cells that say nothing about the class: now and then a neutrophil, more rarely a small lymphocyte."""
    cells = [neutrophil(rng, scale) for _ in range(int(rng.random() < 0.25))]
    return cells + [leukocyte(rng, MORPHOLOGY["Benign"], scale) for _ in range(int(rng.random() < 0.2))]
