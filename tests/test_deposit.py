"""What archives and other machines read: CITATION.cff, .zenodo.json, the development container, Binder, and the Pages workflow."""

import json
import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml

TOP = Path(__file__).resolve().parents[1]
CITATION = yaml.safe_load((TOP / "CITATION.cff").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAKEFILE = (TOP / "Makefile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def zenodo():
    return json.loads((TOP / ".zenodo.json").read_text(encoding="utf-8"))


def test_zenodo_says_what_the_citation_says(zenodo):
    for key in ("title", "version", "license"):
        assert zenodo[key] == CITATION[key] == CITATION["preferred-citation"][key]
    assert [person["name"] for person in zenodo["creators"]] == [author["name"] for author in CITATION["authors"]]
    assert zenodo["description"].startswith(CITATION["abstract"].strip()) and "Not a medical device" in zenodo["description"]
    (reviewed,) = zenodo["related_identifiers"]
    assert reviewed["identifier"] == CITATION["references"][0]["doi"] and reviewed["relation"] == "reviews"


def test_version_keywords_and_licence_are_those_of_the_package(zenodo):
    assert CITATION["version"] == PROJECT["version"] and zenodo["keywords"] == PROJECT["keywords"]
    assert PROJECT["license"] == CITATION["license"]


def test_development_container_installs_from_the_lock_what_make_test_does():
    container = json.loads((TOP / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    command = container["postCreateCommand"]
    assert "-c requirements.lock" in command
    extras = re.findall(r"-e '\.\[(.*?)\]'", MAKEFILE.split("$(VENV)/.test:")[1])[0]
    assert f"-e '.[{extras}]'" in command
    python = re.search(r"python:(\d+\.\d+)", container["image"])[1]
    assert python in (TOP / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")


def test_binder_uses_the_conda_twin_of_the_lock():
    twin = TOP / "binder" / "environment.yml"
    assert twin.resolve() == TOP / "environment.yml"
    build = TOP / "binder" / "postBuild"
    text = build.read_text(encoding="utf-8")
    assert os.access(build, os.X_OK) and "--no-deps" in text and "requirements.lock" in text


def test_pages_are_built_by_a_target_that_exists():
    flow = yaml.safe_load((TOP / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8"))
    (job,) = flow["jobs"].values()
    runs = [step["run"] for step in job["steps"] if "run" in step]
    targets = [word for run in runs for word in re.findall(r"make (\w+)", run)]
    assert "site" in targets and all(f"\n{target}:" in MAKEFILE for target in targets)
    (upload,) = (step for step in job["steps"] if "upload-pages-artifact" in step.get("uses", ""))
    assert upload["with"]["path"] == "_build/html"
    assert flow["permissions"]["pages"] == "write" and flow["permissions"]["id-token"] == "write"
