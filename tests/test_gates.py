"""Freezing the gates at their mean changes what depends on the single image, and nothing else."""

import numpy as np
import pytest
import torch
from lively import lively

from neurallnet.config import ModelConfig
from neurallnet.errors import ConfigError
from neurallnet.gates import freeze_gates, mean_gates
from neurallnet.networks import build_model
from neurallnet.training import predict_logits


@pytest.fixture
def images() -> np.ndarray:
    """70 pictures, more than one batch, of different brightness, so that gates differ."""
    draw = np.random.default_rng(0)
    return (draw.integers(0, 256, (70, 32, 32, 3)) * draw.random((70, 1, 1, 3))).astype(np.uint8)


@pytest.mark.parametrize("excitation", ["step", "image"])
def test_mean_is_over_images_and_steps(images, excitation):
    model = lively(excitation=excitation)
    seen = [[] for _ in model.blocks]
    for block, rows in zip(model.blocks, seen, strict=True):
        block.excitation.register_forward_hook(lambda module, inputs, gate, rows=rows: rows.append(gate.mean(0)))
    found = mean_gates(model, images)
    for rows in seen:
        rows.clear()
    for one in images:
        predict_logits(model, one[None])  # an image at a time: the mean of means is the mean
    for gate, rows in zip(found, seen, strict=True):
        torch.testing.assert_close(gate, torch.stack(rows).mean(0))


def test_frozen_network_has_these_gates_and_the_original_is_untouched(images):
    model = lively()
    before = predict_logits(model, images)
    gates = [torch.full((len(block.norm.bias),), 0.25) for block in model.blocks]
    frozen = freeze_gates(model, gates)
    currents = []
    frozen.blocks[1].register_forward_hook(lambda module, inputs, out: currents.append(module.excitation(torch.rand(5, 8))))
    changed = predict_logits(frozen, images)
    assert torch.equal(currents[0], torch.full((5, 8), 0.25))
    assert not np.allclose(changed, before) and np.array_equal(predict_logits(model, images), before)


def test_a_constant_gain_survives_freezing(images):
    """Where the gate is constant already, its mean is the gate, and freezing it changes no logit."""
    model = lively(excitation="gain")
    frozen = freeze_gates(model, mean_gates(model, images))
    np.testing.assert_allclose(predict_logits(frozen, images), predict_logits(model, images), atol=1e-6)


def test_dense_twin_can_be_frozen_too(images):
    torch.manual_seed(0)
    model = build_model(ModelConfig(family="dense", channels=(6, 8), excitation_ratio=1))
    frozen = freeze_gates(model, mean_gates(model, images))
    assert not np.array_equal(predict_logits(frozen, images), predict_logits(model, images))


def test_what_cannot_be_frozen_is_named(images):
    with pytest.raises(ConfigError, match="no squeeze-and-excitation"):
        mean_gates(lively(excitation="none"), images)
    with pytest.raises(ConfigError, match="no images"):
        mean_gates(lively(), images[:0])
    with pytest.raises(ConfigError, match="2 given for 3 blocks"):
        freeze_gates(lively(), [torch.ones(6), torch.ones(8)])
    with pytest.raises(ConfigError, match="block 1 has 8 channels"):
        freeze_gates(lively(), [torch.ones(6), torch.ones(9), torch.ones(10)])
