"""Numbers for the chapters: evidence JSON as MyST substitutions, so that no result is typed into prose.

`{{ primary_random.accuracy_percent }}` is a value of `primary_random.json`, `{{ tenths.rows['base'].n_text }}` of the row of a
table that is of the network `base`. An unknown name or key stops the build. A name of
`results_expected` without a file, and a value that is null, read "not measured in this build". `{{ claims.<id>.ours }}` (or
`paper`, `interval`, `n`, `verdict`) is a cell of the claims table, in its words. Chapters show real images
only: the evidence is $NEURALLNET_EVIDENCE when $NEURALLNET_PROFILE is `full`, else the folder `results_evidence`, by default
the committed results/full/evidence; evidence of another profile is refused. Notebook pages use nothing from here.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from result_tables import NOT_MEASURED, TABLES
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from neurallnet.arms import SHIPPED, make_arm
from neurallnet.claims import build_claims
from neurallnet.claims.readme import cells
from neurallnet.claims.registry import BUILDERS
from neurallnet.config import FULL
from neurallnet.errors import DataError
from neurallnet.evidence import read_evidence
from neurallnet.paths import repository


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


class Rows(list[Any]):
    """Rows of a table: `rows[0]`, or by what they are of, `rows['base']`, where one row alone has that network, arm, part,
    corruption or protocol; `rows['as-given, session']` where it takes two of them to tell.
    """

    NAMED_BY = ("network", "arm", "part", "corruption", "protocol")

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        found = [row for row in self if isinstance(row, Mapping) and self._is_of(row, key.split(", "))]
        if len(found) != 1:
            raise KeyError(f"{len(found)} rows of {key}")
        return found[0]

    def _is_of(self, row: Mapping[str, Any], names: list[str]) -> bool:
        values = list(map(row.get, self.NAMED_BY))
        return all(name in values for name in names)


def readable(value: Any) -> Any:
    """`value` with text forms beside its numbers: `x_percent` of a share, `x_text` of a count, `text` of an interval."""
    if value is None:
        return Missing()
    if isinstance(value, list):
        return Rows(readable(entry) for entry in value)
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
    """Substitutions from every evidence file of `folder`, plus the settings of profile `full`: `config` of the single network,
    `shipped` of the network that ships.

    Raises DataError for a file that is damaged or was made with another profile.
    """
    found: dict[str, Any] = {name: Missing() for name in expected}
    for path in sorted(folder.glob("*.json")):
        payload = read_evidence(path)
        profile = payload.get("profile") or payload.get("provenance", {}).get("profile", "full")
        if profile != "full":
            raise DataError(f"{path}: profile {profile!r}; chapters show real images only (profile full)")
        found[path.stem.replace("-", "_")] = readable(payload)
    settings = {"config": FULL, "shipped": make_arm("full", SHIPPED).config}
    return {**found, "claims": claims_in_words(folder), **{name: readable(config.to_dict()) for name, config in settings.items()}}


def claims_in_words(folder: Path) -> dict[str, Any]:
    """Id of every claim -> its cells of the claims table by name; what was not tested reads NOT_MEASURED."""
    tested = {claim.id: claim for claim in (build_claims(folder, folder) if folder.is_dir() else ())}
    names = ("claim", "paper", "ours", "interval", "n")
    words = {name: dict(zip(names, cells(claim), strict=False)) | {"verdict": claim.verdict} for name, claim in tested.items()}
    return {name: words.get(name, Missing()) for name in BUILDERS}


def evidence_folder(config: Config, source: Path) -> Path:
    """The folder of full-profile evidence; it need not exist."""
    built = os.environ.get("NEURALLNET_EVIDENCE")
    if built and os.environ.get("NEURALLNET_PROFILE") == "full":
        return Path(built).resolve()
    inside = (source / config.results_evidence).resolve()
    return inside if inside.is_dir() or repository() is None else repository() / config.results_evidence


class ResultsTable(SphinxDirective):
    """The directive `results-table`: one of the tables of result_tables.py."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        make = TABLES.get(self.arguments[0])
        if make is None:
            raise self.error(f"no table {self.arguments[0]!r}; there are {', '.join(TABLES)}")
        start = Path(self.env.doc2path(self.env.docname)).parent
        made = self.parse_text_to_nodes(make(evidence_folder(self.config, Path(self.env.srcdir)), start))
        for node in made:
            node["classes"] += ["results-table", self.arguments[0]]  # for the style sheet
        return made


def add_substitutions(app: Sphinx, config: Config) -> None:
    """Before MyST reads its settings; changed evidence changes them, and the pages are then rendered anew."""
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
