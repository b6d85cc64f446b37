"""The run store: a killed run ends bit-identical, two processes make one run, bad data is named."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pictures import two_colours

from neurallnet import runs
from neurallnet.config import run_config
from neurallnet.dataset import open_dataset
from neurallnet.errors import DataError, RunError
from neurallnet.paths import workspace
from neurallnet.readlog import read_test_reads
from neurallnet.runs import TEST_READS, evaluate_run, open_run, train_run

TINY = {
    "augment": {"brightness": 0, "contrast": 0, "saturation": 0, "stain": 0, "noise": 0},
    "data": {"source": "folder", "image_size": 16},
    "model": {"channels": [4, 6], "hue": "stored"},
    "train": {"epochs": 4, "batch_size": 8, "precision": "float32", "learning_rate": 0.03, "averaging": 0.5},
}


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    return two_colours(tmp_path_factory.mktemp("images"))


def start(images: Path, work: Path, after_epoch: str = "None") -> subprocess.Popen:
    """Train TINY in a process of its own."""
    code = f"""
        import os, signal
        from neurallnet.config import run_config
        from neurallnet.paths import workspace
        from neurallnet.runs import train_run
        train_run(run_config({TINY!r}), workspace({str(work)!r}), {str(images)!r}, after_epoch={after_epoch})
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], env=environment, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen) -> tuple[int, str]:
    """Exit status and what went to stderr."""
    _, text = process.communicate(timeout=300)
    return process.returncode, text.decode()


def only_run(work: Path):
    (folder,) = [p for p in (work / "runs").iterdir() if p.is_dir()]
    return folder


def test_killed_run_ends_bit_identical_to_an_uninterrupted_one(images, tmp_path):
    assert finish(start(images, tmp_path / "whole")) == (0, "")
    kill = "lambda epoch: os.kill(os.getpid(), signal.SIGKILL) if epoch == 2 else None"
    assert finish(start(images, tmp_path / "cut", kill))[0] == -signal.SIGKILL
    folder = only_run(tmp_path / "cut")
    assert (folder / "checkpoint.safetensors").exists() and not (folder / "run.json").exists()
    assert finish(start(images, tmp_path / "cut")) == (0, "")

    for name in ("weights.safetensors", "history.csv", "predictions-val.csv", "split.csv"):
        assert (folder / name).read_bytes() == (only_run(tmp_path / "whole") / name).read_bytes(), name


def test_two_processes_asking_for_one_run_share_it(images, tmp_path):
    note = f"lambda epoch: open({str(tmp_path / 'who')!r}, 'a').write(f'{{os.getpid()}} ')"
    both = [start(images, tmp_path, note) for _ in range(2)]
    assert [finish(p) for p in both] == [(0, ""), (0, "")]
    trained = (tmp_path / "who").read_text().split()
    assert len(trained) == 4 and len(set(trained)) == 1, "one process trains, the other waits and takes its run"
    run = open_run(only_run(tmp_path))
    assert len(run.history()) == 4 and run.history()["epoch"].tolist() == [1, 2, 3, 4]
    run.model()


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.3])
def test_kill_at_any_moment_leaves_a_run_that_goes_on(images, tmp_path, delay, finished):
    """Killed `delay` seconds after the first epoch is safe: in an epoch, while writing, or later; nothing is damaged."""
    timer = f"lambda epoch: epoch == 1 and __import__('threading').Timer({delay}, os.kill, (os.getpid(), signal.SIGKILL)).start()"
    finish(start(images, tmp_path, timer))
    assert finish(start(images, tmp_path)) == (0, "")
    assert (only_run(tmp_path) / "weights.safetensors").read_bytes() == finished[0].weights.read_bytes()


@pytest.fixture(scope="module")
def finished(images, tmp_path_factory):
    work = workspace(tmp_path_factory.mktemp("work"))
    torch.set_num_threads(1)  # as `start` does: sums in another order have other last digits
    return train_run(run_config(TINY), work, images, progress=False), work


def test_finished_run_is_reused_and_another_setting_has_another_address(images, finished):
    run, work = finished
    before = (run.folder / "run.json").stat().st_mtime_ns
    again = train_run(run_config(TINY), work, images, after_epoch=lambda epoch: pytest.fail("trained again"))
    assert again == run and (run.folder / "run.json").stat().st_mtime_ns == before
    other = train_run(run_config({**TINY, "seed": 1}), work, images, progress=False)
    assert other.address != run.address
    assert other.weights.read_bytes() != run.weights.read_bytes()


def test_run_learns_the_colours_and_records_where_it_comes_from(images, finished):
    run, work = finished
    record = run.record
    assert record["config"]["model"]["classes"] == 2 and len(record["manifest"]) == 64 and record["machine"]["cpu"]
    table = evaluate_run(run, work, images)
    assert (table["predicted"] == table["label"]).mean() > 0.8
    split = run.split()
    assert set(table["path"]) == set(split.loc[split["fold"] == "test", "path"])


def test_classes_are_in_the_order_of_the_logits_also_in_runs_that_did_not_record_them(finished):
    from neurallnet.evaluation.predictions import class_order

    run, work = finished
    assert run.classes == ("blue", "red") == tuple(class_order(run.predictions("val")))
    path = run.folder / "run.json"
    text = path.read_text()
    try:
        path.write_text(json.dumps({key: value for key, value in json.loads(text).items() if key != "classes"}))
        assert run.classes == ("blue", "red")
    finally:
        path.write_text(text)


