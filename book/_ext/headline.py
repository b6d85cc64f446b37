"""The directive `headline-figure`: the figure of the front page, drawn from the evidence each time the book is built.

Accuracy of the paper, of our network and of colour alone, where images are split at random and where blocks of the acquisition
order are held out. It is text and shapes in one SVG: ink follows the page, letters stay readable on a phone, and its
description has every number.
"""

import math
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from result_tables import NOT_MEASURED
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from neurallnet.arms import COMMITTEE
from neurallnet.claims import paper
from neurallnet.evidence import read_evidence
from neurallnet.plots.theme import BLUE, INK, ORANGE
from results import evidence_folder

FILES = ("protocols.json", "tenths.json")
WIDTH, ROW, TOP, LEFT, RIGHT = 330, 46, 4, 12, 318
CAPTION = (
    "Accuracy on test images with 95% intervals: ours over groups of near-duplicates, the paper's over images. Random split: the "
    "paper's one tenth; ours every tenth, each tested once, by the committee trained short."
)


class Row(NamedTuple):
    """One line of the figure: shares in [0, 1], `n` test images; `kind` is "paper", "network" or "colour"."""

    label: str
    kind: str
    value: float
    low: float
    high: float
    n: int


def headline_rows(protocols: Mapping[str, Any], tenths: Mapping[str, Any]) -> list[Row]:
    """The five rows from payloads of protocols.json and tenths.json; raises KeyError when a part of them is missing."""
    found = [Row("The paper, random split", "paper", paper.PRIMARY_ACCURACY, *paper.PRIMARY_INTERVAL, paper.PRIMARY_IMAGES)]
    crossed = {row["network"]: row for row in tenths["rows"]}
    shown = (
        ("network", COMMITTEE, "Ours trained short, random", "Ours"),
        ("colour", "colour", "Colour alone, random split", "Colour alone"),
    )
    for who, network, label, name in shown:
        random, session = crossed[network], protocols["session"][who]
        ends = session["accuracy_interval"]
        found.append(Row(label, who, random["accuracy"], random["low"], random["high"], random["n"]))
        found.append(Row(f"{name}, held-out blocks", who, session["accuracy"], ends["low"], ends["high"], session["images"]))
    return found


def headline_svg(rows: list[Row]) -> str:
    """The dot plot of `rows`; equal rows give equal text."""
    start = math.floor(50 * min(row.low for row in rows)) / 50  # the next even percentage below
    foot = TOP + ROW * len(rows)

    def x(share: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (share - start) / (1 - start), 1)

    step = 2 if start >= 0.86 else 5 if start >= 0.7 else 10
    ticks = range(math.ceil(100 * start / step) * step, 101, step)
    grid = "".join(f"M{x(tick / 100)} {TOP}V{foot}" for tick in ticks)
    marks = "".join(_row(row, TOP + ROW * place, x) for place, row in enumerate(rows))
    places = [(max(14, x(tick / 100)), tick) for tick in ticks[:-1]]  # the first one's text would start outside
    labels = "".join(f'<text x="{at}" y="{foot + 15}" text-anchor="middle">{tick}%</text>' for at, tick in places)
    labels += f'<text x="{WIDTH - 2}" y="{foot + 15}" text-anchor="end">100%</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {foot + 22}" class="drawing accuracies" role="img" '
        'aria-labelledby="headline-title headline-text" font-family="Helvetica, Arial, sans-serif" font-size="13">'
        '<title id="headline-title">Accuracy of the paper, of our network and of colour alone</title>'
        f'<desc id="headline-text">{escape(described(rows))}</desc>'
        "<style>.accuracies { color: #24292f; max-width: 31rem; width: 100%; height: auto }"
        "@media (prefers-color-scheme: dark) { .accuracies { color: #d6dbe1 } }"
        ".accuracies text { fill: currentColor }"
        ".accuracies .grid { stroke: currentColor; stroke-opacity: .18; fill: none }</style>"
        f'<path class="grid" d="{grid}"/>{marks}{labels}</svg>'
    )


def described(rows: list[Row]) -> str:
    """Every number of the figure in words, for who cannot see it."""
    return " ".join(f"{row.label}: {row.value:.2%}, interval {row.low:.2%} to {row.high:.2%}, {row.n:,} images." for row in rows)


def _row(row: Row, top: float, x) -> str:
    colour = {"paper": INK, "network": BLUE, "colour": ORANGE}[row.kind]
    y, middle = top + 32, x(row.value)
    mark = {
        "paper": f'<path d="M{middle} {y - 7}l7 7-7 7-7-7z" fill="{colour}"/>',
        "network": f'<circle cx="{middle}" cy="{y}" r="6" fill="{colour}"/>',
        "colour": f'<path d="M{middle - 5.5} {y - 5.5}h11v11h-11z" fill="{colour}"/>',
    }[row.kind]
    return (
        f'<text x="{LEFT - 10}" y="{top + 16}">{escape(row.label)}</text>'
        f'<text x="{WIDTH - 2}" y="{top + 16}" text-anchor="end"><tspan font-weight="bold">{row.value:.1%}</tspan>'
        f"\u2002n = {row.n:,}</text>"
        f'<path d="M{x(row.low)} {y}H{x(row.high)}" stroke="{colour}" stroke-width="3" stroke-linecap="round"/>{mark}'
    )


class HeadlineFigure(SphinxDirective):
    """The figure and its caption; without evidence a sentence that says so."""

    def run(self) -> list[nodes.Node]:
        paths = [evidence_folder(self.config, Path(self.env.srcdir)) / name for name in FILES]
        if not all(path.is_file() for path in paths):
            return self.parse_text_to_nodes(f"The accuracies on real images: {NOT_MEASURED}.")
        for path in paths:
            self.env.note_dependency(str(path))
        drawn = headline_svg(headline_rows(*map(read_evidence, paths)))
        caption = f'<figcaption class="headline-caption">{escape(CAPTION)}</figcaption>'
        return [nodes.raw("", f'<figure class="headline-figure">{drawn}{caption}</figure>', format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("headline-figure", HeadlineFigure)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
