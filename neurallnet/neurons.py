r"""Leaky integrate-and-fire (LIF) neurons: one step as a pure function, and all time steps at once.

With membrane potential :math:`u`, threshold :math:`\theta`, decay :math:`\beta`, input current :math:`I` and Heaviside :math:`H`,

.. math::
    r_t = H(u_{t-1} - \theta), \qquad
    m_t = \beta u_{t-1} + I_t - r_t \theta, \qquad
    s_t = H(m_t - \theta), \qquad u_t = m_t

for the default neuron (subtract reset, one step late). This is the behaviour of `snntorch.Leaky` (Eshraghian et al.,
Proc. IEEE 2023, doi 10.1109/JPROC.2023.3308088) in forward and backward; the tests hold the two equal. `H` has no useful
derivative, so the backward pass uses a surrogate gradient (Neftci et al. 2019, doi 10.1109/MSP.2019.2931595).

>>> neuron = Neuron(beta=0.5)
>>> state = lif_step(torch.tensor([1.2]), torch.tensor([0.0]), neuron)
>>> state.spike.item(), round(state.membrane.item(), 3)
(1.0, 1.2)
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

SURROGATES = ("fast_sigmoid", "atan")


@dataclass(frozen=True)
class Neuron:
    """Constants of a LIF neuron; potentials and threshold are in units of the input current."""

    beta: float | Tensor = 0.9  # decay per time step, clamped to [0, 1]; a tensor may be learned
    threshold: float = 1.0
    reset_mechanism: str = "subtract"  # or "zero"
    reset_delay: bool = True  # True: the reset of a spike acts one time step later
    surrogate: str = "atan"
    slope: float = 2.0  # of the surrogate: alpha of atan, slope of fast_sigmoid

    def __post_init__(self) -> None:
        if self.reset_mechanism not in ("subtract", "zero"):
            raise ValueError(f"reset_mechanism {self.reset_mechanism!r} is unknown; choose 'subtract' or 'zero'")
        if self.surrogate not in SURROGATES:
            raise ValueError(f"surrogate {self.surrogate!r} is unknown; choose one of {', '.join(SURROGATES)}")

    def clamped_beta(self) -> float | Tensor:
        if isinstance(self.beta, Tensor):
            return self.beta.clamp(0, 1)
        return min(max(self.beta, 0.0), 1.0)


class LIFState(NamedTuple):
    """What one step returns: `spike` (0 or 1) and `membrane` potential, both of the current's shape."""

    spike: Tensor
    membrane: Tensor


class _Spike(torch.autograd.Function):
    """H(over), with the surrogate's derivative in the backward pass."""

    @staticmethod
    def forward(ctx, over: Tensor, surrogate: str, slope: float) -> Tensor:
        ctx.save_for_backward(over)
        ctx.surrogate, ctx.slope = surrogate, slope
        return (over > 0).to(over.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        (over,) = ctx.saved_tensors
        return gradient * surrogate_derivative(over, ctx.surrogate, ctx.slope), None, None


def surrogate_derivative(over: Tensor, surrogate: str, slope: float) -> Tensor:
    """dS/dm at `over` = membrane potential minus threshold, any shape.

    fast_sigmoid: 1 / (1 + slope |over|)^2 (Zenke & Ganguli 2018); atan: (slope / 2) / (1 + (pi slope over / 2)^2)
    (Fang et al. 2021).
    """
    if surrogate == "fast_sigmoid":
        return (slope * over.abs() + 1.0) ** -2
    return 0.5 * slope / (1 + (math.pi / 2 * slope * over) ** 2)


def lif_step(current: Tensor, membrane: Tensor, neuron: Neuron) -> LIFState:
    """One time step. `current` and `membrane` (of the step before; zeros at the start) have one shape, which is returned.

    The reset that the last spike causes carries no gradient, as in snntorch.
    """
    theta = neuron.threshold
    reset = (membrane.detach() - theta > 0).to(current.dtype)
    if neuron.reset_mechanism == "subtract":
        potential = neuron.clamped_beta() * membrane + current - reset * theta
    else:
        potential = neuron.clamped_beta() * ((1 - reset) * membrane) + current
    spike = _Spike.apply(potential - theta, neuron.surrogate, neuron.slope)
    if neuron.reset_delay:
        return LIFState(spike, potential)
    removed = theta if neuron.reset_mechanism == "subtract" else potential
    return LIFState(spike, potential - (spike - reset) * removed)


def lif_loop(currents: Tensor, neuron: Neuron) -> LIFState:
    """All steps of `currents` (T, ...) by repeating `lif_step` from rest: the plain form, for any device and learned beta.

    Returns spikes and membrane potentials, each (T, ...).
    """
    membrane = torch.zeros_like(currents[0])
    states = []
    for current in currents:
        state = lif_step(current, membrane, neuron)
        membrane = state.membrane
        states.append(state)
    return LIFState(torch.stack([s.spike for s in states]), torch.stack([s.membrane for s in states]))
