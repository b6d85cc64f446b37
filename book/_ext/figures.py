"""Figures of notebooks on the page: an alternative text, and the page's own ink in light and in dark.

A figure of `neurallnet.plots` carries what it shows as the description of its SVG; that becomes `alt`. An older one has the
texts drawn in it, which stand as comments beside their outlines. Its grey ink, made for any page, is replaced twice: the
theme shows the image of class `only-light` or that of class `only-dark`. Both inks have a contrast above 7 on their page.
"""

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

INK = "#797979"  # of neurallnet.plots.theme, which is not imported here for what it imports; a test holds the two equal
PAGES = {"light": "#3d444d", "dark": "#c9d1d9"}
_DESCRIPTION = ".//{http://purl.org/dc/elements/1.1/}description"
_COMMENT = re.compile(r"<!-- (.*?) -->", re.S)


def alternative_text(svg: str) -> str:
    """What the figure shows, in words; the texts drawn in it when it does not say.

    >>> alternative_text("<svg><!-- Accuracy --><!-- 10% --><!-- Accuracy --></svg>")
    'Figure with the labels: Accuracy.'
    """
    said = ET.fromstring(svg).findtext(_DESCRIPTION)
    if said:
        return " ".join(said.split())
    drawn = dict.fromkeys(" ".join(text.split()) for text in _COMMENT.findall(svg))
    words = [text for text in drawn if re.search("[A-Za-z]{2}", text)]
    return f"Figure with the labels: {'; '.join(words)}." if words else "Figure."


def in_ink(svg: str, ink: str) -> str:
    """The SVG with `ink` in place of the grey."""
    return svg.replace(INK, ink)


def dress(image: nodes.image, file: Path) -> list[nodes.image]:
    """The image of the SVG `file` as two, one per page colour, written beside it, each with an alternative text."""
    svg = file.read_text(encoding="utf-8")
    made = []
    for page, ink in PAGES.items():
        dressed = image.deepcopy()
        other = file.with_name(f"{file.stem}-{page}.svg")
        other.write_text(in_ink(svg, ink), encoding="utf-8", newline="\n")
        dressed["uri"] = image["uri"].removesuffix(file.name) + other.name
        dressed["alt"] = alternative_text(svg)
        dressed["classes"] = [*image["classes"], "figure-output", f"only-{page}"]
        made.append(dressed)
    return made


def dress_figures(app: Sphinx, document: nodes.document) -> None:
    """Every SVG that a notebook's cell put out; before Sphinx collects the images."""
    for image in list(document.findall(nodes.image)):
        if "jupyter_execute" not in image["uri"] or not image["uri"].endswith(".svg"):
            continue
        _, file = app.env.relfn2path(image["uri"], app.env.docname)
        image.parent.replace(image, dress(image, Path(file)))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", dress_figures, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "env_version": 1}
