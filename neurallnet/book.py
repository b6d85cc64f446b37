"""Renders the book: one profile's executed notebooks and evidence, staged beside the chapters.

    python -m neurallnet.book --profile full --notebooks DIR --evidence DIR

The stage holds one profile only, so a page never mixes two. No network is used; every warning is an error.
"""

import argparse
import filecmp
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from neurallnet.browser_demo import build_demo
from neurallnet.errors import NeurallnetError, RunError
from neurallnet.paths import repository

PROFILE_VARIABLE = "NEURALLNET_PROFILE"
EVIDENCE_VARIABLE = "NEURALLNET_EVIDENCE"


def build_book(profile: str, notebooks: Path, evidence: Path) -> Path:
    """Render the book of `profile` from executed `notebooks` and `evidence` into _build/html; the front page.

    Raises RunError when a folder is missing, this is no checkout, or Jupyter Book finds a fault (it says which).
    """
    top = repository()
    if top is None:
        raise RunError("the book is built from the repository; clone it and run it there")
    build = top / "_build"
    stage = build / f"stage-{profile}"
    stage_book(top, stage, notebooks, evidence)
    environment = {**os.environ, PROFILE_VARIABLE: profile, EVIDENCE_VARIABLE: str(stage / "evidence")}
    output = build / f"pages-{profile}"
    start = "from jupyter_book.cli.main import main; main()"  # the package has no `python -m` of its own
    command = [sys.executable, "-c", start, "build", ".", "--toc", "book/_toc.yml"]
    command += ["--path-output", str(output), "-n", "-W", "--keep-going", "-q"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    result = subprocess.run(command, cwd=stage, env=environment, **pipes)
    html = output / "_build" / "html"
    if result.returncode or not (html / "index.html").is_file():
        shutil.rmtree(output, ignore_errors=True)  # Sphinx does not repeat the warnings of a page it has read
        said = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout).strip()  # without its colours
        raise RunError(f"Jupyter Book failed (source: {stage}):\n{said}")
    (html / f"built-{profile}.txt").write_text(f"profile {profile}\n", encoding="utf-8")
    mirror(html, build / "html")
    return build / "html" / "index.html"


def stage_book(top: Path, stage: Path, notebooks: Path, evidence: Path) -> None:
    """Bring `stage` to hold _config.yml, book/ and the browser demo of `top`, and the notebooks and evidence named."""
    for folder in (notebooks, evidence):
        if not folder.is_dir():
            raise RunError(f"{folder}: no such folder; run the notebooks of this profile first")
    stage.mkdir(parents=True, exist_ok=True)
    demo = stage / "book" / "_static" / "demo"
    mirror(top / "book", stage / "book", keep=demo)
    mirror(build_demo(top), demo)
    mirror(notebooks, stage / "notebooks", suffix=".ipynb")
    mirror(evidence, stage / "evidence")
    shutil.copy2(top / "_config.yml", stage / "_config.yml")


def mirror(source: Path, target: Path, suffix: str = "", keep: Path | None = None) -> None:
    """Make `target` equal to `source`: files ending in `suffix`, no partial notebooks. What is below `keep` stays."""
    wanted = {
        path.relative_to(source)
        for path in source.rglob(f"*{suffix}")
        if path.is_file() and "__pycache__" not in path.parts and ".partial." not in path.name
    }
    for path in sorted(target.rglob("*")) if target.is_dir() else ():
        kept = keep is not None and keep in path.parents
        if path.is_file() and path.relative_to(target) not in wanted and not kept:
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
