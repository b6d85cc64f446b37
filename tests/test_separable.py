"""The separable convolution is the full one with a product weight, costs what its formula says, and sits where it should."""

import torch
from lively import lively, random_images
from torch import nn
from torch.nn import functional as F

from neurallnet.config import ModelConfig
from neurallnet.model import NeurALLNet, parameter_count
from neurallnet.networks import build_model
from neurallnet.peers import build_peer
from neurallnet.separable import DepthwiseConv, SeparableConv


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


@torch.inference_mode()
def test_a_peers_depthwise_convolutions_are_sped_up_and_nothing_else_changes():
    model = build_model(ModelConfig(family="mobilenet_v2", hue="stored")).eval()
    plain = build_peer("mobilenet_v2").eval()
    plain.load_state_dict(model.body.state_dict())
    assert sum(isinstance(part, DepthwiseConv) for part in model.modules()) == 17  # one per block of the paper's table
    torch.testing.assert_close(model(random_images(2, 64)).logits, plain(random_images(2, 64)))


def test_bfloat16_keeps_the_depthwise_half_in_float32():
    model, images = lively(convolution="separable").train(), random_images()
    kinds = []
    model.blocks[1].conv.depthwise.register_forward_hook(lambda module, inputs, out: kinds.append((inputs[0].dtype, out.dtype)))
    model.blocks[1].conv.register_forward_hook(lambda module, inputs, out: kinds.append(out.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(images).logits.float().square().sum()
    loss.backward()
    assert kinds == [(torch.bfloat16, torch.float32), torch.bfloat16]  # what comes in is widened inside
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
