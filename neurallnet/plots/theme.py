"""One look for every figure: colours, sizes, the SYNTHETIC stamp, and SVG files that are equal when the
numbers are.

Text and axes are a grey with the same contrast (4.3) on white and on a dark page (#121212), on no background
of their own; the book puts its own ink for either page in the grey's place. Figures are as wide as a phone shows
without shrinking the letters. What a figure shows, in words, travels as the description of its SVG.
"""

import sys
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure

from neurallnet.config import CLASSES

INK = "#797979"
WIDTH = 4.9  # inches: 353 points, so 11 point letters are still 11 pixels on a phone 360 pixels wide

_palette = sns.color_palette("colorblind").as_hex()
BLUE, GREEN, RED, PINK = (_palette[place] for place in (0, 2, 3, 4))
ORANGE, BROWN = (
    "#c47f05",
    "#b57f52",
)  # the palette's, darkened to a contrast of 3 on white; the others have it
SERIES = [BLUE, ORANGE, GREEN, PINK, RED, BROWN]
CLASS_COLOURS = dict(zip(CLASSES, [GREEN, BLUE, PINK, RED], strict=True))
MARKERS = ["o", "s", "^", "D", "v", "P"]  # shape repeats what colour says

_RC = {
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "savefig.facecolor": "none",
    "axes.facecolor": "none",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "patch.edgecolor": "none",  # seaborn draws bars with a white edge, which a dark page shows
    "patch.force_edgecolor": False,
    "grid.alpha": 0.25,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so every machine draws the same letters
    "font.size": 11,
    "axes.labelsize": 11,
    "axes.titlesize": 12,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "legend.fontsize": 10.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
    "svg.hashsalt": "neurallnet",  # element ids would be random otherwise
    "svg.fonttype": "path",
}


def use_theme() -> None:
    """Set the theme for all following figures; in a notebook, also ask for SVG without a date and with its description."""
    sns.set_theme(style="ticks", palette=SERIES, rc=_RC)
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg", metadata={"Date": None}, bbox_inches=None)
        shell.display_formatter.formatters["image/svg+xml"].for_type(Figure, svg_text)


def new_figure(height: float, rows: int = 1, columns: int = 1, **options) -> tuple[Figure, list]:
    """A themed figure of `height` inches outside pyplot's registry (nothing to close), and its axes as a flat
    list.
    """
    with mpl.rc_context(_RC):
        figure = Figure(figsize=(WIDTH, height))
        axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, list(axes.ravel())


def label_synthetic(figure: Figure) -> Figure:
    """Stamp SYNTHETIC on a figure, once: in words at the top right, and large and faint across it."""
    if any(text.get_gid() == "synthetic" for text in figure.texts):
        return figure
    width, height = figure.get_size_inches()
    layout = figure.get_layout_engine()
    if layout is not None:  # leave a strip for the words
        layout.set(rect=(0, 0, 1, 1 - 0.22 / height))
    figure.text(
        0.995,
        1 - 0.04 / height,
        "SYNTHETIC",
        ha="right",
        va="top",
        fontsize=10.5,
        weight="bold",
        color=RED,
        gid="synthetic",
    )
    size = 72 * min(width, height * 1.6) / 8
    figure.text(
        0.5,
        0.5,
        "SYNTHETIC",
        ha="center",
        va="center",
        rotation=25,
        fontsize=size,
        weight="bold",
        color=INK,
        alpha=0.16,
        gid="synthetic-watermark",
        zorder=-1,
    )
    return figure


def svg_text(figure: Figure) -> str:
    """The figure as SVG, its label as description; figures drawn from the same numbers give the same text."""
    buffer = BytesIO()
    said = {"Description": figure.get_label()} if figure.get_label() else {}
    with mpl.rc_context(_RC):
        figure.savefig(buffer, format="svg", metadata={"Date": None, **said})
    return buffer.getvalue().decode()


def save_svg(figure: Figure, path: Path) -> None:
    """Write the SVG, with LF line ends on every system."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(svg_text(figure).encode())
