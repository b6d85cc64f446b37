"""A cheaper convolution: each channel filtered by itself, then channels mixed pixel by pixel.

A full 3x3 convolution from C to D channels has 9 C D weights; depthwise 3x3 and pointwise 1x1 have C (9 + D) (Howard et al. 2017,
arXiv 1704.04861). Nothing stands between the two, so that together they are one full convolution whose weight is the product of
theirs: what a spike adds downstream can still be counted, or the two be merged for a runtime that prefers one.
"""

import torch
from torch import Tensor, nn


class SeparableConv(nn.Module):
    """(S, C, H, W) -> (S, D, H / 2, W / 2): depthwise 3x3 of stride 2, pointwise 1x1, no bias.

    The depthwise half runs in float32 under autocast too: on the CPU its bfloat16 backward pass is an order of magnitude slower
    (torch 2.13, 256 x 32 x 24 x 24: 166 ms against 15 ms).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.in_channels, self.out_channels = inputs, outputs
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride=2, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            filtered = self.depthwise(x.float())
        return self.pointwise(filtered)

    def merged(self) -> nn.Conv2d:
        """The full convolution of the same meaning, weight[o, i] = pointwise[o, i] * depthwise[i]; a copy, without gradient."""
        full = nn.Conv2d(self.in_channels, self.out_channels, 3, stride=2, padding=1, bias=False)
        with torch.no_grad():
            product = self.pointwise.weight.double() * self.depthwise.weight.double().transpose(0, 1)
            full.weight.copy_(product)
        return full.to(self.pointwise.weight.device)
