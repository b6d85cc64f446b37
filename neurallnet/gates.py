"""What if the gate did not look? Squeeze-and-excitation held at its mean, as an intervention on a trained network.

If accuracy stays, the gate's work was a gain per channel, which the next training can put elsewhere; if it falls, the gate's
response to the single image was used.
"""

import copy
from collections.abc import Iterable, Sequence

import numpy as np
from torch import Tensor, nn

from neurallnet.errors import ConfigError
from neurallnet.watching import run_watched


class FrozenGate(nn.Module):
    """The same gate (C,) for every row: (S, C) -> (S, C)."""

    def __init__(self, gate: Tensor) -> None:
        super().__init__()
        self.register_buffer("gate", gate.clone())

    def forward(self, z: Tensor) -> Tensor:
        return self.gate.expand_as(z)


def mean_gates(model: nn.Module, images: np.ndarray) -> list[Tensor]:
    """Mean SE gate of each block, float32 (C,), over `images` uint8 (N, H, W, 3) and time steps, in evaluation mode.

    Take the training images: the mean is then a constant the network could have learned. Raises ConfigError without SE or images.
    """
    gated = _gated(model)
    if not len(images):
        raise ConfigError("gates: no images; a mean needs some")
    sums: dict[int, Tensor] = {}
    rows: dict[int, int] = {}

    def collect(index: int):
        def hook(module: nn.Module, args: tuple[Tensor, ...], gate: Tensor) -> None:
            sums[index] = sums.get(index, 0) + gate.double().sum(0)
            rows[index] = rows.get(index, 0) + len(gate)

        return hook

    handles = [block.excitation.register_forward_hook(collect(index)) for index, block in enumerate(gated)]
    run_watched(model, images, handles)
    return [(sums[index] / rows[index]).float() for index in range(len(gated))]


def freeze_gates(model: nn.Module, gates: Sequence[Tensor]) -> nn.Module:
    """A copy of `model` in evaluation mode whose SE gates are `gates`, one (C,) per block; raises ConfigError on a misfit."""
    frozen = copy.deepcopy(model).eval()
    blocks = _gated(frozen)
    if len(blocks) != len(gates):
        raise ConfigError(f"gates: {len(gates)} given for {len(blocks)} blocks with SE")
    for index, (block, gate) in enumerate(zip(blocks, gates, strict=True)):
        if gate.shape != block.norm.bias.shape:
            raise ConfigError(f"gates: block {index} has {len(block.norm.bias)} channels, its gate the shape {tuple(gate.shape)}")
        block.excitation = FrozenGate(gate)
    return frozen


def _gated(model: nn.Module) -> list[nn.Module]:
    blocks: Iterable[nn.Module] = getattr(model, "blocks", ())
    found = [block for block in blocks if getattr(block, "excitation", None) is not None]
    if not found:
        raise ConfigError(f"gates: this {type(model).__name__} has no squeeze-and-excitation")
    return found
