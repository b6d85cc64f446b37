"""The RO-Crate of the results: read back by the library, naming every published file and no other, the same each time."""

import json
import shutil
from pathlib import Path

import pytest

from neurallnet.crate import NAME, crate_text, main, write_crate
from neurallnet.data.catalogue import SOURCES

pytest.importorskip("rocrate")
TOP = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def crate(tmp_path_factory):
    """A copy of the results' names (empty files would do, but evidence is read), with its crate, opened by the library."""
    from rocrate.rocrate import ROCrate

    top = tmp_path_factory.mktemp("checkout")
    shutil.copytree(TOP / "results", top / "results", ignore=shutil.ignore_patterns("*.safetensors", "predictions-*"))
    shutil.copy(TOP / "CITATION.cff", top)
    write_crate(top)
    return ROCrate(top / "results")


def test_every_published_file_is_named_and_there(crate):
    root = Path(crate.source)
    named = {entity.id for entity in crate.data_entities if not entity.id.endswith("/")}
    there = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and not path.name.startswith(".")}
    assert named == there - {NAME}
    assert all((root / entity.id).is_dir() for entity in crate.data_entities if entity.id.endswith("/"))


def test_authors_licence_code_and_data_sets(crate):
    root = crate.root_dataset
    assert [author["name"] for author in root["author"]] == ["The NeurALLNet compendium authors"]
    assert root["license"].id == "https://spdx.org/licenses/BSD-3-Clause"
    sets = {entity["name"]: entity for entity in root["mentions"] if entity.type == "Dataset"}
    assert {"taleqani", "bccd", "external"} <= set(sets)
    for name, entity in sets.items():
        assert entity.get("url", "") == SOURCES[name].url and "Not contained" in entity["description"] and entity["license"]
    assert "publishers" in sets["bccd"]["description"] and "drawn by the package" in sets["synthetic"]["description"]
    assert "SoftwareSourceCode" in [entity.type for entity in root["mentions"]]
    assert root["about"].id == "https://doi.org/10.1177/20552076261466149"


def test_each_run_is_an_action_on_a_data_set(crate):
    actions = [entity for entity in crate.contextual_entities if entity.type == "CreateAction"]
    runs = sorted(path.parent.name for path in (Path(crate.source) / "full" / "runs").glob("*/run.json"))
    assert sorted(action.id for action in actions) == [f"#run-{run}" for run in runs] and runs
    for action in actions:
        assert action["instrument"].id == "#code"
        assert any(thing.id == "#data-taleqani" for thing in action["object"])
        assert all(thing.id.startswith("full/runs/") for thing in action["result"])


def test_equal_results_give_equal_bytes(crate):
    top = Path(crate.source).parent
    assert crate_text(top) == crate_text(top) == (top / "results" / NAME).read_text(encoding="utf-8")


def test_the_committed_crate_is_of_these_results():
    committed = json.loads((TOP / "results" / NAME).read_text(encoding="utf-8"))
    assert committed == json.loads(crate_text(TOP)), "run: python -m neurallnet.crate"


def test_without_results_one_line_says_so(tmp_path, capsys):
    shutil.copy(TOP / "CITATION.cff", tmp_path)
    assert main([str(tmp_path)]) == 2
    assert "make publish" in capsys.readouterr().err
    (tmp_path / "CITATION.cff").unlink()
    assert main([str(tmp_path)]) == 2
    assert "CITATION.cff" in capsys.readouterr().err
