"""Fitting and using the out-of-distribution model on a small network and drawn pictures of two kinds; its place in a run."""

import numpy as np
import pytest
from lively import lively

from neurallnet.config import run_config
from neurallnet.data.synthetic import SyntheticConfig, generate
from neurallnet.dataset import open_dataset
from neurallnet.errors import DataError
from neurallnet.ood import doubt, energy, fit_ood, load_ood, predict_and_judge, stretch_scores
from neurallnet.ood.study import run_ood, score_table
from neurallnet.ood.tables import threshold_of
from neurallnet.paths import workspace
from neurallnet.readlog import read_test_reads
from neurallnet.runs import train_run
from neurallnet.training import predict_logits


def fields(count, seed, colour=(150, 120, 190), size=32):
    """Blurred blobs of one colour on a light ground, brightness varying."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((count, 8, 8, 1)).repeat(4, 1).repeat(4, 2) * rng.uniform(0.6, 1.0, (count, 1, 1, 1))
    noise = rng.normal(0, 6, (count, size, size, 3))
    return np.clip(240 - coarse * (240 - np.array(colour)) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def model():
    return lively(time_steps=2)


@pytest.fixture(scope="module")
def fitted(model):
    labels = np.arange(160) % 4
    return fit_ood(model, fields(160, 0), labels, fields(40, 1))


def test_images_of_the_same_kind_pass_and_others_are_flagged(model, fitted):
    same = predict_and_judge(model, fitted, fields(100, 2))
    assert same.flagged.mean() <= 0.1
    grain = fields(30, 3)[:, ::-1].copy()
    grain[:, ::2] = 255  # stripes as fine as a pixel
    for others in (fields(30, 3, colour=(220, 120, 60)), fields(30, 3) // 2, grain):
        judged = predict_and_judge(model, fitted, others)
        assert judged.flagged.all() and judged.score.min() > same.score.max()


def test_one_pass_gives_the_networks_own_logits(model, fitted):
    images = fields(9, 4)
    judged = predict_and_judge(model, fitted, images, batch_size=4)
    np.testing.assert_allclose(judged.logits, predict_logits(model, images), atol=2e-2)
    assert (judged.flagged == (judged.score > fitted.threshold)).all()


def test_a_stretch_unlike_the_rest_scores_higher_when_left_out():
    """Stretches are cut within each class, so images may come in any order of classes."""
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(200, 5)), np.tile([0, 1], 100)
    features[80:120] += 8  # the third fifth of both classes
    score, stretch = stretch_scores(features, labels)
    assert stretch.tolist() == [k for k in range(5) for _ in range(40)]
    assert score[stretch == 2].min() > np.delete(score, np.flatnonzero(stretch == 2)).max()
    with pytest.raises(DataError, match="class 1 has 4 training images"):
        stretch_scores(features[:104], np.r_[np.zeros(100, int), np.ones(4, int)])


def test_logit_scores_follow_their_formulas():
    logits = np.array([[3.0, 1.0, 0.0], [0.2, 0.1, 0.0], [60.0, 0.0, 0.0]])
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(energy(logits), -np.log(np.exp(logits).sum(1)))
    top = p[:2].max(1)
    np.testing.assert_allclose(doubt(logits)[:2], np.log((1 - top) / top))
    assert doubt(logits)[2] < -50  # certainty has no floor


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    work = workspace(tmp_path_factory.mktemp("ood"))
    generate(work.synthetic / "lab-a", SyntheticConfig(images_per_class=24, size=64), progress=False)
    generate(work.synthetic / "lab-b", SyntheticConfig(lab="B", images_per_class=24, size=64), progress=False)
    config = {"data": {"image_size": 32}, "model": {"channels": (6, 8), "time_steps": 2}, "train": {"epochs": 1}}
    return work, config


def test_a_run_keeps_its_model_and_its_scores(trained, monkeypatch):
    work, config = trained
    monkeypatch.setattr("neurallnet.data.sources._generate", lambda source, space: space.synthetic / f"lab-{source.lab.lower()}")
    run = train_run(run_config(config), work, progress=False)
    model = run_ood(run, work)
    assert load_ood(run.folder / "ood.safetensors").threshold == model.threshold
    other = open_dataset("synthetic_external", work)
    table = score_table(run, work, [other], why="test")
    counts = table["set"].value_counts()
    split = run.split()["fold"].value_counts()
    assert counts["test"] == split["test"] and counts["val"] == split["val"] and counts["synthetic_external"] == 96
    assert counts.filter(like="stretch-").sum() == split["train"]
    reads = [entry["what"] for entry in read_test_reads(work.evidence / "test_reads.jsonl")]
    assert reads == ["test fold, out-of-distribution scores"]
    again = score_table(run, work, [other], why="test")
    assert again.equals(table) and len(read_test_reads(work.evidence / "test_reads.jsonl")) == 1


def test_after_a_refit_validation_images_are_training_images(trained, monkeypatch):
    work, config = trained
    monkeypatch.setattr("neurallnet.data.sources._generate", lambda source, space: space.synthetic / f"lab-{source.lab.lower()}")
    run = train_run(run_config({**config, "train": {"epochs": 1, "refit": True}}), work, progress=False)
    table, split = score_table(run, work, why="test"), run.split()["fold"].value_counts()
    counts = table["set"].value_counts()
    assert "val" not in counts and counts["test"] == split["test"]
    left_out = table[table["set"].str.startswith("stretch-")]
    assert len(left_out) == split["train"] + split["val"]
    most = left_out.groupby("set")["mahalanobis"].apply(lambda scores: (scores > threshold_of(table, "mahalanobis")).mean()).max()
    assert most <= 0.05
    assert run_ood(run, work).threshold == pytest.approx(threshold_of(table, "mahalanobis"), rel=1e-4)
