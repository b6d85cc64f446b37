"""What several figures share: the check of their table, titles, reference lines, the stamp and the description in words."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurallnet.errors import DataError
from neurallnet.plots.theme import INK, RED, label_synthetic


def need(table: pd.DataFrame, columns: list[str]) -> None:
    """Raise DataError unless `table` has rows and `columns`."""
    missing = [c for c in columns if c not in table.columns]
    if missing or table.empty:
        raise DataError(f"figure: the table has no {', '.join(missing) or 'rows'}; it needs {', '.join(columns)}")


def title_over(figure: Figure, text: str) -> None:
    """A title over the whole figure: over the axes alone, long labels beside them leave it no room."""
    figure.suptitle(text, fontsize=12, color=INK)


def finish(figure: Figure, synthetic: bool, says: Iterable[str]) -> Figure:
    """The figure, labelled when its numbers come from drawn images; the sentences of `says` go into its SVG as description."""
    figure.set_label(" ".join([*(["Synthetic images."] if synthetic else []), *says]))
    return label_synthetic(figure) if synthetic else figure


def spoken_interval(label: str, value: float, low: float, high: float, percent: bool) -> str:
    """An entry of a description: "ours: 98.2% [96.6%, 99.4%]"."""
    shown = [f"{number:.1%}" if percent else f"{number:.3g}" for number in (value, low, high)]
    return f"{' '.join(str(label).split())}: {shown[0]} [{shown[1]}, {shown[2]}]"


def reference_line(axes: Axes, value: float, text: str) -> None:
    """A dashed line at `value` on the x axis, with `text` above it."""
    axes.axvline(value, color=RED, linestyle="--", linewidth=1.5)
    above = {"xycoords": ("data", "axes fraction"), "xytext": (0, 3), "textcoords": "offset points"}
    axes.annotate(text, (value, 1), **above, ha="center", va="bottom", color=INK, fontsize=10)
