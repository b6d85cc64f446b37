"""The neuron is snntorch's Leaky: spikes and membrane potentials bit for bit, gradients to rounding, in float32."""

import itertools

import pytest
import snntorch
import torch
from snntorch import surrogate

from neurallnet.fused import engine, lif
from neurallnet.neurons import Neuron, lif_loop, surrogate_derivative

REFERENCE = {"atan": surrogate.atan, "fast_sigmoid": surrogate.fast_sigmoid}
CASES = list(
    itertools.product(
        (0.0, 0.5, 0.9, 1.0), (0.5, 1.0), ("subtract", "zero"), (True, False), (("atan", 2.0), ("fast_sigmoid", 25.0))
    )
)


@pytest.fixture(autouse=True)
def forget_snntorch_neurons():
    yield
    snntorch.SpikingNeuron.instances.clear()  # snntorch keeps every neuron ever made


def currents(steps: int) -> torch.Tensor:
    """(T, B, 130): wider than the engine's block of 64 channels, with charges far above and below threshold."""
    return torch.randn(steps, 3, 130, generator=torch.Generator().manual_seed(0)) * 1.5 + 0.5


def snntorch_loop(x: torch.Tensor, neuron: Neuron) -> tuple[torch.Tensor, torch.Tensor]:
    leaky = snntorch.Leaky(
        beta=neuron.beta,
        threshold=neuron.threshold,
        reset_mechanism=neuron.reset_mechanism,
        reset_delay=neuron.reset_delay,
        spike_grad=REFERENCE[neuron.surrogate](neuron.slope),
    )
    membrane, states = torch.zeros_like(x[0]), []
    for current in x:
        spike, membrane = leaky(current, membrane)
        states.append((spike, membrane))
    return tuple(torch.stack(s) for s in zip(*states, strict=True))


@pytest.mark.parametrize("steps", [1, 5])
@pytest.mark.parametrize("run", [lif_loop, lif], ids=["loop", f"engine-{engine()}"])
@pytest.mark.parametrize(("beta", "threshold", "reset", "delay", "surrogate_"), CASES)
def test_equals_snntorch_leaky(beta, threshold, reset, delay, surrogate_, run, steps):
    neuron = Neuron(beta, threshold, reset, delay, *surrogate_)
    x = currents(steps).requires_grad_()
    spikes, potentials = snntorch_loop(x, neuron)
    assert 0.05 < spikes.mean() < 0.95, "the comparison must see both spikes and silence"
    weights = torch.randn(2, *x.shape, generator=torch.Generator().manual_seed(1))
    (expected,) = torch.autograd.grad((spikes * weights[0] + potentials * weights[1]).sum(), x)

    state = run(x, neuron)
    (gradient,) = torch.autograd.grad((state.spike * weights[0] + state.membrane * weights[1]).sum(), x)

    assert torch.equal(state.spike, spikes)
    assert torch.equal(state.membrane, potentials)
    torch.testing.assert_close(gradient, expected, rtol=1e-5, atol=1e-6)


def test_learned_beta_has_snntorchs_gradient():
    x = currents(4)
    beta = torch.tensor(0.7, requires_grad=True)
    leaky = snntorch.Leaky(beta=0.7, learn_beta=True, spike_grad=surrogate.atan(2.0))
    membrane, total = torch.zeros_like(x[0]), 0.0
    for current in x:
        spike, membrane = leaky(current, membrane)
        total = total + spike.sum()
    total.backward()
    lif(x, Neuron(beta=beta)).spike.sum().backward()
    torch.testing.assert_close(beta.grad, leaky.beta.grad, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["atan", "fast_sigmoid"])
def test_surrogate_is_snntorchs(name):
    over = torch.linspace(-2, 2, 41, requires_grad=True)
    REFERENCE[name](3.0)(over).sum().backward()
    torch.testing.assert_close(surrogate_derivative(over.detach(), name, 3.0), over.grad)


def test_hand_worked_membrane():
    """beta 0.5, current 0.8 each step: 0.8, then 1.2 (spike), then 0.6 + 0.8 - 1 = 0.4."""
    state = lif(torch.full((3, 1, 1), 0.8), Neuron(beta=0.5))
    assert state.spike.flatten().tolist() == [0, 1, 0]
    assert state.membrane.flatten().tolist() == pytest.approx([0.8, 1.2, 0.4])


@pytest.mark.parametrize("bad", [{"reset_mechanism": "half"}, {"surrogate": "step"}])
def test_unknown_choice_is_named(bad):
    with pytest.raises(ValueError, match="unknown; choose"):
        Neuron(**bad)
