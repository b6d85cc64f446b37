"""How much of a network is alive: spike rate per block, and the share of it that never spikes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor, nn

from neurallnet.data.tables import read_table
from neurallnet.errors import ConfigError
from neurallnet.watching import run_watched

COLUMNS = ("block", "rate", "dead_channels", "dead_units", "channels", "units", "n")


@dataclass
class _Sum:
    """Of one block over batches: how many `values` were `active`, and `alive` (C, H, W) whether a unit ever was."""

    active: int = 0
    values: int = 0
    alive: Tensor | None = None


def activity(model: nn.Module, images: np.ndarray) -> pd.DataFrame:
    """A row per block, on `images` uint8 (N, H, W, 3), in evaluation mode and float32.

    `rate`: spikes per neuron and time step (of a network with ReLU, the share of values above zero). `dead_channels`,
    `dead_units`: share of the `channels`, and of the `units` (channel and pixel), that are silent on all `n` images at all time
    steps; the fewer images, the more seem dead. Raises ConfigError for a network without blocks, or without images.
    """
    blocks: Sequence[nn.Module] = getattr(model, "blocks", ())
    if not len(blocks):
        raise ConfigError(f"activity: {type(model).__name__} has no blocks whose spikes could be counted")
    if not len(images):
        raise ConfigError("activity: no images; spikes can only be counted on some")
    sums = [_Sum() for _ in blocks]

    def collect(total: _Sum):
        def hook(module: nn.Module, args: tuple[Tensor, ...], spikes: Tensor) -> None:
            active = spikes > 0
            total.active += int(active.sum())
            total.values += active.numel()
            fired = active.any(0)
            total.alive = fired if total.alive is None else total.alive | fired

        return hook

    handles = [block.register_forward_hook(collect(total)) for block, total in zip(blocks, sums, strict=True)]
    run_watched(model, images, handles)
    return pd.DataFrame([_row(index, total, len(images)) for index, total in enumerate(sums)], columns=COLUMNS)


def read_activity(path: Path) -> pd.DataFrame:
    """A table of `activity` that was written as CSV; raises DataError when it is missing or damaged."""
    shares = ("rate", "dead_channels", "dead_units")
    table = read_table(path, COLUMNS, integers=[name for name in COLUMNS if name not in shares])
    return table.astype(dict.fromkeys(shares, float))


def _row(block: int, total: _Sum, images: int) -> dict[str, float]:
    alive = total.alive
    assert alive is not None
    return {
        "block": block,
        "rate": total.active / total.values,
        "dead_channels": 1 - alive.flatten(1).any(1).double().mean().item(),
        "dead_units": 1 - alive.double().mean().item(),
        "channels": len(alive),
        "units": alive.numel(),
        "n": images,
    }
