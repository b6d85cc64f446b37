"""The same network in other hands: as a plain loop over snntorch.Leaky, and without spikes.

Both name their parameters as `NeurALLNet` does.
"""

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurallnet.config import ModelConfig
from neurallnet.encoding import encode
from neurallnet.errors import ConfigError
from neurallnet.model import (
    ImageSqueezeExcite,
    InstanceBatchNorm,
    NeurALLNet,
    NoNorm,
    Output,
    SpikingBlock,
    SqueezeExcite,
    side_by_side,
)


class ChannelBias(nn.Module):
    """What stands for normalization where there is none: a bias per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias[:, None, None]


class InstanceBatchNorm2d(nn.Module):
    """`model.InstanceBatchNorm` in torch's own words: (B, C, H, W), the first `own` channels of a column by image, the others by
    batch.
    """

    def __init__(self, channels: int, own: int, columns: int, flat: float) -> None:
        super().__init__()
        self.own, self.channels, self.width = own, channels, channels // columns
        self.flat, self.momentum, self.epsilon = flat, 0.1, 1e-5
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        parts = []
        for start in range(0, self.channels, self.width):
            mine, others = slice(start, start + self.own), slice(start + self.own, start + self.width)
            # groups of one channel: instance normalization in the words that an exporter knows
            parts.append(torch.group_norm(x[:, mine], self.own, self.weight[mine], self.bias[mine], self.flat, False))
            if self.own < self.width:
                state = [value[others] for value in (self.running_mean, self.running_var, self.weight, self.bias)]
                parts.append(F.batch_norm(x[:, others], *state, self.training, self.momentum, self.epsilon))
        return torch.cat(parts, 1) if len(parts) > 1 else parts[0]


def torch_norm(norm: nn.Module) -> nn.Module:
    """A fresh module of torch's that normalizes as `norm` of a SpikingBlock does, with the same names of parameters."""
    if isinstance(norm, NoNorm):
        return ChannelBias(len(norm.bias))
    if isinstance(norm, InstanceBatchNorm):
        return InstanceBatchNorm2d(len(norm.bias), norm.own, norm.columns, norm.FLAT)
    return nn.BatchNorm2d(len(norm.bias))


def gated(x: Tensor, excitation: nn.Module | None) -> Tensor:
    """The current (B, C, H, W) times its gate."""
    return x if excitation is None else x * excitation(x.mean((2, 3)))[:, :, None, None]


class SnnTorchBlock(nn.Module):
    """A convolution per step, one `BatchNorm2d` over all of them, then SE and `snntorch.Leaky` step by step."""

    def __init__(self, block: SpikingBlock) -> None:
        super().__init__()
        import snntorch

        neuron = block.neuron
        self.conv, self.excitation, self.decay = (copy.deepcopy(part) for part in (block.conv, block.excitation, block.decay))
        self.norm = torch_norm(block.norm)
        self.leaky = snntorch.Leaky(
            beta=neuron.beta.item() if isinstance(neuron.beta, Tensor) else neuron.beta,
            threshold=neuron.threshold,
            spike_grad=_surrogate(neuron.surrogate, neuron.slope),
            reset_mechanism=neuron.reset_mechanism,
            reset_delay=neuron.reset_delay,
        )
        snntorch.SpikingNeuron.instances.remove(self.leaky)  # its list would keep every network alive

    def forward(self, steps: list[Tensor]) -> list[Tensor]:
        """T inputs (B, C_in, H, W) -> T tensors of spikes (B, C, H / 2, W / 2)."""
        currents = self.norm(torch.cat([self.conv(x) for x in steps])).chunk(len(steps))
        if isinstance(self.excitation, ImageSqueezeExcite):
            mean = torch.stack([current.mean((2, 3)) for current in currents]).mean(0)
            gate = SqueezeExcite.forward(self.excitation, mean)[:, :, None, None]
            currents = [current * gate for current in currents]
        else:
            currents = [gated(current, self.excitation) for current in currents]
        if self.decay is not None:
            self.leaky.beta = torch.sigmoid(self.decay)
        spikes, membrane = [], torch.zeros_like(currents[0])
        for current in currents:
            spike, membrane = self.leaky(current, membrane)
            spikes.append(spike)
        self.leaky.mem = torch.zeros(0)  # frees the graph that the neuron would hold until its next call
        return spikes


