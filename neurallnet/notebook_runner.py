"""Runs notebooks strictly: an unknown parameter or a failing cell is an error, never a warning.

python -m neurallnet.notebook_runner run notebooks/00_data.ipynb executed.ipynb -p profile smoke
python -m neurallnet.notebook_runner store notebooks/*.ipynb
"""

import argparse
import ast
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import nbformat

from neurallnet.banner import synthetic_banner
from neurallnet.errors import ConfigError, NeurallnetError, RunError
from neurallnet.evidence import package_hash

KERNEL = "python3"


def run_notebook(
    source: Path,
    destination: Path,
    parameters: dict[str, Any],
    progress: bool | None = None,
    stamp: bool = True,
) -> Path:
    """Execute `source` with `parameters` in this interpreter's kernel; the copy goes to `destination`.

    The copy appears when every cell has run; a failing notebook leaves `<destination>.partial.ipynb` with
    what ran. The copy holds no times, file names or random ids of papermill's. With `stamp` its metadata
    `neurallnet` names the package (hash of its sources) and profile it was made with, and a page of the smoke
    profile says SYNTHETIC. `progress`: show a bar (None: when stderr is a terminal). Returns `destination`.

    Raises ConfigError for an unknown parameter and RunError for a missing or failing notebook, naming the
    cell (the first is 1).
    """
    source, destination = Path(source), Path(destination)
    known = known_parameters(source)
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise ConfigError(f"{source}: unknown parameter {', '.join(unknown)}; it knows {', '.join(sorted(known)) or 'none'}")
    partial = destination.with_suffix(".partial.ipynb")
    destination.parent.mkdir(parents=True, exist_ok=True)
    _execute(source, partial, parameters, sys.stderr.isatty() if progress is None else progress)
    notebook = nbformat.read(partial, as_version=4)
    clean(notebook)
    if stamp:
        profile = parameters.get("profile", known.get("profile"))
        notebook["metadata"]["neurallnet"] = {"package_hash": package_hash(), "profile": profile}
        if profile == "smoke":
            notebook = synthetic_banner(notebook)
    partial.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    os.replace(partial, destination)
    return destination


def known_parameters(source: Path) -> dict[str, Any]:
    """Name -> default, from the cell tagged `parameters`; raises RunError for an unreadable notebook."""
    from papermill import inspect_notebook

    if not source.is_file():
        raise RunError(f"{source}: no such notebook")
    try:
        found = inspect_notebook(str(source))
    except Exception as error:  # whatever nbformat and json raise about a file that is no notebook
        raise RunError(f"{source}: not a readable notebook ({_one_line(error)})") from None
    values = {}
    for name, entry in found.items():
        try:
            values[name] = ast.literal_eval(entry["default"])
        except (ValueError, SyntaxError):
            values[name] = entry["default"]
    return values


def clean(notebook: dict[str, Any]) -> None:
    """Remove from a notebook's JSON, in place, what differs from run to run: times, names, random ids."""
    metadata = notebook["metadata"]
    metadata.pop("papermill", None)
    metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": KERNEL}
    metadata["language_info"] = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
    metadata.pop("neurallnet", None)
    for cell in notebook["cells"]:
        own = cell["metadata"]
        own.pop("papermill", None)
        own.pop("execution", None)
        if not own.get("tags", True):
            del own["tags"]
        if "injected-parameters" in own.get("tags", ()):
            cell["id"] = "injected-parameters"


def _execute(source: Path, partial: Path, parameters: dict[str, Any], progress: bool) -> None:
    from papermill import execute_notebook
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    # The kernel of this environment, whatever kernel the user has registered under the same name.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    try:
        execute_notebook(
            str(source),
            str(partial),
            parameters=parameters,
            kernel_name=KERNEL,
            cwd=str(source.resolve().parent),
            progress_bar={"desc": source.stem, "leave": False} if progress else False,
            config=Config({"KernelManager": {"transport_encryption": "auto"}}),  # else each kernel warns
        )
    except PapermillExecutionError as error:
        # Papermill counts the cell it injected.
        number = error.cell_index + 1 - (bool(parameters) and error.cell_index > _parameters_cell(source))
        reason = f"{error.ename}: {_one_line(error.evalue)}"
        raise RunError(f"{source}: cell {number} failed: {reason}; what ran is in {partial}") from None
    except Exception as error:  # a kernel that does not start or dies
        raise RunError(f"{source}: could not be run ({_one_line(error)}); what ran is in {partial}") from None


def _parameters_cell(source: Path) -> int:
    cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
    return next(place for place, cell in enumerate(cells) if "parameters" in cell["metadata"].get("tags", ()))


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Run notebooks strictly.")
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("run", help="run one notebook with parameters, into a copy")
    run.add_argument("source", type=Path)
    run.add_argument("destination", type=Path)
    run.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    store = actions.add_parser("store", help="run notebooks with their defaults, in place")
    store.add_argument("sources", type=Path, nargs="+")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.action == "run":
            parameters = {name: _value(value) for name, value in chosen.parameter}
            jobs = [(chosen.source, chosen.destination, parameters)]
        else:
            jobs = [(source, source, {}) for source in chosen.sources if not source.name.endswith(".partial.ipynb")]
        for source, destination, parameters in jobs:
            started = time.perf_counter()
            run_notebook(source, destination, parameters, stamp=chosen.action == "run")
            print(f"notebook: {destination} ({time.perf_counter() - started:.0f} s)", flush=True)
    except NeurallnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
