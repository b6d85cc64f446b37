"""The field of view alone: scale bars of any corner and form painted out, black borders cropped, everything else as it was."""

import numpy as np
import pytest
from PIL import Image

from neurallnet.data.borders import crop_black_borders
from neurallnet.data.field import clean_field
from neurallnet.data.images import preprocess
from neurallnet.data.scale_bar import remove_scale_bar
from neurallnet.data.synthetic import SyntheticConfig, draw_image, truth_table
from neurallnet.data.synthetic_bars import draw_bar
from neurallnet.data.synthetic_stain import BAR_FORMS
from neurallnet.errors import DataError

SIZE = 200
FORMS = sorted({*BAR_FORMS, "line"} - {"none"})


@pytest.fixture(scope="module")
def smear() -> np.ndarray:
    """The middle of a drawn field into which no bar was burned and whose lamp leaves nothing black there."""
    config = SyntheticConfig(size=240, lab="B")
    truth = truth_table(config)
    image = np.asarray(draw_image(config, truth.loc[truth["scale_bar"] == "none", "path"].iloc[0]))
    return np.ascontiguousarray(image[20 : 20 + SIZE, 50 : 50 + SIZE])


def burned_in(image: np.ndarray, form: str, corner: tuple[int, int] = (1, 1)) -> np.ndarray:
    """The picture with a bar of `form` in its lower right corner, or, with a step of -1, in another."""
    image = image.copy()
    draw_bar(image[:: corner[0], :: corner[1]], form)
    return image


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("corner", [(1, 1), (1, -1), (-1, 1), (-1, -1)], ids=str)
def test_a_scale_bar_is_painted_over_in_any_corner_and_nothing_else_is(smear, corner, form):
    marked = burned_in(smear, form, corner)
    clean = remove_scale_bar(marked)
    ink, changed = (marked != smear).any(2), (clean != marked).any(2)
    assert ink.sum() > 50 and changed[ink].mean() > 0.98, "every marked pixel is another colour now"
    inner = np.argwhere(changed[:: corner[0], :: corner[1]]).min(0)
    assert (inner >= 0.68 * SIZE).all(), "nothing but a patch in the corner of the bar, the longest of which reaches over a quarter"


def test_a_patch_says_nothing_of_the_form_of_the_bar(smear):
    clean = [remove_scale_bar(burned_in(smear, form)) for form in ("box-black", "box-red")]
    assert (clean[0] != smear).any() and (clean[0] == clean[1]).all()


def test_a_picture_without_bar_or_border_is_handed_back_as_it_is(smear):
    assert remove_scale_bar(smear) is smear
    assert clean_field(smear).shape == smear.shape and np.shares_memory(clean_field(smear), smear)


@pytest.mark.parametrize("sides", [(30, 0, 0, 0), (0, 24, 0, 0), (0, 0, 18, 40), (20, 20, 20, 20)], ids=str)
def test_black_bands_are_cropped_and_the_field_is_not(smear, sides):
    top, bottom, left, right = sides
    framed = np.pad(smear, ((top, bottom), (left, right), (0, 0)))
    cropped = crop_black_borders(framed)
    lost = np.subtract(smear.shape, cropped.shape)
    assert (lost[:2] >= 0).all() and (lost[:2] <= 6).all(), "at most a blurred rim on either side"
    assert cropped.max(2).min() > 24


def test_a_round_field_becomes_a_rectangle_without_black(smear):
    y, x = np.indices((SIZE, SIZE)) - SIZE / 2
    round_field = np.where((y**2 + x**2 < (0.48 * SIZE) ** 2)[..., None], smear, 0).astype(np.uint8)
    cropped = crop_black_borders(round_field)
    assert cropped.max(2).min() > 24 and min(cropped.shape[:2]) > 0.6 * SIZE


def test_what_is_dark_for_another_reason_stays(smear):
    dark = smear.copy()
    dark[60:110, :70] = 10  # a cell or dirt that is cut by the border
    fading = (smear * np.linspace(0.1, 1, SIZE)[None, :, None]).astype(np.uint8)
    assert crop_black_borders(dark).shape == smear.shape
    assert crop_black_borders(fading).shape == smear.shape


def test_a_picture_that_shows_nothing_or_is_none_is_refused(smear):
    with pytest.raises(DataError, match="black all over"):
        clean_field(np.zeros((64, 64, 3), np.uint8))
    for picture in (smear.astype(np.float32), smear[..., 0], np.empty((0, 4, 3), np.uint8)):
        with pytest.raises(DataError):
            clean_field(picture)


@pytest.mark.parametrize("form", FORMS)
def test_a_scale_bar_beside_a_black_band_is_painted_over(smear, form):
    marked = burned_in(smear, form, (1, -1))
    clean = clean_field(np.pad(marked, ((0, 0), (40, 40), (0, 0))))
    marked, ink = marked[:, 1:-1], (marked != smear).any(2)[:, 1:-1]  # the blurred rim of a band goes with it
    assert clean.shape == marked.shape and (clean != marked).any(2)[ink].mean() > 0.98


def test_the_network_sees_the_field_without_bar_and_border(smear):
    marked = burned_in(smear, FORMS[0], (1, -1))
    framed = Image.fromarray(np.pad(marked, ((0, 0), (40, 40), (0, 0))))
    seen, plain = preprocess(framed, 48), preprocess(Image.fromarray(smear), 48)
    assert np.abs(seen.astype(int) - plain).mean() < np.abs(preprocess(framed, 48, "visible").astype(int) - plain).mean() / 4
