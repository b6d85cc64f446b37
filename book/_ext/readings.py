"""The directive `test-readings`: every reading of held-out images, from the log that is written before each of them."""

from pathlib import Path
from typing import Any

from docutils import nodes
from result_tables import NOT_MEASURED
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from neurallnet.arms import arms
from neurallnet.readlog import read_test_reads
from results import evidence_folder

LOG = "test_reads.jsonl"
EARLIER = "earlier settings"


def readings_markdown(log: Path) -> str:
    """One row per reading, oldest first. A run whose settings the profile no longer has is marked EARLIER."""
    entries = read_test_reads(log)
    if not entries:
        return f"Readings of held-out images: {NOT_MEASURED}."
    known = {arm.config.digest(): arm.name for arm in arms("full")}
    rows = ["| Reading | When (UTC) | What | Network | Why |", "| ---: | --- | --- | --- | --- |"]
    for entry in entries:
        when = entry["when"][:16].replace("T", " ")
        run = entry["run"]
        name = run if " " in run else f"{known.get(run.split('-')[0], EARLIER)} (`{run.split('-')[0]}`)"
        rows.append(f"| {entry['read']} | {when} | {entry['what']} | {name} | {entry.get('why', '')} |")
    return "\n".join(rows)


class Readings(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        log = evidence_folder(self.config, Path(self.env.srcdir)) / LOG
        self.env.note_dependency(str(log))
        made = self.parse_text_to_nodes(readings_markdown(log))
        for node in made:
            node["classes"] += ["results-table", "readings"]
        return made


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("test-readings", Readings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
