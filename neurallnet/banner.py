"""The SYNTHETIC banner: first thing a reader sees on a notebook page whose images were drawn by the generator."""

import copy

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

CELL_ID = "synthetic-banner"
BANNER = """:::{admonition} SYNTHETIC
:class: warning synthetic
Every image and number on this page comes from drawn smears of the embedded generator (profile `smoke`). They show that the
code runs from end to end; they say nothing about leukemia, about patients, or about the paper.
:::"""


def synthetic_banner(notebook: NotebookNode) -> NotebookNode:
    """A copy of `notebook` (nbformat 4) with the banner right below its title, or on top when it has none.

    The argument is left as it was; a notebook that has the banner is returned with it once.

    >>> from nbformat.v4 import new_notebook
    >>> page = synthetic_banner(new_notebook(cells=[new_markdown_cell("# Data")]))
    >>> [cell.source.splitlines()[0] for cell in page.cells]
    ['# Data', ':::{admonition} SYNTHETIC']
    """
    page = copy.deepcopy(notebook)
    if any(cell.get("id") == CELL_ID for cell in page.cells):
        return page
    banner = new_markdown_cell(BANNER, id=CELL_ID)
    if (page.nbformat, page.nbformat_minor) < (4, 5):  # cells had no ids yet
        page.nbformat_minor = 5
        for number, cell in enumerate(page.cells):
            cell.setdefault("id", f"cell-{number}")
    place = _split_title(page.cells)
    page.cells.insert(place, banner)
    return page


def _split_title(cells: list[NotebookNode]) -> int:
    """Where the banner goes: after the title, which is cut off from the text that follows it in its cell."""
    if not cells or cells[0].cell_type != "markdown" or not cells[0].source.lstrip().startswith("# "):
        return 0
    title, _, rest = cells[0].source.lstrip().partition("\n")
    if rest.strip():
        cells[0].source = title
        cells.insert(1, new_markdown_cell(rest.strip(), id=f"{cells[0].get('id', 'title')}-text"[:64]))
    return 1
