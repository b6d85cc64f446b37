"""The out-of-distribution score as one more output of an exported network, for runtimes that have nothing but the file.

The nodes write down `ood.features` (colour statistics of the image, statistics of the first block's normalized current) and
`OodModel.score` with one reference per class, in float32.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurallnet.errors import ConfigError, RunError
from neurallnet.onnx_runtime import require, write_onnx
from neurallnet.ood.features import LEAST
from neurallnet.ood.model import OodModel

if TYPE_CHECKING:
    from neurallnet.onnx_writer import Writer

SCORE = "ood_score"
CURRENT = "block0/current"  # `onnx_graph` calls the first convolution so; normalization is folded into it


def add_flag(path: Path | str, ood: OodModel, kept: np.ndarray | None = None) -> Path:
    """Give the file of `export_onnx` at `path` the output "ood_score", float32 (batch,); an image is flagged above `ood.threshold`.

    `kept`: bool (C_1,), the first block's channels that the model has features of, `ood.features.own_channels`; None: all.
    Raises ConfigError for a model this has no nodes for, RunError when the file is not such an export or does not fit `ood`.
    """
    require("onnx")
    import onnx

    from neurallnet.onnx_writer import Writer

    if ood.feature != "appearance" or ood.nearest != 1:
        raise ConfigError(f"a flag by {ood.feature!r}, neighbour {ood.nearest}, has no ONNX form; fit 'appearance' by class means")
    path, graph = Path(path), onnx.load(path)
    convolution = next((node for node in graph.graph.node if CURRENT in node.output), None)
    if convolution is None:
        raise RunError(f"{path}: has no value {CURRENT!r}; export the network with neurallnet first")
    weight = next(value for value in graph.graph.initializer if value.name == convolution.input[1])
    places = np.arange(weight.dims[0]) if kept is None else np.flatnonzero(kept)
    scales, rest = divmod(len(ood.center) - 6 - len(places), len(places))
    if rest or scales < 1:
        raise RunError(f"{path}: {len(places)} channels do not give the {len(ood.center)} features of the flag's model")
    w, current = Writer(), CURRENT
    if len(places) < weight.dims[0]:
        (current,) = w.node("Gather", CURRENT, w.constant("flag/channels", places), name="flag/current", axis=1)
    _distance(w, _features(w, current, scales), ood)
    graph.graph.node.extend(w.nodes)
    graph.graph.initializer.extend(w.constants.values())
    graph.graph.output.append(onnx.helper.make_tensor_value_info(SCORE, onnx.TensorProto.FLOAT, ["batch"]))
    onnx.checker.check_model(graph, full_check=True)
    return write_onnx(path, lambda temporary: onnx.save(graph, temporary))


def _features(w: "Writer", current: str, scales: int) -> str:
    """(B, F), in the order of `ood.features.features`, of the images and of the first block's `current`."""
    parts = [_mean(w, "images", "colour"), _log_deviation(w, "images", "colour"), _mean(w, current, "current")]
    for scale in range(scales):
        if scale:
            (current,) = w.node("AveragePool", current, name=f"flag/pooled {scale}", kernel_shape=[2, 2], strides=[2, 2])
        parts.append(_log_deviation(w, current, f"current {scale}"))
    return w.node("Concat", *parts, name="flag/features", axis=1)[0]


def _mean(w: "Writer", x: str, name: str, keep: int = 0) -> str:
    return w.node("ReduceMean", x, w.constant("flag/pixels", [2, 3]), name=f"flag/mean of {name}", keepdims=keep)[0]


def _log_deviation(w: "Writer", x: str, name: str) -> str:
    """log of the standard deviation over pixels: (B, C, H, W) -> (B, C)."""
    (off,) = w.node("Sub", x, _mean(w, x, f"{name} kept", keep=1), name=f"flag/{name} off mean")
    variance = _mean(w, w.node("Mul", off, off, name=f"flag/{name} squared")[0], f"{name} squared")
    (deviation,) = w.node("Sqrt", variance, name=f"flag/{name} deviation")
    (least,) = w.node("Max", deviation, w.constant("flag/least", LEAST), name=f"flag/{name} at least")
    return w.node("Log", least, name=f"flag/{name} log")[0]


def _distance(w: "Writer", features: str, ood: OodModel) -> None:
    """Distance to the nearest class mean, in the whitened space; a dead column's infinite scale becomes a factor of 0."""
    (centred,) = w.node("Sub", features, w.constant("flag/center", ood.center), name="flag/centred")
    (standard,) = w.node("Mul", centred, w.constant("flag/factor", 1 / ood.scale.astype(np.float64)), name="flag/standard")
    (white,) = w.node("MatMul", standard, w.constant("flag/whiten", ood.whiten), name="flag/white")
    (rows,) = w.node("Unsqueeze", white, w.constant("flag/second axis", [1]), name="flag/rows")
    (off,) = w.node("Sub", rows, w.constant("flag/references", ood.references[None]), name="flag/off references")
    (distances,) = w.node("ReduceL2", off, w.constant("flag/last axis", [2]), name="flag/distances", keepdims=0)
    w.node("ReduceMin", distances, w.constant("flag/second axis", [1]), name=SCORE, keepdims=0)
