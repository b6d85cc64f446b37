"""Counts of one layer, and what a layer of given shape costs."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass
class LayerCount:
    """Counts of one layer, means per image over all time steps.

    macs: multiply-accumulates as executed. acs: accumulates driven by spikes, and plain additions. dense_macs: what the layer
    costs in a dense twin that runs it once, windows over the edge included (the convention of FLOP counters). connections: the
    same without those windows, which is the ACs of one step in which every input spikes. dense_acs: plain additions of the
    twin. input_rate: spikes per input value and time step, None for real-valued input. active_inputs: share of inputs that
    spike at least once. inputs, outputs: values of one time step. steps: how often the layer runs per image. silent: share of
    channels without a single spike on these images.
    """

    layer: str
    kind: str
    macs: float = 0.0
    acs: float = 0.0
    dense_macs: float = 0.0
    connections: float = 0.0
    dense_acs: float = 0.0
    input_spikes: float = 0.0
    input_rate: float | None = None
    active_inputs: float | None = None
    inputs: int = 0
    outputs: int = 0
    weights: int = 0
    steps: int = 1
    neurons: int = 0
    output_spikes: float = 0.0
    membrane_updates: float = 0.0
    spike_rate: float | None = None
    silent: float | None = None


def layer_table(layers: list[LayerCount] | list[dict[str, Any]]) -> pd.DataFrame:
    """The counts as a table, a row per layer."""
    return pd.DataFrame([asdict(layer) if isinstance(layer, LayerCount) else layer for layer in layers])


def fan_out(conv: nn.Conv2d, size: tuple[int, int]) -> Tensor:
    """Outputs that each pixel of an input of `size` (H, W) feeds, float32 (H, W), all output channels of its group together.

    Exact for any kernel, stride, padding and dilation: the gradient of a convolution of ones.
    """
    kernel, shape = torch.ones(1, 1, *conv.kernel_size), (1, 1, *size)
    placed = (conv.stride, conv.padding, conv.dilation)
    out = F.conv2d(torch.zeros(shape), kernel, None, *placed)
    reached = torch.nn.grad.conv2d_input(shape, kernel, torch.ones_like(out), *placed)
    return reached[0, 0] * (conv.out_channels // conv.groups)


def dense_macs(module: nn.Module, output: Tensor) -> int:
    """MACs of one row of a convolution or linear layer whose output is `output` (rows, ...), counting padded windows."""
    if isinstance(module, nn.Conv2d):
        return math.prod(output.shape[1:]) * module.in_channels // module.groups * math.prod(module.kernel_size)
    return module.in_features * module.out_features
