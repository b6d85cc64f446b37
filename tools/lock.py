"""Writes requirements.lock, and environment.yml from it.

    python tools/lock.py                 resolve every extra of pyproject.toml anew, then write both files
    python tools/lock.py --environment   write environment.yml from the lock as it is

Run it with Python 3.11, the oldest version we support: what it picks then installs on newer ones too.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
LOCK = TOP / "requirements.lock"
ENVIRONMENT = TOP / "environment.yml"
PYTHON = "3.11"

# Held back: the committed results were computed with this torch; soupsieve 3 and newer refuse Python 3.11.0 to 3.11.4.
HELD = ["torch==2.13.0", "soupsieve<3"]
# What torch brings along differs by platform and accelerator; torch names exact versions of it itself.
TORCH_OWN = ("nvidia-", "cuda-", "triton")

LOCK_HEAD = f"""\
# Every version this project was run with, for all extras; written by `make lock` with Python {PYTHON}.
# Use it as a constraint, so that only what is asked for is installed: pip install -c requirements.lock -e '.[book]'
# torch has no local suffix and nothing has a hash, so that every platform finds its own build. What torch brings
# along for accelerators is left out: torch pins it. So is what only another Python or system needs (aiohttp on 3.12).
"""

ENVIRONMENT_HEAD = """\
# The conda twin of requirements.lock; written by `make lock`, do not edit.
#   conda env create -f environment.yml && conda activate neurallnet && pip install -e .
# Only Python comes from conda-forge. The rest goes through pip on purpose: the same wheels in the same versions as
# the lock, where conda's builds of torch and of the numeric libraries would give other last digits. A test compares
# the two files.
"""


def requirements() -> list[str]:
    """Everything pyproject.toml asks for, the core and all extras."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    return project["dependencies"] + [r for extra in project["optional-dependencies"].values() for r in extra]


def resolve() -> list[str]:
    """The transitive closure as `name==version` lines, sorted by name."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed"]
        subprocess.run([*command, "--report", str(report), *HELD, *requirements()], check=True)
        installed = [item["metadata"] for item in json.loads(report.read_text())["install"]]
    found = {entry["name"].lower().replace("_", "-"): entry["version"] for entry in installed}
    kept = sorted(entry for entry in found.items() if not entry[0].startswith(TORCH_OWN))
    return [f"{name}=={version.split('+')[0]}" for name, version in kept]


def environment(pins: list[str]) -> str:
    """The text of environment.yml for these pins."""
    listed = "\n".join(f"      - {pin}" for pin in pins)
    return (
        f"{ENVIRONMENT_HEAD}name: neurallnet\nchannels:\n  - conda-forge\n  - nodefaults\ndependencies:\n"
        f"  - python={PYTHON}\n  - pip\n  - make\n  - pip:\n{listed}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Write requirements.lock and environment.yml.")
    parser.add_argument("--environment", action="store_true", help="only environment.yml")
    if not parser.parse_args().environment:
        if f"{sys.version_info.major}.{sys.version_info.minor}" != PYTHON:
            parser.error(f"the lock is made with Python {PYTHON}; this is {sys.version.split()[0]}")
        LOCK.write_text(LOCK_HEAD + "\n".join(resolve()) + "\n")
    pins = [line for line in LOCK.read_text().splitlines() if line and not line.startswith("#")]
    ENVIRONMENT.write_text(environment(pins))
    print(f"{len(pins)} versions: {LOCK.name}, {ENVIRONMENT.name}")


if __name__ == "__main__":
    main()
