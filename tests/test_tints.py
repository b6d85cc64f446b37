"""Tints are the hues that normalization takes away, told class by class along the order of acquisition."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from neurallnet.augment import to_float
from neurallnet.config import RunConfig
from neurallnet.hue import DOMINANT, image_hue, normalize_hue
from neurallnet.tints import tint_report, tint_rows, tint_table, tints

VIOLET, BLUE, GREEN, RED = (102, 0, 255), (0, 0, 255), (0, 255, 0), (255, 0, 0)


def plain(*colours: tuple[int, int, int]) -> np.ndarray:
    return np.array(colours, np.uint8)[:, None, None] * np.ones((1, 4, 4, 1), np.uint8)


def test_tints_are_degrees_of_the_colour_circle_without_a_jump_near_the_usual_one():
    np.testing.assert_allclose(tints(plain(VIOLET, BLUE, GREEN, RED)), [264, 240, 120, 360], atol=0.01)


def test_normalized_images_have_one_tint():
    images = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(image_hue(normalize_hue(images)).numpy() % 6, DOMINANT, atol=1e-3)


def test_each_class_is_told_block_by_block_in_its_order():
    frame = pd.DataFrame({"label": ["b", "a"] * 10, "order": np.repeat(range(10), 2)[::-1], "path": [f"{i}" for i in range(20)]})
    degrees = frame["order"].to_numpy() + np.where(frame["label"] == "a", 100.0, 200.0)
    rows = {(row["label"], row["block"]): row for row in tint_rows(frame, degrees)}
    assert len(rows) == 10 and {row["n"] for row in rows.values()} == {2}
    assert rows["a", 0]["value"] == 100.5 and rows["b", 4]["value"] == 208.5
    assert (rows["a", 1]["quarter"], rows["a", 1]["three_quarters"]) == (102.25, 102.75)
    assert rows["a", 1]["low"] == pytest.approx(102.05) and rows["a", 1]["high"] == pytest.approx(102.95)
    assert tint_rows(frame)[0] == {"label": "a", "block": 0, "n": 2}
    drawn = tint_table(tint_rows(frame, degrees))
    assert list(drawn["label"][:2]) == ["a, block 1", "a, block 2"] and (drawn["low"][1], drawn["high"][1]) == (102.25, 102.75)


def test_the_report_is_of_the_pictures_as_the_base_sees_them_before_normalization():
    frame = pd.DataFrame({"label": "a", "order": range(10), "path": [f"{i}" for i in range(10)]})
    images, asked = plain(*[BLUE] * 5, *[GREEN] * 5), []
    dataset = SimpleNamespace(frame=frame, digest="d", images=lambda view, work: asked.append(view) or images)
    study = SimpleNamespace(dataset=lambda: dataset, arm=lambda name: RunConfig(), work=None)
    report = tint_report(study)
    assert [round(row["value"]) for row in report["rows"]] == [240, 240, 180, 120, 120] and report["manifest"] == "d"
    assert asked == [RunConfig().data] and to_float(torch.from_numpy(images)).shape == (10, 3, 4, 4)
