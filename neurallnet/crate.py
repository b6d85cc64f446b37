"""The results as a research object: results/ro-crate-metadata.json (RO-Crate, Soiland-Reyes et al. 2022).

    python -m neurallnet.crate [CHECKOUT]

It names what is in results/ and how it came about: evidence, runs (weights and predictions), manifests and executed notebooks; the
code; the data sets, by address and licence, none of them contained; authors and licences. Equal results give equal bytes: the
one date is that of the last reading of held-out images. Contents are told apart by full/hashes.json, which is among the files.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from neurallnet.claims.paper import DOI
from neurallnet.data.catalogue import SOURCES
from neurallnet.data.source import Source
from neurallnet.data.tables import write_text
from neurallnet.errors import DataError, NeurallnetError
from neurallnet.evidence import read_evidence
from neurallnet.paths import repository
from neurallnet.readlog import read_test_reads

NAME = "ro-crate-metadata.json"
VERSION = "1.1"  # of the RO-Crate specification: the one most readers know
LICENCES = {"BSD-3-Clause": "https://spdx.org/licenses/BSD-3-Clause", "MIT": "https://spdx.org/licenses/MIT"}
LICENCES["CC BY 3.0"] = "https://spdx.org/licenses/CC-BY-3.0"
KINDS = {
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".csv": "text/csv",
    ".ipynb": "application/x-ipynb+json",
    ".safetensors": "application/octet-stream",
}
ABOUT = {
    "evidence": "Evidence: the numbers behind every figure, and the log of readings of held-out images",
    "manifests": "Manifests: names, labels and hashes of the images; no pixels",
    "notebooks": "Chapters, executed on real images",
    "runs": "Training runs: configuration, split, history, weights and predictions",
}


def write_crate(top: Path) -> Path:
    """Write results/ro-crate-metadata.json of the checkout `top`; returns its path. Raises DataError when results are missing."""
    path = Path(top) / "results" / NAME
    write_text(crate_text(top), path)
    return path


def crate_text(top: Path) -> str:
    """The text of the file, a function of the other files below results/ and of CITATION.cff."""
    results, citation = Path(top) / "results", _citation(Path(top) / "CITATION.cff")
    if not (results / "full" / "evidence").is_dir():
        raise DataError(f"{results}: holds no published results; run: make publish")
    graph = _graph(results, citation)
    return json.dumps(graph, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _graph(results: Path, citation: Mapping[str, Any]) -> Mapping[str, Any]:
    from rocrate.model import ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version=VERSION)
    reads = read_test_reads(results / "full" / "evidence" / "test_reads.jsonl")
    crate.name, crate.description = f"{citation['title']}: results", citation["abstract"].strip()
    crate.root_dataset["datePublished"] = max((entry["when"][:10] for entry in reads), default="2026-01-01")
    crate.root_dataset["version"] = citation["version"]
    licence = LICENCES[citation["license"]]
    crate.add(ContextEntity(crate, licence, {"@type": "CreativeWork", "name": citation["license"]}))
    crate.root_dataset["license"] = {"@id": licence}
    authors = [{"@type": "Organization", "name": author["name"]} for author in citation["authors"]]
    people = [crate.add(ContextEntity(crate, f"#author-{place}", author)) for place, author in enumerate(authors, 1)]
    crate.root_dataset["author"] = people
    examined = {"@type": "ScholarlyArticle", "name": citation["references"][0]["title"].strip()}
    crate.root_dataset["about"] = crate.add(ContextEntity(crate, f"https://doi.org/{DOI}", examined))
    sets = {source.name: crate.add(ContextEntity(crate, f"#data-{source.name}", _data_set(source))) for source in _named(results)}
    code = {"@type": "SoftwareSourceCode", "name": "neurallnet", "programmingLanguage": "Python", "license": {"@id": licence}}
    code |= {"version": citation["version"], "description": "The package in this repository, beside results/"}
    software = crate.add(ContextEntity(crate, "#code", code))
    crate.root_dataset["mentions"] = [software, *sets.values()]
    _add_file(crate, results, results / "claims.json", "Claims of the paper beside ours, each with a verdict")
    _add_file(crate, results, results / "full" / "hashes.json", "sha256 of every file below full/")
    for folder, about in ABOUT.items():
        if (results / "full" / folder).is_dir():
            _add_folder(crate, results, results / "full" / folder, about)
    for run in sorted((results / "full" / "runs").glob("*/run.json")):
        _add_training(crate, results, run, software, sets)
    return crate.metadata.generate()


def _add_folder(crate: Any, results: Path, folder: Path, about: str) -> None:
    where = folder.relative_to(results).as_posix()
    made = crate.add_dataset(dest_path=f"{where}/", properties={"name": about})
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    made["hasPart"] = [_add_file(crate, results, path) for path in files]


def _add_file(crate: Any, results: Path, path: Path, about: str = "") -> Any:
    if not path.is_file():
        return None
    properties = {"name": about or path.name, "encodingFormat": KINDS.get(path.suffix, "text/plain")}
    where = path.relative_to(results).as_posix()
    return crate.add_file(dest_path=where, properties=properties)


def _add_training(crate: Any, results: Path, record: Path, software: Any, sets: Mapping[str, Any]) -> None:
    """A run as an action: this code, on this data set, with this configuration, gave these files."""
    from rocrate.model import ContextEntity

    made, folder = read_evidence(record), record.parent
    where = folder.relative_to(results).as_posix()
    results_of = [path for path in sorted(folder.iterdir()) if path.name.startswith(("weights", "predictions", "ood", "history"))]
    action = {
        "@type": "CreateAction",
        "name": f"Training of {folder.name}",
        "instrument": {"@id": software.id},
        "object": [{"@id": f"{where}/{name}"} for name in ("config.json", "split.csv") if (folder / name).is_file()],
        "result": [{"@id": f"{where}/{path.name}"} for path in results_of],
    }
    source = sets.get(made.get("config", {}).get("data", {}).get("source"))
    action["object"] += [{"@id": source.id}] if source else []
    crate.add(ContextEntity(crate, f"#run-{folder.name}", action))


def _named(results: Path) -> Iterable[Source]:
    """The sources whose manifests are published, and the paper's external set."""
    published = [name for name in SOURCES if (results / "full" / "manifests" / name).is_dir()]
    return (SOURCES[name] for name in dict.fromkeys([*published, "external"]))


def _data_set(source: Source) -> dict[str, Any]:
    said = {"@type": "Dataset", "name": source.name, "citation": source.citation, "url": source.url or None}
    licence = LICENCES.get(source.licence, source.licence)
    drawn = "Not contained: drawn by the package from a seed, the same everywhere."
    about = drawn if source.lab else "Not contained: get it from its publishers, under their terms."
    return {key: value for key, value in {**said, "license": licence, "description": about}.items() if value}


def _citation(path: Path) -> dict[str, Any]:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise DataError(f"{path}: not readable ({error}); it names authors and licence") from None


def main(arguments: list[str] | None = None) -> int:
    """0: written; 2: results or CITATION.cff cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m neurallnet.crate", description="Write results/ro-crate-metadata.json.")
    parser.add_argument("top", type=Path, nargs="?", default=None, help="the checkout (default: the one this package is in)")
    chosen = parser.parse_args(arguments)
    try:
        if (top := chosen.top or repository()) is None:
            raise DataError("crate: the package is not in a checkout; name one")
        print(write_crate(top))
    except NeurallnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
