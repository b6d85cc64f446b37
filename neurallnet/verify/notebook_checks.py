"""Executed notebooks: the cells of their sources, run once from top to bottom without error, all by the package as it is now."""

import json
from pathlib import Path
from typing import Any

from neurallnet.errors import DataError
from neurallnet.evidence import package_hash
from neurallnet.publish import check_notebook
from neurallnet.verify.check import Check, attempt

INJECTED = '# Parameters\nprofile = "full"\n'  # all that a published notebook may be told
OWN_CELLS = ("injected-parameters",)  # ids of cells that execution adds


def check_notebooks(results: Path, sources: Path, allow_stale: bool = False) -> list[Check]:
    """A check per notebook, in `sources` or executed in `results`/full/notebooks, and one of the package they were run with."""
    executed = results / "full" / "notebooks"
    found = [path.name for folder in (sources, executed) for path in folder.glob("[0-9]*.ipynb")]
    stamps: dict[str, str] = {}

    def look(name: str) -> Check:
        where = f"{results.name}/full/notebooks/{name}"
        return attempt("notebook", where, lambda: _notebook(executed / name, sources / name, stamps))

    checks = [look(name) for name in sorted(set(found)) if ".partial" not in name]
    return [*checks, attempt("notebook", f"{results.name}/full/notebooks", lambda: _fresh(stamps, allow_stale))]


def _notebook(executed: Path, source: Path, stamps: dict[str, str]) -> str:
    """What was found; notes the package hash in `stamps`. Raises RunError or DataError for the first fault."""
    for path, what in ((executed, "not executed"), (source, f"has no source {source.name}")):
        if not path.is_file():
            raise DataError(what)
    check_notebook(executed)
    notebook = _read(executed)
    stamps[executed.name] = str(notebook["metadata"]["neurallnet"].get("package_hash"))
    cells = [cell for cell in notebook["cells"] if cell.get("id") not in OWN_CELLS]
    mine = [(cell["cell_type"], _text(cell)) for cell in cells]
    wanted = [(cell["cell_type"], _text(cell)) for cell in _read(source)["cells"]]
    if mine != wanted:
        number = next((i for i, (a, b) in enumerate(zip(mine, wanted, strict=False), 1) if a != b), min(len(mine), len(wanted)) + 1)
        raise DataError(f"cell {number} is not that of notebooks/{source.name} ({len(mine)} cells, {len(wanted)} in the source)")
    added = [cell for cell in notebook["cells"] if cell.get("id") in OWN_CELLS]
    if any(_text(cell) != INJECTED for cell in added):
        raise DataError("was told other parameters than the profile, so the source does not give what it shows")
    counts = [cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    if counts != list(range(1, len(counts) + 1)):
        raise DataError(f"cells were not run once, from top to bottom: execution counts are {counts}")
    warned = [output for cell in notebook["cells"] for output in cell.get("outputs", ()) if output.get("name") == "stderr"]
    if warned:
        raise DataError(f"shows a warning: {' '.join(''.join(warned[0]['text']).split())[:200]}")
    return f"{len(wanted)} cells as in notebooks/{source.name}, run 1 to {len(counts)} without error"


def _fresh(stamps: dict[str, str], allow_stale: bool) -> str:
    """One package hash on all, and the current one unless that is waived."""
    current = package_hash()
    if not stamps:
        raise DataError("no executed notebook can be read")
    hashes = {name: stamp for name, stamp in stamps.items() if stamp != next(iter(stamps.values()))}
    if hashes:
        raise DataError(f"{next(iter(hashes))} was executed with another state of the package than {next(iter(stamps))}")
    stamp = next(iter(stamps.values()))
    if stamp == current:
        return f"executed with this package ({stamp[:12]})"
    said = f"executed with package {stamp[:12]}, this is {current[:12]}"
    if allow_stale:
        return f"stale, allowed: {said}"
    raise DataError(f"stale: {said}; run the notebooks again and publish them (while developing: --allow-stale)")


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _text(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])
