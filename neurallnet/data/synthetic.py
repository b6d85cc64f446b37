"""The embedded smear generator: images of a blood smear that never was, with everything about them known.

Two simulated laboratories of simulated patients, in four classes that differ by a documented cartoon
(synthetic_classes.py). It exists so that every path of this project runs anywhere, in minutes, without
anybody's images, and so that an audit can be checked against the truth: patients, sessions, stains, scale
bars and duplicated fields are written down. It says nothing about leukemia.

    synthetic_config   settings and seeded streams
    synthetic_plan     who was photographed when
    synthetic_classes  how the classes differ
    synthetic_cells    shapes of cells
    synthetic_slide    where on the glass they lie
    synthetic_field    a field of view, its picture, its mask
    synthetic_stain    dyes, light, camera
    synthetic_bars     burned-in scale bars
    synthetic_tree     the folder on disk, atomic and resumable

Every image is addressed by (seed, lab, class, number) and drawn alone, in float64 from PCG64 streams.
"""

from pathlib import Path, PurePath

import numpy as np
import pandas as pd

from neurallnet.data.synthetic_config import SyntheticConfig
from neurallnet.data.synthetic_field import draw_frame, frame_mask
from neurallnet.data.synthetic_plan import TRUTH_COLUMNS, Frame, frames, truth_table
from neurallnet.data.synthetic_tree import TRUTH, make_tree
from neurallnet.data.tables import read_table
from neurallnet.errors import DataError

__all__ = ["SyntheticConfig", "cell_mask", "draw_image", "generate", "read_truth", "truth_table"]


def generate(root: Path, config: SyntheticConfig, progress: bool | None = None) -> None:
    """Draw a laboratory into `root`: `<Class>/Lab<lab>-<Class>-<NNN>.png`, truth.csv and generator.json.

    Does nothing when the tree is whole, draws again what is missing or changed, takes up a killed drawing,
    and replaces the tree of another config or version as a whole. `progress`: True, False, or None for a bar
    on a terminal only.
    Raises DataError when `root` holds other files or cannot be written.

    >>> generate(Path("work/synthetic/lab-a"), SyntheticConfig())  # doctest: +SKIP
    """
    make_tree(root, config, progress)


def read_truth(root: Path) -> pd.DataFrame:
    """The truth table of a drawn laboratory (see `truth_table`), from its truth.csv. Raises DataError."""
    return read_table(Path(root) / TRUTH, TRUTH_COLUMNS)


def draw_image(config: SyntheticConfig, relative_path: str | PurePath) -> np.ndarray:
    """One image of a laboratory, uint8 (H, W, 3), without touching the disk. Raises DataError for an unknown
    path.
    """
    return draw_frame(config, _frame(config, relative_path))


def cell_mask(config: SyntheticConfig, relative_path: str | PurePath) -> np.ndarray:
    """Where an image shows leukocytes: bool (H, W), drawn again from the seed.

    Bystanders are included; smudges, platelets and red cells are not. The scale bar is drawn over cells, so
    its corner may be both.
    Raises DataError for a path this laboratory does not have.
    """
    return frame_mask(config, _frame(config, relative_path))


def _frame(config: SyntheticConfig, relative_path: str | PurePath) -> Frame:
    name = PurePath(relative_path).as_posix()
    for frame in frames(config):
        if frame.path == name:
            return frame
    raise DataError(
        f"{name}: no image of synthetic lab {config.lab} with {config.images_per_class} images a class"
    )
