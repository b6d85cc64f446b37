"""Publishing: only profile full, only notebooks that ran and hold no raster picture; claims and README follow."""

import json

import pytest

from neurallnet.arms import arms
from neurallnet.errors import RunError
from neurallnet.publish import keeps_weights, publish

RUN = f"runs/{arms('full')[0].config.digest()}-123"


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "README.md").write_text("# x\n<!-- claims:begin -->\n<!-- claims:end -->\n")
    work = tmp_path / "work"
    for folder in ("evidence", "notebooks", RUN, "runs/000000000000-123"):
        (work / folder).mkdir(parents=True)
    single = {"parameters": 290_000, "footprint_bytes": 1_200_000}
    model = {"profile": "full", "parameters": 870_000, "footprint_bytes": 3_500_000, "single": single}
    (work / "evidence" / "model.json").write_text(json.dumps(model))
    for name in ("run.json", "weights.safetensors", "predictions-test.csv", "checkpoint.safetensors"):
        (work / RUN / name).write_text("{}")
        (work / "runs/000000000000-123" / name).write_text("{}")
    return work, tmp_path


def notebook(work, data, count=1, profile="full"):
    cell = {"cell_type": "code", "execution_count": count, "outputs": [{"output_type": "display_data", "data": data}]}
    text = json.dumps({"cells": [cell], "metadata": {"neurallnet": {"profile": profile}}})
    (work / "notebooks" / "01_training.ipynb").write_text(text)


def test_results_claims_and_readme_are_written(checkout):
    work, top = checkout
    notebook(work, {"image/svg+xml": ["<svg><path/></svg>"]})
    publish(work, top)
    run = top / "results" / "full" / RUN
    assert [p.name for p in run.parent.iterdir()] == [run.name], "a run of abandoned settings is not published"
    assert {p.name for p in run.iterdir()} == {"run.json", "weights.safetensors", "predictions-test.csv"}
    assert (top / "results/full/notebooks/01_training.ipynb").exists()
    claims = {c["id"]: c for c in json.loads((top / "results/claims.json").read_text())}
    assert claims["parameters"]["ours"] == 290_000
    assert "290,000" in (top / "README.md").read_text()


def test_an_arm_trained_for_a_comparison_is_published_without_weights(checkout):
    work, top = checkout
    notebook(work, {})
    arm = next(arm for arm in arms("full") if arm.name.startswith("no-norm-"))
    (work / RUN).rename(work / f"runs/{arm.config.digest()}-123")
    publish(work, top)
    (run,) = (top / "results/full/runs").iterdir()
    assert {p.name for p in run.iterdir()} == {"run.json", "predictions-test.csv"}


def test_weights_are_published_of_arms_somebody_may_load_and_of_the_committee_once():
    kept = {arm.name for arm in arms("full") if keeps_weights(arm.name)}
    assert {"base-4", "session-2-2", "no-se-1", "committee-0", "committee-session-3-0", "committee-stained-group-0"} <= kept
    assert {"committee-stained-0", "committee-stained-session-4-0"} <= kept
    assert not {"committee-1", "committee-stained-1", "committee-session-3-2", "no-norm-0", "refit-session-0-0"} & kept
    assert "committee-long-0" in kept and not {"committee-long-2", "base-long-0"} & kept


@pytest.mark.parametrize("data", [{"image/png": "iVBOR"}, {"image/svg+xml": ['<svg><image href="data:', '"/></svg>']}])
def test_a_picture_of_pixels_is_refused(checkout, data):
    work, top = checkout
    notebook(work, data)
    with pytest.raises(RunError, match="raster picture"):
        publish(work, top)
    assert not (top / "results").exists()


def test_unexecuted_notebooks_and_synthetic_evidence_are_refused(checkout):
    work, top = checkout
    notebook(work, {}, count=None)
    with pytest.raises(RunError, match="was not run"):
        publish(work, top)
    notebook(work, {}, profile="smoke")
    with pytest.raises(RunError, match="not executed with profile full"):
        publish(work, top)
    notebook(work, {})
    (work / "evidence" / "data.json").write_text('{"profile": "smoke"}')
    with pytest.raises(RunError, match="not of profile full"):
        publish(work, top)
