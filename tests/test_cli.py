"""The command line: help that lists what there is, one-line errors, exit codes."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from neurallnet.cli import app, changed
from neurallnet.config import SMOKE
from neurallnet.errors import ConfigError


def run(*words: str, **environment: str) -> subprocess.CompletedProcess:
    """The console script in a process of its own, as a user sees it."""
    import os

    settings = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run([sys.executable, "-m", "neurallnet", *words], capture_output=True, text=True, env=settings)


@pytest.mark.parametrize("words", [[], ["data"], ["train"], ["evaluate"], ["bench"], ["reproduce"], ["data", "manifest"]])
def test_every_command_has_help(words):
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0 and "Usage" in result.output


def test_data_list_names_licences():
    result = CliRunner().invoke(app, ["data", "list"])
    assert "taleqani" in result.output and "licence" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "--profile", "full", "--data", "/nowhere"], "/nowhere: no such folder"),
        (["train", "--set", "model.nonsense=1"], "model.nonsense"),
        (["evaluate", "/nowhere"], "no finished run"),
        (["data", "manifest", "martian"], "'martian' is unknown"),
        (["data", "download", "bccd"], "is not on Kaggle"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words, said, tmp_path):
    result = run(*words, NEURALLNET_WORK=str(tmp_path))
    assert result.returncode == 2
    assert said in result.stderr and len(result.stderr.strip().splitlines()) == 1


def test_unknown_profile_lists_the_known_ones():
    result = run("train", "--profile", "nope")
    assert result.returncode == 2 and "smoke" in result.stderr and "Traceback" not in result.stderr


def test_set_changes_nested_values_of_the_right_type():
    config = changed(SMOKE, ["model.time_steps=4", "model.excitation=none", "train.learning_rate=0.01"], seed=7)
    assert (config.model.time_steps, config.model.excitation, config.seed) == (4, "none", 7)
    for wrong in ("model.time_steps=four", "time_steps=4", "model.time_steps", "model.beta=2"):
        with pytest.raises(ConfigError):
            changed(SMOKE, [wrong], seed=0)


def test_manifest_reports_what_it_cannot_read(tmp_path):
    from PIL import Image

    for name in ("a", "b"):
        (tmp_path / "images" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), "red").save(tmp_path / "images" / name / "good-1.png")
    (tmp_path / "images" / "a" / "bad-2.png").write_bytes(b"")
    words = ["data", "manifest", "folder", "--data", str(tmp_path / "images"), "--work", str(tmp_path / "work")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0 and "not used: a/bad-2.png" in result.output and "manifest.csv" in result.output
    assert run(*words, "--strict").returncode == 2
