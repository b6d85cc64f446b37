"""Numbers for the chapters: evidence JSON as MyST substitutions, so that no result is typed into prose.

`{{ primary_random.accuracy_percent }}` is a value of `primary_random.json`. An unknown name or key stops the build. A name of
`results_expected` without a file, and a value that is null, read "not measured in this build".

Chapters show real images only: the evidence is $NEURALLNET_EVIDENCE when $NEURALLNET_PROFILE is `full`, else the folder
`results_evidence`, by default the committed results/full/evidence; evidence of another profile is refused. The notebooks'
pages carry the numbers of their own profile and use nothing from here.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from neurallnet.claims import build_claims, claims_table
from neurallnet.config import FULL
from neurallnet.errors import DataError
from neurallnet.evidence import read_evidence
from neurallnet.paths import repository

NOT_MEASURED = "*not measured in this build*"


class Missing:
    """Stands for a number nobody has measured: every part of it reads NOT_MEASURED, and it counts as false."""

    def __getitem__(self, key: object) -> "Missing":
        return self

    def __iter__(self):
        return iter((str(self),))

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return NOT_MEASURED

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Missing)

    __hash__ = object.__hash__


def readable(value: Any) -> Any:
    """`value` with text forms beside its numbers: `x_percent` of a share, `x_text` of a count, `text` of an interval."""
    if value is None:
        return Missing()
    if isinstance(value, list):
        return [readable(entry) for entry in value]
    if not isinstance(value, Mapping):
        return value
    shown = {key: readable(entry) for key, entry in value.items()}
    for key, entry in value.items():
        if isinstance(entry, int) and not isinstance(entry, bool):
            shown[f"{key}_text"] = f"{entry:,}"
        if isinstance(entry, int | float) and not isinstance(entry, bool) and 0 <= entry <= 1:
            shown[f"{key}_percent"] = f"{entry:.2%}"
    if {"low", "high", "level", "method", "unit"} <= set(value):
        ends = f"{value['low']:.2%} to {value['high']:.2%}"
        shown["text"] = f"{ends} ({value['level']:.0%} {value['method']} over {value['unit']}s)"
    return shown


def load_results(folder: Path, expected: list[str] | tuple[str, ...] = ()) -> dict[str, Any]:
    """Substitutions from every evidence file of `folder`, plus `config`, the settings of profile `full`.

    Raises DataError for a file that is damaged or was made with another profile.
    """
    found: dict[str, Any] = {name: Missing() for name in expected}
    for path in sorted(folder.glob("*.json")):
        payload = read_evidence(path)
        profile = payload.get("provenance", {}).get("profile", "full")
        if profile != "full":
            raise DataError(f"{path}: profile {profile!r}; chapters show real images only (profile full)")
        found[path.stem.replace("-", "_")] = readable(payload)
    return {**found, "config": readable(FULL.to_dict())}


def evidence_folder(config: Config, source: Path) -> Path:
    """The folder of full-profile evidence; it need not exist."""
    built = os.environ.get("NEURALLNET_EVIDENCE")
    if built and os.environ.get("NEURALLNET_PROFILE") == "full":
        return Path(built).resolve()
    inside = (source / config.results_evidence).resolve()
    return inside if inside.is_dir() or repository() is None else repository() / config.results_evidence


def claims_markdown(folder: Path, start: Path) -> str:
    """The claims table, its verdicts linked to the evidence files as seen from the folder `start`."""
    claims = build_claims(folder, folder) if folder.is_dir() else []
    if not claims:
        return f"No claim has been tested on real images: {NOT_MEASURED}."
    here = os.path.relpath(folder, start)
    table = claims_table(claims)
    for name in sorted({claim.evidence for claim in claims}):
        table = table.replace(f"]({name})", f"]({Path(here, name).as_posix()})")
    return table


def evidence_markdown(folder: Path, start: Path) -> str:
    """One row per evidence file: where it comes from, digests cut to twelve digits."""
    rows = ["| Evidence | Run | Seeds | Manifest | Split | Package |", "|---|---|---|---|---|---|"]
    for path in sorted(folder.glob("*.json")):
        made = read_evidence(path).get("provenance", {})
        digests = [f"`{str(made[key])[:12]}`" if made.get(key) else "" for key in ("manifest", "split", "package")]
        link = f"[{path.name}]({Path(os.path.relpath(path, start)).as_posix()})"
        cells = [link, f"`{made.get('run', '')}`", ", ".join(map(str, made.get("seeds", []))), *digests]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) if len(rows) > 2 else f"Evidence on real images: {NOT_MEASURED}."


def versions_markdown(folder: Path, start: Path) -> str:
    """Versions of the libraries the model's evidence was made with."""
    path = folder / "model.json"
    versions = read_evidence(path)["provenance"]["machine"]["versions"] if path.is_file() else {}
    rows = [f"| {name} | {version or 'not installed'} |" for name, version in sorted(versions.items())]
    return "\n".join(["| Library | Version |", "|---|---|", *rows]) if rows else f"Versions: {NOT_MEASURED}."


TABLES = {"claims": claims_markdown, "evidence": evidence_markdown, "versions": versions_markdown}


class ResultsTable(SphinxDirective):
    """The directive `results-table`: `claims`, `evidence` or `versions`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        make = TABLES[directives.choice(self.arguments[0], tuple(TABLES))]
        start = Path(self.env.doc2path(self.env.docname)).parent
        return self.parse_text_to_nodes(make(evidence_folder(self.config, Path(self.env.srcdir)), start))


def add_substitutions(app: Sphinx, config: Config) -> None:
    try:
        found = load_results(evidence_folder(config, Path(app.confdir)), config.results_expected)
    except DataError as error:
        raise ExtensionError(str(error)) from error
    config.myst_substitutions = {**config.myst_substitutions, **found}


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("results_evidence", "results/full/evidence", "env")
    app.add_config_value("results_expected", [], "env")
    app.add_directive("results-table", ResultsTable)
    app.connect("config-inited", add_substitutions, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
