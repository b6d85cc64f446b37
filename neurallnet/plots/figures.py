"""The figures: each takes plain numbers, returns a matplotlib Figure that says in words what it shows, and is stamped when the
images were synthetic.
"""

import math
from collections.abc import Mapping
from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from neurallnet.errors import DataError
from neurallnet.plots.parts import finish, need, reference_line, spoken_interval, title_over
from neurallnet.plots.theme import BLUE, INK, MARKERS, ORANGE, RED, SERIES, new_figure

LABEL = 30  # letters of a label on one line; longer ones leave the axes no room
_PERCENT = FuncFormatter(lambda share, _: f"{round(100 * share, 6):g}%")


def confusion_figure(metrics: Mapping[str, Any], *, synthetic: bool = False, title: str = "") -> Figure:
    """Confusion matrix of `evaluation.metrics`: number of images, and share of the true class; errors are
    red.
    """
    classes, counts = metrics["classes"], metrics["confusion"]
    figure, (axes,) = new_figure(0.78 * len(classes) + 1.5)
    size = 12 if len(classes) <= 5 else 8
    for row, of_class in enumerate(counts):
        for column, count in enumerate(of_class):
            share = count / sum(of_class) if sum(of_class) else 0
            colour = BLUE if row == column else RED
            corner = (column + 0.03, row + 0.03)
            axes.add_patch(
                Rectangle(
                    corner, 0.94, 0.94, facecolor=colour if count else "none", edgecolor=INK, linewidth=0.6
                )
            )
            text = f"{count:,}\n{share:.1%}" if count else "0"
            ink = "white" if count else INK
            axes.text(
                column + 0.5,
                row + 0.5,
                text,
                ha="center",
                va="center",
                color=ink,
                fontsize=size,
                weight="bold" if count else "normal",
            )
    ticks = [place + 0.5 for place in range(len(classes))]
    support = [sum(of_class) for of_class in counts]
    axes.set(xlim=(0, len(classes)), ylim=(len(classes), 0), xlabel="Predicted class", ylabel="True class")
    axes.set_xticks(ticks, classes)
    axes.set_yticks(ticks, [f"{name}\nn = {n:,}" for name, n in zip(classes, support, strict=True)])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    right = f"{metrics['correct']:,} of {metrics['n']:,} images right ({metrics['accuracy']:.2%})"
    title_over(figure, title or right)
    return finish(figure, synthetic, [f"Confusion matrix: {right}.", *_confused(classes, counts)])


def _confused(classes: list[str], counts: list[list[int]]) -> list[str]:
    """A sentence per true class that has images: what they were called, most frequent first."""
    found = []
    for name, row in zip(classes, counts, strict=True):
        called = sorted(((n, other) for n, other in zip(row, classes, strict=True) if n), reverse=True)
        if called:
            found.append(f"True class {name}: " + ", ".join(f"{n:,} called {other}" for n, other in called) + ".")
    return found


def learning_curve_figure(history: pd.DataFrame, *, synthetic: bool = False, title: str = "") -> Figure:
    """Loss and validation accuracy by epoch; history has columns epoch, train_loss, val_loss,
    val_accuracy.
    """
    need(history, ["epoch", "train_loss", "val_loss", "val_accuracy"])
    figure, (loss, accuracy) = new_figure(4.6, rows=2, sharex=True)
    for column, name, colour, marker in (
        ("train_loss", "training", BLUE, MARKERS[0]),
        ("val_loss", "validation", ORANGE, MARKERS[1]),
    ):
        loss.plot(history["epoch"], history[column], color=colour, marker=marker, markersize=4, label=name)
    loss.set_ylabel("Loss (nats)")
    loss.legend(frameon=False, labelcolor=INK)
    accuracy.plot(history["epoch"], history["val_accuracy"], color=ORANGE, marker=MARKERS[1], markersize=4)
    for axes in (loss, accuracy):
        axes.grid(axis="y")
    accuracy.set(xlabel="Epoch", ylabel="Validation accuracy")
    accuracy.yaxis.set_major_formatter(_PERCENT)
    accuracy.xaxis.set_major_locator(MaxNLocator(integer=True))
    if title:
        title_over(figure, title)
    first, last = history.iloc[0], history.iloc[-1]
    says = [
        f"Learning curves over {len(history)} epochs.",
        f"Training loss {first['train_loss']:.3g} to {last['train_loss']:.3g}, "
        f"validation loss {first['val_loss']:.3g} to {last['val_loss']:.3g},",
        f"validation accuracy {first['val_accuracy']:.1%} to {last['val_accuracy']:.1%}.",
    ]
    return finish(figure, synthetic, says)


