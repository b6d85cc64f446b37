"""Small pictures whose class any network can learn from their colour."""

from pathlib import Path

import numpy as np
from PIL import Image


def two_colours(root: Path, each: int = 30) -> Path:
    """Two class folders of `each` pictures, `red` and `blue`, in `root`, which is returned."""
    draw = np.random.default_rng(0)
    for channel, name in ((0, "red"), (2, "blue")):
        (root / name).mkdir()
        for number in range(each):
            pixels = draw.integers(0, 120, (20, 20, 3), dtype=np.uint8)
            pixels[..., channel] += 130
            Image.fromarray(pixels).save(root / name / f"{name}-{number:03}.png")
    return root