class SnnTorchTwin(nn.Module):
    """Images (B, 3, H, W) in [0, 1] -> Output, as `NeurALLNet`; see `snntorch_twin`."""

    def __init__(self, model: NeurALLNet) -> None:
        super().__init__()
        self.config = model.config
        self.blocks = nn.ModuleList(SnnTorchBlock(block) for block in model.blocks)
        self.pool, self.readout = copy.deepcopy(model.pool), copy.deepcopy(model.readout)

    def forward(self, images: Tensor) -> Output:
        images = side_by_side(images, self.config.hue)
        if self.config.encoding == "direct":
            steps = [images * 4 - 2] * self.config.time_steps
        else:
            steps = list(encode(images, self.config.encoding, self.config.time_steps, self.training).chunk(self.config.time_steps))
        for block in self.blocks:
            steps = block(steps)
        rates = torch.stack([spikes.mean((2, 3)) for spikes in steps]) if self.pool is None else self.pool(torch.stack(steps))
        step_logits = self.readout(rates)
        return Output(step_logits.mean(0), step_logits, rates, self.readout.by_column(rates.mean(0)))


def snntorch_twin(model: NeurALLNet) -> SnnTorchTwin:
    """`model`, weights and mode included, as a plain loop over snntorch.Leaky: the reference for equality and for speed.

    Batch statistics are those of all steps together, as in `model`; so the loop over time runs within a block. The running
    variance of the first block differs by a share of 1 / (B H W), since here its T equal inputs count as T observations.
    Raises ConfigError when snntorch is missing.
    """
    try:
        import snntorch  # noqa: F401
    except ImportError:
        raise ConfigError("snntorch is not installed; run: pip install 'neurallnet[peers]'") from None
    twin = SnnTorchTwin(model)
    missing, foreign = twin.load_state_dict(model.state_dict(), strict=False)
    own = [name for name in missing if not name.endswith("num_batches_tracked") and ".leaky." not in name]
    if own or foreign:
        raise ConfigError(f"snntorch twin: no counterpart of {', '.join([*own, *foreign])}")
    return twin.train(model.training)


def _surrogate(name: str, slope: float):
    from snntorch import surrogate

    return surrogate.fast_sigmoid(slope=slope) if name == "fast_sigmoid" else surrogate.atan(alpha=slope)


class DenseBlock(nn.Module):
    """Convolution, normalization, SE gate, ReLU: (B, C_in, H, W) -> (B, C, H / 2, W / 2)."""

    def __init__(self, block: SpikingBlock) -> None:
        super().__init__()
        self.conv = block.conv
        self.norm = torch_norm(block.norm)
        self.excitation = block.excitation

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(gated(self.norm(self.conv(x)), self.excitation))


class DenseTwin(nn.Module):
    """NeurALLNet of `config` with ReLU in place of LIF and no time: images (B, 3, H, W) in [0, 1] -> logits (B, classes).

    What needs time or neurons (encoding, time steps, a learned beta) does not apply.
    """

    def __init__(self, config: ModelConfig | None = None) -> None:
        super().__init__()
        model = NeurALLNet(replace(config or ModelConfig(), time_steps=1, encoding="direct", beta_learned=False))
        self.blocks = nn.ModuleList(DenseBlock(block) for block in model.blocks)
        self.readout = model.readout
        self.hue = model.config.hue

    def features(self, images: Tensor) -> Tensor:
        """Means of the last block's maps, (B, C)."""
        images = side_by_side(images, self.hue)
        x = (images * 4 - 2).contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x)
        return x.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        return self.readout(self.features(images))
