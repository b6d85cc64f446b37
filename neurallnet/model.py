r"""NeurALLNet: a convolutional spiking network with squeeze-and-excitation (SE), read top to bottom.

An RGB image enters as a constant current at each of T time steps (direct encoding; `encoding.py` has others). Every block is

    convolution -> normalization -> SE gate -> leaky integrate-and-fire neurons -> spikes

and the spikes of the last block, averaged over space (an arm: pooled by attention, `pooling.py`), are read out by a linear
layer; the logits are the mean over time steps. SE recalibrates each channel's current at each time step (Hu et al. 2018, doi
10.1109/CVPR.2018.00745), before the threshold, so that what travels between blocks stays 0 or 1. A network of several columns
is that many such networks side by side, whose logits are averaged; they share nothing but the image. Normalization is over the
batch; some channels of the first block are normalized by each image's own moments (`InstanceBatchNorm`). All time steps pass
through a convolution as one batch, and the first convolution runs once, since its input does not change; `fused.py` does the
rest in one pass over memory per block.

The paper gives the parts, the parameter count and "channel-wise recalibration across temporal spike steps"; layer sizes are ours.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurallnet.config import ModelConfig
from neurallnet.encoding import encode
from neurallnet.fused import lif_affine, spatial_moments
from neurallnet.hue import stained_alike
from neurallnet.neurons import Neuron
from neurallnet.pooling import AttentionPool
from neurallnet.separable import SeparableConv


class AffineBatchNorm(nn.Module):
    """Batch normalization given as a map: returns the `scale` and `shift` (C,) that normalize a current per channel.

    Equal to `torch.nn.BatchNorm2d` on the same rows; rows are images times time steps. It needs the rows' moments only, so
    the map can be applied where the neurons read their current.
    """

    def __init__(self, channels: int, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, mean: Tensor, square: Tensor, pixels: int) -> tuple[Tensor, Tensor]:
        """`mean`, `square`: mean and mean square per row and channel (S, C), over `pixels` values each."""
        if self.training:
            center = mean.mean(0)
            variance = (square.mean(0) - center.square()).clamp_min(0)
            with torch.no_grad():
                count = mean.shape[0] * pixels
                self.running_mean.lerp_(center, self.momentum)
                self.running_var.lerp_(variance * count / max(count - 1, 1), self.momentum)
        else:
            center, variance = self.running_mean, self.running_var
        scale = self.weight * torch.rsqrt(variance + self.epsilon)
        return scale, self.bias - scale * center

    def fixed(self) -> tuple[Tensor, Tensor]:
        """The part of the map (C,), float64, that is the same for every image once trained: it folds into the convolution."""
        scale = self.weight.double() * torch.rsqrt(self.running_var.double() + self.epsilon)
        return scale, self.bias.double() - scale * self.running_mean.double()


class InstanceBatchNorm(AffineBatchNorm):
    """The first `own` channels of each column normalized by each row's own moments, the others over the batch: IBN-a of Pan et
    al. 2018 (arXiv 1807.09441). A row is an image in the first block, which is where it stands.

    What a stain or a lamp does to a whole image is gone from the own channels and still there in the others.
    """

    FLAT = 1e-3  # least variance of an own channel, whose current is of unit order: a flat picture stays flat

    def __init__(self, channels: int, own: int, columns: int = 1) -> None:
        super().__init__(channels)
        self.own, self.columns = own, columns
        mine = (torch.arange(channels // columns) < own).repeat(columns)
        self.register_buffer("mine", mine, persistent=False)

    def forward(self, mean: Tensor, square: Tensor, pixels: int) -> tuple[Tensor, Tensor]:
        """As `AffineBatchNorm`, but `scale` and `shift` (S, C) are of each row."""
        scale, shift = super().forward(mean, square, pixels)
        factor = self.weight * torch.rsqrt((square - mean.square()).clamp_min(0) + self.FLAT)
        offset = self.bias - factor * mean
        return torch.where(self.mine, factor, scale), torch.where(self.mine, offset, shift)

    def fixed(self) -> tuple[Tensor, Tensor]:
        """As `AffineBatchNorm.fixed`; own channels are left as they are, since their map differs from image to image."""
        scale, shift = super().fixed()
        return scale.masked_fill(self.mine, 1), shift.masked_fill(self.mine, 0)


class NoNorm(nn.Module):
    """Stands where batch normalization would: a bias per channel, for the ablation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, mean: Tensor, square: Tensor, pixels: int) -> tuple[Tensor, Tensor]:
        return torch.ones_like(self.bias), self.bias

    def fixed(self) -> tuple[Tensor, Tensor]:
        """As `AffineBatchNorm.fixed`."""
        return torch.ones_like(self.bias, dtype=torch.float64), self.bias.double()


