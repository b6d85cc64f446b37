"""What a bench measured is shown again until the network changes."""

import json
import os
from dataclasses import asdict, replace

import pytest

from neurallnet.config import ModelConfig, profile_config
from neurallnet.model import NeurALLNet
from neurallnet.paths import workspace
from neurallnet.profiling import kept
from neurallnet.profiling.kept import bench_once
from neurallnet.profiling.plan import QUICK, Plan
from neurallnet.runs import Run
from neurallnet.study import Study


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A study whose measuring is counted: `bench(**options)` -> (figures, how many measurements so far)."""
    study, run = Study("smoke", workspace(tmp_path), None, profile_config("smoke")), Run(tmp_path / "runs" / "some")
    run.folder.mkdir(parents=True)
    run.weights.write_bytes(b"")
    os.utime(run.weights, (0, 0))
    count = []

    def measure(sections, quick, progress, model, image_size):
        count.append(1)
        about = {**study.config.to_dict()["model"], "channels": list(model.config.channels), "image_size": image_size}
        plan = json.loads(json.dumps(asdict(QUICK if quick else Plan())))
        shipped = json.loads(json.dumps(asdict(kept.shipped_settings())))
        return {"quick": quick, "plan": plan, "model": about, "shipped": shipped, **dict.fromkeys(sections, {"rows": len(count)})}

    monkeypatch.setattr(kept, "run_bench", measure)

    def once(config=study.config.model, sections=("training",), **options):
        found = bench_once(study, run, {"model": NeurALLNet(config), "image_size": 48}, sections, **options)
        study.save("latency", found)
        return found, len(count)

    once.weights = run.weights
    return once


def test_the_same_question_is_measured_once(bench):
    first, _ = bench()
    again, measured = bench()
    assert again == first and measured == 1


@pytest.mark.parametrize("change", [{"fresh": True}, {"quick": True}, {"sections": ("latency",)}, {"config": ModelConfig()}])
def test_another_question_is_measured_anew(bench, change):
    bench()
    assert bench(**change)[1] == 2


def test_another_network_that_ships_is_measured_anew(bench, monkeypatch):
    bench()
    monkeypatch.setattr(kept, "shipped_settings", lambda: ModelConfig(columns=2))
    assert bench()[1] == 2


def test_new_weights_are_measured_anew(bench):
    bench()
    os.utime(bench.weights, (2**33, 2**33))
    assert bench()[1] == 2


def test_figures_of_another_plan_are_measured_again(bench, monkeypatch):
    bench()
    monkeypatch.setattr(kept, "Plan", lambda: replace(Plan(), batch=32))
    assert bench()[1] == 2
