"""Figures of one family; import it where figures are drawn (it needs seaborn), nowhere else."""

from neurallnet.plots.figures import (
    confusion_figure,
    curves_figure,
    interval_figure,
    learning_curve_figure,
)
from neurallnet.plots.theme import CLASS_COLOURS, label_synthetic, save_svg, svg_text, use_theme

__all__ = [
    "CLASS_COLOURS",
    "confusion_figure",
    "curves_figure",
    "interval_figure",
    "label_synthetic",
    "learning_curve_figure",
    "save_svg",
    "svg_text",
    "use_theme",
]
