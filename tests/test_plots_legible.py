"""Figures a reader can read: no text cut off or written over another, and a description that says the numbers."""

import xml.etree.ElementTree as ET
from itertools import combinations

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from neurallnet.plots import confusion_figure, curves_figure, interval_figure, learning_curve_figure, svg_text
from neurallnet.plots.explain import heat_figure
from neurallnet.plots.speed import latency_figure, pareto_figure, ratio_figure
from neurallnet.plots.trust import distance_figure

SPAN = {"low": 0.90, "high": 0.99}
NAMES = [f"Corner, scale bar painted out, {split}" for split in ("group", "session")]
PROBES = pd.DataFrame({"label": NAMES, "value": 0.95, "n": 3256}).assign(**SPAN)
LONG = "one column of the committee alone, light and contrast as they are, session"
CONDITIONS = pd.DataFrame({"label": [LONG, "embargo 0", LONG, LONG], "value": 0.95, "n": 3256}).assign(**SPAN)
ARMS = pd.DataFrame(
    [("base-0", 39.5e6, 0.99, True), ("size-64-0", 17.6e6, 0.979, False), ("steps-1-0", 18.3e6, 0.979, False)]
    + [("narrow-0", 9.8e6, 0.985, True), ("narrow-steps-1-0", 9.1e6, 0.984, True)],
    columns=["arm", "macs", "val_accuracy", "pareto"],
).assign(**SPAN)
HISTORY = pd.DataFrame({"epoch": [1, 2], "train_loss": [1.2, 0.5], "val_loss": [1.1, 0.6], "val_accuracy": [0.5, 0.9]})
METRICS = {"classes": ["Benign", "Pro"], "confusion": [[9, 1], [0, 4]], "n": 14, "correct": 13, "accuracy": 13 / 14}
CURVES = pd.DataFrame({"corruption": "blur", "series": "ours", "severity": [0, 5], "value": [0.98, 0.8], "low": 0.7, "high": 1.0})
LATENCY = [{"case": "ours, onnxruntime", "p50_ms": 1.4, "p95_ms": 1.6, "not_measured": None}]
SLOW = "snntorch.Leaky loop, float32"
RATIOS = [
    {"fast": fast, "slow": SLOW, "median": 2.3, "low": 1.9, "high": 2.8, "rounds": 15}
    for fast in ("ours, bfloat16", "the convolutions alone, float32")
]
TITLE = "A title that is nearly as long as the figure is wide"
FIGURES = {
    "intervals": lambda: interval_figure(PROBES, measure="Balanced accuracy", title=TITLE, reference=0.9816),
    "long labels": lambda: interval_figure(CONDITIONS, measure="Gain (points)", percent=False, title=TITLE),
    "pareto": lambda: pareto_figure(ARMS, title=TITLE),
    "learning": lambda: learning_curve_figure(HISTORY, title=TITLE),
    "confusion": lambda: confusion_figure(METRICS, title=TITLE),
    "curves": lambda: curves_figure(CURVES, n=326, chance=0.25),
    "latency": lambda: latency_figure(LATENCY, title=TITLE),
    "ratios": lambda: ratio_figure(RATIOS, title=TITLE),
    "distance": lambda: distance_figure(pd.DataFrame({"set": ["val", "bccd"] * 3, "score": [0.5, 1.5] * 3}), title=TITLE),
    "heat": lambda: heat_figure(pd.DataFrame([[0.25, 0.75]]), n=8, measure="Rate", rows="Block", columns="Step", title=TITLE),
}


def boxes(figure):
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    shown = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    inside = [text for text in shown if text.get_gid() is None and text.get_window_extent(renderer).width > 0]
    return {text: text.get_window_extent(renderer) for text in inside if not hidden_tick(text, figure)}


def hidden_tick(text, figure):
    """Matplotlib keeps labels of ticks outside the limits; they are never drawn."""
    drawn = [label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for label in drawn_ticks(axis)]
    ticks = [label for axes in figure.axes for label in (*axes.get_xticklabels(), *axes.get_yticklabels())]
    ticks += [label for axes in figure.axes for label in (*axes.get_xticklabels(minor=True), *axes.get_yticklabels(minor=True))]
    return any(text is tick for tick in ticks) and not any(text is label for label in drawn)


def drawn_ticks(axis):
    return [tick.label1 for tick in axis._update_ticks() if tick.label1.get_visible()]


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_cut_off_and_none_lies_on_another(name):
    figure = FIGURES[name]()
    found = boxes(figure)
    width, height = figure.bbox.size
    for text, box in found.items():
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1, text.get_text()
    for (one, a), (other, b) in combinations(found.items(), 2):
        both = Bbox.intersection(a, b)
        assert both is None or min(both.width, both.height) < 2, (one.get_text(), other.get_text())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("intervals", "Corner, scale bar painted out, group: 95.0% [90.0%, 99.0%]"),
        ("pareto", "narrow-0: 98.5% [90.0%, 99.0%], 9.8 million, on the front."),
        ("learning", "validation accuracy 50.0% to 90.0%."),
        ("confusion", "True class Benign: 9 called Benign, 1 called Pro."),
        ("curves", "blur: 98.0% to 80.0%."),
        ("latency", "ours, onnxruntime: 1.4, 1.6."),
        ("distance", "bccd (n = 3): 1.5 [1.5, 1.5]."),
        ("heat", "Means over Step: Block 0: 0.50."),
    ],
)
def test_the_svg_says_in_words_what_it_shows(name, words):
    described = ET.fromstring(svg_text(FIGURES[name]())).find(".//{http://purl.org/dc/elements/1.1/}description")
    assert words in described.text


def test_the_description_says_synthetic():
    assert confusion_figure(METRICS, synthetic=True).get_label().startswith("Synthetic images.")


def test_a_notebook_shows_the_svg_with_its_description():
    pytest.importorskip("matplotlib_inline")
    import matplotlib as mpl
    from IPython.core.interactiveshell import InteractiveShell

    from neurallnet.plots import use_theme

    shell = InteractiveShell.instance()
    try:
        with mpl.rc_context():
            use_theme()
            figure = confusion_figure(METRICS)
            shown, _ = shell.display_formatter.format(figure)
    finally:
        InteractiveShell.clear_instance()
    assert shown["image/svg+xml"] == svg_text(figure)
    assert "image/png" not in shown


def test_long_labels_leave_the_axes_room():
    figure = FIGURES["long labels"]()
    boxes(figure)
    assert figure.axes[0].get_position().width > 0.45
