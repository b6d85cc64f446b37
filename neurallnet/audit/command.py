"""What `neurallnet audit` does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from neurallnet.audit.report import run_audit
from neurallnet.audit.settings import AuditConfig
from neurallnet.audit.summary import summary
from neurallnet.dataset import open_dataset
from neurallnet.evidence import write_evidence
from neurallnet.paths import workspace

SHOWN = 50  # findings of an overlap on the terminal


def audit(name: str, against: Sequence[str], data: Path | None, work: Path | None, json_file: Path | None) -> None:
    """Audit the set `name` and its overlap with the sets `against`; print the summary, and write `json_file` when given.

    Files that cannot be read are named and left out. Raises DataError, ConfigError.
    """
    synthetic = name.startswith("synthetic")
    place = workspace(work, "smoke" if synthetic else "full")
    dataset, *others = (open_dataset(one, place, data) for one in (name, *dict.fromkeys(against)))
    for opened in (dataset, *others):
        for path, reason in opened.manifest.rejected[["path", "reason"]].itertuples(index=False):
            typer.echo(f"not used: {opened.root / path}: {reason}", err=True)
    report = run_audit(dataset, others, place, AuditConfig())
    if json_file is not None:
        write_evidence(json_file, report)
    if synthetic:
        typer.echo("SYNTHETIC images, no evidence about leukemia")
    for finding, value, of, by in summary(report).itertuples(index=False):
        typer.echo(f"{finding:42} {value}  [{of}; {by}]")
    for other, found in report["overlap"].items():
        _echo_overlap(name, other, found["rows"])
    typer.echo(f"\n{report['fields']['shortlist']}")
    if json_file is not None:
        typer.echo(f"all figures: {json_file}")


def _echo_overlap(name: str, other: str, rows: Sequence[dict[str, Any]]) -> None:
    found = [row for row in rows if row["verdict"] != "none"]
    if found:
        typer.echo(f"\n{other} -> {name} (pHash distance in bits of 64, inliers, verdict)")
    for row in found[:SHOWN]:
        typer.echo(f"  {row['file']:32} {row['match']:32} {row['distance']:3} {row['inliers']:4}  {row['verdict']}")
    if len(found) > SHOWN:
        typer.echo(f"  and {len(found) - SHOWN:,} more; --json FILE writes them all")
