"""Rates and dead shares against spikes collected by hand, and against a network one channel of which was silenced."""

import numpy as np
import pytest
import torch
from lively import lively

from neurallnet.activity import activity, read_activity
from neurallnet.augment import to_float
from neurallnet.config import ModelConfig
from neurallnet.data.tables import write_table
from neurallnet.errors import ConfigError
from neurallnet.networks import build_model


@pytest.fixture
def images() -> np.ndarray:
    """70 pictures: more than one batch."""
    return np.random.default_rng(0).integers(0, 256, (70, 32, 32, 3), dtype=np.uint8)


def test_counts_equal_those_of_all_spikes_at_once(images):
    model, spikes = lively(time_steps=3), []
    handles = [b.register_forward_hook(lambda module, inputs, out: spikes.append(out)) for b in model.blocks]
    with torch.inference_mode():
        model(to_float(torch.from_numpy(images)))
    for handle in handles:
        handle.remove()
    found = activity(model, images)
    assert found["rate"].tolist() == pytest.approx([s.mean().item() for s in spikes], abs=1e-6)
    assert found["dead_units"].tolist() == pytest.approx([(s.sum(0) == 0).double().mean().item() for s in spikes])
    assert found["channels"].tolist() == [6, 8, 10] and found["units"].tolist() == [6 * 256, 8 * 64, 10 * 16]
    assert set(found["n"]) == {70} and not model.training and not model.blocks[0]._forward_hooks


def test_a_silenced_channel_and_block_are_counted(images):
    model = lively()
    with torch.no_grad():
        model.blocks[0].norm.weight[2:5] = 0
        model.blocks[0].norm.bias[2:5] = -1
        model.blocks[2].norm.weight.zero_()
        model.blocks[2].norm.bias.fill_(-1)
    found = activity(model.train(), images)
    assert model.training
    assert found["dead_channels"].tolist() == pytest.approx([0.5, 0.0, 1.0])
    assert found["rate"].iloc[2] == 0 and found["dead_units"].iloc[2] == 1


def test_dense_twin_counts_values_above_zero(images):
    model = build_model(ModelConfig(family="dense", channels=(6, 8), excitation="none", hue="stored")).eval()
    with torch.inference_mode():
        first = model.blocks[0](to_float(torch.from_numpy(images)) * 4 - 2)
    found = activity(model, images)
    assert found["rate"].iloc[0] == pytest.approx((first > 0).double().mean().item(), abs=1e-6)


def test_table_survives_its_file(images, tmp_path):
    found = activity(lively(), images)
    write_table(found, tmp_path / "activity.csv")
    assert read_activity(tmp_path / "activity.csv").equals(found)


def test_nothing_to_count_is_named(images):
    with pytest.raises(ConfigError, match="no blocks"):
        activity(build_model(ModelConfig(family="small_cnn")), images)
    with pytest.raises(ConfigError, match="no images"):
        activity(lively(), images[:0])
