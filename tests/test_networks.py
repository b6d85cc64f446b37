"""Every family trains through the same loop and survives its weight file."""

import numpy as np
import pytest
import torch
from lively import random_images

from neurallnet.checkpoints import load_weights, save_weights
from neurallnet.config import AugmentConfig, ModelConfig, TrainConfig
from neurallnet.hue import stained_alike
from neurallnet.model import NeurALLNet, parameter_count
from neurallnet.networks import build_model
from neurallnet.peers import build_peer
from neurallnet.training import Examples, fit, predict_logits, validation_scores
from neurallnet.twins import DenseTwin

NEEDS_MONAI = ("efficientnet_b0", "densenet121")
PLAIN = AugmentConfig(symmetries=False, shift=0, zoom=0, stain=0, brightness=0, contrast=0, saturation=0, hue=0, noise=0)
FAMILIES = ["dense", "small_cnn", "mobilenet_v2", *NEEDS_MONAI]


def test_spiking_family_is_the_network_itself():
    model = build_model(ModelConfig(channels=(4, 6)))
    assert type(model) is NeurALLNet and model.config.channels == (4, 6)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_peer_is_its_body_with_one_time_step(family):
    if family in NEEDS_MONAI:
        pytest.importorskip("monai")
    config = ModelConfig(family=family, classes=3, channels=(4, 6))
    model = build_model(config).eval()
    body = DenseTwin(config) if family == "dense" else build_peer(family, 3)
    assert parameter_count(model) == parameter_count(body)
    with torch.inference_mode():
        images = random_images(2, 32)
        out = model(images)
        seen = images if family == "dense" else stained_alike(images, config.hue)
        torch.testing.assert_close(out.logits, model.body(seen))
        assert torch.equal(out.step_logits[0], out.logits)
    assert out.logits.shape == (2, 3) and out.features.shape == (1, 2, 0)


@pytest.mark.parametrize("family", ["dense", "small_cnn"])
def test_training_learns_red_from_blue_and_weights_survive(family, tmp_path):
    draw = np.random.default_rng(0)
    images, labels = draw.integers(0, 120, (40, 16, 16, 3), dtype=np.uint8), np.arange(40) % 2
    images[labels == 0, ..., 0] += 120
    images[labels == 1, ..., 2] += 120
    config = ModelConfig(family=family, classes=2, channels=(4, 6), hue="stored")
    train = TrainConfig(epochs=10, batch_size=8, learning_rate=0.02, averaging=0, precision="float32")
    torch.manual_seed(0)
    model, examples, path = build_model(config), Examples(images, labels), tmp_path / "c.safetensors"
    fit(model, examples, np.arange(30), np.arange(30, 40), train, 0, path, progress=False, changes=PLAIN)
    logits = predict_logits(model, images, np.arange(30, 40))
    assert (logits.argmax(1) == labels[30:]).all()
    save_weights(tmp_path / "w.safetensors", model)
    again = build_model(config)
    load_weights(tmp_path / "w.safetensors", again)
    np.testing.assert_array_equal(predict_logits(again, images, np.arange(30, 40)), logits)


def test_the_last_epoch_is_kept_whatever_validation_says(tmp_path):
    """Labels are colours in training and shuffled in validation: the best validation epoch is no better than another."""
    draw = np.random.default_rng(1)
    labels = np.arange(48) % 2
    images = (draw.integers(0, 90, (48, 16, 16, 3)) + 120 * labels[:, None, None, None]).astype(np.uint8)
    examples = Examples(images, np.where(np.arange(48) < 24, labels, draw.permutation(labels)))
    model = build_model(ModelConfig(classes=2, channels=(4, 6), hue="stored"))
    config = TrainConfig(epochs=10, batch_size=8, learning_rate=0.02, averaging=0, precision="float32")
    rows = np.arange(24, 48)
    history = fit(model, examples, np.arange(24), rows, config, 0, tmp_path / "c.safetensors", progress=False, changes=PLAIN)
    found = validation_scores(predict_logits(model, images, rows), examples.labels[rows])
    assert len(history) == 10 and found["val_loss"] == pytest.approx(history[-1]["val_loss"], abs=1e-6)
    assert min(row["val_loss"] for row in history) < history[-1]["val_loss"] - 1e-3, "another epoch had a lower loss"


@pytest.mark.parametrize(
    "changes", [{"encoding": "rate"}, {"beta_learned": True, "time_steps": 3}, {"convolution": "separable"}], ids=str
)
def test_an_interrupted_training_of_a_variant_goes_on_from_its_checkpoint(changes, tmp_path):
    """Names and shapes of the optimizer's state, a scalar among them, come back."""
    draw = np.random.default_rng(0)
    examples = Examples(draw.integers(0, 256, (24, 16, 16, 3), dtype=np.uint8), np.arange(24) % 2)
    train = TrainConfig(epochs=1, batch_size=8, precision="float32")
    config, rows = ModelConfig(classes=2, channels=(4, 6), **changes), np.arange(24)
    fit(build_model(config), examples, rows, rows, train, 0, tmp_path / "c.safetensors", progress=False)
    longer = TrainConfig(epochs=2, batch_size=8, precision="float32")
    history = fit(build_model(config), examples, rows, rows, longer, 0, tmp_path / "c.safetensors", progress=False)
    assert [row["epoch"] for row in history] == [1, 2]
