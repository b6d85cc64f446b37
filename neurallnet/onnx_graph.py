"""The unrolled network written down as an ONNX graph, node by node.

Written by hand, since torch's exporters cost two nodes for a threshold, several for a split whose size is not known
beforehand, and ten seconds. A threshold is one HardSigmoid here: clip(a x - a theta, 0, 1) with a = 2^100. A power of two
scales without rounding, so the difference is that of x - theta, which no float32 pair within 2^100 of each other loses: the
result is exactly 1 where x > theta and 0 elsewhere.
"""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper
from torch import nn

from neurallnet.inference import OwnNorm, Unrolled, UnrolledBlock, unrolled_lif
from neurallnet.onnx_hue import balanced_light, normalized_hue, standardized_light
from neurallnet.onnx_writer import Writer

STEEP = 2.0**100


@dataclass(frozen=True)
class Value:
    """An output of a node, with the arithmetic that `unrolled_lif` needs."""

    writer: Writer
    name: str
    place: str

    def _join(self, kind: str, other: "Value | float") -> "Value":
        right = other.name if isinstance(other, Value) else self.writer.number(other)
        (name,) = self.writer.node(kind, self.name, right, name=f"{self.place}/{kind.lower()}")
        return Value(self.writer, name, self.place)

    def __add__(self, other: "Value | float") -> "Value":
        return self._join("Add", other)

    def __sub__(self, other: "Value | float") -> "Value":
        return self._join("Sub", other)

    def __mul__(self, other: "Value | float") -> "Value":
        return self if other == 1.0 else self._join("Mul", other)


def heaviside(x: Value, threshold: float) -> Value:
    """See the top of this file."""
    (name,) = x.writer.node("HardSigmoid", x.name, name=f"{x.place}/spike", alpha=STEEP, beta=-STEEP * threshold)
    return Value(x.writer, name, x.place)


def seen_colours(w: Writer, images: str, hue: str | tuple[str, ...], image_size: int) -> str:
    """As `hue.stained_alike`; what two columns' ways have in common is written twice and merged by runtimes."""
    if isinstance(hue, tuple):
        ways = [seen_colours(w, images, each, image_size) for each in hue]
        return w.node("Concat", *ways, name="input/columns", axis=1)[0]
    if hue == "grey":
        mean = w.constant("input/grey.weight", np.full((3, 3, 1, 1), 1 / 3))
        return w.node("Conv", images, mean, name="input/grey", kernel_shape=[1, 1])[0]
    x = balanced_light(w, images, image_size) if hue == "balanced" else images
    x = x if hue == "stored" else normalized_hue(w, x)
    return standardized_light(w, x) if hue == "standardized" else x


def network_graph(net: Unrolled, image_size: int, opset: int) -> onnx.ModelProto:
    """`net` for images (batch, 3, image_size, image_size) under the name "images"; outputs are those of `net`, by name.

    Gates, where there are any, are called gates.0, gates.1 and so on.
    """
    w = Writer()
    x = seen_colours(w, "images", net.hue, image_size)
    (x,) = w.node("Mul", x, w.number(4), name="input/scale")
    (x,) = w.node("Sub", x, w.number(2), name="input/center")
    steps, rates, gates = net.steps, [], []
    for index, block in enumerate(net.blocks):
        spikes, gate = _block(w, block, x, f"block{index}")
        (x,) = w.node("Concat", *spikes, name=f"block{index}/spikes", axis=0) if steps > 1 else spikes
        if net.details:
            rates += w.node("ReduceMean", x, w.constant("image axes", [1, 2, 3]), name=f"block{index}/rate", keepdims=0)
            gates += [] if gate is None else [_gate_output(w, gate, f"gates.{len(gates)}", steps, block)]
    outputs = {"logits": ["batch", net.readout.out_features]}
    if not net.details:
        total = Value(w, spikes[0], "readout")
        for spike in spikes[1:]:
            total += Value(w, spike, "readout")
        (pooled,) = w.node("GlobalAveragePool", total.name, name="readout/pool")
        (features,) = w.node("Flatten", pooled, name="readout/features")
        _linear(w, features, net.readout, "logits", 1 / steps)
    else:
        (pooled,) = w.node("GlobalAveragePool", x, name="readout/pool")
        (features,) = w.node("Flatten", pooled, name="readout/features")
        rows = _linear(w, features, net.readout, "readout/rows")
        by_step = w.constant("steps, batch, values", [steps, -1, net.readout.out_features])
        w.node("Reshape", rows, by_step, name="step_logits")
        w.node("ReduceMean", "step_logits", w.constant("time axis", [0]), name="logits", keepdims=0)
        columns = [w.node("Unsqueeze", rate, w.constant("last axis", [1]), name=f"{rate} column")[0] for rate in rates]
        (table,) = w.node("Concat", *columns, name="rates", axis=1)
        w.node("Reshape", table, w.constant("steps, batch, blocks", [steps, -1, len(rates)]), name="spike_rates")
        outputs |= {"step_logits": [steps, "batch", net.readout.out_features], "spike_rates": [steps, "batch", len(rates)]}
        outputs |= {name: [steps, "batch", channels] for name, channels in gates}
    size = ["batch", 3, image_size, image_size]
    graph = helper.make_graph(
        w.nodes,
        "neurallnet",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, size)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        list(w.constants.values()),
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=helper.find_min_ir_version_for(opsets))


