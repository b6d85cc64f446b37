r"""The network as users run it: batch normalization folded away, time written out, plain torch operations only.

With a normalization `scale * x + shift` per channel after a convolution with kernel W,

.. math:: scale \cdot (W * x) + shift = (scale \cdot W) * x + shift,

so that evaluation needs no normalization but that of the first block's own channels, whose moments are the image's
(`OwnNorm`). The first convolution runs once, since its input is the same at every step; the
others take all time steps as one batch. What remains besides convolutions is a handful of elementwise operations per step,
which a runtime executes without knowing about spikes.

Currents equal those of `NeurALLNet.eval()` up to float32 rounding. A current that lies within that rounding of the threshold
may spike in one form and not in the other, and its image's logits then differ by about 1e-3 to 1e-2; a change of the batch
size or of the processor does the same to any spiking network.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from neurallnet.errors import ConfigError
from neurallnet.hue import stained_alike
from neurallnet.model import (
    AffineBatchNorm,
    ColumnLinear,
    ImageConv,
    InstanceBatchNorm,
    NeurALLNet,
    NoNorm,
    SpikingBlock,
    SqueezeExcite,
)
from neurallnet.neurons import Neuron


class Details(NamedTuple):
    """What the network computes on the way; L blocks, the l-th with C_l channels."""

    logits: Tensor  # (B, classes), the mean of step_logits over time
    step_logits: Tensor  # (T, B, classes)
    spike_rates: Tensor  # (T, B, L): share of a block's neurons that fire
    gates: tuple[Tensor, ...]  # SE gates, (T, B, C_l) for each block; empty without SE


class Unrolled(nn.Module):
    """Inference form of `model`: images (B, 3, H, W), float32 RGB in [0, 1] -> logits (B, classes), or `Details`.

    A copy: later changes of `model` do not reach it. Raises ConfigError naming the part that has no inference form.

    >>> Unrolled(NeurALLNet())(torch.rand(2, 3, 96, 96)).shape
    torch.Size([2, 4])
    """

    def __init__(self, model: NeurALLNet, details: bool = False) -> None:
        super().__init__()
        refuse_unsupported(model)
        self.steps, self.details, self.hue = model.config.time_steps, details, model.config.hue
        views = len(self.hue) if isinstance(self.hue, tuple) else 1
        self.blocks = nn.ModuleList(UnrolledBlock(block, 1 if place else views) for place, block in enumerate(model.blocks))
        self.readout = model.readout.folded()
        self.to(dtype=torch.float32, memory_format=torch.channels_last).eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor | Details:
        x = stained_alike(images, self.hue) * 4 - 2
        gates, rates = [], []
        for block in self.blocks:
            spikes, gate = block(x)
            x = torch.cat(spikes)
            if self.details:
                rates.append(x.mean((1, 2, 3)))
                gates += [] if gate is None else [gate.flatten(1).unflatten(0, (-1, len(images))).expand(self.steps, -1, -1)]
        if not self.details:
            return self.readout(sum(spikes[1:], spikes[0]).mean((2, 3)) / self.steps)
        step_logits = self.readout(x.mean((2, 3))).unflatten(0, (self.steps, -1))
        return Details(step_logits.mean(0), step_logits, torch.stack(rates, 1).unflatten(0, (self.steps, -1)), tuple(gates))


class UnrolledBlock(nn.Module):
    """Convolution with folded normalization, SE gate as 1x1 convolutions, LIF over T written out."""

    def __init__(self, block: SpikingBlock, views: int = 1) -> None:
        super().__init__()
        self.steps, self.constant_input, self.neuron = block.steps, block.constant_input, block.neuron
        self.conv = folded_convolution(block, views)
        self.own_norm = OwnNorm(block.norm) if isinstance(block.norm, InstanceBatchNorm) else None
        gate = block.excitation
        self.squeeze, self.excite = (None, None) if gate is None else (pointwise(gate.squeeze), pointwise(gate.excite))

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor | None]:
        """`x` (S, C_in, H, W) -> T tensors of spikes (B, C, H', W'), and the gate (S, C, 1, 1); S = T * B, or B if constant."""
        current, gate = self.conv(x), None
        if self.own_norm is not None:
            current = self.own_norm(current)
        if self.squeeze is not None:
            gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(current.mean((2, 3), keepdim=True)))))
            current = current * gate
        currents = [current] * self.steps if self.constant_input else list(current.chunk(self.steps))
        return unrolled_lif(currents, self.neuron), gate


class OwnNorm(nn.Module):
    """What `InstanceBatchNorm` does besides what folds: own channels of (B, C, H, W) by their moments, the others as they are.

    With the variance v of a channel, the current is multiplied by `gain / sqrt(v + FLAT) + rest`: gain is 0 where rest is 1.
    """

    def __init__(self, norm: InstanceBatchNorm) -> None:
        super().__init__()
        own = norm.mine.to(norm.weight.dtype)
        self.flat = norm.FLAT
        for name, value in (("gain", norm.weight * own), ("shift", norm.bias * own), ("rest", 1 - own)):
            self.register_buffer(name, value.detach().view(1, -1, 1, 1).clone())

    def forward(self, current: Tensor) -> Tensor:
        mean = current.mean((2, 3), keepdim=True)
        variance = torch.relu(current.square().mean((2, 3), keepdim=True) - mean.square())
        factor = self.gain * torch.rsqrt(variance + self.flat)
        return current * (factor + self.rest) + (self.shift - factor * mean)


def heaviside(x: Tensor, threshold: float) -> Tensor:
    """1 where x > threshold, else 0."""
    return (x > threshold).to(x.dtype)


def unrolled_lif(currents: list[Any], neuron: Neuron, heaviside: Callable[[Any, float], Any] = heaviside) -> list[Any]:
    """Spikes of each step of neurons that start from rest: `neurons.lif_step` without what inference does not need.

    From rest the first potential is the current itself. With delayed reset the stored potential is the integrated one, so
    that r_t = s_{t-1}; otherwise r_t = H(u_{t-1} - threshold) has to be found anew. Needs of its values only `*`, `+`, `-` and
    `heaviside`, so that the same lines write an ONNX graph (`onnx_graph.py`).
    """
    theta, beta = neuron.threshold, neuron.clamped_beta()
    potential, reset, spikes = currents[0], None, [heaviside(currents[0], theta)]
    for current in currents[1:]:
        spike = spikes[-1]
        if neuron.reset_delay:
            stored, reset = potential, spike
        else:
            removed = spike if reset is None else spike - reset
            stored = potential - (removed * theta if neuron.reset_mechanism == "subtract" else removed * potential)
            reset = heaviside(stored, theta)
        if neuron.reset_mechanism == "subtract":
            potential = stored * beta + current - reset * theta
        else:
            potential = (stored - reset * stored) * beta + current
        spikes.append(heaviside(potential, theta))
    return spikes


def folded_convolution(block: SpikingBlock, views: int = 1) -> nn.Conv2d:
    """The block's convolution with what folds of its normalization in weights and bias; the product is taken in float64.

    `views`: how many pictures, one beside the other, the first block is shown of an image; each is for its share of the channels.
    """
    conv, norm = block.conv, block.norm
    shape = conv.kernel_size, conv.stride, conv.padding, conv.dilation
    folded = nn.Conv2d(views * conv.in_channels, conv.out_channels, *shape, groups=views * conv.groups)
    scale, shift = norm.fixed()
    with torch.no_grad():
        folded.weight.copy_(conv.weight.double() * scale[:, None, None, None])
        folded.bias.copy_(shift if conv.bias is None else shift + scale * conv.bias.double())
    return folded


def pointwise(linear: ColumnLinear) -> nn.Conv2d:
    """The linear layer as a 1x1 convolution, which needs no reshaping of (S, C, 1, 1)."""
    conv = nn.Conv2d(linear.columns * linear.in_features, linear.out_features, 1, groups=linear.columns)
    with torch.no_grad():
        conv.weight.copy_(linear.weight[:, :, None, None])
        conv.bias.copy_(linear.bias)
    return conv


def refuse_unsupported(model: nn.Module) -> None:
    """Raise ConfigError when a part of `model` is not one this module knows how to write out."""
    if type(model) is not NeurALLNet:
        raise ConfigError(f"{type(model).__name__} has no unrolled form; give a NeurALLNet")
    if model.config.encoding != "direct":
        raise ConfigError(f"encoding {model.config.encoding!r} has no unrolled form; only direct encoding has")
    if model.config.pooling != "mean":
        raise ConfigError(f"pooling {model.config.pooling!r} has no unrolled form; only the mean has")
    known = {"conv": (ImageConv, nn.Conv2d), "norm": (AffineBatchNorm, InstanceBatchNorm, NoNorm), "excitation": (SqueezeExcite,)}
    for index, block in enumerate(model.blocks):
        where = f"blocks.{index}"
        if type(block) is not SpikingBlock:
            raise ConfigError(f"{where}: {type(block).__name__} has no unrolled form; only SpikingBlock has")
        if isinstance(block.neuron.beta, Tensor):
            raise ConfigError(f"{where}: a learned beta cannot be exported; make it a number: float(beta)")
        for name, part in block.named_children():
            if type(part) not in known.get(name, ()):
                raise ConfigError(f"{where}.{name}: {type(part).__name__} has no unrolled form")
    broken = [name for name, tensor in model.state_dict().items() if not torch.isfinite(tensor).all()]
    if broken:
        raise ConfigError(f"{broken[0]} holds values that are not finite; train again or load other weights")
