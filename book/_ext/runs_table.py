"""The directive `runs-table`: a row per committed run, readable without JavaScript; `tables.js` sorts and filters it.

Numbers come from the runs' own files: run.json, and the tables of predictions, whose accuracy is counted anew.
"""

import csv
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from neurallnet.arms import arms
from neurallnet.evidence import read_evidence
from neurallnet.paths import repository
from results import NOT_MEASURED

FOLDER = "results/full/runs"
# Column -> whether it holds numbers, which stand at the right and sort by value.
COLUMNS = {
    "Arm": False,
    "Seed": True,
    "Protocol": False,
    "Fold": True,
    "Validation accuracy": True,
    "Test accuracy": True,
    "Test images": True,
    "Parameters": True,
    "Epochs": True,
    "Trained in": False,
    "Folder": False,
}


class Cell(NamedTuple):
    """`text` as shown, `value` as sorted; both empty where nothing was measured."""

    text: str
    value: str | int | float


def run_rows(folder: Path) -> list[list[Cell]]:
    """A row per finished run below `folder`, cells in the order of COLUMNS: arms in the order they are trained, then others."""
    planned = [arm.config.digest() for arm in arms("full")]
    names = {arm.config.digest(): arm.name.rpartition("-")[0] for arm in arms("full")}
    records = [(path.parent, read_evidence(path)) for path in sorted(folder.glob("*/run.json"))]
    records.sort(key=lambda entry: planned.index(entry[1]["run"]) if entry[1]["run"] in planned else len(planned))
    return [_row(path, record, names.get(record["run"], "other")) for path, record in records]


def _row(path: Path, record: dict[str, Any], arm: str) -> list[Cell]:
    split, seed = record["config"]["split"], record["config"]["seed"]
    validation, test = accuracy(path / "predictions-val.csv"), accuracy(path / "predictions-test.csv")
    return [
        Cell(arm, arm),
        Cell(str(seed), seed),
        Cell(split["protocol"], split["protocol"]),
        Cell(_held_out(split), split["fold"]),
        _share(validation),
        _share(test),
        Cell(f"{test[1]:,}", test[1]) if test else Cell("", ""),
        Cell(f"{record['parameters']:,}", record["parameters"]),
        Cell(str(record["epochs"]), record["epochs"]),
        Cell(record["precision"], record["precision"]),
        Cell(path.name, path.name),
    ]


def _held_out(split: Mapping[str, Any]) -> str:
    """The block or tenth that tests; of a run whose held-out blocks both validate, the two."""
    return str(split["fold"]) if split.get("other") is None else f"{split['fold']} and {split['other']}"


def accuracy(path: Path) -> tuple[int, int] | None:
    """Images of a table of predictions that are right, and how many there are; None when the images were not read."""
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as lines:
        right = [row["label"] == row["predicted"] for row in csv.DictReader(lines)]
    return sum(right), len(right)


def _share(counted: tuple[int, int] | None) -> Cell:
    if not counted or not counted[1]:
        return Cell("not read", "")
    share = counted[0] / counted[1]
    return Cell(f"{share:.2%}", round(share, 6))


def runs_html(rows: list[list[Cell]]) -> str:
    """The table; cells carry their value for sorting, the first cell of a row is its header."""
    heads = "".join(f'<th scope="col"{_align(name)}>{escape(name)}</th>' for name in COLUMNS)
    body = "".join(f"<tr>{''.join(_cell(name, cell) for name, cell in zip(COLUMNS, row, strict=True))}</tr>\n" for row in rows)
    start = f'<table class="table sortable runs" data-filter="Arm"><caption>The {len(rows)} committed runs</caption>'
    table = f"{start}<thead><tr>{heads}</tr></thead>\n<tbody>{body}</tbody></table>"
    return f'<div class="wide-table" role="region" aria-label="Table of runs" tabindex="0">{table}</div>'


def _cell(name: str, cell: Cell) -> str:
    tag, scope = ("th", ' scope="row"') if name == "Arm" else ("td", "")
    text = f"<code>{escape(cell.text)}</code>" if name in ("Arm", "Folder") else escape(cell.text)
    return f'<{tag}{scope}{_align(name)} data-value="{escape(str(cell.value))}">{text}</{tag}>'


def _align(name: str) -> str:
    return ' class="number"' if COLUMNS[name] else ""


class RunsTable(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        top = repository()
        rows = run_rows(top / FOLDER) if top else []
        if not rows:
            return self.parse_text_to_nodes(f"Runs: {NOT_MEASURED}.")
        for path in (top / FOLDER).glob("*/run.json"):
            self.env.note_dependency(str(path))
        return [nodes.raw("", runs_html(rows), format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("runs-table", RunsTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
