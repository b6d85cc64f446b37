"""Grad-CAM equals captum's and, in the last block, its closed form; integrated gradients are exact where gradients are."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lively import lively, random_images
from torch import nn

from neurallnet.errors import ConfigError, DataError
from neurallnet.explain import cam_maps, grad_cam, integrated_gradients


def pictures(count: int = 5, size: int = 32, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("block", [0, 1, 2])
@pytest.mark.parametrize("excitation", ["step", "none"])
def test_equals_captum_at_every_time_step(block, excitation):
    captum = pytest.importorskip("captum.attr")
    model, images = lively(time_steps=3, excitation=excitation), random_images(4)
    targets = torch.tensor([0, 3, 1, 1])
    ours, _ = grad_cam(model, images, targets, block)
    theirs = captum.LayerGradCam(lambda x: model(x).logits, model.blocks[block])
    expected = theirs.attribute(images.requires_grad_(), target=targets, relu_attributions=False).detach()
    assert ours.abs().sum() > 0
    torch.testing.assert_close(ours, expected[:, 0].unflatten(0, (3, 4)))


def test_last_block_is_the_class_activation_map():
    """There the derivative is the readout's weight over T h w (Zhou et al. 2016): M_t = sum_k W_ck S_tk / (T h w)."""
    model, images = lively(), random_images(3)
    kept = []
    model.blocks[2].register_forward_hook(lambda module, inputs, spikes: kept.append(spikes.detach()))
    maps, targets = grad_cam(model, images)
    spikes = kept[0].unflatten(0, (-1, 3))
    steps, height, width = len(spikes), *spikes.shape[-2:]
    expected = torch.einsum("bk,tbkij->tbij", model.readout.weight.detach()[targets], spikes) / (steps * height * width)
    torch.testing.assert_close(maps, expected)


def test_predicted_class_is_explained_unless_another_is_named():
    model, images = lively(), pictures()
    predicted = model(torch.from_numpy(images).permute(0, 3, 1, 2) / 255).logits.argmax(1).numpy()
    found = cam_maps(model, images)
    assert (found.targets == predicted).all()
    other = cam_maps(model, images, (predicted + 1) % 4)
    assert not np.allclose(other.signed, found.signed)
    np.testing.assert_array_equal(cam_maps(model, images, predicted).steps, found.steps)


def test_time_steps_are_summed_before_the_negative_part_goes():
    found = cam_maps(lively(), pictures(), block=1)
    assert (found.steps < 0).any() and (found.steps > 0).any()
    np.testing.assert_allclose(found.attention, np.clip(found.steps.sum(0), 0, None))
    np.testing.assert_allclose(found.step_attention, np.clip(found.steps, 0, None))


def test_batches_do_not_matter_and_parameters_stay_without_gradients():
    model, images = lively(), pictures()
    np.testing.assert_allclose(cam_maps(model, images, batch_size=2).steps, cam_maps(model, images).steps, atol=1e-7)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(block._forward_hooks for block in model.blocks)


def test_what_cannot_be_explained_is_named():
    model = lively()
    for block in (3, -1):
        with pytest.raises(ConfigError, match="blocks 0 to 2"):
            cam_maps(model, pictures(), block=block)
    with pytest.raises(ConfigError, match="Linear has no blocks"):
        cam_maps(nn.Linear(2, 2), pictures())
    for wrong in (pictures()[0], pictures().astype(np.float32), pictures()[:0]):
        with pytest.raises(DataError, match="uint8"):
            cam_maps(model, wrong)


class Weights(nn.Module):
    """Logits linear in the pixels: there integrated gradients are weight times distance from the baseline."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(1)))

    def forward(self, x: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(logits=torch.einsum("ckij,bkij->bc", self.weight, x))


def test_integrated_gradients_of_a_linear_network():
    pytest.importorskip("captum")
    model, images, targets = Weights(), pictures(size=8), np.array([0, 1, 2, 3, 0])
    found = integrated_gradients(model, images, targets, baseline=np.array([255, 0, 51]), batch_size=2)
    distance = images / 255 - np.array([1, 0, 0.2])
    expected = (model.weight.detach().numpy()[targets].transpose(0, 2, 3, 1) * distance).sum(3)
    np.testing.assert_allclose(found.maps, expected, atol=1e-5)
    np.testing.assert_allclose(found.rise, expected.sum((1, 2)), atol=1e-4)
    np.testing.assert_allclose(found.gap, 0, atol=1e-4)
    assert (found.attention == np.where(found.maps > 0, found.maps, 0)).all()


def test_spikes_leave_a_gap_in_integrated_gradients():
    """A surrogate is no derivative; the gap that comes of it is what is missing to the rise of the logit."""
    pytest.importorskip("captum")
    model, images = lively(), pictures()
    found = integrated_gradients(model, images, np.zeros(5, np.int64), steps=8)
    mean = torch.tensor(images.mean((0, 1, 2)) / 255, dtype=torch.float32).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    with torch.no_grad():
        whole, empty = model(torch.from_numpy(images).permute(0, 3, 1, 2) / 255).logits, model(mean).logits
    np.testing.assert_allclose(found.rise, (whole - empty)[:, 0].numpy(), atol=1e-5)
    np.testing.assert_allclose(found.maps.sum((1, 2)), found.rise + found.gap, atol=1e-4)
    assert np.abs(found.gap).max() > 1e-3
