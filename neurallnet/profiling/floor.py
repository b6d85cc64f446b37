"""What any engine for the network has to compute: its convolutions and its read-out, with nothing between them."""

import torch
from torch import Tensor, nn

from neurallnet.model import NeurALLNet


class ConvolutionsAlone(nn.Module):
    """Images (B, 3, H, W) in [0, 1] -> logits (B, classes), by the convolutions of `model` on maps of the same sizes.

    No normalization, gate or neuron: with torch's convolutions, no way of computing those makes a training step faster than
    this one's. As in the network, the first convolution runs once where its input is the same at every time step.
    """

    def __init__(self, model: NeurALLNet) -> None:
        super().__init__()
        self.steps, self.once = model.config.time_steps, model.config.encoding == "direct"
        self.convolutions = nn.ModuleList(block.conv for block in model.blocks)
        self.readout = model.readout

    def forward(self, images: Tensor) -> Tensor:
        x = (images * 4 - 2).contiguous(memory_format=torch.channels_last)
        first, *others = self.convolutions
        x = first(x).repeat(self.steps, 1, 1, 1) if self.once else first(x.repeat(self.steps, 1, 1, 1))
        for convolution in others:
            x = convolution(x)
        return self.readout(x.float().mean((2, 3))).unflatten(0, (self.steps, -1)).mean(0)
