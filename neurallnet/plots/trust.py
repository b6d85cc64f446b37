"""Figures of chapter "Trust": reliability, risk against coverage, and how far other images lie from the training images."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from neurallnet.errors import DataError
from neurallnet.plots.parts import finish, need, reference_line, spoken_interval, title_over
from neurallnet.plots.theme import BLUE, INK, MARKERS, ORANGE, SERIES, new_figure

_PERCENT = FuncFormatter(lambda share, _: f"{round(100 * share, 6):g}%")


def reliability_figure(
    before: pd.DataFrame, after: pd.DataFrame, *, split: str, synthetic: bool = False, title: str = ""
) -> Figure:
    """Accuracy against confidence per bin, before and after the temperature; below, how many images each bin has.

    `before`, `after`: tables of `evaluation.reliability` of the same images, which `split` names.
    """
    for table in (before, after):
        need(table, ["low", "high", "n", "confidence", "accuracy"])
    figure, (axes, counts) = new_figure(5.6, rows=2, sharex=True, height_ratios=[3, 1])
    axes.plot([0, 1], [0, 1], color=INK, linestyle=":", linewidth=1.2)
    shown = ((before, BLUE, "temperature 1"), (after, ORANGE, "fitted on validation"))
    for place, (table, colour, name) in enumerate(shown):
        axes.plot(table["confidence"], table["accuracy"], color=colour, marker=MARKERS[place], label=name)
        width = (table["high"] - table["low"]) * 0.42
        left = table["low"] + (table["high"] - table["low"]) * (0.06 + 0.46 * place)
        counts.bar(left, table["n"], width, align="edge", color=colour)
    axes.legend(loc="upper left", frameon=False, labelcolor=INK)
    axes.set(ylabel="Accuracy", xlim=(0, 1), ylim=(-0.02, 1.02))
    axes.grid(axis="both")
    counts.set(xlabel=f"Confidence\n(n = {before['n'].sum():,} images: {split})", ylabel="Images", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(_PERCENT)
    if title:
        title_over(figure, title)
    says = [f"Reliability diagram: accuracy against confidence, {before['n'].sum():,} images ({split})."]
    for table, _, name in shown:
        filled = table[table["n"] > 0]
        apart = (filled["confidence"] - filled["accuracy"]).mul(filled["n"]).sum() / filled["n"].sum()
        direction = "above" if apart > 0 else "below"
        says.append(f"{name}: confidence lies on average {abs(apart):.1%} {direction} accuracy.")
    return finish(figure, synthetic, says)


def risk_coverage_figure(
    curves: Mapping[str, pd.DataFrame], *, n: int, split: str, synthetic: bool = False, title: str = ""
) -> Figure:
    """Share wrong among the images answered, against the share answered, most confident first; a line per network.

    `curves`: tables of `evaluation.risk_coverage` by name. n: images behind all of them, of `split`.
    """
    if not curves:
        raise DataError("figure: no curve to draw")
    figure, (axes,) = new_figure(3.9)
    for place, (name, table) in enumerate(curves.items()):
        need(table, ["coverage", "risk"])
        colour = SERIES[place % len(SERIES)]
        axes.plot(table["coverage"], table["risk"], color=colour, drawstyle="steps-post", label=name)
        last = table.iloc[-1]
        axes.plot(last["coverage"], last["risk"], color=colour, marker=MARKERS[place % len(MARKERS)])
    axes.set(xlabel=f"Images answered\n(n = {n:,} images: {split})", ylabel="Share wrong among them", xlim=(0, 1.01))
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.grid(axis="y")
    if len(curves) > 1:
        axes.legend(frameon=False, labelcolor=INK)
    if title:
        title_over(figure, title)
    ends = [f"{name}: {table['risk'].iloc[-1]:.1%} wrong when all are answered." for name, table in curves.items()]
    return finish(figure, synthetic, [f"Risk against coverage, {n:,} images ({split}).", *ends])


def distance_figure(scores: pd.DataFrame, *, unit: str = "threshold", synthetic: bool = False, title: str = "") -> Figure:
    """Scores per set of images, as multiples of the threshold: range from 5th to 95th per cent, and the median.

    `scores`: a row per image, columns `set` and `score` (over its network's threshold, so that flagged is above 1).
    """
    need(scores, ["set", "score"])
    groups = dict(list(scores.groupby("set", sort=False)["score"]))
    figure, (axes,) = new_figure(0.52 * len(groups) + 1.5)
    for place, values in enumerate(groups.values()):
        low, middle, high = values.quantile([0.05, 0.5, 0.95])
        axes.plot([low, high], [place, place], color=BLUE, linewidth=5, solid_capstyle="butt", alpha=0.5)
        axes.plot(middle, place, color=BLUE, marker="o", markersize=8)
    reference_line(axes, 1, "flagged beyond")
    names = [f"{name}\nn = {len(values):,}" for name, values in groups.items()]
    axes.set_yticks(range(len(groups)), names)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    figure.supxlabel(f"Distance, in units of the {unit}\n(median; 5th to 95th per cent)", fontsize=11, color=INK)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.grid(axis="x")
    if title:
        title_over(figure, title)
    says = [f"Distance from the training images in units of the {unit}: median, 5th to 95th per cent; above 1 is flagged."]
    for name, values in groups.items():
        low, middle, high = values.quantile([0.05, 0.5, 0.95])
        says.append(spoken_interval(f"{name} (n = {len(values):,})", middle, low, high, percent=False) + ".")
    return finish(figure, synthetic, says)
