"""What can be predicted: files and folders on disk, pictures in memory; anything else gets a message that says what to give."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from neurallnet.data.images import IMAGE_SUFFIXES
from neurallnet.errors import DataError

GIVE = (
    "give a path, a list of paths, a PIL image, a numpy array uint8 (H, W, 3) or (N, H, W, 3), or a torch tensor (3, H, W) or "
    "(N, 3, H, W), uint8 or float in [0, 1]"
)


def find_images(paths: Iterable[Path | str], leave_out: Path | None = None) -> list[Path]:
    """The files named by `paths`, and those with an image suffix below the folders among them, sorted within a folder.

    Hidden files, linked folders and what lies below `leave_out` are passed over, and a file is listed once. Raises DataError for a
    path that does not exist and a folder that cannot be listed or holds no image.
    """
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        if not os.path.lexists(path):
            raise DataError(f"{path}: no such file or folder")
        for file in _below(path, leave_out) if path.is_dir() else [path]:
            found.setdefault(os.path.abspath(file), file)
    return list(found.values())


def _below(folder: Path, leave_out: Path | None) -> list[Path]:
    def stop(error: OSError) -> None:
        raise DataError(f"{error.filename}: cannot be listed: {error.strerror or error}")

    avoided, files = leave_out and leave_out.resolve(), []
    for place, folders, names in os.walk(folder, onerror=stop):
        here = Path(place)
        folders[:] = sorted(f for f in folders if not f.startswith(".") and (here / f).resolve() != avoided)
        named = (name for name in sorted(names) if not name.startswith("."))
        files += [here / name for name in named if Path(name).suffix.lower() in IMAGE_SUFFIXES]
    if not files:
        raise DataError(f"{folder}: holds no image ({', '.join(sorted(IMAGE_SUFFIXES))})")
    return files


def pictures(x: Any) -> Iterator[Image.Image]:
    """The pictures of an array, a tensor or a PIL image, as PIL images. Raises DataError for another type, shape or range."""
    if isinstance(x, Image.Image):
        try:
            x.load()
        except Exception as error:  # a decoder fed with damaged bytes may raise anything
            raise DataError(f"predict: the PIL image is truncated or damaged: {error}") from None
        yield x
    elif isinstance(x, np.ndarray):
        yield from map(Image.fromarray, array_batch(x))
    elif isinstance(x, Tensor):
        yield from map(Image.fromarray, tensor_batch(x))
    else:
        raise DataError(f"predict: {type(x).__name__} is no picture; {GIVE}")


def array_batch(x: np.ndarray) -> np.ndarray:
    """`x` uint8 (H, W, 3) or (N, H, W, 3) -> uint8 (N, H, W, 3); raises DataError for anything else."""
    if x.dtype != np.uint8:
        scaled = "; floats in [0, 1] become pixels by (255 * x).round().astype('uint8')" if x.dtype.kind == "f" else ""
        raise DataError(f"predict: the array is {x.dtype}, not uint8; {GIVE}{scaled}")
    if x.ndim not in (3, 4) or x.shape[-1] != 3 or 0 in x.shape:
        last = "; channels come last, as x.transpose(..., 1, 2, 0) makes them" if x.ndim in (3, 4) and x.shape[-3] == 3 else ""
        raise DataError(f"predict: the array is of shape {x.shape}; {GIVE}{last}")
    return np.ascontiguousarray(x.reshape(-1, *x.shape[-3:]))


def tensor_batch(x: Tensor) -> np.ndarray:
    """`x` (3, H, W) or (N, 3, H, W), uint8 or float in [0, 1], -> uint8 (N, H, W, 3); raises DataError for anything else."""
    if x.dim() not in (3, 4) or x.shape[-3] != 3 or 0 in x.shape:
        first = "; channels come first, as x.movedim(-1, -3) makes them" if x.dim() in (3, 4) and x.shape[-1] == 3 else ""
        raise DataError(f"predict: the tensor is of shape {tuple(x.shape)}; {GIVE}{first}")
    x = x.detach().cpu()
    if x.is_floating_point():
        x = x.float()
        if not bool(x.isfinite().all()):
            raise DataError(f"predict: the tensor holds NaN or infinity; {GIVE}")
        if float(x.min()) < 0 or float(x.max()) > 1:
            raise DataError(f"predict: the tensor has values from {float(x.min()):.3g} to {float(x.max()):.3g}; {GIVE}")
        x = (x * 255).round().to(torch.uint8)
    if x.dtype != torch.uint8:
        raise DataError(f"predict: the tensor is {str(x.dtype).removeprefix('torch.')}; {GIVE}")
    return array_batch(x.movedim(-3, -1).contiguous().numpy())
