"""A folder for the tutorial: the user's own, or one that the smear generator draws."""

from pathlib import Path

from neurallnet.data.synthetic import SyntheticConfig, generate
from neurallnet.paths import Workspace, data_root

SIZE = 96  # pixels a side of the drawn images: quick to draw


def slides(data: Path | str | None, work: Workspace, images_per_class: int = 30) -> Path:
    """`data`, or a class-per-folder tree of SYNTHETIC smears drawn into the workspace. Raises DataError, ConfigError.

    $NEURALLNET_DATA plays no part: it names published sets.
    """
    if data is not None:
        return data_root(data)
    root = work.synthetic / "my-slides"
    generate(root, SyntheticConfig(images_per_class=images_per_class, size=SIZE, near_duplicates=0.05))
    return root
