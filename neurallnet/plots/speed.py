"""Figures of speed and energy, from the rows of `neurallnet.profiling`; what was not measured is written, not drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from neurallnet.errors import DataError
from neurallnet.plots.labels import name_points
from neurallnet.plots.parts import finish, spoken_interval, title_over
from neurallnet.plots.theme import BLUE, INK, MARKERS, ORANGE, RED, SERIES, new_figure

Rows = Sequence[Mapping[str, Any]]


def latency_figure(rows: Rows, *, synthetic: bool = False, title: str = "", ours: str = "ours") -> Figure:
    """A bar per case to the median, with a line to the 95th percentile; cases whose name begins with `ours` are blue."""
    _need(rows, ("case", "p50_ms", "p95_ms", "not_measured"))
    measured = [row for row in rows if row["p50_ms"] is not None]
    order = sorted(measured, key=lambda row: row["p50_ms"]) + [row for row in rows if row["p50_ms"] is None]
    figure, (axes,) = new_figure(0.5 * len(order) + 1.3)
    reach = max((row["p95_ms"] for row in measured), default=1.0)
    for place, row in enumerate(order):
        _name(axes, place, row["case"])
        if row["p50_ms"] is None:
            reason = f"not measured: {_short(row['not_measured'])}"
            axes.text(0, place + 0.12, reason, va="center", fontsize=10, color=INK, style="italic")
            continue
        own = row["case"].startswith(ours)
        axes.barh(place + 0.12, row["p50_ms"], height=0.36, color=BLUE if own else ORANGE)
        axes.plot([row["p50_ms"], row["p95_ms"]], [place + 0.12] * 2, color=INK, linewidth=1.4)
        axes.plot(row["p95_ms"], place + 0.12, color=INK, marker="|", markersize=8)
        axes.text(row["p95_ms"] + 0.015 * reach, place + 0.12, f"{_figure(row['p50_ms'])} ms", va="center", fontsize=10, color=INK)
    axes.set(xlim=(0, 1.2 * reach), xlabel="Time of one call, ms: median, line to the 95th percentile")
    says = ["Time of one call in milliseconds, median and 95th percentile."]
    for row in order:
        times = f"{_figure(row['p50_ms'])}, {_figure(row['p95_ms'])}" if row["p50_ms"] is not None else "not measured"
        says.append(f"{row['case']}: {times}.")
    return _bars_done(figure, axes, len(order), title, synthetic, says)


def ratio_figure(ratios: Rows, *, synthetic: bool = False, title: str = "", target: float | None = None) -> Figure:
    """How many times as fast `fast` is as `slow`, a point per comparison with the 5th to 95th percentile of the rounds."""
    _need(ratios, ("slow", "fast", "median", "low", "high", "rounds"))
    figure, (axes,) = new_figure(0.75 * len(ratios) + 1.4)
    for place, row in enumerate(ratios):
        _name(axes, place, f"{row['fast']}\nagainst {row['slow']}")
        axes.plot([row["low"], row["high"]], [place + 0.22] * 2, color=BLUE, linewidth=2.4, solid_capstyle="butt")
        axes.plot([row["low"], row["high"]], [place + 0.22] * 2, color=BLUE, marker="|", markersize=9, linestyle="none")
        axes.plot(row["median"], place + 0.22, color=BLUE, marker="o", markersize=8)
        _value(axes, place - 0.11, f"{row['median']:.1f}\u00d7")  # beside the first line
        _mark(axes, place + 0.12, 1, INK, ":")
        if target is not None:
            _mark(axes, place + 0.12, target, RED, "--")
    reach = max([row["high"] for row in ratios] + ([target] if target else []))
    rounds = sorted({row["rounds"] for row in ratios})
    counted = f"{rounds[0]}" if len(rounds) == 1 else f"{rounds[0]} to {rounds[-1]}"
    axes.set(xlim=(0, 1.15 * reach), xlabel=f"Times as fast; median and 5% to 95% of {counted} rounds")
    says = [f"How many times as fast, median with 5% to 95% of {counted} rounds."]
    for row in ratios:
        says.append(spoken_interval(f"{row['fast']} against {row['slow']}", row["median"], row["low"], row["high"], False) + ".")
    return _bars_done(figure, axes, len(ratios), title, synthetic, says)


def growth_figure(rows: Rows, *, synthetic: bool = False, title: str = "") -> Figure:
    """Milliseconds per image against each axis, a line per case, the panels in the order of the rows."""
    _need(rows, ("axis", "value", "case", "images_per_second"))
    panels = list(dict.fromkeys(row["axis"] for row in rows))
    columns = min(len(panels), 2)
    lines = -(-len(panels) // columns)
    figure, every = new_figure(0.9 + 2.1 * lines, lines, columns)
    cases = list(dict.fromkeys(row["case"] for row in rows))
    for axes, panel in zip(every, panels, strict=False):
        for case in cases:
            here = [row for row in rows if row["axis"] == panel and row["case"] == case and row["images_per_second"]]
            points = sorted((row["value"], 1e3 / row["images_per_second"]) for row in here)
            if points:
                place = cases.index(case)
                style = {"color": SERIES[place % len(SERIES)], "marker": MARKERS[place % len(MARKERS)], "markersize": 5}
                axes.plot(*zip(*points, strict=True), label=case, **style)
        values = sorted({row["value"] for row in rows if row["axis"] == panel})
        axes.set_xscale("log", base=2)
        axes.set_xticks(values, [f"{value:,}" for value in values])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_ylim(0, 1.1 * axes.get_ylim()[1])
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.set_title(panel, fontsize=11)
        axes.grid(axis="y")
    for place, axes in enumerate(every):
        axes.set_visible(place < len(panels))
    handles = {label: handle for axes in every for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=1, labelcolor=INK, frameon=False, fontsize=10.5)
    figure.supylabel("Milliseconds per image", fontsize=11, color=INK)
    if title:
        title_over(figure, title)
    says = [f"Milliseconds per image for {', '.join(cases)}, a panel per {', '.join(panels)}."]
    return finish(figure, synthetic, says)


def energy_figure(report: Mapping[str, Any], *, synthetic: bool = False, title: str = "") -> Figure:
    """Energy of the spiking network in percent of its dense twin's, a bar per energy model, stacked by what it is spent on."""
    rows = report.get("models", [])
    _need(rows, ("title", "spiking_uj", "twin_uj", "spiking_parts"))
    figure, (axes,) = new_figure(0.62 * len(rows) + 1.75)
    parts = list(rows[0]["spiking_parts"])
    reach = max([1.0] + [row["spiking_uj"] / row["twin_uj"] for row in rows])
    for place, row in enumerate(rows):
        _name(axes, place, row["title"])
        left = 0.0
        for part, colour in zip(parts, SERIES, strict=False):
            share = row["spiking_parts"][part] / row["twin_uj"]
            axes.barh(place + 0.12, share, left=left, height=0.36, color=colour, label=part if place == 0 else None)
            left += share
        _value(axes, place, f"{_figure(row['spiking_uj'])} of {_figure(row['twin_uj'])} \u00b5J")
        _mark(axes, place, 1, RED, "--")
    axes.set(xlim=(0, 1.05 * reach), xlabel="Energy of an image, share of the dense twin's (dashed)")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f}%"))
    figure.legend(loc="outside upper left", ncols=2, labelcolor=INK, frameon=False, fontsize=10.5)
    says = ["Energy of an image, spiking network of dense twin, in microjoules."]
    says += [f"{row['title']}: {_figure(row['spiking_uj'])} of {_figure(row['twin_uj'])}." for row in rows]
    return _bars_done(figure, axes, len(rows), title, synthetic, says)


