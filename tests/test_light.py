"""White balance and one contrast for all: lamp and exposure are invisible behind them, and the exported graph does the same."""

import numpy as np
import onnx
import pytest
import torch
from lively import lively
from onnx import TensorProto, helper

from neurallnet.export import export_onnx
from neurallnet.hue import stained_alike
from neurallnet.light import FAINTEST, MEAN, SPOTS, SPREAD, balance_light, spot_side, standardize_light
from neurallnet.onnx_hue import balanced_light, standardized_light
from neurallnet.onnx_runtime import onnx_session
from neurallnet.onnx_writer import Writer


def field(side: int = 48) -> torch.Tensor:
    """White glass with dark cells and a gap of glass that is larger than a spot."""
    images = torch.rand((3, 3, side, side), generator=torch.Generator().manual_seed(0)) * 0.5
    images[:, :, 4:16, 4:16] = 1
    return images


@pytest.mark.parametrize("lamp", [(1.0, 0.9, 0.6), (0.7, 0.8, 0.95)])
def test_a_coloured_lamp_disappears(lamp):
    images = field()
    torch.testing.assert_close(balance_light(images * torch.tensor(lamp).view(1, 3, 1, 1)), images)


def test_one_bright_pixel_does_not_decide():
    images = field(96) * 0.8
    images[0, :, 80, 80] = 1
    balanced = balance_light(images)
    torch.testing.assert_close(balanced[0, :, 6, 6], torch.ones(3))


def test_each_image_is_balanced_by_itself():
    images = torch.cat([field()[:1] * 0.5, field()[1:]])
    torch.testing.assert_close(balance_light(images)[:1], balance_light(images[:1]))
    torch.testing.assert_close(balance_light(images)[1:], field()[1:])


def test_a_dark_field_is_not_blown_up():
    images = torch.full((1, 3, 24, 24), FAINTEST / 4)
    assert balance_light(images).max() == pytest.approx(0.25)


@pytest.mark.parametrize(("width", "side"), [(16, 1), (SPOTS, 1), (96, 4), (128, 5), (224, 9)])
def test_a_spot_is_a_share_of_the_field(width, side):
    assert spot_side(width) == side


@pytest.mark.parametrize(("factor", "offset"), [(0.5, 0.3), (0.8, 0.0), (1.1, -0.1)])
def test_brightness_and_contrast_of_a_whole_picture_disappear(factor, offset):
    images = field() * 0.8
    torch.testing.assert_close(standardize_light(images * factor + offset), standardize_light(images), atol=1e-5, rtol=0)


def test_a_standardized_picture_has_the_mean_and_spread_that_numpy_says():
    found = standardize_light(field() * 0.3).numpy()
    np.testing.assert_allclose(found.mean((1, 2, 3)), MEAN, atol=1e-5)
    np.testing.assert_allclose(found.std((1, 2, 3)), SPREAD, atol=1e-5)


def test_colours_of_a_standardized_picture_keep_their_relations():
    """One factor for all differences between colours of a picture."""
    images, found = field(), standardize_light(field())
    apart = images[:, 0] - images[:, 1]
    factor = SPREAD / images.flatten(1).std(1, correction=0)
    torch.testing.assert_close(found[:, 0] - found[:, 1], apart * factor.view(-1, 1, 1))


def test_a_flat_picture_stays_flat():
    flat = torch.full((1, 3, 24, 24), 0.4)
    flat[0, :, 0, 0] = 0.41
    assert standardize_light(flat).std() < SPREAD / 10


BALANCED, STANDARD = (lambda w, size: balanced_light(w, "images", size)), (lambda w, size: standardized_light(w, "images"))


@pytest.mark.parametrize("size", [16, 32, 50])
@pytest.mark.parametrize(("write", "torch_form"), [(BALANCED, balance_light), (STANDARD, standardize_light)])
def test_the_graph_computes_the_same(write, torch_form, size):
    w = Writer()
    out = write(w, size)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, size, size]) for name in ("images", out)]
    graph = helper.make_graph(w.nodes, "light", ends[:1], ends[1:], list(w.constants.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    tint = torch.tensor([0.9, 0.8, 0.1]).view(1, 3, 1, 1)
    images = torch.rand((4, 3, size, size), generator=torch.Generator().manual_seed(1)) * tint
    (found,) = onnx_session(model.SerializeToString()).run(None, {"images": images.numpy()})
    np.testing.assert_allclose(found, torch_form(images).numpy(), atol=1e-5)


@pytest.mark.parametrize(("hue", "blind"), [("balanced", True), ("normalized", False)])
def test_only_a_balanced_network_is_blind_to_the_lamp(hue, blind):
    lamp = torch.tensor([1.0, 0.8, 0.6]).view(1, 3, 1, 1)
    seen, lit = stained_alike(field(), hue), stained_alike(field() * lamp, hue)
    assert torch.allclose(seen, lit, atol=1e-4) == blind


def test_a_balanced_network_is_exported_as_it_is(tmp_path):
    """`export_onnx` refuses to write a graph that deviates from torch on pictures that are not white anywhere."""
    model = lively(channels=(6, 8), time_steps=2, hue="balanced")
    session = onnx_session(export_onnx(model, tmp_path / "balanced.onnx", 32))
    dim = (field(32) * torch.tensor([0.9, 0.7, 0.5]).view(1, 3, 1, 1)).contiguous()
    (found,) = session.run(["logits"], {"images": dim.numpy()})
    (plain,) = session.run(["logits"], {"images": field(32).numpy()})
    np.testing.assert_allclose(found, plain, atol=1e-3)


def test_a_standardized_network_is_exported_as_it_is(tmp_path):
    model = lively(channels=(6, 8), time_steps=2, hue="standardized")
    session = onnx_session(export_onnx(model, tmp_path / "standard.onnx", 32))
    dull, plain = (session.run(["logits"], {"images": images.numpy()})[0] for images in (field(32) * 0.5 + 0.2, field(32)))
    np.testing.assert_allclose(dull, plain, atol=1e-3)


def test_a_grey_network_knows_no_colour_exported_or_not(tmp_path):
    """Red, green and blue change places, which no network that sees colours takes for the same."""
    model, images = lively(channels=(6, 8), time_steps=2, hue="grey"), field(32)
    session = onnx_session(export_onnx(model, tmp_path / "grey.onnx", 32))
    with torch.inference_mode():
        wanted = model(images).logits
        torch.testing.assert_close(model(images.flip(1)).logits, wanted, atol=1e-5, rtol=1e-5)
    (found,) = session.run(["logits"], {"images": images.flip(1).contiguous().numpy()})
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-4)
    assert not torch.allclose(stained_alike(images, "normalized"), stained_alike(images.flip(1), "normalized"), atol=0.01)
