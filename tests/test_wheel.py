"""The wheel that `pip install .` builds works by itself: unpacked elsewhere, without the repository, network or images."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from neurallnet.paths import repository

pytest.importorskip("setuptools", "77", "the build backend; pyproject.toml names the version")

NEEDED = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder that holds the wheel's files and nothing else; built from a copy, so that the checkout stays as it is."""
    top, source, site = repository(), tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for name in NEEDED:
        shutil.copy2(top / name, source / name)
    shutil.copytree(top / "neurallnet", source / "neurallnet", ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd"))
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "wheel", str(source), *options, "--wheel-dir", str(source / "dist")]
    built = subprocess.run(command, capture_output=True, text=True, cwd=source)
    assert built.returncode == 0, built.stderr
    (wheel,) = (source / "dist").glob("neurallnet-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def python(site: Path, folder: Path, *arguments: str) -> str:
    """What this interpreter prints when it finds the wheel's files first and runs in `folder`."""
    environment = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1", "NEURALLNET_WORK": str(folder / "work")}
    result = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=folder, env=environment)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_every_source_file_is_in_the_wheel_and_nothing_else(site):
    top = repository() / "neurallnet"
    sources = {p.relative_to(top) for p in top.rglob("*.py")}
    packed = {p.relative_to(site / "neurallnet") for p in (site / "neurallnet").rglob("*") if p.is_file()}
    assert sources <= packed, "a folder without __init__.py is left out"
    assert {Path("pretrained/committee.safetensors"), Path("pretrained/committee.json"), Path("py.typed")} <= packed
    assert {p.suffix for p in packed} <= {".py", ".json", ".safetensors", ".typed", ".so", ".pyd", ".c", ".h"}
    assert {p.name.split("-")[0] for p in site.iterdir()} == {"neurallnet"}, "tests or tools were packed"


def test_it_imports_draws_and_predicts_away_from_the_repository(site, tmp_path):
    script = """
from pathlib import Path
import neurallnet
from neurallnet.data.synthetic import SyntheticConfig, draw_image
from neurallnet.paths import repository

config = SyntheticConfig(images_per_class=12, size=96)
picture = draw_image(config, "Pro/LabA-Pro-001.png")
network = neurallnet.load_pretrained()
(answer,) = neurallnet.predict(picture)
print(Path(neurallnet.__file__).resolve().parent.parent)
print(repository(), picture.shape, answer.predicted in network.classes)
"""
    place, rest = python(site, tmp_path, "-c", script).splitlines()
    assert Path(place) == site.resolve()
    assert rest == "None (96, 96, 3) True"


def test_its_command_line_lists_the_commands(site, tmp_path):
    said = " ".join(python(site, tmp_path, "-m", "neurallnet", "--help").split())
    assert all(command in said for command in ("train", "predict", "report", "evaluate", "data"))
    assert "Not a medical device" in said
