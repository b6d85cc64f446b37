"""Every network that can be trained, by the `family` of its configuration, with one interface: images -> Output."""

import torch
from torch import Tensor, nn

from neurallnet.config import ModelConfig
from neurallnet.hue import stained_alike
from neurallnet.model import NeurALLNet, Output
from neurallnet.separable import speed_up_depthwise


class Peer(nn.Module):
    """A network without time behind NeurALLNet's interface: one time step, and no spikes to report."""

    def __init__(self, body: nn.Module, config: ModelConfig) -> None:
        super().__init__()
        self.body, self.config = body, config

    @property
    def blocks(self) -> nn.ModuleList:
        """The dense twin's blocks; a published CNN has none that could be set against NeurALLNet's."""
        return getattr(self.body, "blocks", nn.ModuleList())

    def forward(self, images: Tensor) -> Output:
        columns = None
        if self.config.family == "dense":
            features = self.body.features(images)
            logits = self.body.readout(features)
            columns = self.body.readout.by_column(features)
        else:
            images = stained_alike(images, self.config.hue)  # the dense twin does so itself
            logits = self.body(images.contiguous(memory_format=torch.channels_last))
        return Output(logits, logits[None], logits.new_empty((1, len(logits), 0)), columns)


def build_model(config: ModelConfig) -> nn.Module:
    """An untrained network of `config.family`: images (B, 3, H, W), float RGB in [0, 1] -> Output.

    Raises ConfigError when the library that brings a peer is missing.

    >>> build_model(ModelConfig(family="small_cnn"))(torch.rand(2, 3, 96, 96)).logits.shape
    torch.Size([2, 4])
    """
    if config.family == "spiking":
        return NeurALLNet(config)
    if config.family == "dense":
        from neurallnet.twins import DenseTwin

        return Peer(DenseTwin(config), config)
    from neurallnet.peers import build_peer

    return Peer(speed_up_depthwise(build_peer(config.family, config.classes)), config)
