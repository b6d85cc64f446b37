"""The lock, its conda twin, and pyproject.toml say the same."""

import ast
import importlib.util
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

TOP = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
UNDECLARED = {"spikingjelly"}  # compared with when the user has it; it would bring torchvision
REQUIRED = PROJECT["dependencies"] + [text for extra in EXTRAS.values() for text in extra]


def pins(lines):
    """Name -> version of `name==version` lines; anything else in a list of pins is a fault."""
    found = {}
    for line in lines:
        name, version = line.split("==")
        assert canonicalize_name(name) not in found, f"{name} is pinned twice"
        found[canonicalize_name(name)] = Version(version)
    return found


def locked():
    lines = (TOP / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return pins(line for line in lines if line and not line.startswith("#"))


def conda():
    return yaml.safe_load((TOP / "environment.yml").read_text(encoding="utf-8"))


def test_conda_twin_has_every_version_of_the_lock_and_no_other():
    (section,) = (entry for entry in conda()["dependencies"] if isinstance(entry, dict))
    assert pins(section["pip"]) == locked()


def test_conda_python_is_one_the_package_supports():
    (python,) = (e for e in conda()["dependencies"] if isinstance(e, str) and e.startswith("python="))
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python="))


@pytest.mark.parametrize("text", sorted(set(REQUIRED)))
def test_every_requirement_is_pinned_within_its_range(text):
    requirement = Requirement(text)
    version = locked()[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version), f"{text} against {version}"


def test_lock_fits_every_platform():
    assert locked()["torch"] == Version("2.13.0")
    for name, version in locked().items():
        assert version.local is None, f"{name} {version} is one platform's build"
        assert not name.startswith(("nvidia-", "triton")) and name != "torchvision"


def test_core_is_lean():
    heavy = {"onnx", "onnxruntime", "snakemake", "papermill", "jupyter-book", "monai", "kornia", "snntorch"}
    assert not heavy & {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}


def test_committed_environment_files_are_what_the_tool_writes():
    spec = importlib.util.spec_from_file_location("lock", TOP / "tools" / "lock.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    lines = (TOP / "requirements.lock").read_text(encoding="utf-8").splitlines()
    text = tool.environment([line for line in lines if line and not line.startswith("#")])
    assert (TOP / "environment.yml").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", ["requirements.lock", "environment.yml", "pyproject.toml", "tools/lock.py"])
def test_no_local_path_or_index_is_named(name):
    text = (TOP / name).read_text(encoding="utf-8")
    assert not any(word in text for word in ("://", "--index", "--find-links", "/opt/", "@ file"))


def test_everything_the_package_imports_is_declared():
    declared = {canonicalize_name(Requirement(text).name) for text in REQUIRED}
    owners = packages_distributions()
    missing = set()
    for path in (TOP / "neurallnet").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for top in {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - UNDECLARED - {"neurallnet"}:
                if not declared & {canonicalize_name(owner) for owner in owners.get(top, [top])}:
                    missing.add(f"{path.relative_to(TOP)}: {top}")
    assert not missing
