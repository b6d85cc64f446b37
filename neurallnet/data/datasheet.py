"""A datasheet for a data set, in the sections of Gebru et al. 2021 (doi 10.1145/3458723), as markdown.

Counts, sizes, duplicates and refused files come from the manifest; what no file tells comes from the catalogue (`Source.notes`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from neurallnet.data.phash import MAX_DISTANCE, near_pairs
from neurallnet.data.source import Source
from neurallnet.data.summary import summarize
from neurallnet.dataset import Dataset
from neurallnet.errors import DataError

UNKNOWN = "Not stated, and not known to us."
_SHOWN = 10  # refused files and image sizes named one by one


def datasheet(dataset: Dataset, source: Source, audit: Mapping[str, Any] | None = None) -> str:
    """Markdown text of the datasheet of `dataset`, ending in a newline.

    `audit` is a payload of evidence on the same images (evidence/data.json, say): its tables and numbers are added. Raises
    DataError when the payload names another manifest.
    """
    if audit is not None and audit.get("manifest", dataset.digest) != dataset.digest:
        raise DataError(f"audit: made of manifest {str(audit['manifest'])[:12]}, not {dataset.digest[:12]}; make it again")
    notes = source.notes
    sections = {
        "Motivation": [notes.motivation or UNKNOWN],
        "Composition": [notes.content or UNKNOWN, *_composition(dataset, source)],
        "Collection": [notes.collection or UNKNOWN, _patients(dataset.frame)],
        "Preprocessing": [f"By the publishers: {notes.preprocessing or UNKNOWN}", _own_preprocessing(dataset.frame)],
        "Uses": [notes.uses or UNKNOWN, "Not for diagnosis."],
        "Distribution": [notes.distribution, _items({"Licence": source.licence, "Source": source.url, "Cite": source.citation})],
        "Maintenance": [notes.maintenance or UNKNOWN],
        "Known faults": [_bullets([*notes.faults, *_found_faults(dataset)]) or "None known."],
    }
    if audit:
        sections["Audit"] = _audit(audit)
    title = f"# Datasheet: {source.name}"
    drawn = "SYNTHETIC images, no evidence about leukemia. " if source.lab else ""
    origin = (
        f"{drawn}Computed from the manifest {dataset.digest[:12]} of {len(dataset.frame)} images, except what its publishers state."
    )
    blocks = [title, origin]
    for name, paragraphs in sections.items():
        blocks += [f"## {name}", *filter(None, paragraphs)]
    return "\n\n".join(blocks) + "\n"


def _composition(dataset: Dataset, source: Source) -> list[str]:
    frame = dataset.frame
    table = summarize(frame).rename(index={"": "(no label)"}).reset_index()
    names = {
        "exact_pairs": "exact duplicates (pairs)",
        "near_pairs": "near duplicates (pairs)",
        "near_images": "images in such pairs",
    }
    explained = (
        "Exact duplicates have equal bytes (sha256). Near duplicates have perceptual hashes that differ in at most "
        f"{MAX_DISTANCE} of 64 bits, exact ones included; a group is what such pairs connect."
    )
    return [_labels(dataset, source), _table(table.rename(columns=names)), explained, _sizes(frame)]


def _labels(dataset: Dataset, source: Source) -> str:
    if dataset.classes:
        return f"Classes: {', '.join(dataset.classes)}."
    return "No labels: every image is of a healthy person." if source.healthy else "No labels."


def _sizes(frame: pd.DataFrame) -> str:
    counts = frame.groupby(["width", "height"]).size().sort_values(ascending=False, kind="stable")
    shown = [f"{width} x {height} ({n} images)" for (width, height), n in counts.head(_SHOWN).items()]
    more = [f"and {len(counts) - _SHOWN} further sizes"] if len(counts) > _SHOWN else []
    return f"Image sizes in pixels: {', '.join([*shown, *more])}."


def _patients(frame: pd.DataFrame) -> str:
    known = frame[frame["patient"] != ""] if "patient" in frame else frame.head(0)
    if known.empty:
        return "No file says which images are of one patient."
    keys = ["lab", "patient"] if "lab" in frame else ["patient"]
    sizes, per_class = known.groupby(keys).size(), known.groupby("label")[keys].apply(lambda rows: len(rows.drop_duplicates()))
    classes = ", ".join(f"{label or 'no label'} {n}" for label, n in per_class.items())
    return (
        f"People known by number: {len(sizes)} ({classes}), with {sizes.min()} to {sizes.max()} images each, median "
        f"{sizes.median():g}. Images without one: {len(frame) - len(known)}."
    )


def _own_preprocessing(frame: pd.DataFrame) -> str:
    square = int((frame["width"] == frame["height"]).sum())
    return (
        "Here: each file is read as 8-bit RGB or refused, and resized to the network's square without cropping. "
        f"Images that are square already: {square} of {len(frame)}; the others are squeezed."
    )


def _found_faults(dataset: Dataset) -> Iterable[str]:
    """What the manifest shows, each with its count; nothing where there is nothing to say."""
    frame, refused = dataset.frame, dataset.manifest.rejected
    copies = int(frame["sha256"].duplicated().sum())
    if copies:
        yield f"{copies} images are byte-for-byte copies of others."
    labels = frame["label"].to_numpy(str)
    pairs = near_pairs(frame["phash"])
    if across := int((labels[pairs[:, 0]] != labels[pairs[:, 1]]).sum()):
        yield f"{across} pairs of near duplicates have different labels."
    counts = frame["label"].value_counts()
    if len(counts) > 1 and counts.max() > counts.min():
        yield (
            f"The classes differ in size: {counts.idxmax()} has {counts.max()} images, {counts.idxmin()} "
            f"{counts.min()} ({counts.max() / counts.min():.2g} to 1)."
        )
    for path, reason in refused.head(_SHOWN)[["path", "reason"]].itertuples(index=False):
        yield f"Not used: `{path}` {reason}."
    if len(refused) > _SHOWN:
        yield f"Not used: {len(refused) - _SHOWN} further files."


def _audit(audit: Mapping[str, Any]) -> list[str]:
    """Numbers as a list, then a table for each list or mapping of records; deeper nesting is left to the evidence file."""
    plain = {k: v for k, v in audit.items() if isinstance(v, str | int | float) and k not in ("manifest", "synthetic")}
    blocks = [_items(plain)]
    for name, value in audit.items():
        rows = list(value.values()) if isinstance(value, Mapping) else value
        if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
            continue
        table = pd.DataFrame(rows)
        if isinstance(value, Mapping):
            table.insert(0, name, list(value), allow_duplicates=True)
        flat = [not table[c].map(lambda cell: isinstance(cell, list | dict)).any() for c in table]
        blocks += [f"### {name.replace('_', ' ').capitalize()}", _table(table.loc[:, flat])]
    return blocks


def _table(frame: pd.DataFrame) -> str:
    rows = [list(map(str, frame.columns)), ["---"] * frame.shape[1], *(map(_cell, row) for row in frame.itertuples(index=False))]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")


def _items(values: Mapping[str, Any]) -> str:
    return _bullets(f"{name}: {_cell(value)}" for name, value in values.items() if value != "")


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
