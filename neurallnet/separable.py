"""A cheaper convolution: each channel filtered by itself, then channels mixed pixel by pixel.

A full 3x3 convolution from C to D channels has 9 C D weights; depthwise 3x3 and pointwise 1x1 have C (9 + D) (Howard et al. 2017,
arXiv 1704.04861). Nothing stands between the two, so that together they are one full convolution whose weight is the product of
theirs: what a spike adds downstream can still be counted, or the two be merged for a runtime that prefers one.
"""

import torch
from torch import Tensor, nn


class DepthwiseConv(nn.Conv2d):
    """A depthwise convolution that stays in float32 under autocast.

    On the CPU its bfloat16 backward pass is an order of magnitude slower (torch 2.13, forward and backward of 256 x 32 x 24 x 24
    with stride 2 on one thread: 88 ms against 7 ms).
    """

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


def speed_up_depthwise(network: nn.Module) -> nn.Module:
    """Turn the depthwise convolutions of `network` into DepthwiseConv, in place; names and values of weights stay."""
    for part in network.modules():
        if type(part) is nn.Conv2d and part.groups == part.in_channels > 1:
            part.__class__ = DepthwiseConv
    return network


class SeparableConv(nn.Module):
    """(S, C, H, W) -> (S, D, H / 2, W / 2): depthwise 3x3 of stride 2, pointwise 1x1, no bias."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.in_channels, self.out_channels = inputs, outputs
        self.depthwise = DepthwiseConv(inputs, inputs, 3, stride=2, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))

    def merged(self) -> nn.Conv2d:
        """The full convolution of the same meaning, weight[o, i] = pointwise[o, i] * depthwise[i]; a copy, without gradient."""
        full = nn.Conv2d(self.in_channels, self.out_channels, 3, stride=2, padding=1, bias=False)
        with torch.no_grad():
            product = self.pointwise.weight.double() * self.depthwise.weight.double().transpose(0, 1)
            full.weight.copy_(product)
        return full.to(self.pointwise.weight.device)
