"""Codes of an image in spikes are snntorch's, and in evaluation an image gets the same spikes whatever stands beside it."""

import pytest
import torch
from lively import lively, random_images

from neurallnet.encoding import encode
from neurallnet.model import NeurALLNet


@pytest.mark.parametrize("steps", [2, 4, 8])
def test_latency_is_snntorchs(steps):
    spikegen = pytest.importorskip("snntorch.spikegen")
    images = torch.cat([random_images(3, 16), torch.tensor([0.0, 0.004, 0.01, 1.0]).expand(1, 3, 16, 4).repeat(1, 1, 1, 4)])
    wanted = spikegen.latency(images, num_steps=steps, normalize=True, linear=True)
    assert torch.equal(encode(images, "latency", steps, training=True).unflatten(0, (steps, -1)), wanted)


def test_rate_in_training_is_snntorchs():
    spikegen = pytest.importorskip("snntorch.spikegen")
    images = random_images(3, 16)
    torch.manual_seed(1)
    wanted = spikegen.rate(images, num_steps=4)
    torch.manual_seed(1)
    assert torch.equal(encode(images, "rate", 4, training=True).unflatten(0, (4, -1)), wanted)


def test_rate_in_evaluation_spikes_as_often_as_the_image_is_bright():
    images = random_images(2, 8)
    spikes = encode(images, "rate", 4000, training=False).unflatten(0, (4000, -1))
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(spikes.mean(0), images, rtol=0, atol=5 * 0.5 / 4000**0.5)  # five standard errors
    extremes = torch.tensor([0.0, 1.0]).expand(1, 3, 8, 2)
    assert torch.equal(encode(extremes, "rate", 50, training=False), extremes.expand(50, -1, -1, -1))


@pytest.mark.parametrize("encoding", ["rate", "latency"])
@torch.inference_mode()
def test_evaluation_repeats_and_does_not_see_the_rest_of_the_batch(encoding):
    model, images = lively(encoding=encoding), random_images(4)
    first = model(images).logits
    torch.manual_seed(7)  # nothing of the global generator is used
    assert torch.equal(model(images).logits, first)
    torch.testing.assert_close(model(images[2:3]).logits, first[2:3])
    assert first.std() > 0


@pytest.mark.parametrize("encoding", ["rate", "latency"])
def test_the_first_convolution_sees_spikes_at_every_step(encoding):
    model: NeurALLNet = lively(encoding=encoding, time_steps=3)
    seen = []
    model.blocks[0].register_forward_hook(lambda module, inputs, out: seen.append(inputs[0]))
    model(random_images(2))
    assert seen[0].shape == (6, 3, 32, 32) and set(seen[0].unique().tolist()) == {0.0, 1.0}
