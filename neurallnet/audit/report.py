"""The audit of a set, whole: one dictionary with every count, its n and threshold, and a table for people."""

import importlib.metadata
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from neurallnet.audit.duplicates import duplicate_pairs, duplicate_report
from neurallnet.audit.features import Features, extract, opencv
from neurallnet.audit.fields import audit_fields
from neurallnet.audit.leak import leak_table
from neurallnet.audit.overlap import Pictures, overlap, overlap_report
from neurallnet.audit.sessions import image_traits, session_report, sessions
from neurallnet.audit.settings import SEEN, AuditConfig, kept_in
from neurallnet.config import DataConfig
from neurallnet.data.splits import near_duplicate_groups
from neurallnet.dataset import Dataset
from neurallnet.paths import Workspace

PACKAGES = ("imagehash", "numpy", "pandas", "pillow", "scikit-learn", "scipy")


def run_audit(
    dataset: Dataset,
    others: Sequence[Dataset],
    work: Workspace,
    config: AuditConfig | None = None,
    progress: bool | None = None,
) -> dict[str, Any]:
    """Audit `dataset`, and its overlap with each of `others`; plain values, ready for `evidence.write_evidence`.

    Keys: set, settings, versions, rejected, duplicates, fields, sessions, leak (None without labels), overlap (by source name), and
    rows: near_pairs, field_pairs, field_groups. What takes long is kept in the workspace, so a killed audit goes on and a second
    one is quick. Raises DataError (images gone, disk full), ConfigError (OpenCV not installed).
    """
    config = config or AuditConfig()
    opencv()
    this = look(dataset, work, config, progress)
    own = kept_in(work, config, dataset.digest)
    fields = audit_fields(this.frame, this.pixels, this.features, config, own, progress)
    table = sessions(this.frame, image_traits(this.pixels))
    groupings = {
        "near_duplicate": near_duplicate_groups(this.frame, config.max_distance),
        "field": fields.groups,
        "stream": table.set_index("path")["stream"],
    }
    labelled = bool(len(dataset.classes)) and bool((this.frame["label"] != "").all())
    return {
        "set": described(dataset),
        "settings": config.to_dict(),
        "versions": versions(),
        "rejected": records(dataset.manifest.rejected),
        "duplicates": duplicate_report(this.frame, config.max_distance),
        "fields": fields.report,
        "sessions": session_report(table),
        "leak": leak_table(this.frame, groupings) if labelled else None,
        "overlap": {str(other.frame["source"].iloc[0]): against(this, dataset, other, work, config, progress) for other in others},
        "rows": {
            "near_pairs": records(duplicate_pairs(this.frame, config.max_distance)),
            "field_pairs": records(fields.pairs),
            "field_groups": named_groups(fields.groups),
            "images": records(table[["path", "form", "stream", "block"]]),
        },
    }


def look(dataset: Dataset, work: Workspace, config: AuditConfig, progress: bool | None = None) -> Pictures:
    """A set's pictures at the audit's size, as they are (scale bar and all), with their features."""
    pixels = dataset.images(DataConfig(image_size=config.size, scale_bar="visible"), work, progress)
    name = str(dataset.frame["source"].iloc[0])
    features: Features = extract(pixels, config, kept_in(work, config, dataset.digest, names=SEEN), f" of {name}", progress)
    return Pictures(dataset.frame, pixels, features)


def against(
    this: Pictures, dataset: Dataset, other: Dataset, work: Workspace, config: AuditConfig, progress: bool | None = None
) -> dict[str, Any]:
    """Overlap of `dataset`, seen as `this`, with another set: described, counted, and row by row."""
    words: Path = kept_in(work, config, dataset.digest)
    folder = kept_in(work, config, dataset.digest, other.digest)
    name = str(other.frame["source"].iloc[0])
    table = overlap(this, look(other, work, config, progress), config, words, folder, f" with {name}", progress)
    return {"set": described(other), **overlap_report(table), "rows": records(table)}


def described(dataset: Dataset) -> dict[str, Any]:
    """Name, manifest digest, and number of readable and refused files of a set."""
    names, counts = dataset.manifest.rejected, dataset.frame["label"].value_counts().sort_index()
    return {
        "name": str(dataset.frame["source"].iloc[0]),
        "manifest": dataset.digest,
        "n": len(dataset.frame),
        "rejected": len(names),
        "classes": {str(label): int(n) for label, n in counts.items()},
    }


def versions() -> dict[str, str]:
    """Versions of the libraries that decide what is found."""
    return {"opencv": opencv().__version__, **{name: importlib.metadata.version(name) for name in PACKAGES}}


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain dictionaries; what is missing is None."""
    return json.loads(table.to_json(orient="records", double_precision=6))


def named_groups(groups: pd.Series) -> list[list[str]]:
    """Paths of each group of two or more, in order of first appearance."""
    return [own.index.tolist() for _, own in groups.groupby(groups, sort=True) if len(own) > 1]


def groups_of_report(report: dict[str, Any]) -> pd.Series:
    """Same-field group of each image (index `path`, sorted, name `group`) from an audit or the evidence file it was written to.

    For cluster intervals, and for a split that keeps each field on one side.
    """
    paths = sorted(row["path"] for row in report["rows"]["images"])
    leader = {path: members[0] for members in report["rows"]["field_groups"] for path in members}
    codes = pd.factorize(pd.Series([leader.get(path, path) for path in paths], dtype=object))[0]
    return pd.Series(codes, index=pd.Index(paths, name="path"), name="group")
