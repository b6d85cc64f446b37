"""Figures of explanations: plots of numbers, drawn as vectors; none of them shows an image."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from neurallnet.errors import DataError
from neurallnet.plots.parts import finish, title_over
from neurallnet.plots.theme import INK, MARKERS, SERIES, new_figure

Rows = Sequence[Mapping[str, Any]]

_COLOURS = colormaps["viridis"].resampled(24)  # few enough that matplotlib draws the scale as vectors, too
_PERCENT = FuncFormatter(lambda share, _: f"{round(100 * share, 6):g}%")


def heat_figure(
    table: pd.DataFrame,
    *,
    measure: str,
    rows: str,
    columns: str,
    n: int,
    synthetic: bool = False,
    title: str = "",
    percent: bool = False,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """The numbers of `table` as colours, with their values where there are 40 or fewer; `rows`, `columns` name its axes.

    n: images behind each number. `limits`: ends of the colour scale, by default the table's.
    """
    if table.empty or table.isna().any(axis=None):
        raise DataError("figure: the table of a heat map is empty or has gaps")
    figure, (axes,) = new_figure(0.36 * len(table) + 1.7)
    low, high = limits or (float(table.min(axis=None)), float(table.max(axis=None)))
    mesh = axes.pcolormesh(table.to_numpy(float), cmap=_COLOURS, vmin=low, vmax=high, edgecolors="none")
    if table.size <= 40:
        for row, values in enumerate(table.to_numpy(float)):
            for column, value in enumerate(values):
                ink = "black" if (value - low) / max(high - low, 1e-12) > 0.55 else "white"
                text = f"{value:.1%}" if percent else f"{value:.2f}"
                axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=10, color=ink)
        axes.set_xticks([place + 0.5 for place in range(table.shape[1])], [str(name) for name in table.columns])
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_yticks([place + 0.5 for place in range(len(table))], [str(name) for name in table.index])
    axes.set(ylim=(len(table), 0), xlabel=f"{columns} (n = {n:,} images)", ylabel=rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    scale = figure.colorbar(mesh, ax=axes, pad=0.02, format=_PERCENT if percent else None)
    scale.set_label(measure, color=INK)
    scale.ax.tick_params(colors=INK)
    scale.outline.set_visible(False)
    if title:
        title_over(figure, title)
    means = [(name, values.mean()) for name, values in table.iterrows()]
    spoken = ", ".join(f"{rows} {name}: {f'{mean:.1%}' if percent else f'{mean:.2f}'}" for name, mean in means)
    says = [f"Heat map of {measure}, {rows} by {columns}, {n:,} images.", f"Means over {columns}: {spoken}."]
    return finish(figure, synthetic, says)


def removal_figure(rows: Rows, fractions: Sequence[float], *, synthetic: bool = False) -> Figure:
    """Mean probability of the class against the share of the field deleted or inserted: a panel per mode, a line per order.

    rows: those of `explain.removal_table`.
    """
    modes = list(dict.fromkeys(row["mode"] for row in rows))
    if not modes:
        raise DataError("figure: there are no removal curves")
    figure, panels = new_figure(2.35 * len(modes) + 1.2, rows=len(modes), sharex=True, sharey=True)
    for axes, mode in zip(panels, modes, strict=True):
        for place, row in enumerate(row for row in rows if row["mode"] == mode):
            style = {"color": SERIES[place % len(SERIES)], "marker": MARKERS[place % len(MARKERS)], "markersize": 5}
            axes.plot(fractions, row["curve"], label=row["order"], **style)
        axes.set(ylim=(0, 1), ylabel="Probability", title=mode.capitalize())
        axes.yaxis.set_major_formatter(_PERCENT)
        axes.grid(axis="y")
    panels[-1].xaxis.set_major_formatter(_PERCENT)
    panels[-1].set_xlabel(f"Share of the field deleted or inserted (n = {rows[0]['n']:,} images)", color=INK)
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower left", ncols=3, frameon=False, labelcolor=INK)
    says = [f"Probability of the class against the share of the field deleted or inserted, {rows[0]['n']:,} images."]
    says += [f"{row['mode']}, {row['order']}: mean over the shares {sum(row['curve']) / len(row['curve']):.1%}." for row in rows]
    return finish(figure, synthetic, says)


def ratio_table(rows: Rows, label: str) -> pd.DataFrame:
    """Rows of attention as `interval_figure` draws them: times chance, named by the key `label`."""
    columns = {"ratio": "value", "ratio_low": "low", "ratio_high": "high"}
    table = pd.DataFrame(list(rows))
    if table.empty:
        raise DataError("figure: no row of attention; the network is silent in this block, or fewer than two groups were explained")
    return (
        table.assign(label=table[label].astype(str), unit="images").drop(columns=["value", "low", "high"]).rename(columns=columns)
    )


def lead_table(rows: Rows, than: str) -> pd.DataFrame:
    """Rows of `explain.removal_table` as `interval_figure` draws them: how much better each order is than the order `than`."""
    found = [
        {"label": f"{row['order']}\n{row['mode']}", **row["better_than"][than], "n": row["n"], "unit": "images"}
        for row in rows
        if than in row["better_than"]
    ]
    if not found:
        raise DataError(f"figure: no order was compared with {than!r}")
    return pd.DataFrame(found)
