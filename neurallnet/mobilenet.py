"""MobileNetV2 from its paper, for libraries that carry it bring torchvision along.

Sandler et al. 2018, arXiv 1801.04381, table 2 at width 1: a block widens its input by a 1x1 convolution, filters each channel by
itself (3x3), and narrows again without a nonlinearity; where shape allows, the input is added. 3,504,872 parameters with the
1,000 classes of ImageNet (the paper's 3.4 M).
"""

from torch import Tensor, nn

# widening factor, channels, blocks, stride of the first of them
BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class MobileNetV2(nn.Module):
    """Images (B, 3, H, W) -> logits (B, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers, channels = [_unit(3, 32, 3, stride=2)], 32
        for widening, wanted, count, first_stride in BLOCKS:
            for index in range(count):
                layers.append(InvertedResidual(channels, wanted, widening, first_stride if index == 0 else 1))
                channels = wanted
        self.features = nn.Sequential(*layers, _unit(channels, 1280, 1))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, classes))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


class InvertedResidual(nn.Module):
    """Widen, filter per channel, narrow; (B, C_in, H, W) -> (B, C_out, H / stride, W / stride)."""

    def __init__(self, inputs: int, outputs: int, widening: int, stride: int) -> None:
        super().__init__()
        wide = inputs * widening
        layers = [_unit(inputs, wide, 1)] if widening > 1 else []
        layers += [_unit(wide, wide, 3, stride, groups=wide), nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.residual else self.layers(x)


def _unit(inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True))
