"""The report: validation images only, the same twice, JSON throughout; its figures are vectors; the overlay is an image."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lively import lively
from PIL import Image

from neurallnet.config import run_config
from neurallnet.errors import ConfigError, DataError
from neurallnet.evidence import canonical_json
from neurallnet.explain import explain_image
from neurallnet.explain.report import explain_run
from neurallnet.explain.sample import stratified
from neurallnet.paths import workspace
from neurallnet.plots import interval_figure, svg_text
from neurallnet.plots.explain import heat_figure, ratio_table, removal_figure
from neurallnet.runs import Run, train_run

TINY = {
    "data": {"source": "folder", "image_size": 32},
    "model": {"channels": [6, 8, 10], "time_steps": 2},
    "train": {"epochs": 1, "batch_size": 16, "precision": "float32", "learning_rate": 0.03},
}


class Lively(Run):
    """A run whose network fires in every block, which a short training does not bring about."""

    def model(self):
        return lively(channels=(6, 8, 10), time_steps=2, classes=2)


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """Two classes of 60 grey pictures with a purple disc, dark in one, pale in the other."""
    root, draw = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    down, across = np.mgrid[:40, :40]
    for name, colour in (("Benign", (70, 20, 120)), ("Pro", (190, 120, 220))):
        (root / name).mkdir()
        for number in range(60):
            pixels = draw.integers(200, 235, (40, 40, 1)).repeat(3, axis=2)
            y, x = draw.integers(8, 32, 2)
            pixels[np.hypot(down - y, across - x) < 7] = colour
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{name}-{number:03}.png")
    return root


@pytest.fixture(scope="module")
def found(images, tmp_path_factory):
    pytest.importorskip("captum")
    work = workspace(tmp_path_factory.mktemp("work"))
    run = Lively(train_run(run_config(TINY), work, images, progress=False).folder)
    return run, work, [explain_run(run, work, images, checked=8) for _ in range(2)]


def test_report_repeats_and_is_plain_json(found):
    first, second = (canonical_json(report) for report in found[2])
    assert first == second
    assert json.loads(first)["fold"] == "val"


def test_only_validation_images_are_read(found):
    run, work, (report, _) = found
    split = run.split()
    assert report["n"] == report["of"] == (split["fold"] == "val").sum()
    assert not (run.folder / "predictions-test.csv").exists()
    assert not list(work.evidence.glob("*"))


def test_rows_say_what_they_are_of(found):
    report = found[2][0]
    assert report["map"] == [4, 4] and report["block"] == 3 and sum(report["by_class"].values()) == report["n"]
    whole = [row for row in report["attention"] if row["step"] is None and row["part"] == "all"]
    assert {row["region"] for row in whole} == {"stain", "stain, another image", "corner"}
    for row in report["attention"]:
        assert row["n"] + row["mask_too_small"] + row["no_attention"] <= report["n"]
        assert row["low"] <= row["value"] <= row["high"] and row["unit"] == "near-duplicate group"
        assert row["ratio"] == pytest.approx(row["value"] / row["chance"])
        if row["region"] == "corner":
            assert row["chance"] == pytest.approx(0.16**2, rel=1e-5)
    assert report["attention_inside_cells"] in report["attention"]
    assert report["attention_inside_cells"]["mask_too_small"] == report["masks"][0]["too_small"]
    assert report["attention_inside_cells"]["chance"] == pytest.approx(report["masks"][0]["area"], rel=0.05)
    assert report["scale_bar"] == "removed"
    assert report["masks"][0]["area"] == pytest.approx(np.pi * 7**2 / 40**2, rel=0.15), "the disc"
    orders = [(row["mode"], row["order"]) for row in report["removal"]["rows"]]
    assert len(orders) == len(set(orders)) == 2 * 5
    assert np.shape(report["spike_rates"]) == (3, 2) and [row["block"] for row in report["gates"]] == [1, 2, 3]


def test_figures_are_vectors_and_name_n(found):
    report = found[2][0]
    rates = pd.DataFrame(report["spike_rates"], index=["1", "2", "3"], columns=["1", "2"])
    figures = [
        heat_figure(rates, measure="Spikes", rows="Block", columns="Time step", n=report["n"], percent=True, synthetic=True),
        heat_figure(pd.DataFrame(np.arange(120.0).reshape(2, 60)), measure="Gate", rows="Step", columns="Channel", n=report["n"]),
        removal_figure(report["removal"]["rows"], report["removal"]["fractions"], synthetic=True),
        interval_figure(ratio_table([report["attention_inside_cells"]], "region"), measure="Times chance", percent=False),
    ]
    behind = [report["n"]] * 2 + [report["removal"]["rows"][0]["n"], report["attention_inside_cells"]["n"]]
    for figure, n in zip(figures, behind, strict=True):
        text = svg_text(figure)
        assert "<image" not in text and "data:image" not in text, "a raster picture"
        assert f"n = {n:,} images" in text
    assert [svg_text(figure).count("<!-- SYNTHETIC -->") for figure in figures] == [2, 0, 2, 0]
    with pytest.raises(DataError, match="gaps"):
        heat_figure(rates.where(rates < 0), measure="Spikes", rows="", columns="", n=1)


def test_sample_keeps_shares_of_classes():
    labels = np.repeat([0, 1, 2], [100, 60, 2])
    chosen = stratified(labels, 81, seed=3)
    assert np.bincount(labels[chosen]).tolist() == [50, 30, 1]
    assert (np.diff(chosen) > 0).all() and (chosen == stratified(labels, 81, seed=3)).all()
    assert (chosen != stratified(labels, 81, seed=4)).any()
    assert (stratified(labels, None) == np.arange(162)).all() and len(stratified(labels, 1000)) == 162


def test_overlay_colours_the_attention_and_nothing_else():
    model = lively()
    image = np.random.default_rng(1).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    laid = explain_image(model, image, size=32)
    assert laid.shape == image.shape and laid.dtype == np.uint8
    assert (laid != image).any() and (explain_image(model, image, size=32) == laid).all()
    against = np.abs(laid.astype(int) - image).max(2)
    with_target = [explain_image(model, image, size=32, target=target) for target in range(4)]
    assert any((other != laid).any() for other in with_target) and any((other == laid).all() for other in with_target)
    model.readout.weight.data.zero_()
    assert against.max() > 20 and (explain_image(model, image, size=32) == image).all()


def test_overlay_refuses_what_is_no_image():
    with pytest.raises(DataError, match="uint8"):
        explain_image(lively(), np.zeros((8, 8), np.uint8))
    with pytest.raises(ConfigError, match="viridis"):
        explain_image(lively(), np.zeros((8, 8, 3), np.uint8), colours="no-such-map")
