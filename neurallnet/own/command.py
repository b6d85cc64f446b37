"""`neurallnet train --data FOLDER` on a user's own images: what is said before, while and after."""

from pathlib import Path
from typing import Any

import typer

from neurallnet.own.planning import Plan, make_plan
from neurallnet.own.steps import own_run
from neurallnet.paths import Workspace
from neurallnet.report import report_facts

SHOWN = 20  # files not used that are named on the terminal


def train_own(data: Path, work: Workspace, changes: dict[str, Any], seed: int, strict: bool) -> Path:
    """Train on the folder `data`, evaluate, and report; returns the report's path. Raises DataError, RunError, ConfigError."""
    plan = make_plan(data, work, changes, seed=seed, strict=strict)
    _say_plan(plan, work)
    run, report = own_run(plan, work)
    facts = report_facts(run)
    if facts["synthetic"]:
        typer.echo("SYNTHETIC images, no evidence about leukemia")
    for row in facts["headline"]:
        given = f" {row['interval']}" if row["interval"] else ""
        typer.echo(f"test: {row['name'].lower()} {row['value']:.4f}{given}, n = {facts['metrics']['n']} images")
    typer.echo(f"flag of foreign images: {facts['ood']}")
    record = run.record
    typer.echo(f"run: {run.folder} ({record['parameters']:,} parameters, {record['epochs']} epochs)")
    typer.echo(f"report: {report} (not a medical device)")
    return report


def _say_plan(plan: Plan, work: Workspace) -> None:
    frame, rejected, classes = plan.dataset.frame, plan.rejected, list(plan.dataset.classes)
    counts = ", ".join(f"{name} {n}" for name, n in frame["label"].value_counts().loc[classes].items())
    typer.echo(f"source: folder {plan.dataset.root}, your own images: {len(frame)} in {len(classes)} classes ({counts})")
    for path, reason in rejected.head(SHOWN).itertuples(index=False):
        typer.echo(f"not used: {path}: {reason}", err=True)
    if len(rejected) > SHOWN:
        rest = work.manifests / "folder" / "rejected.csv"
        typer.echo(f"not used: {len(rejected) - SHOWN} more, see {rest}", err=True)
    typer.echo(f"split: {plan.split}")
    typer.echo(f"settings: {plan.settings}")
