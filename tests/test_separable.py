"""The separable convolution is the full one with a product weight, costs what its formula says, and sits where it should."""

import torch
from lively import lively, random_images
from torch import nn
from torch.nn import functional as F

from neurallnet.config import ModelConfig
from neurallnet.model import NeurALLNet, parameter_count
from neurallnet.separable import SeparableConv


def test_equals_one_full_convolution():
    conv, x = SeparableConv(6, 10), torch.randn(3, 6, 12, 12)
    depthwise, pointwise = conv.depthwise.weight, conv.pointwise.weight
    weight = torch.einsum("oi,ihw->oihw", pointwise[:, :, 0, 0], depthwise[:, 0])
    expected = F.conv2d(x, weight, stride=2, padding=1)
    torch.testing.assert_close(conv(x), expected)
    torch.testing.assert_close(conv.merged()(x), expected)


def test_parameters_by_hand():
    """First block full: 27 * 8. Second: 9 * 8 + 8 * 12. A read-out of 12 * 4 + 4, normalization 2 * (8 + 12), no SE."""
    model = NeurALLNet(ModelConfig(channels=(8, 12), convolution="separable", excitation="none"))
    assert parameter_count(model) == 27 * 8 + 9 * 8 + 8 * 12 + 52 + 40
    assert isinstance(model.blocks[0].conv, nn.Conv2d) and isinstance(model.blocks[1].conv, SeparableConv)


def test_bfloat16_keeps_the_depthwise_half_in_float32():
    model, images = lively(convolution="separable").train(), random_images()
    kinds = []
    model.blocks[1].conv.depthwise.register_forward_hook(lambda module, inputs, out: kinds.append((inputs[0].dtype, out.dtype)))
    model.blocks[1].conv.register_forward_hook(lambda module, inputs, out: kinds.append(out.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(images).logits.float().square().sum()
    loss.backward()
    assert kinds == [(torch.float32, torch.float32), torch.bfloat16]
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
