"""A trained network as a file for another runtime, in one of four formats, each compared with torch before it counts as written.

- onnx: float32, equal to torch up to rounding
- onnx-int8: convolutions in 8 bits, ranges from calibration images: a quarter of the size, and faster
- onnx-dynamic: 8-bit weights without calibration: small, but slow
- nir: a spiking graph for neuromorphic tools and chips; only the arm `nir` can be said in it
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from neurallnet.errors import ConfigError
from neurallnet.export import export_onnx, quantize_dynamic, quantize_static, weights_digest
from neurallnet.exporting_calibration import Calibration
from neurallnet.exporting_fold import fold_gain, has_gain
from neurallnet.model import NeurALLNet
from neurallnet.nir_check import check_layers, compare_with_torch, require_agreement
from neurallnet.nir_graph import nir_graph
from neurallnet.nir_run import read_nir
from neurallnet.onnx_runtime import TOLERANCE, check_images, onnx_session, run_onnx, write_onnx

FORMATS = {"onnx": ".onnx", "onnx-int8": ".onnx", "onnx-dynamic": ".onnx", "nir": ".nir"}  # and the ending of their files


@dataclass(frozen=True)
class Exported:
    """A file as written: `outputs` by name, and in `agreement` how it compared with torch on nine check images (SYNTHETIC)."""

    path: Path
    form: str
    size: int
    outputs: tuple[str, ...]
    agreement: str


def format_of(path: Path | str, form: str | None = None) -> str:
    """The format named, else the one of the file's ending; raises ConfigError when they do not fit.

    >>> format_of("model.nir"), format_of("model.onnx"), format_of("model.onnx", "onnx-int8")
    ('nir', 'onnx', 'onnx-int8')
    """
    ending = Path(path).suffix.lower()
    fitting = [name for name, wanted in FORMATS.items() if wanted == ending]
    if form is not None and form not in FORMATS:
        raise ConfigError(f"format {form!r} is unknown; choose one of {', '.join(FORMATS)}")
    if not fitting or (form is not None and form not in fitting):
        wanted = FORMATS[form] if form else ".onnx or .nir"
        raise ConfigError(f"{path}: name a file that ends in {wanted}, or choose another --format")
    return form or fitting[0]


def export_model(
    model: nn.Module,
    path: Path | str,
    form: str,
    image_size: int,
    *,
    classes: Sequence[str] | None = None,
    calibration: Calibration | None = None,
    details: bool = False,
) -> Exported:
    """Write `model` to `path`, whole or not at all, compared with torch.

    `calibration` is needed by onnx-int8 and recorded in the file. Raises ConfigError naming what the format cannot carry and what
    to use instead, RunError when the file does not compute what torch does or cannot be written.
    """
    path, model = Path(path), model.eval()
    if form == "nir":
        if details:
            raise ConfigError("NIR: leave --details out; every node of a graph can be read")
        return _write_nir(model, path, image_size, classes)
    if form == "onnx-int8" and calibration is None:
        raise ConfigError("onnx-int8 needs calibration images")
    refuse_onnx(model)
    plain = fold_gain(model).float() if has_gain(model) else model
    told = {"weights_sha256": weights_digest(model), "format": form}
    told |= {"calibration": calibration.told} if form == "onnx-int8" else {}

    def save(temporary: str) -> None:
        exact = f"{temporary}.float32.onnx"
        export_onnx(plain, exact, image_size, classes=classes, details=details)
        if form == "onnx":
            os.replace(exact, temporary)
        elif form == "onnx-int8":
            quantize_static(exact, calibration.images, temporary)
        else:
            quantize_dynamic(exact, temporary)
        _tell(temporary, told)

    session = onnx_session(write_onnx(path, save))
    agreement = _compared(model, run_onnx(session, check_images(image_size)), image_size)
    return Exported(path, form, path.stat().st_size, tuple(output.name for output in session.get_outputs()), agreement)


def refuse_onnx(model: nn.Module) -> None:
    """Raise ConfigError naming what the ONNX writer does not write, and the variant to use instead."""
    config = getattr(model, "config", None)
    if type(model) is not NeurALLNet:
        family = getattr(config, "family", type(model).__name__)
        raise ConfigError(f"ONNX: a network of family {family!r} is not written; export a spiking one, such as the shipped weights")
    for refused, setting, instead in (
        (config.encoding != "direct", f"encoding {config.encoding!r}", "encoding 'direct'"),
        (config.excitation == "image", "excitation 'image'", "excitation 'step', 'gain' or 'none'"),
        (config.convolution != "full", f"convolution {config.convolution!r}", "convolution 'full', such as the arm narrow"),
    ):
        if refused:
            raise ConfigError(f"ONNX: {setting} is not written; train with {instead}")


def _tell(path: str, told: dict[str, str]) -> None:
    """Add to the metadata of an ONNX file."""
    import onnx

    graph = onnx.load(path)
    properties = {entry.key: entry.value for entry in graph.metadata_props}
    onnx.helper.set_model_props(graph, properties | told)
    onnx.save(graph, path)


def _compared(model: nn.Module, found: np.ndarray, image_size: int) -> str:
    """One sentence on logits `found` for the check images, beside torch's."""
    with torch.inference_mode():
        wanted = model(torch.from_numpy(check_images(image_size))).logits.numpy()
    deviations = np.abs(found - wanted).max(1)
    within, same = int((deviations <= TOLERANCE).sum()), int((found.argmax(1) == wanted.argmax(1)).sum())
    return (
        f"torch's class on {same} and its logits within {TOLERANCE:g} on {within} of {len(found)} check images; median deviation "
        f"{np.median(deviations):.2g}, largest logit {np.abs(wanted).max():.3g}"
    )


def _write_nir(model: nn.Module, path: Path, image_size: int, classes: Sequence[str] | None) -> Exported:
    graph = nir_graph(model, image_size, classes)
    images = torch.from_numpy(check_images(image_size))
    import nir

    def save(temporary: str) -> None:
        nir.write(temporary, graph)
        require_agreement(check_layers(read_nir(temporary), model, images))

    read = read_nir(write_onnx(path, save))
    layers, whole = check_layers(read, model, images), compare_with_torch(read, model, images)
    values, unlike = sum(layer.values for layer in layers), sum(layer.unlike for layer in layers)
    agreement = (
        f"read back, {values - unlike:,} of {values:,} spikes and silences of {len(layers)} layers are torch's on {len(images)} "
        f"check images, the other {unlike} within rounding of the threshold; "
        f"median deviation of logits {whole.median_deviation:.2g}"
    )
    return Exported(path, "nir", path.stat().st_size, ("logits of each time step",), agreement)
