"""What the network does inside: spikes per layer, place and time step, and the SE gate of each step and channel."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from neurallnet.augment import to_float
from neurallnet.explain.gradcam import BATCH, batches, block_of


@contextmanager
def _recorded(model: nn.Module, gates: bool) -> Iterator[dict[int, Tensor]]:
    """Block number -> what its forward pass returned last, or what its excitation did with `gates`; blocks without one lack."""
    found: dict[int, Tensor] = {}
    hooks = []
    for number, block in enumerate(model.blocks):
        module = getattr(block, "excitation", None) if gates else block
        if module is not None:
            hooks.append(module.register_forward_hook(lambda _, inputs, out, number=number: found.update({number: out})))
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _each_batch(model: nn.Module, images: np.ndarray, gates: bool, batch_size: int) -> Iterator[tuple[dict[int, Tensor], int, int]]:
    """For each batch: what was recorded, its number of images, and the time steps."""
    model.eval()
    with _recorded(model, gates) as found, torch.inference_mode():
        block_of(model)
        for rows in batches(images, batch_size):
            steps = len(model(to_float(torch.from_numpy(images[rows]))).step_logits)
            yield found, len(rows), steps


def spike_maps(model: nn.Module, images: np.ndarray, batch_size: int = BATCH) -> list[np.ndarray]:
    """Share of a block's channels that fire, float32 (T, N, h, w) for each block, of uint8 images (N, H, W, 3)."""
    parts: list[list[np.ndarray]] = [[] for _ in model.blocks]
    for found, count, _ in _each_batch(model, images, False, batch_size):
        for number, spikes in found.items():
            parts[number].append(spikes.float().mean(1).unflatten(0, (-1, count)).numpy())
    return [np.concatenate(of_block, axis=1) for of_block in parts]


def spike_rates(model: nn.Module, images: np.ndarray, batch_size: int = BATCH) -> np.ndarray:
    """Spikes per neuron at each time step, float64 (blocks, T): mean over images, channels and places."""
    return np.stack([of_block.mean((1, 2, 3), dtype=np.float64) for of_block in spike_maps(model, images, batch_size)])


def gate_values(model: nn.Module, images: np.ndarray, batch_size: int = BATCH) -> dict[int, np.ndarray]:
    """Block number -> gate of each time step, image and channel, float32 (T, N, C); blocks without excitation are left out.

    A gate that is one for all steps (the first block's, whose input does not change) or for all images is repeated.
    """
    parts: dict[int, list[np.ndarray]] = {}
    for found, count, steps in _each_batch(model, images, True, batch_size):
        for number, gate in found.items():
            rows = gate.float().reshape(-1, gate.shape[-1])  # (T * count, C), (count, C) or (1, C)
            rows = rows.unflatten(0, (-1, count)) if len(rows) % count == 0 else rows[None]
            parts.setdefault(number, []).append(rows.expand(steps, count, -1).numpy())
    return {number: np.concatenate(of_block, axis=1) for number, of_block in sorted(parts.items())}
