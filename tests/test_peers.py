"""What we compare with is what its name says: parameter counts of the literature, and the same network in snntorch."""

import numpy as np
import pytest
import torch
from lively import lively, random_images, torchs_norm
from torch.nn import functional as F

from neurallnet.config import ModelConfig
from neurallnet.errors import ConfigError
from neurallnet.mobilenet import InvertedResidual
from neurallnet.model import NeurALLNet, parameter_count
from neurallnet.peers import PEERS, build_peer, peer_onnx, snntorch_twin
from neurallnet.separable import SeparableConv
from neurallnet.twins import DenseTwin


@pytest.mark.parametrize(
    "name, four, thousand",
    [
        ("efficientnet_b0", 4_012_672, 5_288_548),  # 5.3 M in the paper
        ("mobilenet_v2", 2_228_996, 3_504_872),  # 3.4 M in the paper, this number in torchvision
        ("densenet121", 6_957_956, 7_978_856),  # this number in torchvision
    ],
)
def test_parameter_counts_of_the_literature(name, four, thousand):
    if name != "mobilenet_v2":
        pytest.importorskip("monai")
    assert parameter_count(build_peer(name)) == four
    assert parameter_count(build_peer(name, 1000)) == thousand


def test_parameter_counts_of_our_own():
    assert round(parameter_count(build_peer("small_cnn")) / 1000) == 161
    assert parameter_count(build_peer("dense_twin")) == parameter_count(NeurALLNet())


@pytest.mark.parametrize("name", PEERS)
def test_images_to_logits(name, tmp_path):
    pytest.importorskip("onnxruntime")
    if name in ("efficientnet_b0", "densenet121"):
        pytest.importorskip("monai")
    net, images = build_peer(name, 5).eval(), random_images(2, 64)
    with torch.inference_mode():
        assert net(images).shape == (2, 5)
    from neurallnet.export import onnx_session

    session = onnx_session(peer_onnx(name, tmp_path / "peer.onnx", 64, model=net))
    assert session.get_inputs()[0].shape[1:] == [3, 64, 64]
    for batch in (1, 3):
        assert session.run(["logits"], {"images": random_images(batch, 64).numpy()})[0].shape == (batch, 5)
    assert not net.training


