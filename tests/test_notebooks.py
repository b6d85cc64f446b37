"""The committed notebooks: thin, parameterized, executed in order on synthetic images, without errors or raster pictures."""

import json

import pytest

from neurallnet.notebook_runner import known_parameters
from neurallnet.paths import repository

NOTEBOOKS = sorted((repository() / "notebooks").glob("*.ipynb"))
CHAPTERS = ["00_data", "01_training", "02_ablation", "03_external_validation", "04_robustness", "05_latency"]
CHAPTERS += ["06_peers", "07_trust", "08_explanations"]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return json.loads(request.param.read_text(encoding="utf-8"))


def code(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def test_chapters_are_there_in_order():
    assert [path.stem for path in NOTEBOOKS][: len(CHAPTERS)] == CHAPTERS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_takes_the_same_three_parameters_first(path):
    parameters = known_parameters(path)
    assert list(parameters)[:3] == ["profile", "data", "work"]
    assert parameters["profile"] == "smoke" and parameters["data"] is None and parameters["work"] is None


def test_cells_are_short_and_define_nothing(notebook):
    for cell in code(notebook):
        lines = "".join(cell["source"]).splitlines()
        body = [line for line in lines if line.strip() and not line.startswith(("from ", "import ", "    ", ")"))]
        assert len(body) <= 15 and not any(line.lstrip().startswith(("def ", "class ")) for line in lines), lines[:2]


def test_stored_outputs_are_of_one_complete_execution(notebook):
    """What nbval compares with: without execution counts it would compare nothing."""
    assert [cell["execution_count"] for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    outputs = [output for cell in code(notebook) for output in cell["outputs"]]
    assert outputs and not any(output["output_type"] == "error" for output in outputs)
    assert not any(output.get("name") == "stderr" for output in outputs), "a warning would be stored with the page"


def test_no_raster_picture_is_stored(notebook):
    text = json.dumps([cell["outputs"] for cell in code(notebook)])
    assert "image/png" not in text and "image/jpeg" not in text and "data:image" not in text
