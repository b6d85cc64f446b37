"""The unrolled form gives the network's logits, and refuses what it does not know."""

from dataclasses import replace

import pytest
import torch
from lively import lively, random_images, torchs_norm
from torch import nn

from neurallnet.errors import ConfigError
from neurallnet.inference import Unrolled, folded_convolution, unrolled_lif
from neurallnet.neurons import Neuron, lif_loop


@pytest.mark.parametrize("normalization", [{}, {"own_norm": 0}, {"own_norm": 1}, {"normalization": "none"}], ids=str)
@pytest.mark.parametrize("excitation", ["step", "none"])
@pytest.mark.parametrize("reset_delay", [True, False])
@pytest.mark.parametrize("reset_mechanism", ["subtract", "zero"])
@pytest.mark.parametrize("time_steps", [1, 2, 4])
@torch.inference_mode()
def test_unrolled_equals_the_network(time_steps, reset_mechanism, reset_delay, excitation, normalization):
    model = lively(
        time_steps=time_steps,
        reset_mechanism=reset_mechanism,
        reset_delay=reset_delay,
        excitation=excitation,
        **normalization,
    )
    images = random_images()
    wanted, details = model(images), Unrolled(model, details=True)(images)
    torch.testing.assert_close(Unrolled(model)(images), wanted.logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(details.logits, wanted.logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(details.step_logits, wanted.step_logits, rtol=0, atol=1e-5)
    torch.testing.assert_close(details.spike_rates[:, :, -1], wanted.features.mean(2), rtol=0, atol=1e-6)
    assert details.spike_rates.mean((0, 1)).min() > 0.01, "a silent layer proves nothing"
    shapes = [(time_steps, len(images), channels) for channels in model.config.channels]
    assert [tuple(gate.shape) for gate in details.gates] == (shapes if excitation == "step" else [])
    assert all(((gate > 0) & (gate < 1)).all() for gate in details.gates)


@torch.inference_mode()
def test_gates_are_those_of_the_network():
    model, seen = lively(), []
    for block in model.blocks:
        block.excitation.register_forward_hook(lambda module, inputs, gate: seen.append(gate))
    images = random_images()
    model(images)
    for ours, wanted in zip(Unrolled(model, details=True)(images).gates, seen, strict=True):
        torch.testing.assert_close(ours, wanted.reshape(-1, *ours.shape[1:]).expand_as(ours), rtol=0, atol=1e-6)


@torch.inference_mode()
def test_folding_means_what_batchnorm2d_means():
    block = lively().blocks[1]
    x = torch.rand(4, 6, 16, 16, generator=torch.Generator().manual_seed(0))
    wanted = torchs_norm(block.norm).eval()(block.conv(x))
    torch.testing.assert_close(folded_convolution(block)(x), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("reset_delay", [True, False])
@pytest.mark.parametrize("reset_mechanism", ["subtract", "zero"])
@pytest.mark.parametrize("threshold, beta", [(1.0, 0.9), (0.7, 0.5), (1.0, 1.0), (2.5, 0.0)])
def test_unrolled_neuron_equals_the_step_by_step_one(threshold, beta, reset_mechanism, reset_delay):
    neuron = Neuron(beta=beta, threshold=threshold, reset_mechanism=reset_mechanism, reset_delay=reset_delay)
    currents = torch.randn(6, 500, generator=torch.Generator().manual_seed(1)) * 3
    currents[:, ::7] = threshold  # exactly at the threshold: no spike
    assert torch.equal(torch.stack(unrolled_lif(list(currents), neuron)), lif_loop(currents, neuron).spike)


@torch.inference_mode()
def test_it_is_a_copy_in_evaluation_mode():
    model, images = lively(), random_images()
    wanted = model(images).logits
    unrolled = Unrolled(model.train())
    for parameter in model.parameters():
        parameter.zero_()
    torch.testing.assert_close(unrolled(images), wanted, rtol=0, atol=1e-5)
    assert not any(parameter.requires_grad for parameter in unrolled.parameters())


def test_refusals_name_the_part():
    with pytest.raises(ConfigError, match="Linear has no unrolled form"):
        Unrolled(nn.Linear(2, 2))
    model = lively()
    model.blocks[1].neuron = replace(model.blocks[1].neuron, beta=torch.tensor(0.9))
    with pytest.raises(ConfigError, match=r"blocks\.1: a learned beta"):
        Unrolled(model)
    model = lively()
    model.blocks[2].dropout = nn.Dropout()
    with pytest.raises(ConfigError, match=r"blocks\.2\.dropout: Dropout"):
        Unrolled(model)
    model = lively()
    model.blocks[0] = nn.Identity()
    with pytest.raises(ConfigError, match=r"blocks\.0: Identity"):
        Unrolled(model)
    model = lively()
    model.readout.weight.data[0, 0] = torch.nan
    with pytest.raises(ConfigError, match=r"readout\.weight holds values that are not finite"):
        Unrolled(model)
