"""Spike and gate maps equal those of the written-out inference form, which computes them on another path."""

import numpy as np
import pytest
import torch
from lively import lively
from torch import nn

from neurallnet.explain import gate_values, spike_maps, spike_rates
from neurallnet.inference import Unrolled


def pictures(count: int = 5) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def as_input(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def test_gates_and_rates_equal_the_inference_form():
    model, images = lively(time_steps=3), pictures()
    with torch.inference_mode():
        details = Unrolled(model, details=True)(as_input(images))
    gates = gate_values(model, images, batch_size=2)
    assert list(gates) == [0, 1, 2]
    for ours, expected in zip(gates.values(), details.gates, strict=True):
        np.testing.assert_allclose(ours, expected.numpy(), atol=1e-5)
    assert np.ptp(gates[2], axis=0).max() > 1e-4, "the gate moves with time"
    rates = details.spike_rates.mean(1).T.numpy()  # (blocks, T)
    assert rates.min() > 0
    np.testing.assert_allclose(spike_rates(model, images), rates, atol=1e-5)


def test_spike_maps_are_shares_of_channels_at_each_place():
    model, images = lively(time_steps=3), pictures()
    maps = spike_maps(model, images, batch_size=3)
    assert [of_block.shape for of_block in maps] == [(3, 5, 16, 16), (3, 5, 8, 8), (3, 5, 4, 4)]
    with torch.inference_mode():
        features = model(as_input(images)).features  # (T, N, C): rates of the last block by channel
    np.testing.assert_allclose(maps[2].mean((2, 3)), features.mean(2).numpy(), atol=1e-6)
    for of_block, channels in zip(maps, model.config.channels, strict=True):
        np.testing.assert_allclose(of_block * channels, np.round(of_block * channels), atol=1e-5)


class OneGate(nn.Module):
    """The same gate for all images and steps, as a vector (C,)."""

    def __init__(self, gate: torch.Tensor) -> None:
        super().__init__()
        self.gate = gate

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.gate


def test_a_gate_for_all_is_repeated_and_blocks_without_are_left_out():
    model = lively(time_steps=2)
    model.blocks[0].excitation = None
    model.blocks[1].excitation = OneGate(torch.linspace(0.1, 0.9, 8))
    gates = gate_values(model, pictures(), batch_size=2)
    assert list(gates) == [1, 2]
    assert gates[1].shape == (2, 5, 8)
    np.testing.assert_allclose(gates[1], np.broadcast_to(np.linspace(0.1, 0.9, 8), (2, 5, 8)), atol=1e-6)
    assert gate_values(lively(excitation="none"), pictures()) == {}


@pytest.mark.parametrize("read", [spike_maps, gate_values])
def test_hooks_are_gone_afterwards(read):
    model = lively()
    read(model, pictures())
    assert not any(module._forward_hooks for module in model.modules())