def test_test_images_are_read_once_and_logged(images, finished):
    run, work = finished
    first = evaluate_run(run, work, images, why="the first look")
    log = read_test_reads(work.evidence / TEST_READS)
    pd.testing.assert_frame_equal(first, evaluate_run(run, work, images, why="a second look"))
    assert read_test_reads(work.evidence / TEST_READS) == log
    assert [entry["run"] for entry in log].count(run.address) == 1


def test_saved_weights_give_the_stored_predictions(images, finished):
    from neurallnet.dataset import open_dataset, rows_in, split_folds
    from neurallnet.evaluation.predictions import logits_of
    from neurallnet.training import predict_logits

    run, work = finished
    dataset = open_dataset("folder", work, images)
    rows = rows_in(split_folds(dataset, run.config.split), "val")
    logits = predict_logits(run.model(), dataset.images(16, work), rows)
    stored = run.predictions("val").set_index("path").loc[dataset.frame["path"].iloc[rows]].reset_index()
    np.testing.assert_allclose(logits_of(stored), logits, rtol=1e-5, atol=1e-5)


def test_changed_images_are_not_evaluated_with_an_old_run(images, finished, tmp_path):
    import shutil

    run, work = finished
    (run.folder / "predictions-test.csv").unlink(missing_ok=True)
    copy = tmp_path / "copy"
    shutil.copytree(images, copy)
    (copy / "red" / "red-000.png").unlink()
    with pytest.raises(RunError, match="other images"):
        evaluate_run(run, work, copy)


def test_a_reading_that_cannot_take_place_is_not_logged(images, tmp_path):
    """The log cannot be taken back: neither missing images nor missing weights may leave a line in it."""
    work = workspace(tmp_path)
    run = train_run(run_config(TINY), work, images, progress=False)
    with pytest.raises(DataError):
        evaluate_run(run, work, tmp_path / "nowhere")
    weights = run.weights.read_bytes()
    run.weights.unlink()
    with pytest.raises(RunError):
        evaluate_run(run, work, images)
    assert not (work.evidence / TEST_READS).exists()
    run.weights.write_bytes(weights)
    evaluate_run(run, work, images)
    assert len(read_test_reads(work.evidence / TEST_READS)) == 1


def test_a_run_does_not_go_on_with_other_images_held_out(images, tmp_path, monkeypatch):
    kill = "lambda epoch: os.kill(os.getpid(), signal.SIGKILL)"
    finish(start(images, tmp_path, kill))
    once = runs.split_folds
    monkeypatch.setattr(runs, "split_folds", lambda dataset, split: once(dataset, replace(split, fold=1)))
    with pytest.raises(RunError, match="checkpoint of another run"):
        train_run(run_config(TINY), workspace(tmp_path), images, progress=False)


def test_a_workspace_among_the_images_is_refused(images, tmp_path):
    folder = two_colours(tmp_path)
    with pytest.raises(DataError, match="name another with --work"):
        train_run(run_config(TINY), workspace(folder / "work"), folder, progress=False)
    assert open_dataset("folder", workspace(tmp_path.parent / "elsewhere"), folder).classes == ("blue", "red")


def test_damaged_checkpoint_is_named(images, tmp_path):
    kill = "lambda epoch: os.kill(os.getpid(), signal.SIGKILL)"
    finish(start(images, tmp_path, kill))
    folder = only_run(tmp_path)
    (folder / "checkpoint.safetensors").write_bytes(b"nonsense")
    status, text = finish(start(images, tmp_path))
    assert status != 0 and "RunError" in text and "checkpoint.safetensors" in text


def test_weights_that_are_not_finite_end_the_run_with_a_reason(images, tmp_path, monkeypatch):
    from neurallnet import training

    real = training.Epoch.run

    def broken(epoch, train):
        found = real(epoch, train)
        with torch.no_grad():
            epoch.model.blocks[0].conv.weight[0] = float("nan")
        return found

    monkeypatch.setattr(training.Epoch, "run", broken)
    with pytest.raises(RunError, match="not finite in epoch 1"):
        train_run(run_config(TINY), workspace(tmp_path), images, progress=False)
    assert not (only_run(tmp_path) / "checkpoint.safetensors").exists()


def test_missing_and_empty_folders_are_named(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        train_run(run_config(TINY), workspace(tmp_path), tmp_path / "nowhere")
    with pytest.raises(RunError, match="no finished run"):
        open_run(tmp_path)


def test_record_is_canonical_json(finished):
    text = (finished[0].folder / "run.json").read_text()
    assert json.dumps(json.loads(text), sort_keys=True, indent=2) + "\n" == text


def test_a_run_whose_held_out_blocks_both_validate_has_no_test_to_read_and_logs_no_reading(images, tmp_path):
    split = {"protocol": "session", "fold": 0, "other": 2, "embargo": 0}
    work = workspace(tmp_path)
    run = train_run(run_config({**TINY, "split": split, "train": {**TINY["train"], "epochs": 1}}), work, images)
    assert "test" not in run.record["images"] and len(run.predictions("val")) == run.record["images"]["val"]
    with pytest.raises(RunError, match="no image in fold 'test': both blocks that it holds out validate"):
        evaluate_run(run, work, images)
    assert not (work.evidence / TEST_READS).exists()