def _block(w: Writer, block: UnrolledBlock, x: str, place: str) -> tuple[list[str], str | None]:
    """As `UnrolledBlock.forward`: names of the T spike tensors and of the gate."""
    current = _convolution(w, x, block.conv, f"{place}/current")
    if block.own_norm is not None:
        current = _own_norm(w, current, block.own_norm, f"{place}/norm")
    gate = None
    if block.squeeze is not None:
        (mean,) = w.node("GlobalAveragePool", current, name=f"{place}/squeeze")
        (hidden,) = w.node("Relu", _convolution(w, mean, block.squeeze, f"{place}/reduce"), name=f"{place}/relu")
        (gate,) = w.node("Sigmoid", _convolution(w, hidden, block.excite, f"{place}/excite"), name=f"{place}/gate")
        (current,) = w.node("Mul", current, gate, name=f"{place}/gated")
    if block.constant_input or block.steps == 1:
        currents = [current] * block.steps
    else:
        parts = {"outputs": block.steps, "num_outputs": block.steps, "axis": 0}
        currents = w.node("Split", current, name=f"{place}/step", **parts)
    values = [Value(w, name, place) for name in currents]
    return [spike.name for spike in unrolled_lif(values, block.neuron, heaviside)], gate


def _own_norm(w: Writer, current: str, norm: OwnNorm, place: str) -> str:
    """As `OwnNorm.forward`."""

    def step(kind: str, *inputs: str, name: str) -> str:
        return w.node(kind, *inputs, name=f"{place}/{name}")[0]

    gain, shift, rest = (w.constant(f"{place}.{name}", getattr(norm, name)) for name in ("gain", "shift", "rest"))
    mean = step("GlobalAveragePool", current, name="mean")
    square = step("GlobalAveragePool", step("Mul", current, current, name="squared"), name="mean square")
    variance = step("Relu", step("Sub", square, step("Mul", mean, mean, name="squared mean"), name="difference"), name="variance")
    deviation = step("Sqrt", step("Add", variance, w.number(norm.flat), name="floor"), name="deviation")
    factor = step("Div", gain, deviation, name="factor")
    offset = step("Sub", shift, step("Mul", factor, mean, name="center"), name="offset")
    scaled = step("Mul", current, step("Add", factor, rest, name="scale"), name="scaled")
    return step("Add", scaled, offset, name="current")


def _convolution(w: Writer, x: str, conv: nn.Conv2d, name: str) -> str:
    weight, bias = w.constant(f"{name}.weight", conv.weight), w.constant(f"{name}.bias", conv.bias)
    return w.node(
        "Conv",
        *(x, weight, bias),
        name=name,
        kernel_shape=list(conv.kernel_size),
        strides=list(conv.stride),
        pads=list(conv.padding) * 2,
        dilations=list(conv.dilation),
        group=conv.groups,
    )[0]


def _linear(w: Writer, x: str, linear: nn.Linear, name: str, factor: float = 1.0) -> str:
    weight, bias = w.constant("readout.weight", linear.weight), w.constant("readout.bias", linear.bias)
    return w.node("Gemm", x, weight, bias, name=name, transB=1, alpha=factor)[0]


def _gate_output(w: Writer, gate: str, name: str, steps: int, block: UnrolledBlock) -> tuple[str, int]:
    """The gate as an output (T, B, C); that of a constant input is the same at all steps."""
    channels = block.conv.out_channels
    if block.constant_input and steps > 1:
        (gate,) = w.node("Concat", *[gate] * steps, name=f"{name} repeated", axis=0)
    w.node("Reshape", gate, w.constant(f"{name} shape", [steps, -1, channels]), name=name)
    return name, channels
