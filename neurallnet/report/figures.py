"""Figures as SVG that stands inside a page: no XML prolog, no addresses, ids of their own, a description for screen readers."""

import html
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from neurallnet.plots import interval_figure, learning_curve_figure, svg_text

_LONGEST = 22  # letters of a class name beside an axis


def inline_svg(figure: Figure, name: str, description: str) -> str:
    """The figure as one <svg> element; `name` prefixes its ids, `description` is its alternative text.

    >>> inline_svg(Figure(figsize=(1, 1)), "a", "Nothing.").startswith('<svg role="img" aria-label="Nothing."')
    True
    """
    text = svg_text(figure)
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)[0]
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r"\s+\n", "\n", body)
    return f'<svg role="img" aria-label="{html.escape(description)}" {box}>{body}'


def curve(facts: Mapping[str, Any]) -> str:
    """The training curve, with what it shows in words."""
    history = facts["history"]
    said = (
        f"Loss and validation accuracy over {len(history)} epochs. Training loss went from {history['train_loss'].iloc[0]:.2f} to "
        f"{history['train_loss'].iloc[-1]:.2f} nats; validation accuracy after the last, {history['val_accuracy'].iloc[-1]:.1%}."
    )
    return inline_svg(learning_curve_figure(history, synthetic=facts["synthetic"]), "curve", said)


def recalls(facts: Mapping[str, Any]) -> str:
    """Recall of each class with its interval; empty when no class has test images."""
    rows = [row for row in facts["classes"] if row["interval"] is not None]
    if not rows:
        return ""
    table = pd.DataFrame(
        {
            "label": [plain(row["name"]) for row in rows],
            "value": [row["recall"] for row in rows],
            "low": [row["interval"].low for row in rows],
            "high": [row["interval"].high for row in rows],
            "n": [row["n"] for row in rows],
        }
    )
    said = "Recall per class: " + "; ".join(f"{row['name']} {row['recall']:.1%} of {row['n']} test images" for row in rows) + "."
    return inline_svg(interval_figure(table, synthetic=facts["synthetic"], measure="Recall"), "recall", said)


def plain(name: str) -> str:
    """A class name as a figure can draw it: short, and without the signs that start a formula.

    >>> plain("cost in $ and a very long name")
    'cost in \\\\$ and a very…'
    """
    short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip()}…"
    return short.replace("$", r"\$")
