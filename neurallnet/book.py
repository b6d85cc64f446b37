"""Renders the book: one profile's executed notebooks and evidence are staged beside the chapters, and Jupyter Book builds them.

    python -m neurallnet.book --profile full --notebooks results/full/notebooks --evidence results/full/evidence

The stage holds one profile only, so a page never mixes two. No network is used, and every warning is an error.
"""

import argparse
import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

from neurallnet.errors import NeurallnetError, RunError
from neurallnet.paths import repository

PROFILE_VARIABLE = "NEURALLNET_PROFILE"
EVIDENCE_VARIABLE = "NEURALLNET_EVIDENCE"


def build_book(profile: str, notebooks: Path, evidence: Path) -> Path:
    """Render the book of `profile` from its executed `notebooks` and `evidence` into _build/html; returns the front page.

    Raises RunError when a folder is missing, this is no checkout, or Jupyter Book finds a fault (it prints which).
    """
    top = repository()
    if top is None:
        raise RunError("the book is built from the repository; clone it and run it there")
    build = top / "_build"
    stage = build / f"stage-{profile}"
    stage_book(top, stage, notebooks, evidence)
    environment = {**os.environ, PROFILE_VARIABLE: profile, EVIDENCE_VARIABLE: str(stage / "evidence")}
    output = build / f"pages-{profile}"
    command = [sys.executable, "-m", "jupyter_book", "build", ".", "--toc", "book/_toc.yml", "-n", "-W", "--keep-going", "-q"]
    command += ["--path-output", str(output)]
    result = subprocess.run(command, cwd=stage, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    html = output / "_build" / "html"
    if result.returncode or not (html / "index.html").is_file():
        shutil.rmtree(output, ignore_errors=True)  # Sphinx would not repeat the warnings of a page it has read
        raise RunError(f"Jupyter Book failed (source: {stage}):\n{result.stdout.strip()}")
    (html / f"built-{profile}.txt").write_text(f"profile {profile}\n", encoding="utf-8")
    mirror(html, build / "html")
    return build / "html" / "index.html"


def stage_book(top: Path, stage: Path, notebooks: Path, evidence: Path) -> None:
    """Bring `stage` to hold _config.yml and book/ of `top`, and the notebooks and evidence named; untouched files keep times."""
    for folder, hint in ((notebooks, "run the notebooks first"), (evidence, "run the notebooks first")):
        if not folder.is_dir():
            raise RunError(f"{folder}: no such folder; {hint}")
    stage.mkdir(parents=True, exist_ok=True)
    mirror(top / "book", stage / "book")
    mirror(notebooks, stage / "notebooks", suffix=".ipynb")
    mirror(evidence, stage / "evidence")
    shutil.copy2(top / "_config.yml", stage / "_config.yml")


def mirror(source: Path, target: Path, suffix: str = "") -> None:
    """Make `target` equal to `source` (files ending in `suffix`, without partial notebooks), rewriting only what differs."""
    wanted = {
        path.relative_to(source)
        for path in source.rglob(f"*{suffix}")
        if path.is_file() and "__pycache__" not in path.parts and ".partial." not in path.name
    }
    for path in sorted(target.rglob("*")) if target.is_dir() else ():
        if path.is_file() and path.relative_to(target) not in wanted:
            path.unlink()
    for name in sorted(wanted):
        copy = target / name
        if not copy.is_file() or not filecmp.cmp(source / name, copy, shallow=False):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, copy)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Render the book of one profile.")
    parser.add_argument("--profile", required=True)
    parser.add_argument("--notebooks", type=Path, required=True, help="folder of executed notebooks")
    parser.add_argument("--evidence", type=Path, required=True, help="folder of evidence JSON")
    chosen = parser.parse_args(arguments)
    try:
        build_book(chosen.profile, chosen.notebooks.resolve(), chosen.evidence.resolve())
    except NeurallnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
