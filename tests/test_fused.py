"""The compiled engine and torch give the same numbers, and both the meaning they claim."""

import shutil
import sys

import pytest
import torch

from neurallnet import fused
from neurallnet.fused import lif_affine, spatial_moments
from neurallnet.neurons import Neuron, lif_loop

needs_c = pytest.mark.skipif(fused.library() is None, reason="the C engine was not built here (no compiler)")


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("gcc"), reason="without a compiler torch stands in for the engine")
def test_engine_was_built_where_a_compiler_is():
    """Otherwise a broken build would only skip the tests below."""
    assert fused.engine() == "c"


def example(constant: bool, channels: int = 70, dtype: torch.dtype = torch.float32):
    draw = torch.Generator().manual_seed(3)
    rows = 2 if constant else 6
    x = torch.randn(rows, channels, 5, 3, generator=draw).to(dtype).to(memory_format=torch.channels_last).requires_grad_()
    scale = (torch.rand(rows, channels, generator=draw) * 2).requires_grad_()
    shift = torch.randn(rows, channels, generator=draw).requires_grad_()
    return x, scale, shift


def through(x, scale, shift, constant, potentials=True):
    state = lif_affine(x, scale, shift, 3, Neuron(), constant, potentials)
    weight = torch.randn(state.spike.shape, generator=torch.Generator().manual_seed(4))
    total = (state.spike * weight).sum() + (state.membrane.square().sum() if potentials else 0)
    return state, torch.autograd.grad(total, (x, scale, shift))


@needs_c
@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("potentials", [True, False])
def test_compiled_engine_equals_torch(constant, potentials, monkeypatch):
    compiled, gradients = through(*example(constant), constant, potentials)
    monkeypatch.setattr(fused, "library", lambda: None)
    plain, expected = through(*example(constant), constant, potentials)
    assert torch.equal(compiled.spike, plain.spike)
    if potentials:
        assert torch.equal(compiled.membrane, plain.membrane)
    for ours, theirs in zip(gradients, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@needs_c
@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("reset_mechanism", ["subtract", "zero"])
@pytest.mark.parametrize("reset_delay", [True, False])
@pytest.mark.parametrize("start", [0.7, 1.0])
def test_compiled_gradient_of_a_learned_beta_equals_autograds(constant, reset_mechanism, reset_delay, start, monkeypatch):
    """And its spikes are those of the plain number."""
    x, scale, shift = example(constant)
    gradients, spikes = [], []
    for compiled in (True, False):
        if not compiled:
            monkeypatch.setattr(fused, "library", lambda: None)
        beta = torch.tensor(start, requires_grad=True)
        state = lif_affine(x, scale, shift, 3, Neuron(beta, 1.0, reset_mechanism, reset_delay), constant, potentials=True)
        weight = torch.randn(state.spike.shape, generator=torch.Generator().manual_seed(4))
        total = (state.spike * weight).sum() + state.membrane.square().sum()
        gradients.append(torch.autograd.grad(total, (beta, x)))
        spikes.append(state.spike)
    fixed = lif_affine(x, scale, shift, 3, Neuron(start, 1.0, reset_mechanism, reset_delay), constant)
    assert torch.equal(spikes[0], spikes[1]) and torch.equal(spikes[0], fixed.spike)
    assert gradients[0][0].shape == ()
    torch.testing.assert_close(gradients[0][0], gradients[1][0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(gradients[0][1], gradients[1][1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("beta", [torch.full((70, 1, 1), 0.5), torch.tensor(0.0), torch.tensor(1.5)], ids=["each", "0", "1.5"])
def test_a_beta_the_engine_has_no_gradient_for_goes_through_torch(beta):
    """One per channel, none at all, or one that is clamped: the gradient is autograd's."""
    x, scale, shift = example(constant=True)
    beta.requires_grad_()
    spikes = lif_affine(x, scale, shift, 3, Neuron(beta), constant=True).spike
    (gradient,) = torch.autograd.grad(spikes.sum(), beta)
    current = (scale[:, :, None, None] * x + shift[:, :, None, None]).expand(3, *x.shape)
    (expected,) = torch.autograd.grad(lif_loop(current, Neuron(beta)).spike.sum(), beta)
    torch.testing.assert_close(gradient, expected)
    assert (gradient == 0).all() == bool((beta > 1).any())


@pytest.mark.parametrize("constant", [True, False])
def test_affine_current_is_what_the_neuron_integrates(constant):
    x, scale, shift = example(constant)
    current = (scale[:, :, None, None] * x + shift[:, :, None, None]).reshape(1 if constant else 3, 2, *x.shape[1:])
    expected = lif_loop(current.expand(3, *current.shape[1:]), Neuron()).spike
    assert torch.equal(lif_affine(x, scale, shift, 3, Neuron(), constant).spike, expected.flatten(0, 1))


@needs_c
def test_bfloat16_storage_keeps_potentials_in_float32():
    x, scale, shift = example(constant=False, dtype=torch.bfloat16)
    state = lif_affine(x, scale, shift, 3, Neuron(), potentials=True)
    wide = lif_affine(x.detach().float(), scale, shift, 3, Neuron(), potentials=True)
    assert state.spike.dtype == torch.bfloat16
    assert torch.equal(state.spike.float(), wide.spike)
    assert torch.equal(state.membrane, wide.membrane)


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_c), False])
def test_moments_and_their_gradient(compiled, monkeypatch):
    if not compiled:
        monkeypatch.setattr(fused, "library", lambda: None)
    x, *_ = example(constant=False)
    y, mean, square = spatial_moments(x)
    torch.testing.assert_close(mean, x.mean((2, 3)))
    torch.testing.assert_close(square, x.pow(2).mean((2, 3)))
    (gradient,) = torch.autograd.grad((y * 3).sum() + (mean * 2).sum() + square.sum(), x)
    torch.testing.assert_close(gradient, 3 + (2 + 2 * x.detach()) / 15)


@needs_c
def test_gradient_that_reaches_only_the_moments():
    x, *_ = example(constant=False)
    (gradient,) = torch.autograd.grad(spatial_moments(x)[1].sum(), x)
    torch.testing.assert_close(gradient, torch.full_like(x, 1 / 15))
