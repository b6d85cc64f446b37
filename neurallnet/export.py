"""The network as an ONNX file: written, checked against torch, and quantized to 8 bits.

The file takes "images", float32 (batch, 3, size, size), RGB in [0, 1], any batch, and gives "logits" (batch, classes). What a
user of the file alone must know stands in its metadata.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from neurallnet.config import CLASSES
from neurallnet.errors import ConfigError, DataError, RunError
from neurallnet.inference import Unrolled
from neurallnet.model import NeurALLNet
from neurallnet.onnx_runtime import TOLERANCE, agreement, as_input, onnx_session, require, run_onnx, write_onnx

if TYPE_CHECKING:
    import onnx

__all__ = ["export_onnx", "onnx_session", "quantize_dynamic", "quantize_static", "run_onnx", "weights_digest"]

OPSET = 18  # the first whose Split takes a number of outputs
NOTICE = "Research software, not a medical device."
_CHECK_SIZE = 32  # pixels; see `check_graph`


def export_onnx(
    model: NeurALLNet,
    path: Path | str,
    image_size: int,
    *,
    classes: Sequence[str] | None = None,
    details: bool = False,
    opset: int = OPSET,
) -> Path:
    """Write `model` in its evaluation form, checked; returns `path`, which holds the old file or the new one at any moment.

    With `details`, step logits, spike rates and gates are outputs too (`inference.Details`). Raises ConfigError naming what
    cannot be exported, RunError when the graph does not compute what torch does or the file cannot be written.
    """
    require("onnx", "onnxruntime")
    import onnx

    from neurallnet.onnx_graph import network_graph

    if opset < OPSET:
        raise ConfigError(f"opset {opset}: the graph needs {OPSET} or later")
    if image_size < 1:
        raise ConfigError(f"image_size {image_size}: must be at least 1 pixel")
    net = Unrolled(model, details)
    graph = network_graph(net, image_size, opset)
    onnx.helper.set_model_props(graph, metadata(model, image_size, classes))
    onnx.checker.check_model(graph, full_check=True)
    check_graph(graph, net, image_size, opset)
    return write_onnx(Path(path), lambda temporary: onnx.save(graph, temporary))


def metadata(model: NeurALLNet, image_size: int, classes: Sequence[str] | None = None) -> dict[str, str]:
    """What a user of the file has to know, as the strings ONNX keeps; `classes` are required unless they are the usual four."""
    names = list(CLASSES if classes is None else classes)
    if len(names) != model.config.classes:
        raise ConfigError(f"{len(names)} class names ({', '.join(names)}) for a model of {model.config.classes} classes")
    return {
        "classes": json.dumps(names),
        "image_size": str(image_size),
        "preprocessing": f"8-bit RGB, antialiased resize to {image_size} x {image_size}, divided by 255, channels first",
        "time_steps": str(model.config.time_steps),
        "weights_sha256": weights_digest(model),
        "notice": NOTICE,
    }


def weights_digest(model: nn.Module) -> str:
    """sha256 over names and float32 values of all parameters and buffers, in name order."""
    total = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        total.update(name.encode() + tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return total.hexdigest()


def check_graph(graph: "onnx.ModelProto", net: Unrolled, image_size: int, opset: int) -> None:
    """Raise RunError unless onnxruntime finds the logits of `net`, on noise and on synthetic smears.

    Convolutions add in another order there, and a current within rounding of the threshold then spikes in one of the two. So
    the strict comparison is of the median image at 32 pixels, where there are few neurons and this is rare; at full size, where
    it may happen in most images, the median image must agree to 5% of the largest logit.
    """
    from neurallnet.onnx_graph import network_graph

    small = min(image_size, _CHECK_SIZE)
    strict = agreement(network_graph(net, small, opset).SerializeToString(), net, small)
    full = agreement(graph.SerializeToString(), net, image_size)
    if strict.median > TOLERANCE or full.median > TOLERANCE + 0.05 * full.largest_logit:
        raise RunError(
            f"the ONNX graph deviates from torch by {strict.median:.2g} at {small} pixels and {full.median:.2g} at {image_size} "
            f"(allowed: {TOLERANCE:g} and 5% of {full.largest_logit:.2g}); please report this with the model's configuration"
        )


def quantize_static(path: Path | str, calibration_images: np.ndarray, out: Path | str) -> Path:
    """Write an 8-bit variant of the exported file `path` to `out`: about a quarter of its size and half its time.

    Weights of the convolutions are int8 with a scale per channel; their input, spikes, is exact in 8 bits; their output
    current is rounded to 256 levels over the range seen on `calibration_images`, uint8 (N, H, W, 3), which must be training
    images. The first convolution, the SE gates, the neurons and the readout stay in float32: they cost little. Raises
    DataError for images that do not fit, RunError for a file that is not one of ours.
    """
    images = np.asarray(calibration_images)
    size = int(_properties(path)["image_size"])
    if images.dtype != np.uint8 or images.shape[1:] != (size, size, 3) or not len(images):
        raise DataError(f"calibration images are {images.dtype} {images.shape}; give uint8 (N, {size}, {size}, 3), N at least 1")
    from onnxruntime import quantization as q

    class Reader(q.CalibrationDataReader):
        def __init__(self) -> None:
            self.batches = iter(np.array_split(images, -(-len(images) // 32)))

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self.batches, None)
            return None if batch is None else {"images": as_input(batch)}

    def save(source: str, target: str) -> None:
        settings = {"activation_type": q.QuantType.QUInt8, "weight_type": q.QuantType.QInt8, "per_channel": True}
        chosen = _heavy_convolutions(source)
        q.quantize_static(source, target, Reader(), q.QuantFormat.QDQ, nodes_to_quantize=chosen, **settings)

    return _quantize(path, out, save)


def quantize_dynamic(path: Path | str, out: Path | str) -> Path:
    """As `quantize_static` without calibration: small as well, exact in the currents' range, but several times slower than float32.

    onnxruntime multiplies integers of unknown range without its fast convolution; use this where size matters and time does not.
    """
    _properties(path)
    from onnxruntime import quantization as q

    def save(source: str, target: str) -> None:
        chosen = _heavy_convolutions(source)
        q.quantize_dynamic(source, target, op_types_to_quantize=["Conv"], nodes_to_quantize=chosen, weight_type=q.QuantType.QInt8)

    return _quantize(path, out, save)


def _properties(path: Path | str) -> dict[str, str]:
    """Metadata of an exported file; raises RunError when it has none of ours, or is quantized already."""
    require("onnx", "onnxruntime")
    properties = onnx_session(path).get_modelmeta().custom_metadata_map
    if "weights_sha256" not in properties or "quantization" in properties:
        raise RunError(f"{path}: not a float32 file of `export_onnx`; export the model first")
    return properties


def _heavy_convolutions(path: str) -> list[str]:
    """Names of the blocks' convolutions but the first, which has three input channels (all, if there is only one)."""
    import onnx

    names = [node.name for node in onnx.load(path).graph.node if node.op_type == "Conv" and node.name.endswith("/current")]
    return names[1:] or names


def _quantize(path: Path | str, out: Path | str, save: Callable[[str, str], None]) -> Path:
    """Prepare `path` for onnxruntime's quantizer, let `save` write, and keep the metadata."""
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process

    properties = _properties(path)

    def whole(target: str) -> None:
        prepared = f"{target}.prepared"
        quant_pre_process(str(path), prepared, skip_symbolic_shape=True, skip_optimization=True)
        save(prepared, target)
        graph = onnx.load(target)
        onnx.helper.set_model_props(graph, properties | {"quantization": "int8 convolution weights"})
        onnx.save(graph, target)

    return write_onnx(Path(out), whole)
