"""Features are those of the real forward pass: same logits, rates that a hook counts, currents that batch normalization makes."""

import numpy as np
import pytest
import torch
from lively import lively
from torch import nn

from neurallnet.augment import to_float
from neurallnet.config import ModelConfig
from neurallnet.errors import ConfigError, DataError
from neurallnet.hue import stained_alike
from neurallnet.networks import build_model
from neurallnet.ood import features
from neurallnet.training import predict_logits


def pictures(count=5, size=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)


@pytest.fixture(scope="module")
def model():
    return lively(time_steps=3)


def test_logits_and_rates_are_those_of_the_network(model):
    images = pictures()
    found = features(model, images, batch_size=2)
    np.testing.assert_allclose(found["logits"], predict_logits(model, images), atol=2e-2)
    output = model(to_float(torch.from_numpy(images)))
    np.testing.assert_allclose(found["rates_3"], output.features.mean(0).detach().numpy(), atol=2e-2)
    shapes = {name: value.shape for name, value in found.items()}
    assert shapes == {"logits": (5, 4), "appearance": (5, 6 + 6 * 4), "rates_1": (5, 6), "rates_2": (5, 8), "rates_3": (5, 10)}
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in found.values())


def test_currents_are_statistics_of_the_first_convolution_before_an_image_normalizes_itself(model):
    """Channels normalized over the batch have their normalized current; own channels the raw one."""
    images = pictures()
    block, own = model.blocks[0], model.blocks[0].norm.own
    with torch.no_grad():
        current = block.conv(stained_alike(to_float(torch.from_numpy(images)), model.config.hue) * 4 - 2)
        norm = nn.functional.batch_norm(
            current, block.norm.running_mean, block.norm.running_var, block.norm.weight, block.norm.bias, eps=1e-5
        )
    assert 0 < own < len(block.norm.bias)
    current = torch.cat([current[:, :own], norm[:, own:]], 1).numpy()
    pooled = current.reshape(5, 6, 8, 2, 8, 2).mean((3, 5))
    expected = [current.mean((2, 3)), np.log(current.std((2, 3))), np.log(pooled.std((2, 3)))]
    pixels = images / 255
    colour = np.concatenate([pixels.mean((1, 2)), np.log(pixels.std((1, 2)))], 1)
    np.testing.assert_allclose(features(model, images)["appearance"][:, :6], colour, rtol=1e-4)
    np.testing.assert_allclose(features(model, images)["appearance"][:, 6:24], np.concatenate(expected, 1), rtol=1e-3, atol=1e-4)


def test_the_same_whatever_the_batches_and_twice(model):
    images = pictures(7)
    whole, split = features(model, images), features(model, images, batch_size=3)
    np.testing.assert_allclose(whole["appearance"], split["appearance"], atol=1e-4)
    again = features(model, images)
    assert all((whole[name] == again[name]).all() for name in whole)


@pytest.mark.parametrize("change", [{"encoding": "rate"}, {"normalization": "none"}, {"hue": "stored"}, {"excitation": "none"}])
def test_every_arm_of_the_network_has_them(change):
    found = features(lively(time_steps=2, **change), pictures())
    assert found["appearance"].shape == (5, 30) and np.isfinite(found["appearance"]).all()


WAYS = [(("standardized", "normalized"), 1), (("stored", "normalized"), 2), (("standardized",) * 2, 2)]


@pytest.mark.parametrize("hue, seen", WAYS)
def test_a_column_to_which_all_light_is_alike_says_nothing_of_appearance_where_another_sees_it(hue, seen):
    """As many statistics of the current as the channels of the columns that say something; those of the right ones."""
    model = lively(columns=2, hue=hue, own_norm=0.0)
    images = pictures()
    found = features(model, images)["appearance"]
    assert found.shape == (5, 6 + seen * 6 * 4)
    dim = features(model, images // 2)["appearance"]
    moved = np.abs(dim - found)[:, 6 : 6 + seen * 6].max(0) > 1e-2  # the channels' means
    assert moved.all() == ("standardized" not in hue or seen == 1) and moved.any() == (hue != ("standardized",) * 2)


def test_the_dense_twin_has_them_and_a_foreign_network_is_refused():
    dense = build_model(ModelConfig(family="dense", channels=(6, 8)))
    assert features(dense, pictures())["appearance"].shape == (5, 30)
    with pytest.raises(ConfigError, match="no blocks"):
        features(nn.Linear(3, 4), pictures())


def test_a_flat_picture_is_finite_and_leaves_no_hook_behind(model):
    flat = np.full((2, 32, 32, 3), 255, np.uint8)
    assert np.isfinite(features(model, flat)["appearance"]).all()
    assert not any(module._forward_hooks for module in model.modules())
    model.train()
    features(model, flat)
    assert model.training
    model.eval()


def test_other_arrays_are_refused(model):
    for images in (pictures().astype(np.float32), pictures()[0], pictures()[:0]):
        with pytest.raises(DataError, match="uint8"):
            features(model, images)
