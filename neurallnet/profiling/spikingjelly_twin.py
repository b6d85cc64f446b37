"""The same network in SpikingJelly's multi-step mode, for comparison of speed: its LIFNode, all time steps at once.

SpikingJelly (Fang et al. 2023, doi 10.1126/sciadv.adi1480) resets at once, not one step late, so its spikes differ from ours by
that; layers, shapes and amount of work do not. The first convolution runs once here too.
"""

import torch
from torch import Tensor, nn

from neurallnet.errors import ConfigError
from neurallnet.model import NeurALLNet, SqueezeExcite
from neurallnet.twins import torch_norm


class SpikingJellyTwin(nn.Module):
    """Images (B, 3, H, W) -> logits (B, classes). Raises ConfigError when SpikingJelly cannot be imported or fit."""

    def __init__(self, model: NeurALLNet) -> None:
        super().__init__()
        config = model.config
        try:
            from spikingjelly.activation_based import functional, neuron, surrogate
        except Exception as error:  # its imports reach for packages that it does not declare
            absent = isinstance(error, ModuleNotFoundError) and error.name == "spikingjelly"
            reason = "is missing" if absent else f"cannot be imported ({type(error).__name__}: {error})"
            raise ConfigError(f"spikingjelly {reason}: pip install --no-deps spikingjelly==0.0.0.0.14") from None
        if not 0 < config.beta < 1 or config.surrogate != "atan":
            raise ConfigError("spikingjelly: its LIFNode needs beta between 0 and 1, and here the atan surrogate")
        self.steps, self._reset = config.time_steps, functional.reset_net
        self.blocks = nn.ModuleList()
        for block in model.blocks:
            conv = block.conv
            width = conv.out_channels
            lif = neuron.LIFNode(
                tau=1 / (1 - config.beta),
                decay_input=False,
                v_threshold=config.threshold,
                v_reset=None if config.reset_mechanism == "subtract" else 0.0,
                surrogate_function=surrogate.ATan(alpha=config.surrogate_slope),
                detach_reset=True,
                step_mode="m",
            )
            parts = {
                "conv": nn.Conv2d(conv.in_channels, width, 3, stride=2, padding=1, groups=conv.groups, bias=False),
                "norm": torch_norm(block.norm),
                "lif": lif,
            }
            if config.excitation != "none":
                parts["excitation"] = SqueezeExcite(width, config.excitation_ratio, config.columns)
            self.blocks.append(nn.ModuleDict(parts))
        self.readout = nn.Linear(model.readout.in_features, config.classes)

    def forward(self, images: Tensor) -> Tensor:
        self._reset(self)
        x = (images * 4 - 2).contiguous(memory_format=torch.channels_last)
        for index, block in enumerate(self.blocks):
            current = block["norm"](block["conv"](x))
            if "excitation" in block:
                current = current * block["excitation"](current.mean((2, 3)))[:, :, None, None]
            shape = (1 if index == 0 else self.steps, len(images))
            current = current.unflatten(0, shape).expand(self.steps, -1, -1, -1, -1)
            x = block["lif"](current).flatten(0, 1)
        return self.readout(x.mean((2, 3))).unflatten(0, (self.steps, -1)).mean(0)
