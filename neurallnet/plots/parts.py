"""What several figures share: the check of their table, the label of drawn images, the line of a reference value."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurallnet.errors import DataError
from neurallnet.plots.theme import RED, label_synthetic


def need(table: pd.DataFrame, columns: list[str]) -> None:
    """Raise DataError unless `table` has rows and `columns`."""
    missing = [c for c in columns if c not in table.columns]
    if missing or table.empty:
        raise DataError(f"figure: the table has no {', '.join(missing) or 'rows'}; it needs {', '.join(columns)}")


def title_over(figure: Figure, text: str) -> None:
    """A title over the whole figure: over the axes alone, long labels beside them leave it no room."""
    figure.suptitle(text, fontsize="medium")


def finish(figure: Figure, synthetic: bool) -> Figure:
    """The figure, labelled when its numbers come from drawn images."""
    return label_synthetic(figure) if synthetic else figure


def reference_line(axes: Axes, value: float, text: str) -> None:
    """A dashed line at `value` on the x axis, with `text` above it."""
    axes.axvline(value, color=RED, linestyle="--", linewidth=1.5)
    above = {"xycoords": ("data", "axes fraction"), "xytext": (0, 3), "textcoords": "offset points"}
    axes.annotate(text, (value, 1), **above, ha="center", va="bottom", color=RED, fontsize=10)
