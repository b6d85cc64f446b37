"""Pooling by attention: what a tile weighs, that nothing else changes, and where it is refused."""

import numpy as np
import pytest
import torch
from lively import lively, random_images

from neurallnet.config import ModelConfig, run_config
from neurallnet.errors import ConfigError
from neurallnet.inference import Unrolled
from neurallnet.model import NeurALLNet, side_by_side
from neurallnet.nir_graph import refuse_nir
from neurallnet.pooling import AttentionPool, tile_weights
from neurallnet.twins import snntorch_twin


def test_weights_are_the_gated_attention_of_the_paper():
    torch.manual_seed(0)
    pool = AttentionPool(3, hidden=4)
    spikes = torch.randint(0, 2, (2, 5, 3, 2, 3)).float()
    v, bv, u, bu, w = (
        part.detach().numpy() for part in (*pool.value.parameters(), *pool.gate.parameters(), *pool.score.parameters())
    )
    for image in range(5):
        bag = spikes[:, image].numpy().mean(0).reshape(3, 6).T  # a row per tile
        score = np.tanh(bag @ v.T + bv) / (1 + np.exp(-(bag @ u.T + bu))) @ w[0]
        weight = np.exp(score) / np.exp(score).sum()
        assert pool.weights(spikes)[image].flatten().tolist() == pytest.approx(weight.tolist(), abs=1e-6)
        wanted = np.stack([step.reshape(3, 6) @ weight for step in spikes[:, image].numpy()])
        assert np.allclose(pool(spikes)[:, image].detach().numpy(), wanted, atol=1e-6)


def test_equal_tiles_are_averaged():
    pool = AttentionPool(3)
    spikes = torch.ones(2, 4, 3, 5, 5)
    assert torch.allclose(pool.weights(spikes), torch.full((4, 5, 5), 1 / 25))
    assert torch.allclose(pool(spikes), torch.ones(2, 4, 3))


def test_network_equals_the_snntorch_loop_and_reads_out_what_it_attends_to():
    net, images = lively(pooling="attention"), random_images(3)
    with torch.no_grad():
        ours, theirs = net(images), snntorch_twin(net)(images)
    assert ours.features.shape == (2, 3, 10) and ours.features.std() > 0.01
    assert torch.allclose(ours.logits, theirs.logits, atol=1e-5)
    assert torch.allclose(ours.step_logits, net.readout(ours.features))


def test_tile_weights_follow_the_images_that_were_given():
    net = lively(pooling="attention")
    with torch.no_grad():
        net.pool.score.weight.mul_(50)
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    weights = tile_weights(net, images, batch_size=2)
    assert weights.shape == (5, 4, 4) and np.allclose(weights.sum((1, 2)), 1, atol=1e-5)
    assert np.allclose(tile_weights(net, images[::-1].copy()), weights[::-1], atol=1e-5) and weights.std() > 0.01
    with torch.no_grad():
        x = side_by_side(torch.from_numpy(images).permute(0, 3, 1, 2) / 255, net.config.hue) * 4 - 2
        for block in net.blocks:
            x = block(x)
        wanted = net.pool.weights(x.unflatten(0, (2, -1)))
    assert np.allclose(weights, wanted.numpy(), atol=1e-5)
    assert not net.pool._forward_hooks and tile_weights(net, images[:0]).shape[0] == 0


def test_a_network_that_averages_has_no_tiles():
    with pytest.raises(ConfigError, match="model.pooling=attention"):
        tile_weights(NeurALLNet(ModelConfig(channels=(4, 6))), np.zeros((1, 16, 16, 3), np.uint8))


@pytest.mark.parametrize("change", [{"columns": 2}, {"family": "dense"}, {"family": "small_cnn"}])
def test_attention_is_of_a_single_spiking_network(change):
    with pytest.raises(ConfigError, match="single spiking network"):
        run_config({"model": {"pooling": "attention", **change}})


def test_exports_that_know_the_mean_only_say_so():
    net = lively(pooling="attention")
    with pytest.raises(ConfigError, match="pooling 'attention'"):
        Unrolled(net)
    with pytest.raises(ConfigError, match="use 'mean'"):
        refuse_nir(net)