def make_norm(config: ModelConfig, channels: int, first: bool) -> nn.Module:
    """The normalization of a block's currents; only the first block sees stain and lamp as they are and has own channels."""
    if config.normalization == "none":
        return NoNorm(channels)
    own = round(config.own_norm * channels / config.columns) if first and config.encoding == "direct" else 0
    return InstanceBatchNorm(channels, own, config.columns) if own else AffineBatchNorm(channels)


class ColumnLinear(nn.Linear):
    """A linear layer per column, side by side: (S, inputs) -> (S, outputs), a column's outputs from its own inputs alone."""

    def __init__(self, inputs: int, outputs: int, columns: int) -> None:
        super().__init__(inputs // columns, outputs)
        self.columns = columns

    def forward(self, x: Tensor) -> Tensor:
        if self.columns == 1:
            return super().forward(x)
        each = x.unflatten(1, (self.columns, -1)), self.weight.unflatten(0, (self.columns, -1))
        return torch.einsum("ski,koi->sko", *each).flatten(1) + self.bias


class SqueezeExcite(nn.Module):
    """One gate in (0, 1) per row (image and time step) and channel: sigmoid(W2 relu(W1 z)), with z (S, C) the mean current."""

    def __init__(self, channels: int, ratio: int, columns: int = 1) -> None:
        super().__init__()
        hidden = columns * max(channels // columns // ratio, 1)
        self.squeeze = ColumnLinear(channels, hidden, columns)
        self.excite = ColumnLinear(hidden, channels, columns)

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.excite(F.relu(self.squeeze(z))))


class ImageSqueezeExcite(SqueezeExcite):
    """For the ablation: one gate per image, from the current's mean over time as well as space, for all of its `steps` rows."""

    def __init__(self, channels: int, ratio: int, steps: int) -> None:
        super().__init__(channels, ratio)
        self.steps = steps

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z.unflatten(0, (self.steps, -1)).mean(0)).repeat(self.steps, 1)


