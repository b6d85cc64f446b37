"""The tables of the directive `results-table`, as Markdown: functions of an evidence folder and the folder of the page."""

import os
from pathlib import Path

import pandas as pd

from neurallnet.claims import build_claims, claims_table, headline_table
from neurallnet.conditions import conditions_table
from neurallnet.evidence import read_evidence
from neurallnet.misread import stretch_table

NOT_MEASURED = "*not measured in this build*"


def claims_markdown(folder: Path, start: Path, table=claims_table) -> str:
    """The claims table, its verdicts linked to the evidence files as seen from the folder `start`."""
    claims = build_claims(folder, folder) if folder.is_dir() else []
    if not claims:
        return f"No claim has been tested on real images: {NOT_MEASURED}."
    text = table(claims)
    for name in {claim.evidence for claim in claims}:
        text = text.replace(f"]({name})", f"]({_link(folder / name, start)})")
    return text


def headline_markdown(folder: Path, start: Path) -> str:
    """The few claims of the front page, linked like the whole table."""
    return claims_markdown(folder, start, headline_table)


def evidence_markdown(folder: Path, start: Path) -> str:
    """One row per evidence file: where it comes from, digests cut to eight digits."""
    rows = ["| Evidence | Run | Seeds | Manifest | Split | Package |", "|---|---|---|---|---|---|"]
    for path in sorted(folder.glob("*.json")):
        found = read_evidence(path)
        made = {key: found[key] for key in ("run", "runs", "manifest") if key in found} | found.get("provenance", {})
        runs = made.get("runs", {"": made["run"]} if "run" in made else {}).values()
        digests = [f"`{str(made[key])[:8]}`" if made.get(key) else "" for key in ("manifest", "split", "package")]
        seeds = ", ".join(map(str, made.get("seeds", [])))
        cells = [f"[{path.name}]({_link(path, start)})", ", ".join(f"`{run}`" for run in runs), seeds, *digests]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) if len(rows) > 2 else f"Evidence on real images: {NOT_MEASURED}."


def conditions_markdown(folder: Path, start: Path) -> str:
    """The network under other embargoes and with the scale bar in view, against the protocol as published."""
    path = folder / "conditions.json"
    if not path.is_file():
        return f"Other conditions: {NOT_MEASURED}."
    return _markdown(conditions_table(read_evidence(path)["rows"]), "lll")


def misread_markdown(folder: Path, start: Path) -> str:
    """Where the images of the session protocol lie that every run asked gets wrong."""
    path = folder / "misread.json"
    if not path.is_file():
        return f"Images misread in every run: {NOT_MEASURED}."
    return _markdown(stretch_table(read_evidence(path)), "ll-l")


def exported_markdown(folder: Path, start: Path) -> str:
    """What is lost on the way to other forms of the same weights, on validation images."""
    path = folder / "sweep.json"
    found = read_evidence(path)["exported"] if path.is_file() else []
    rows = ["| Form | Bytes | Accuracy, validation images | 95% interval | n |", "|---|---:|---:|---:|---:|"]
    for form in found:
        interval = f"{form['low']:.2%} to {form['high']:.2%}"
        rows.append(f"| {form['form']} | {form['bytes']:,} | {form['accuracy']:.2%} | {interval} | {form['n']:,} |")
    return "\n".join(rows) if found else f"Exported forms: {NOT_MEASURED}."


def versions_markdown(folder: Path, start: Path) -> str:
    """Versions of the libraries the model's evidence was made with."""
    path = folder / "model.json"
    versions = read_evidence(path)["provenance"]["machine"]["versions"] if path.is_file() else {}
    rows = [f"| {name} | {version or 'not installed'} |" for name, version in sorted(versions.items())]
    return "\n".join(["| Library | Version |", "|---|---|", *rows]) if rows else f"Versions: {NOT_MEASURED}."


def times_markdown(folder: Path, start: Path) -> str:
    """How long each step of the workflow took."""
    path = folder / "times.json"
    found = read_evidence(path) if path.is_file() else {}
    trained = read_evidence(folder / "model.json").get("provenance", {}) if (folder / "model.json").is_file() else {}
    steps = {"Training of the network that ships, since its last resume": trained.get("seconds_since_last_resume")}
    steps |= {f"`{name}`": seconds for name, seconds in found.get("seconds", {}).items()}
    steps |= {"All notebooks": found.get("notebooks_seconds")}
    rows = [f"| {name} | {seconds:,.1f} |" for name, seconds in steps.items() if seconds is not None]
    return "\n".join(["| Step | Seconds |", "|---|---:|", *rows]) if rows else f"Execution times: {NOT_MEASURED}."


def _markdown(table: pd.DataFrame, sides: str) -> str:
    """A table as Markdown: `sides` has "l" for a column of text, all others are of numbers."""
    ends = ["---" if side == "l" else "---:" for side in sides.ljust(len(table.columns), "-")]
    rows = [table.columns, ends, *table.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def _link(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path, start)).as_posix()


TABLES = {
    "claims": claims_markdown,
    "conditions": conditions_markdown,
    "headline": headline_markdown,
    "evidence": evidence_markdown,
    "exported": exported_markdown,
    "misread": misread_markdown,
    "times": times_markdown,
    "versions": versions_markdown,
}
