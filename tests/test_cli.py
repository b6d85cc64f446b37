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


COMMANDS = ("", "audit", "data", "data manifest", "data datasheet", "train", "evaluate", "report", "bench", "verify", "reproduce")


@pytest.mark.parametrize("words", [command.split() for command in COMMANDS])
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
        (["train", "--set", "seed.x=1"], "--seed"),
        (["train", "--set", "model.channels=[]"], "model.channels"),
        (["train", "--seed", "100000000000000000000"], "seed"),
        (["train", "--work", "/proc/nowhere"], "/proc/nowhere"),
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


def commands(document: str) -> list[str]:
    """The lines of the fenced bash blocks of a file of the checkout."""
    import re

    from neurallnet.paths import repository

    text = (repository() / document).read_text(encoding="utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", text, re.S)
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines() if line.split("#")[0].strip()]


@pytest.mark.parametrize("document", ["README.md", "book/rerun.md"])
def test_commands_we_print_exist(document):
    """Each `make` names a target of the Makefile, each `neurallnet` a subcommand, each `python -m` parses."""
    import shlex

    from neurallnet.paths import repository

    makefile = (repository() / "Makefile").read_text()
    lines = commands(document)
    assert lines
    for line in lines:
        words = shlex.split(line)
        if words[0] == "make":
            assert f"\n{words[1]}:" in makefile, line
        elif words[0] == "neurallnet":
            assert CliRunner().invoke(app, [*[w for w in words[1:3] if w.isalpha()], "--help"]).exit_code == 0, line
        elif words[:2] == ["python", "-m"]:
            checked = subprocess.run([sys.executable, "-m", *words[2:4], "--help"], capture_output=True)
            assert checked.returncode == 0, line
