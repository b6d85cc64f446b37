"""Figures: stamped when synthetic, equal for equal numbers, readable on white and on black."""

import pandas as pd
import pytest
from contrast import contrast

from neurallnet.errors import DataError
from neurallnet.plots import (
    CLASS_COLOURS,
    confusion_figure,
    curves_figure,
    interval_figure,
    label_synthetic,
    learning_curve_figure,
    save_svg,
    svg_text,
)
from neurallnet.plots.theme import INK, SERIES

METRICS = {
    "classes": ["Benign", "Pro"],
    "confusion": [[9, 1], [0, 0]],
    "n": 10,
    "correct": 9,
    "accuracy": 0.9,
}
HISTORY = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "train_loss": [1.0, 0.5, 0.4],
        "val_loss": [1.1, 0.6, 0.7],
        "val_accuracy": [0.5, 0.9, 0.8],
    }
)
INTERVALS = pd.DataFrame({"label": ["ours"], "value": [0.99], "low": [0.98], "high": [1.0], "n": [326]})
CURVES = pd.DataFrame(
    {
        "corruption": ["blur"] * 2 + ["noise"] * 2 + ["rotation"] * 2,
        "series": ["ours"] * 6,
        "severity": [0, 1] * 3,
        "value": [0.9, 0.8] * 3,
        "low": [0.8, 0.7] * 3,
        "high": [1.0, 0.9] * 3,
    }
)
FIGURES = {
    "confusion": lambda **o: confusion_figure(METRICS, **o),
    "learning": lambda **o: learning_curve_figure(HISTORY, **o),
    "intervals": lambda **o: interval_figure(INTERVALS, reference=0.9816, **o),
    "curves": lambda **o: curves_figure(CURVES, n=326, chance=0.25, **o),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_deterministic_transparent_and_stamped_when_synthetic(name, tmp_path):
    plain, stamped = svg_text(FIGURES[name]()), svg_text(FIGURES[name](synthetic=True))
    assert plain == svg_text(FIGURES[name]())
    assert "SYNTHETIC" not in plain
    assert stamped.count("<!-- SYNTHETIC -->") == 2
    assert "<dc:date>" not in plain
    assert "fill: #ffffff; stroke" not in plain.split('id="axes_1"')[0]  # no white sheet behind
    save_svg(FIGURES[name](), tmp_path / "f.svg")
    assert (tmp_path / "f.svg").read_text(encoding="utf-8") == plain


def test_stamping_twice_stamps_once():
    figure = label_synthetic(FIGURES["confusion"](synthetic=True))
    assert [text.get_gid() for text in figure.texts if text.get_gid()] == ["synthetic", "synthetic-watermark"]


def test_what_the_lines_are_is_said_on_the_figure_and_in_its_description():
    usual = svg_text(interval_figure(INTERVALS))
    other = svg_text(interval_figure(INTERVALS, interval="5th to 95th percentile"))
    assert "Accuracy, 95% interval" in usual and "Accuracy with 95% intervals." in usual
    assert "Accuracy, 5th to 95th percentile" in other and "with 5th to 95th percentiles." in other and "95% interval" not in other


def test_n_is_stated():
    assert "n = 326" in svg_text(FIGURES["intervals"]())
    assert "n = 326 near-duplicate groups" in svg_text(interval_figure(INTERVALS.assign(unit="near-duplicate group")))
    assert "n = 326" in svg_text(FIGURES["curves"]())
    assert "9 of 10 images" in svg_text(FIGURES["confusion"]())


@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
def test_colours_are_visible_on_light_and_dark_pages(page):
    assert contrast(INK, page) >= 4.2
    assert all(contrast(colour, page) >= 3 for colour in [*CLASS_COLOURS.values(), *SERIES])


def test_two_curves_never_share_a_colour():
    tables = [CURVES.assign(series=f"network {number}") for number in range(len(SERIES) + 1)]
    assert curves_figure(pd.concat(tables[:-1]), n=326)
    with pytest.raises(DataError, match="7 curves for 6 colours"):
        curves_figure(pd.concat(tables), n=326)


def test_missing_columns_are_named():
    with pytest.raises(DataError, match="val_loss"):
        learning_curve_figure(HISTORY.drop(columns="val_loss"))
    with pytest.raises(DataError, match="rows"):
        interval_figure(INTERVALS.head(0))
