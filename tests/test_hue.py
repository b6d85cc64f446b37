"""Hue normalization: a shift of all hues is invisible behind it, saturation and value stay, and every engine agrees."""

import numpy as np
import pytest
import torch
from skimage import color

from neurallnet.fused import library
from neurallnet.hue import DOMINANT, _compiled, _composed, normalize_hue


def pictures(count: int = 3, side: int = 24) -> torch.Tensor:
    """Smear-like: pale ground, blue-grey and violet discs, one picture each with another tint."""
    rng = np.random.default_rng(0)
    images = np.full((count, side, side, 3), (0.95, 0.94, 0.9))
    for image in images:
        for tint in ((0.6, 0.65, 0.75), (0.4, 0.25, 0.7)):
            y, x = rng.integers(4, side - 4, 2)
            image[y - 3 : y + 3, x - 3 : x + 3] = tint
        image += rng.normal(0, 0.01, image.shape)
    return torch.from_numpy(images.clip(0, 1).transpose(0, 3, 1, 2)).float().contiguous()


def shifted(images: torch.Tensor, turns: float) -> torch.Tensor:
    """Every hue turned, by scikit-image's HSV."""
    hsv = color.rgb2hsv(images.permute(0, 2, 3, 1).double().numpy())
    hsv[..., 0] = (hsv[..., 0] + turns) % 1
    return torch.from_numpy(color.hsv2rgb(hsv).transpose(0, 3, 1, 2)).float()


@pytest.mark.parametrize("turns", [-0.4, -0.1, 0.1, 0.25])
def test_a_shift_of_all_hues_disappears(turns):
    images = pictures()
    assert (shifted(images, turns) - images).abs().max() > 0.1
    torch.testing.assert_close(normalize_hue(shifted(images, turns)), normalize_hue(images), atol=2e-4, rtol=0)


def test_saturation_and_value_of_every_pixel_stay():
    images = pictures()
    before, after = (color.rgb2hsv(x.permute(0, 2, 3, 1).double().numpy()) for x in (images, normalize_hue(images)))
    np.testing.assert_allclose(after[..., 1:], before[..., 1:], atol=2e-5)


def test_the_dominant_hue_is_where_it_is_said_to_be():
    one = torch.tensor([0.2, 0.8, 0.3]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    hue = color.rgb2hsv(normalize_hue(one)[0, :, 0, 0].double().numpy())[0]
    assert hue * 6 == pytest.approx(DOMINANT, abs=1e-4)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_picture_without_colour_stays(level):
    grey = torch.full((1, 3, 8, 8), level)
    torch.testing.assert_close(normalize_hue(grey), grey)


@pytest.mark.skipif(library() is None, reason="the compiled engine was not built")
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_compiled_and_the_composed_form_agree(layout):
    images = pictures(4).contiguous(memory_format=layout)
    out = _compiled(images)
    assert out.is_contiguous(memory_format=layout)
    torch.testing.assert_close(out, _composed(images), atol=5e-5, rtol=0)


def test_gradients_reach_the_pixels():
    images = pictures().requires_grad_()
    normalize_hue(images).square().sum().backward()
    assert images.grad.isfinite().all() and images.grad.abs().max() > 0
