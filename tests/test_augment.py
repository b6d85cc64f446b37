"""Augmentation: symmetries keep pixels, colour stays in range, a generator makes it repeatable."""

import math

import pytest
import torch

from neurallnet.augment import augment, colour, hue_rotation, symmetries, to_float


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(count: int = 40) -> torch.Tensor:
    return torch.randint(0, 256, (count, 6, 6, 3), generator=seeded(9), dtype=torch.uint8)


def test_symmetries_are_the_eight_of_the_square():
    one = batch(1)
    images = one.expand(400, -1, -1, -1)
    turned = {tuple(x.flatten().tolist()) for x in symmetries(images, seeded())}
    expected = set()
    for k in range(4):
        rotated = torch.rot90(one[0], k, dims=(0, 1))
        expected |= {tuple(rotated.flatten().tolist()), tuple(rotated.flip(1).flatten().tolist())}
    assert turned == expected and len(expected) == 8


@pytest.mark.parametrize("mode", ["full", "geometry", "none"])
def test_range_shape_and_repeatability(mode):
    images = batch()
    out = augment(images, mode, seeded())
    assert out.shape == (40, 3, 6, 6) and out.min() >= 0 and out.max() <= 1
    assert torch.equal(out, augment(images, mode, seeded()))
    assert torch.equal(out, augment(images, mode, seeded(1))) == (mode == "none")


def test_colour_leaves_grey_pixels_grey():
    grey = torch.full((5, 3, 4, 4), 0.5)
    out = colour(grey, seeded())
    torch.testing.assert_close(out[:, 0], out[:, 1])
    torch.testing.assert_close(out[:, 0], out[:, 2])
    assert out.std() > 0


def test_hue_rotation_by_a_third_moves_red_to_green():
    turn = hue_rotation(torch.tensor(2 * math.pi / 3).view(1, 1, 1))[0]
    torch.testing.assert_close(turn @ torch.tensor([1.0, 0, 0]), torch.tensor([0, 1.0, 0]), atol=1e-6, rtol=0)


def test_to_float_is_channels_last_division():
    images = batch(2)
    out = to_float(images)
    torch.testing.assert_close(out, images.permute(0, 3, 1, 2) / 255)
    assert out.is_contiguous(memory_format=torch.channels_last)
