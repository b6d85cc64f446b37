"""The directive `datasheets`: a datasheet for each data set the project knows (Gebru et al. 2021, doi 10.1145/3458723).

Where the results hold a manifest, its numbers are computed from it by neurallnet.data.datasheet; of other sets only what the
catalogue states is told, and that nothing was counted.
"""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from docutils import nodes
from result_tables import NOT_MEASURED
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from neurallnet.data.catalogue import SOURCES
from neurallnet.data.datasheet import UNKNOWN, datasheet
from neurallnet.data.manifest import read_manifest
from neurallnet.data.source import Notes, Source
from neurallnet.dataset import Dataset
from neurallnet.evidence import read_evidence
from neurallnet.paths import repository
from results import evidence_folder

AUDIT = "data.json"  # evidence on the images of one manifest, which it names
OWN = "folder"  # a reader's own images: nothing is known of them


def datasheets_markdown(manifests: Path, evidence: Path) -> str:
    """All datasheets, one below the other, each a section of second level; those with a manifest first."""
    counted = [name for name in SOURCES if (manifests / name / "manifest.csv").is_file()]
    sheets = [counted_sheet(SOURCES[name], manifests / name, evidence) for name in counted]
    sheets += [stated_sheet(source) for name, source in SOURCES.items() if name not in (*counted, OWN)]
    return "\n\n".join(sheets)


def counted_sheet(source: Source, folder: Path, evidence: Path) -> str:
    """The datasheet of a set whose manifest lies in `folder`, with the audit when it is of the same images."""
    dataset = Dataset(folder, read_manifest(folder), source.classes)
    audit = read_evidence(evidence / AUDIT) if (evidence / AUDIT).is_file() else {}
    audit = {key: value for key, value in audit.items() if key != "profile"}
    return lower(datasheet(dataset, source, audit if audit.get("manifest") == dataset.digest else None))


def stated_sheet(source: Source) -> str:
    """What is known of a set without having its images: the catalogue, nothing counted."""
    drawn = "SYNTHETIC images, no evidence about leukemia. " if source.lab else ""
    blocks = [f"## {source.name}", f"{drawn}No manifest of it is among these results: nothing here is counted."]
    for field in fields(Notes):
        value = getattr(source.notes, field.name)
        text = "\n".join(f"- {line}" for line in value) if isinstance(value, tuple) else value
        blocks += [f"**{'Known faults' if field.name == 'faults' else field.name.capitalize()}**", text or UNKNOWN]
    facts = {"Licence": source.licence, "Source": source.url, "Cite": source.citation}
    return "\n\n".join([*blocks, "\n".join(f"- {name}: {value}" for name, value in facts.items() if value)])


def lower(text: str) -> str:
    """A datasheet as a part of a page: the set's name as title, its sections as paragraphs with a bold beginning.

    Bold beginnings instead of headings: ten sets with eight sections each would drown the page's list of contents.
    """
    text = re.sub(r"^## (.*)$", r"**\1**", re.sub(r"^### (.*)$", r"*\1*", text.strip(), flags=re.M), flags=re.M)
    return re.sub(r"^# Datasheet: (.*)$", r"## \1", text, flags=re.M)


class Datasheets(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        evidence = evidence_folder(self.config, Path(self.env.srcdir))
        beside, top = evidence.parent / "manifests", repository()
        manifests = beside if beside.is_dir() or top is None else top / "results" / "full" / "manifests"
        if not manifests.is_dir():
            return self.parse_text_to_nodes(f"Data sheets: {NOT_MEASURED}.")
        return self.parse_text_to_nodes(datasheets_markdown(manifests, evidence), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("datasheets", Datasheets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
