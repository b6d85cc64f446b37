"""The directive `checklist`: a reporting standard, item by item, from a YAML file beside the page.

    ```{checklist} checklists/claim.yml
    ```

The file is a list of `{item, topic, answer, page}`: the number in the standard, its subject in our words, our answer, and
where in the book to look (a path as in _toc.yml, or none). An answer begins with one word that says how far it goes.
"""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

WORDS = ("Yes", "Partly", "No", "Not applicable")  # how an answer begins, up to its colon
KEYS = {"item", "topic", "answer", "page"}


def read_checklist(path: Path) -> list[dict[str, str]]:
    """Rows of a checklist file; raises ValueError naming the first row that is not one."""
    rows = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    for row in rows:
        if not isinstance(row, Mapping) or not {"item", "topic", "answer"} <= set(row) <= KEYS:
            raise ValueError(f"{path}: {row} needs item, topic and answer, and may have page")
        if word(row) not in WORDS:
            raise ValueError(f"{path}: item {row['item']} begins with none of {', '.join(WORDS)}")
    return [{key: str(value) for key, value in row.items()} for row in rows]


def checklist_markdown(rows: list[dict[str, str]], source: Path, start: Path) -> str:
    """A count of the answers, then a table; pages are linked from the folder `start`, `source` holds the sources of all."""
    counts = Counter(map(word, rows))
    told = ", ".join(f"{name.lower()} {counts[name]}" for name in WORDS if counts[name])
    lines = ["| Item | About | Answer | Where |", "| --- | --- | --- | --- |"]
    lines += [f"| {r['item']} | {r['topic']} | {r['answer']} | {_link(r.get('page', ''), source, start)} |" for r in rows]
    return f"{len(rows)} rows: {told}.\n\n" + "\n".join(lines)


def word(row: Mapping[str, Any]) -> str:
    """How far the answer goes: what stands before its colon."""
    return str(row["answer"]).split(":")[0].rstrip(".")


def _link(page: str, source: Path, start: Path) -> str:
    if not page:
        return ""
    found = next((path for end in (".md", ".ipynb") if (path := source / f"{page}{end}").is_file()), None)
    if found is None:
        raise ValueError(f"page {page!r} is not in the book")
    return f"[]({Path(os.path.relpath(found, start)).as_posix()})"


class Checklist(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        start = Path(self.env.doc2path(self.env.docname)).parent
        path = start / self.arguments[0]
        self.env.note_dependency(str(path))
        try:
            text = checklist_markdown(read_checklist(path), Path(self.env.srcdir), start)
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise self.error(str(error)) from None
        made = self.parse_text_to_nodes(text)
        for node in made:
            node["classes"] += ["checklist"]
        return made


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("checklist", Checklist)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
