"""ONNX files in onnxruntime: load, run, compare with torch, write whole or not at all."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import nn

from neurallnet.data.images import preprocess
from neurallnet.data.synthetic import draw_image
from neurallnet.data.synthetic_config import SyntheticConfig
from neurallnet.data.synthetic_plan import frames
from neurallnet.errors import ConfigError, RunError

if TYPE_CHECKING:
    import onnxruntime

TOLERANCE = 1e-4  # largest deviation of a logit that counts as agreement


def require(*packages: str) -> None:
    """Raise ConfigError when an optional package is missing."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise ConfigError(f"{', '.join(missing)} not installed; run: pip install 'neurallnet[export]'")


def onnx_session(path: Path | str | bytes, threads: int = 1) -> "onnxruntime.InferenceSession":
    """The file (or its bytes) in onnxruntime on the CPU; one thread is fastest for one image. Raises RunError if unreadable."""
    require("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    try:
        source = path if isinstance(path, bytes) else os.fspath(path)
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no public base
        name = "ONNX bytes" if isinstance(path, bytes) else path
        raise RunError(f"{name}: not a readable ONNX file ({' '.join(str(error).split())[:200]})") from None


def run_onnx(session: "onnxruntime.InferenceSession", images: np.ndarray, batch_size: int = 64) -> np.ndarray:
    """Logits (N, classes) of `images`: float32 (N, 3, H, W) in [0, 1], or uint8 (N, H, W, 3)."""
    name, rows = session.get_inputs()[0].name, []
    for start in range(0, len(images), batch_size):
        rows.append(session.run(["logits"], {name: as_input(images[start : start + batch_size])})[0])
    return np.concatenate(rows) if rows else np.empty((0, session.get_outputs()[0].shape[1]), np.float32)


def as_input(images: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 3) -> float32 (N, 3, H, W) in [0, 1]; what is float32 already is returned."""
    if images.dtype != np.uint8:
        return images
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


@dataclass(frozen=True)
class Agreement:
    """Deviation of onnxruntime's logits from torch's: the largest of each image, and its `median` over images."""

    deviations: np.ndarray
    largest_logit: float

    @property
    def median(self) -> float:
        return float(np.median(self.deviations))


def agreement(model: Path | str | bytes, net: nn.Module, image_size: int) -> Agreement:
    """Compare an ONNX file (or its bytes) with the torch network it was made from, on `check_images`."""
    images = check_images(image_size)
    found = run_onnx(onnx_session(model), images)
    with torch.inference_mode():
        output = net(torch.from_numpy(images))
    wanted = (output if isinstance(output, torch.Tensor) else output.logits).numpy()
    return Agreement(np.abs(found - wanted).max(1), float(np.abs(wanted).max()))


def check_images(image_size: int) -> np.ndarray:
    """Five images of noise of rising contrast and a synthetic smear of each class, float32 (9, 3, size, size)."""
    rng = np.random.default_rng(0)
    contrast = np.linspace(0.2, 1, 5).reshape(5, 1, 1, 1)
    noise = 0.5 + contrast * (rng.random((5, 3, image_size, image_size)) - 0.5)
    config = SyntheticConfig(images_per_class=1, patients_per_class=1, sessions_per_patient=1, size=96)
    smears = [Image.fromarray(draw_image(config, frame.path)) for frame in frames(config)]
    resized = as_input(np.stack([preprocess(smear, image_size) for smear in smears]))
    return np.concatenate([noise.astype(np.float32), resized])


def write_onnx(path: Path, save: Callable[[str], None]) -> Path:
    """Let `save` write a temporary file beside `path` and rename it over `path`; raises RunError when that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".onnx-") as folder:
            temporary = os.path.join(folder, path.name)
            save(temporary)
            os.replace(temporary, path)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror or error})") from None
    return path
