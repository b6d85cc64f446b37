"""Augmentation: symmetries keep pixels, colour and noise stay in range, cells go and nothing else does."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from neurallnet.augment import augment, to_float
from neurallnet.augment.cells import nucleated, on_other_fields, paint_out, without_cells
from neurallnet.augment.colour import colour, hue_rotation, stain
from neurallnet.augment.elsewhere import DYES, LAMP, dyes, elsewhere, lamp
from neurallnet.augment.geometry import move, symmetries
from neurallnet.augment.noise import noise
from neurallnet.config import AugmentConfig

STILL = AugmentConfig(symmetries=False, shift=0, zoom=0)
NONE = replace(STILL, stain=0, brightness=0, contrast=0, saturation=0, hue=0, noise=0, cell_free=0)
PLASMA, RED_CELL, NUCLEUS = (245, 243, 240), (170, 180, 200), (110, 60, 190)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(count: int = 40) -> torch.Tensor:
    return torch.randint(0, 256, (count, 6, 6, 3), generator=seeded(9), dtype=torch.uint8)


def smears(count: int = 4, side: int = 48) -> torch.Tensor:
    """Plasma with red cells in rows, and one nucleated cell in each picture."""
    images = torch.tensor(PLASMA, dtype=torch.uint8).repeat(count, side, side, 1)
    for row in range(0, side, 8):
        images[:, row : row + 4, ::6] = torch.tensor(RED_CELL, dtype=torch.uint8)
    for index in range(count):
        top = 10 + index % 8
        images[index, top : top + 10, 12:22] = torch.tensor(NUCLEUS, dtype=torch.uint8)
    return images


def test_symmetries_are_the_eight_of_the_square():
    one = batch(1)
    images = one.expand(400, -1, -1, -1)
    turned = {tuple(x.flatten().tolist()) for x in symmetries(images, seeded())}
    expected = set()
    for k in range(4):
        rotated = torch.rot90(one[0], k, dims=(0, 1))
        expected |= {tuple(rotated.flatten().tolist()), tuple(rotated.flip(1).flatten().tolist())}
    assert turned == expected and len(expected) == 8


@pytest.mark.parametrize(
    "config",
    [AugmentConfig(), AugmentConfig(cell_free=0.5), AugmentConfig(background=0.5), AugmentConfig(elsewhere=0.5), NONE],
    ids=["default", "cell-free", "background", "elsewhere", "none"],
)
def test_range_shape_and_repeatability(config):
    images, labels = batch(), torch.arange(40) % 4
    out, after = augment(images, labels, config, seeded())
    assert out.shape == (40, 3, 6, 6) and out.min() >= 0 and out.max() <= 1
    again, same = augment(images, labels, config, seeded())
    assert torch.equal(out, again) and torch.equal(after, same)
    assert torch.equal(out, augment(images, labels, config, seeded(1))[0]) == (config == NONE)
    assert config.cell_free or torch.equal(after, labels)


def test_colour_leaves_grey_pixels_grey_when_dyes_keep_their_balance():
    grey = torch.full((5, 3, 4, 4), 0.5)
    out = colour(grey, AugmentConfig(stain=0), seeded())
    torch.testing.assert_close(out[:, 0], out[:, 1])
    torch.testing.assert_close(out[:, 0], out[:, 2])
    assert out.std() > 0


def test_the_share_of_images_from_elsewhere_changes_and_the_others_stay():
    images = torch.rand(400, 3, 4, 4, generator=seeded(3)) * 0.8 + 0.1
    out = elsewhere(images, replace(NONE, elsewhere=0.25), seeded())
    same = torch.isclose(out, images).flatten(1).all(1)
    assert 0.68 < same.float().mean() < 0.82, "a quarter changes, within four standard deviations"
    assert (out - images)[~same].abs().flatten(1).amax(1).median() > 0.1, "and widely"
    assert torch.equal(elsewhere(images, replace(NONE, elsewhere=0.0), seeded()), images)
    assert not torch.isclose(elsewhere(images, replace(NONE, elsewhere=1.0), seeded()), images).flatten(1).all(1).any()


def test_a_batch_in_training_has_its_share_of_images_from_elsewhere():
    images, labels = batch(200), torch.zeros(200, dtype=torch.long)
    plain, changed = (augment(images, labels, replace(NONE, elsewhere=share), seeded())[0] for share in (0.0, 0.5))
    same = torch.isclose(plain, changed).flatten(1).all(1).sum()
    assert torch.equal(plain, to_float(images)) and 60 < same < 140


def test_the_others_vary_as_the_settings_say():
    """Half of the images of a run with `elsewhere` are changed by no more than without it."""
    images = torch.full((200, 3, 4, 4), 0.5)
    only = replace(NONE, brightness=0.1, elsewhere=0.5)
    change = (elsewhere(images, only, seeded()) - images).abs().flatten(1).amax(1)
    assert 70 < int((change <= 0.05 + 1e-6).sum()) < 150 and change.max() > 0.15


def test_dyes_are_those_of_scikit_image():
    color = pytest.importorskip("skimage.color")
    images = torch.rand(3, 3, 5, 5, generator=seeded(1)) * 0.8 + 0.1
    factors = torch.tensor([[1.35, 0.65], [0.65, 1.35], [1.0, 1.0]])
    out = dyes(images, factors)
    for image, factor, found in zip(images, factors, out, strict=True):
        pixels = image.permute(1, 2, 0).double().numpy()
        amounts = color.rgb2hed(pixels)
        ratio = color.hed2rgb(amounts * [*factor.tolist(), 1]) / color.hed2rgb(amounts)
        np.testing.assert_allclose(found.permute(1, 2, 0).numpy(), np.clip(pixels * ratio, 0, 1), atol=1e-6)
    assert torch.equal(dyes(torch.ones(1, 3, 2, 2), torch.full((1, 2), 1 + DYES)), torch.ones(1, 3, 2, 2)), "no dye, no change"
    assert torch.isfinite(dyes(torch.zeros(1, 3, 2, 2), torch.full((1, 2), 1 - DYES))).all(), "black"


def test_a_lamp_out_of_centre_changes_brightness_steadily_and_within_its_bound():
    images = torch.full((60, 3, 9, 9), 0.3)
    out = lamp(images, seeded()) / 0.3
    assert torch.equal(out[:, 0], out[:, 1]) and out.min() >= math.exp(-LAMP) - 1e-6 and out.max() <= math.exp(LAMP) + 1e-6
    steps = out[:, 0].log().diff(dim=1)
    torch.testing.assert_close(steps[:, :-1], steps[:, 1:], atol=1e-5, rtol=0)
    near, far = out[:, 0, 0, 0], out[:, 0, 8, 8]
    assert out.flatten(1).std(1).min() > 0 and (near > far).any() and (near < far).any()


def test_stain_scales_optical_density_and_leaves_white_white():
    images = torch.tensor([1.0, 0.5, 0.25]).view(1, 3, 1, 1)
    out = stain(images, torch.full((1, 3, 1, 1), 2.0))
    torch.testing.assert_close(-torch.log(out), -2 * torch.log(images))


def test_hue_rotation_by_a_third_moves_red_to_green():
    turn = hue_rotation(torch.tensor(2 * math.pi / 3).view(1, 1, 1))[0]
    torch.testing.assert_close(turn @ torch.tensor([1.0, 0, 0]), torch.tensor([0, 1.0, 0]), atol=1e-6, rtol=0)


def test_noise_touches_its_share_and_has_the_stated_spread():
    out = noise(torch.full((2000, 3, 6, 6), 0.5), 0.1, seeded(), share=0.25)
    spread = (out - 0.5).std((1, 2, 3))
    touched = spread > 0
    assert abs(touched.float().mean() - 0.25) < 0.04
    assert 0.045 < spread[touched].mean() < 0.055 and spread.max() < 0.12  # uniform up to 0.1


def test_nucleated_cells_are_found_with_their_rim_and_red_cells_are_not():
    images = smears()
    found = nucleated(images)
    for index in range(len(images)):
        assert found[index, 10 + index : 20 + index, 12:22].all()
        assert not found[index, 28:].any()


def test_painting_out_leaves_only_what_the_image_already_had():
    images = smears()
    hole = nucleated(images)
    out = paint_out(images, hole, ~hole, seeded())
    assert torch.equal(out[~hole], images[~hole])
    left = {tuple(pixel) for pixel in np.unique(out.reshape(-1, 3).numpy(), axis=0).tolist()}
    assert left == {PLASMA, RED_CELL}


def test_images_without_cells_are_called_healthy_and_as_many_others_get_the_same_seams():
    images, labels = smears(300), torch.full((300,), 3)
    out, after = without_cells(images, labels, 0.3, 0, seeded())
    changed, cell = (out != images).flatten(1).any(1), nucleated(images)
    emptied = after == 0
    assert set(after.tolist()) == {0, 3} and 0.22 < emptied.float().mean() < 0.38
    assert changed[emptied].all() and not nucleated(out[emptied]).any()
    assert torch.equal(out[~emptied][cell[~emptied]], images[~emptied][cell[~emptied]])  # cells that stay are not touched
    assert 0.2 < changed[~emptied].float().mean() < 0.6


def test_any_colour_says_whether_there_is_colour_to_change():
    assert not NONE.any_colour and replace(NONE, saturation=0.1).any_colour


def test_to_float_is_channels_last_division():
    images = batch(2)
    out = to_float(images)
    torch.testing.assert_close(out, images.permute(0, 3, 1, 2) / 255)
    assert out.is_contiguous(memory_format=torch.channels_last)


def spot(count: int, side: int = 41) -> torch.Tensor:
    """White discs of radius 6 in the middle of black pictures."""
    place = torch.arange(side) - side // 2
    disc = (place[:, None].square() + place.square() <= 36).float()
    return disc.expand(count, 3, side, side)


def test_a_field_that_is_not_moved_stays_as_it_is():
    images = to_float(batch())
    assert torch.allclose(move(images, NONE, seeded()), images, atol=1e-6)


def test_a_field_moves_no_further_than_asked_and_keeps_its_cells_size():
    images = spot(200)
    moved = move(images, replace(NONE, shift=0.1), seeded())
    assert torch.allclose(moved.sum((2, 3)), images.sum((2, 3)), rtol=0.02)
    place = torch.arange(41.0)
    one = moved[:, 0]
    centre = torch.stack([(one.sum(2) * place).sum(1), (one.sum(1) * place).sum(1)]) / one.sum((1, 2))
    assert 3.5 < (centre - 20).abs().max() <= 4.1  # a tenth of 41 pixels
    assert (centre - 20).mean(1).abs().max() < 0.5


def test_magnification_stays_within_its_bounds_and_about_the_centre():
    areas = move(spot(200), replace(NONE, zoom=0.1), seeded())[:, 0].sum((1, 2)) / spot(1)[0, 0].sum()
    assert math.exp(-0.2) - 0.03 < areas.min() < 0.87 and 1.15 < areas.max() < math.exp(0.2) + 0.03


def test_a_field_ends_in_its_own_mirror_image_not_in_black():
    bright = torch.full((50, 3, 12, 12), 0.7)
    assert torch.allclose(move(bright, replace(NONE, shift=0.3, zoom=0.3), seeded()), bright)


@pytest.mark.parametrize("change", [{"shift": 0.1}, {"zoom": 0.1}], ids=str)
def test_training_images_are_moved_or_magnified_when_asked(change):
    images = (spot(8) * 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    labels = torch.arange(8) % 4
    still, _ = augment(images, labels, NONE, seeded())
    moved, same = augment(images, labels, replace(NONE, **change), seeded())
    assert not torch.allclose(moved, still, atol=0.05) and torch.equal(same, labels)


def test_cells_keep_their_place_on_a_field_of_another_image():
    """Each picture's plasma has a grey level of its own, so that a field tells where it is from."""
    images = smears(40)
    own = nucleated(images)
    for index in range(40):
        images[index][~own[index]] = 200 + index
    out = on_other_fields(images, 0.5, seeded())
    assert torch.equal(nucleated(out), own) and torch.equal(out[own], images[own])  # no second cell, none gone
    fields = [sorted(set(out[index][~own[index]].flatten().tolist())) for index in range(40)]
    assert all(len(field) == 1 for field in fields)
    moved = sum(field != [200 + index] for index, field in enumerate(fields))
    assert 10 <= moved <= 30
    assert torch.equal(on_other_fields(images, 0.0, seeded()), images)


def test_images_without_cells_keep_their_field():
    images = smears(8)
    images[:, :, :, :] = torch.arange(200, 208, dtype=torch.uint8)[:, None, None, None]
    assert torch.equal(on_other_fields(images, 1.0, seeded()), images)


def test_augment_moves_fields_when_asked():
    images = smears(16)
    for index in range(16):
        images[index][~nucleated(images)[index]] = 180 + index
    still, moved = (augment(images, torch.zeros(16), replace(NONE, background=share), seeded())[0] for share in (0.0, 1.0))
    assert not torch.equal(still, moved)