def spike_rate_figure(report: Mapping[str, Any], *, synthetic: bool = False, title: str = "") -> Figure:
    """Share of neurons that fire at a time step, per block, of `energy_report`."""
    rows = [row for row in report.get("layers", []) if row["kind"] == "neurons"]
    _need(rows, ("layer", "spike_rate", "silent"))
    figure, (axes,) = new_figure(0.5 * len(rows) + 1.3)
    reach = max(row["spike_rate"] for row in rows) or 1.0
    for place, row in enumerate(rows):
        block = int(row["layer"].split(".")[1]) + 1
        silent = f", {row['silent']:.0%} of its channels silent" if row["silent"] else ""
        _name(axes, place, f"Block {block}: {row['neurons']:,} neurons{silent}")
        axes.barh(place + 0.12, row["spike_rate"], height=0.36, color=BLUE)
        axes.text(row["spike_rate"] + 0.015 * reach, place + 0.12, f"{row['spike_rate']:.1%}", va="center", fontsize=10, color=INK)
    axes.set(xlim=(0, 1.2 * reach), xlabel=f"Neurons firing per time step (n = {report['images']:,} images)")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.3g}%"))
    says = [f"Share of neurons that fire at a time step, {report['images']:,} images."]
    says += [f"Block {int(row['layer'].split('.')[1]) + 1}: {row['spike_rate']:.1%}." for row in rows]
    return _bars_done(figure, axes, len(rows), title, synthetic, says)