class ConstantGain(nn.Module):
    """For the ablation: SE that does not look at its input, a learned gain in (0, 1) per channel that starts where SE's does."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.zeros(channels))

    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.logit).expand_as(z)


def make_excitation(config: ModelConfig, channels: int, steps: int) -> nn.Module | None:
    """What turns mean currents (steps * B, C) into gates of that shape; None leaves currents as they are."""
    if config.excitation == "step":
        return SqueezeExcite(channels, config.excitation_ratio, config.columns)
    if config.excitation == "image":
        return ImageSqueezeExcite(channels, config.excitation_ratio, steps)
    return ConstantGain(channels) if config.excitation == "gain" else None


class ImageConv(nn.Conv2d):
    """The first convolution: of images (B, 3, H, W), or of an image for each column (B, 3 * columns, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, groups=x.shape[1] // self.in_channels)


class SpikingBlock(nn.Module):
    """Convolution, normalization, SE gate, LIF: (S, C_in, H, W) -> spikes (T * B, C, H / 2, W / 2); S = B if `constant_input`."""

    def __init__(self, inputs: int, channels: int, config: ModelConfig, first: bool = False) -> None:
        super().__init__()
        self.steps, self.constant_input = config.time_steps, first and config.encoding == "direct"
        self._neuron = Neuron(
            beta=config.beta,
            threshold=config.threshold,
            reset_mechanism=config.reset_mechanism,
            reset_delay=config.reset_delay,
            surrogate=config.surrogate,
            slope=config.surrogate_slope,
        )
        if first:  # three colours are too few to be filtered apart
            self.conv: nn.Module = ImageConv(inputs, channels, 3, stride=2, padding=1, bias=False)
        elif config.convolution == "full":
            self.conv = nn.Conv2d(inputs, channels, 3, stride=2, padding=1, groups=config.columns, bias=False)
        else:
            self.conv = SeparableConv(inputs, channels)
        self.norm = make_norm(config, channels, first)
        self.excitation = make_excitation(config, channels, 1 if self.constant_input else self.steps)
        self.decay = nn.Parameter(torch.tensor(config.beta).logit()) if config.beta_learned else None

    @property
    def neuron(self) -> Neuron:
        """The neurons' constants. A learned beta = sigmoid(decay) is a tensor in training and a number in evaluation."""
        if self.decay is None:
            return self._neuron
        beta = torch.sigmoid(self.decay)
        return replace(self._neuron, beta=beta if self.training else beta.item())

    @neuron.setter
    def neuron(self, neuron: Neuron) -> None:
        self._neuron = neuron

    def forward(self, x: Tensor) -> Tensor:
        current, mean, square = spatial_moments(self.conv(x))
        with torch.autocast(x.device.type, enabled=False):
            scale, shift = self.norm(mean, square, current.shape[2] * current.shape[3])
            scale, shift = scale.expand_as(mean), shift.expand_as(mean)
            if self.excitation is not None:
                gate = self.excitation(scale * mean + shift)
                scale, shift = gate * scale, gate * shift
            return lif_affine(current, scale, shift, self.steps, self.neuron, self.constant_input).spike


class Readout(nn.Linear):
    """Spike rates (..., C) -> logits (..., classes): the mean of what a linear layer per column answers."""

    def __init__(self, channels: int, classes: int, columns: int) -> None:
        super().__init__(channels, classes)
        self.columns = columns

    def forward(self, rates: Tensor) -> Tensor:
        return F.linear(rates, self.weight / self.columns, self.bias)

    def by_column(self, rates: Tensor) -> Tensor | None:
        """The answer of each column alone (columns, B, classes), from the rates (B, C) of all; None of a single column."""
        if self.columns == 1:
            return None
        weight = self.weight.unflatten(1, (self.columns, -1))
        return torch.einsum("bkc,okc->kbo", rates.unflatten(1, (self.columns, -1)), weight) + self.bias

    def folded(self) -> nn.Linear:
        """The same as one linear layer."""
        linear = nn.Linear(self.in_features, self.out_features)
        with torch.no_grad():
            linear.weight.copy_(self.weight / self.columns)
            linear.bias.copy_(self.bias)
        return linear


@dataclass(frozen=True)
class Output:
    """`logits` (B, classes), their per-step form `step_logits` (T, B, classes), and `features` (T, B, C): spike rates.

    `column_logits` (columns, B, classes): what each column alone would answer; their mean is `logits`. None of a single column.
    """

    logits: Tensor
    step_logits: Tensor
    features: Tensor
    column_logits: Tensor | None = None


class NeurALLNet(nn.Module):
    """Images (B, 3, H, W), float RGB in [0, 1] -> Output.

    Columns may be shown pictures of their own, as in training: (columns, B, 3, H, W). Then only `column_logits` mean anything.

    >>> NeurALLNet()(torch.rand(2, 3, 96, 96)).logits.shape
    torch.Size([2, 4])
    """

    def __init__(self, config: ModelConfig | None = None) -> None:
        super().__init__()
        self.config = config or ModelConfig()
        widths = (3, *(channels * self.config.columns for channels in self.config.channels))
        self.blocks = nn.ModuleList(
            SpikingBlock(inputs, channels, self.config, first=index == 0)
            for index, (inputs, channels) in enumerate(zip(widths, widths[1:], strict=False))
        )
        self.pool = AttentionPool(widths[-1]) if self.config.pooling == "attention" else None
        self.readout = Readout(widths[-1], self.config.classes, self.config.columns)

    def forward(self, images: Tensor) -> Output:
        images = side_by_side(images, self.config.hue)
        if self.config.encoding == "direct":
            x = (images * 4 - 2).contiguous(memory_format=torch.channels_last)
        else:
            x = encode(images, self.config.encoding, self.config.time_steps, self.training)
        for block in self.blocks:
            x = block(x)
        with torch.autocast(x.device.type, enabled=False):
            rates = self.rates(x.float())
            step_logits = self.readout(rates)
            columns = self.readout.by_column(rates.mean(0))
        return Output(step_logits.mean(0), step_logits, rates, columns)

    def rates(self, spikes: Tensor) -> Tensor:
        """The last block's spikes (T * B, C, H, W) pooled over the field: (T, B, C)."""
        steps = self.config.time_steps
        return spikes.mean((2, 3)).unflatten(0, (steps, -1)) if self.pool is None else self.pool(spikes.unflatten(0, (steps, -1)))


def side_by_side(images: Tensor, hue: str | tuple[str, ...]) -> Tensor:
    """What the first block sees of images (B, 3, H, W), as `stained_alike`; of images for each column (columns, B, 3, H, W),
    (B, 3 * columns, H, W).
    """
    if images.dim() == 4:
        return stained_alike(images, hue)
    hues = [hue] * len(images) if isinstance(hue, str) else hue
    return torch.cat([stained_alike(own, seen) for own, seen in zip(images, hues, strict=True)], 1)


def parameter_count(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