def interval_figure(
    table: pd.DataFrame,
    *,
    synthetic: bool = False,
    title: str = "",
    measure: str = "Accuracy",
    reference: float | None = None,
    reference_name: str = "paper",
    percent: bool = True,
    interval: str = "95% interval",
) -> Figure:
    """A point and its interval per row; table has columns label, value, low, high, n and, if you like, unit
    ("images").

    A `reference` is drawn as a dashed line with its name. `interval` says what the lines are.
    """
    need(table, ["label", "value", "low", "high", "n"])
    units = table["unit"] if "unit" in table.columns else pd.Series("images", index=table.index)
    units = [unit if unit.endswith("s") else f"{unit}s" for unit in units]
    names = [[*wrap(label, LABEL), f"n = {n:,} {unit}"] for label, n, unit in zip(table["label"], table["n"], units, strict=True)]
    figure, (axes,) = new_figure(max(0.52, 0.19 * max(map(len, names))) * len(table) + 1.35)
    for place, row in enumerate(table.itertuples()):
        axes.plot([row.low, row.high], [place, place], color=BLUE, linewidth=2.4, solid_capstyle="butt")
        axes.plot([row.low, row.high], [place, place], color=BLUE, marker="|", markersize=9, linestyle="none")
        axes.plot(row.value, place, color=BLUE, marker="o", markersize=8)
    if reference is not None:
        reference_line(axes, reference, f"{reference_name} {reference:.2%}" if percent else f"{reference_name} {reference:g}")
    axes.set_yticks(range(len(table)), map("\n".join, names))
    axes.set_ylim(len(table) - 0.5, -0.5)
    figure.supxlabel(f"{measure}, {interval}", fontsize=11, color=INK)  # under the axes alone, long labels leave it no room
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    if percent:
        axes.xaxis.set_major_formatter(_PERCENT)
    axes.grid(axis="x")
    if title:
        title_over(figure, title)
    entries = [spoken_interval(*row, percent) for row in table[["label", "value", "low", "high"]].itertuples(index=False)]
    named = f" {reference_name} {reference:.2%}." if reference is not None and percent else ""
    named = f" {reference_name} {reference:g}." if reference is not None and not percent else named
    begins = f"{title}: {measure}" if title else measure
    return finish(figure, synthetic, [f"{begins} with {interval}s.{named}", "; ".join(entries) + "."])


def curves_figure(
    table: pd.DataFrame,
    *,
    n: int,
    synthetic: bool = False,
    measure: str = "Accuracy",
    chance: float | None = None,
) -> Figure:
    """Accuracy against severity, one line with its interval per series and one panel per corruption.

    table has columns corruption, series, severity (0 is none), value, low, high. n: images behind each point. Raises DataError
    for more series than there are colours.
    """
    need(table, ["corruption", "series", "severity", "value", "low", "high"])
    panels = list(dict.fromkeys(table["corruption"]))
    columns = 1 if len(panels) == 1 else 2
    rows = math.ceil(len(panels) / columns)
    series = list(dict.fromkeys(table["series"]))
    if len(series) > len(SERIES):
        raise DataError(f"figure: {len(series)} curves for {len(SERIES)} colours; leave some out, or draw two figures")
    figure, every = new_figure(
        1.15 + (2.6 if columns == 1 else 1.75) * rows, rows, columns, sharex=True, sharey=True
    )
    for axes, panel in zip(every, panels, strict=False):
        _draw_curves(axes, table[table["corruption"] == panel], series, chance)
        axes.set_title(panel, fontsize=11)
    for place, axes in enumerate(every):
        axes.set_visible(place < len(panels))
        if place + columns >= len(panels):  # nothing visible below
            axes.tick_params(labelbottom=True)
        if place % columns == 0:
            axes.set_ylabel(measure)
    if len(series) > 1:
        handles, names = every[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper left", ncols=2 if max(map(len, series)) <= 22 else 1, frameon=False)
    figure.supxlabel(f"Severity (n = {n:,} images at each point; bands: 95% intervals)", fontsize=11, color=INK)
    says = [f"{measure} against severity, {n:,} images at each point, with 95% bands."]
    for (panel, name), rows in table.sort_values("severity").groupby(["corruption", "series"], sort=False):
        who = f"{panel}, {name}" if len(series) > 1 else panel
        says.append(f"{who}: {rows['value'].iloc[0]:.1%} to {rows['value'].iloc[-1]:.1%}.")
    return finish(figure, synthetic, says)


def _draw_curves(axes: Axes, table: pd.DataFrame, series: list[str], chance: float | None) -> None:
    for place, name in enumerate(series):
        rows = table[table["series"] == name].sort_values("severity")
        colour, marker = SERIES[place % len(SERIES)], MARKERS[place % len(MARKERS)]
        axes.fill_between(rows["severity"], rows["low"], rows["high"], color=colour, alpha=0.22, linewidth=0)
        axes.plot(rows["severity"], rows["value"], color=colour, marker=marker, markersize=5, label=name)
    if chance is not None:
        axes.axhline(chance, color=INK, linestyle=":", linewidth=1.2)
        axes.annotate(
            "chance",
            (0, chance),  # on the left, where untouched pictures are classified well above it
            xycoords=("axes fraction", "data"),
            xytext=(4, 2),
            textcoords="offset points",
            ha="left",
            fontsize=10,
            color=INK,
        )
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y")