def _bars_done(figure: Figure, axes: Axes, count: int, title: str, synthetic: bool, says: Sequence[str]) -> Figure:
    axes.set_ylim(count - 0.5, -0.55)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.label.set_horizontalalignment("right")
    axes.xaxis.label.set_x(1.0)
    axes.grid(axis="x")
    if title:
        title_over(figure, title)
    return finish(figure, synthetic, says)


def _name(axes: Axes, place: int, text: str) -> None:
    """The name of a bar stands above it, so that bars keep the width of a phone."""
    axes.annotate(text, (0, place - 0.24), xycoords=("axes fraction", "data"), va="center", fontsize=10, color=INK)


def _value(axes: Axes, place: int, text: str) -> None:
    """A bar's figures, at the right end of its name's line, where no bar can run into them."""
    where = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "center"}
    axes.annotate(text, (1, place - 0.24), fontsize=10, color=INK, weight="bold", **where)


def _mark(axes: Axes, place: int, at: float, colour: str, style: str) -> None:
    """A reference beside one bar; a line through all of them would strike the names out."""
    axes.plot([at, at], [place - 0.1, place + 0.38], color=colour, linestyle=style, linewidth=1.5)


def _short(reason: str) -> str:
    return reason if len(reason) <= 46 else reason[:44].rstrip() + " …"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _need(rows: Rows, columns: Sequence[str]) -> None:
    missing = [name for name in columns if rows and name not in rows[0]]
    if not rows or missing:
        raise DataError(f"figure: the rows have no {', '.join(missing) or 'entries'}; needed are {', '.join(columns)}")


def pareto_figure(table: pd.DataFrame, *, synthetic: bool = False, title: str = "") -> Figure:
    """Validation accuracy with its interval against MACs, a point per arm; the front is filled and named in bold."""
    figure, (axes,) = new_figure(4.4)
    for row in table.itertuples():
        x, colour = row.macs / 1e6, BLUE if row.pareto else INK
        axes.plot([x, x], [row.low, row.high], color=colour, linewidth=1.4, alpha=0.6)
        axes.plot(x, row.val_accuracy, marker="o", markersize=7, color=colour, markerfacecolor=BLUE if row.pareto else "none")
    axes.set(xscale="log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="Multiply-accumulates per image, millions", ylabel="Validation accuracy, 95% Wilson")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
    axes.grid(axis="y")
    if title:
        title_over(figure, title)
    points = list(zip(table["macs"] / 1e6, table["val_accuracy"], strict=True))
    name_points(axes, points, list(table["arm"]), list(table["pareto"]))
    says = ["Validation accuracy with 95% Wilson interval against millions of multiply-accumulates per image."]
    for row in table.itertuples():
        front = ", on the front" if row.pareto else ""
        says.append(spoken_interval(row.arm, row.val_accuracy, row.low, row.high, True) + f", {row.macs / 1e6:.3g} million{front}.")
    return finish(figure, synthetic, says)
