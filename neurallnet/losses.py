"""What a network is trained to make small: cross-entropies of a spiking read-out, and a charge for spiking too much.

With step logits :math:`z_t` (T, B, classes) and labels :math:`y`,

    mean_ce   CE(mean over t of z_t, y)                        what evaluation looks at; by column, then averaged
    count_ce  CE(sum over t of z_t, y)                         snntorch's `ce_count_loss`
    rate_ce   mean over t of CE(z_t, y)                        snntorch's `ce_rate_loss`
    tet       (1 - l) rate_ce + l mean((z_t - phi)^2)          Deng et al. 2022, arXiv 2202.11946

A network without time has T = 1 and one loss, whatever it is called (but for the second term of `tet`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurallnet.errors import ConfigError
from neurallnet.model import Output, SpikingBlock

Loss = Callable[[Output, Tensor, float, Tensor | None], Tensor]

TET_SHARE, TET_TARGET = 1e-3, 1.0  # l and phi, the defaults of the authors' code


def mean_ce(output: Output, labels: Tensor, smoothing: float = 0.0, weight: Tensor | None = None) -> Tensor:
    """Cross-entropy of the time-mean logits; of columns, the weighted mean over all pairs of a column and an image, so that
    each has to be right by itself. `labels` may then be of each column's own images, (columns, B).
    """
    logits = output.logits[None] if output.column_logits is None else output.column_logits
    targets = labels.expand(logits.shape[:2]).flatten()
    return F.cross_entropy(logits.float().flatten(0, 1), targets, weight=weight, label_smoothing=smoothing)


def count_ce(output: Output, labels: Tensor, smoothing: float = 0.0, weight: Tensor | None = None) -> Tensor:
    """Cross-entropy of the logits summed over time: `mean_ce` with a temperature of 1 / T."""
    return F.cross_entropy(output.step_logits.float().sum(0), labels, weight=weight, label_smoothing=smoothing)


def rate_ce(output: Output, labels: Tensor, smoothing: float = 0.0, weight: Tensor | None = None) -> Tensor:
    """Mean over time steps of each step's cross-entropy: every step has to be right by itself."""
    logits = output.step_logits.float()
    return F.cross_entropy(logits.flatten(0, 1), labels.repeat(len(logits)), weight=weight, label_smoothing=smoothing)


def tet(output: Output, labels: Tensor, smoothing: float = 0.0, weight: Tensor | None = None) -> Tensor:
    """`rate_ce` with a small pull of all logits towards TET_TARGET, which keeps single steps from running away."""
    pull = (output.step_logits.float() - TET_TARGET).square().mean()
    return (1 - TET_SHARE) * rate_ce(output, labels, smoothing, weight) + TET_SHARE * pull


LOSSES: dict[str, Loss] = {loss.__name__: loss for loss in (mean_ce, count_ce, rate_ce, tet)}


def loss_function(name: str) -> Loss:
    """`loss(output, labels (B,), smoothing, class weights (classes,) or None) -> scalar`, float32; raises ConfigError."""
    if name not in LOSSES:
        raise ConfigError(f"loss {name!r} is unknown; choose one of {', '.join(LOSSES)}")
    return LOSSES[name]


@contextmanager
def spike_rates(model: nn.Module) -> Iterator[list[Tensor]]:
    """While entered, each forward pass of `model` leaves the mean spike rate of each block, with its gradient, in the list.

    Hooks that are there only then, so that a network trained without the charge does no work for it.

    >>> with spike_rates(model) as rates:  # doctest: +SKIP
    ...     loss = mean_ce(model(images), labels) + 0.1 * spike_rate_penalty(rates, 0.1)
    """
    blocks = [block for block in getattr(model, "blocks", ()) if isinstance(block, SpikingBlock)]
    if not blocks:
        raise ConfigError(f"{type(model).__name__} has no spiking blocks whose rate could be charged; train it without")
    rates: list[Tensor] = []

    def collect(index: int):
        def hook(module: nn.Module, args: tuple[Tensor, ...], spikes: Tensor) -> None:
            if index == 0:
                rates.clear()
            rates.append(spikes.mean(dtype=torch.float32))

        return hook

    handles = [block.register_forward_hook(collect(index)) for index, block in enumerate(blocks)]
    try:
        yield rates
    finally:
        for handle in handles:
            handle.remove()


def spike_rate_penalty(rates: list[Tensor] | Tensor, target: float) -> Tensor:
    """Mean over blocks of max(rate - target, 0)^2, `rates` and `target` in spikes per neuron and time step."""
    each = rates if isinstance(rates, Tensor) else torch.stack(list(rates))
    return (each - target).clamp_min(0).square().mean()