def test_peer_files_repeat_and_leave_the_random_state_alone(tmp_path):
    pytest.importorskip("onnxruntime")
    state = torch.get_rng_state()
    files = [peer_onnx("small_cnn", tmp_path / f"{i}.onnx", 32) for i in range(2)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert torch.equal(torch.get_rng_state(), state)


@torch.inference_mode()
def test_mobilenet_adds_the_input_where_shapes_allow():
    blocks = [part for part in build_peer("mobilenet_v2").eval().modules() if isinstance(part, InvertedResidual)]
    assert len(blocks) == 17 and sum(block.residual for block in blocks) == 10  # table 2 of the paper: n - 1 in each row
    for block in blocks:
        block.layers[-1].weight.zero_()
        x = torch.rand(1, next(p for p in block.parameters() if p.dim() == 4).shape[1], 8, 8)
        if block.layers[0][0].groups == 1:
            torch.testing.assert_close(block(x), x if block.residual else torch.zeros_like(block(x)))


def test_unknown_peer_is_named():
    with pytest.raises(ConfigError, match="peer 'resnet' is unknown; choose one of efficientnet_b0"):
        build_peer("resnet")


DENSE = [{}, {"own_norm": 0}, {"own_norm": 1}, {"excitation": "none"}, {"excitation": "gain"}]
DENSE += [{"normalization": "none"}, {"convolution": "separable"}]


@pytest.mark.parametrize("config", DENSE, ids=str)
@torch.inference_mode()
def test_dense_twin_is_the_network_with_relu(config):
    model = lively(**config, hue="stored")
    twin = DenseTwin(model.config)
    missing, foreign = twin.load_state_dict(model.state_dict(), strict=False)
    assert not foreign and all(name.endswith("num_batches_tracked") for name in missing)
    images = random_images(4)
    x = images * 4 - 2
    for block in model.blocks:
        conv = block.conv.merged() if isinstance(block.conv, SeparableConv) else block.conv
        x = F.conv2d(x, conv.weight, stride=2, padding=1)
        x = torchs_norm(block.norm).eval()(x) if not config.get("normalization") else x + block.norm.bias[:, None, None]
        if block.excitation is not None:
            x = x * block.excitation(x.mean((2, 3)))[:, :, None, None]
        x = x.relu()
    torch.testing.assert_close(twin.eval()(images), model.readout(x.mean((2, 3))))


@torch.inference_mode()
def test_dense_twin_of_a_network_that_differs_only_in_time_is_the_same():
    variants = [{}, {"time_steps": 2, "excitation": "step"}, {"excitation": "image"}, {"encoding": "rate"}, {"beta_learned": True}]
    nets = [DenseTwin(ModelConfig(channels=(6, 8), **changes)).eval() for changes in variants]
    for net in nets[1:]:
        net.load_state_dict(nets[0].state_dict())
        assert torch.equal(net(random_images(2)), nets[0](random_images(2)))


TWINS = [
    {},
    {"own_norm": 0},
    {"own_norm": 1},
    {"time_steps": 1},
    {"time_steps": 4, "reset_delay": False},
    {"time_steps": 4, "reset_mechanism": "zero", "surrogate": "fast_sigmoid", "surrogate_slope": 25.0},
    {"excitation": "none", "beta": 0.5, "threshold": 0.7},
    {"normalization": "none"},
    {"excitation": "image"},
    {"excitation": "gain"},
    {"beta_learned": True, "beta": 0.6},
    {"beta_learned": True, "reset_mechanism": "zero", "reset_delay": False},
    {"convolution": "separable"},
    {"encoding": "rate"},
    {"encoding": "latency"},
]


@pytest.mark.parametrize("config", TWINS, ids=str)
def test_snntorch_twin_equals_the_network_in_evaluation(config):
    pytest.importorskip("snntorch")
    model = lively(**config)
    twin, images = snntorch_twin(model), random_images()
    assert not twin.training
    with torch.inference_mode():
        ours, theirs = model(images), twin(images)
    for found, wanted in zip(vars(ours).values(), vars(theirs).values(), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("config", TWINS, ids=str)
def test_snntorch_twin_equals_the_network_in_a_training_step(config):
    """float32: logits to 1e-5; each gradient to 1e-4 of its largest entry (of the network's, where that is a thousand times
    larger); running statistics to 1e-5.
    """
    pytest.importorskip("snntorch")
    model = lively(**config).train()
    twin, images, labels = snntorch_twin(model), random_images(), torch.arange(6) % 4
    logits = []
    for net in (model, twin):
        torch.manual_seed(0)  # of the rate code
        logits.append(net(images).logits)
        F.cross_entropy(logits[-1], labels).backward()
    torch.testing.assert_close(*logits, rtol=0, atol=1e-5)
    theirs = dict(twin.named_parameters())
    assert len(theirs) == len(list(model.parameters()))
    steepest = max(parameter.grad.abs().max().item() for parameter in theirs.values())
    for name, parameter in model.named_parameters():
        largest = theirs[name].grad.abs().max().item()
        assert largest > 0, name
        allowed = 1e-4 * max(largest, 1e-3 * steepest)
        torch.testing.assert_close(parameter.grad, theirs[name].grad, rtol=0, atol=allowed, msg=lambda m, n=name: f"{n}: {m}")
    state = twin.state_dict()
    for name in [name for name in model.state_dict() if name.endswith(("running_mean", "running_var"))]:
        buffer = model.get_buffer(name)
        # unbiased over B H W values here, over T B H W equal ones in the twin
        if name == "blocks.0.norm.running_var" and model.config.encoding == "direct":
            count, steps = 6 * 16 * 16, model.config.time_steps
            batch_part = (buffer - 0.9 * lively(**config).state_dict()[name]) * (steps * (count - 1)) / (steps * count - 1)
            buffer = 0.9 * lively(**config).state_dict()[name] + batch_part
        used = slice(getattr(model.blocks[0].norm, "own", 0) if name.startswith("blocks.0") else 0, None)  # own channels use none
        torch.testing.assert_close(buffer[used], state[name][used], rtol=1e-5, atol=1e-5, msg=lambda m, n=name: f"{n}: {m}")


def test_twin_is_not_kept_alive_by_snntorch():
    snntorch = pytest.importorskip("snntorch")
    before = len(snntorch.SpikingNeuron.instances)
    snntorch_twin(NeurALLNet(ModelConfig(channels=(4,))))
    assert len(snntorch.SpikingNeuron.instances) == before


def test_check_images_show_smears_and_noise():
    from neurallnet.onnx_runtime import check_images

    images = check_images(48)
    assert images.shape == (9, 3, 48, 48) and images.dtype == np.float32
    assert images.min() >= 0 and images.max() <= 1
    assert len({image.tobytes() for image in images}) == 9


def test_efficientnet_answers_in_evaluation_as_it_learned():
    """Running variances start at 1: where activations vary a thousandth of that, they are not there after hundreds of steps."""
    pytest.importorskip("monai")
    torch.manual_seed(0)
    net, seen = build_peer("efficientnet_b0").train(), []
    for part in net.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.register_forward_hook(lambda part, inputs, _: seen.append(inputs[0].var((0, 2, 3)).median().item()))
            assert (1 - part.momentum) ** 300 < 1e-9, "what is left of the start after 300 steps"
    with torch.no_grad():
        net(random_images(16, 96))
    assert len(seen) == 49 and min(seen) > 0.01
