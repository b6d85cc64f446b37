"""A picture per file with what spoke for its class laid over it, for the user's own disk."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from neurallnet.data.images import decode_image
from neurallnet.explain.overlay import explain_image
from neurallnet.predicting.prediction import Prediction
from neurallnet.pretrained import NOTICE, Pretrained


def overlay_paths(files: Sequence[Path], folder: Path) -> list[Path]:
    """A path below `folder` for each file: its own, from the folder common to all on, with `.png` added."""
    whole = [Path(os.path.abspath(file)) for file in files]
    common = Path(os.path.commonpath([file.parent for file in whole]))
    return [folder / file.relative_to(common).with_name(f"{file.name}.png") for file in whole]


def write_overlay(path: Path, file: Path, answer: Prediction, network: Pretrained) -> None:
    """Grad-CAM for the predicted class over the picture in `file`, as PNG of the same size. Raises DataError, OSError."""
    view = {"size": network.image_size, "scale_bar": network.scale_bar, "target": network.classes.index(answer.predicted)}
    overlaid = explain_image(network.model, np.asarray(decode_image(file)), **view)
    note = PngInfo()
    note.add_text("Comment", f"Grad-CAM for {answer.predicted}. {NOTICE}")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(overlaid).save(path, pnginfo=note)
