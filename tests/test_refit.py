"""Training anew on validation images as well: what judges them is a network they were new to, what is kept learned from them."""

from pathlib import Path

import pytest
import torch
from pictures import two_colours

from neurallnet.arms import make_arm
from neurallnet.checkpoints import load_weights
from neurallnet.config import run_config, with_changes
from neurallnet.networks import build_model
from neurallnet.paths import workspace
from neurallnet.runs import LEARNED, run_fold, train_run
from neurallnet.training import Examples, fit

PLAIN = run_config(
    {
        "data": {"source": "folder", "image_size": 16},
        "model": {"channels": [4, 6], "hue": "stored"},
        "train": {"epochs": 3, "batch_size": 8, "precision": "float32", "learning_rate": 0.03},
    }
)
REFIT = with_changes(PLAIN, train={"refit": True})


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    return two_colours(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def both(pictures, tmp_path_factory):
    """A workspace, and in it the same run without and with a refit."""
    work = workspace(tmp_path_factory.mktemp("work"))
    torch.set_num_threads(1)  # sums in another order have other last digits
    return work, train_run(PLAIN, work, pictures, progress=False), train_run(REFIT, work, pictures, progress=False)


def test_validation_images_are_judged_by_the_network_they_were_new_to(both):
    _, plain, refit = both
    for name in ("predictions-val.csv", "history.csv", "split.csv"):
        assert (refit.folder / name).read_bytes() == (plain.folder / name).read_bytes(), name


def test_kept_weights_learned_from_training_and_validation_images(both, pictures, tmp_path):
    work, plain, refit = both
    dataset, rows = run_fold(refit, LEARNED, work, pictures)
    split = refit.split().set_index("path")["fold"]
    assert set(dataset.frame["path"].iloc[rows]) == set(split.index[split.isin(["train", "val"])])
    assert set(dataset.frame["path"].iloc[run_fold(plain, LEARNED, work, pictures)[1]]) == set(split.index[split == "train"])

    torch.manual_seed(REFIT.seed)
    wanted, config = build_model(refit.config.model), refit.config
    examples = Examples(dataset.images(config.data, work), dataset.labels)
    plan = config.train, config.seed, tmp_path / "c.safetensors", "x", False, None, config.augment
    history = fit(wanted, examples, rows, rows[:0], *plan)
    assert set(history[0]) == {"epoch", "train_loss", "train_accuracy"}
    kept = build_model(refit.config.model)
    load_weights(refit.weights, kept)
    for (name, value), other in zip(wanted.state_dict().items(), kept.state_dict().values(), strict=True):
        assert torch.equal(value, other), name
    assert refit.weights.read_bytes() != plain.weights.read_bytes()


def test_a_run_stopped_while_it_trains_anew_does_not_begin_again(both, pictures, tmp_path):
    work, seen = workspace(tmp_path), []

    def stop(epoch: int) -> None:
        seen.append(epoch)
        if len(seen) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_run(REFIT, work, pictures, progress=False, after_epoch=stop)
    assert seen == [1, 2, 3, 1]
    run = train_run(REFIT, work, pictures, progress=False, after_epoch=seen.append)
    assert seen[4:] == [2, 3]
    assert run.weights.read_bytes() == both[2].weights.read_bytes()
    assert not list(run.folder.glob("checkpoint*"))


def test_the_first_network_is_that_of_the_run_without_and_is_not_trained_twice(both, pictures, tmp_path):
    work, seen = workspace(tmp_path), []
    plain = train_run(PLAIN, work, pictures, progress=False)
    refit = train_run(REFIT, work, pictures, progress=False, after_epoch=seen.append)
    assert seen == [1, 2, 3] and refit.record["first"] == plain.address
    assert refit.weights.read_bytes() == both[2].weights.read_bytes()


def test_runs_from_before_there_was_a_refit_keep_their_address():
    """The address of the single network of profile full, seed 0, as it was published before."""
    assert make_arm("full", "base").config.digest() == "5d87a0e9df93"
    assert with_changes(make_arm("full", "base").config, train={"refit": True}).digest() != "5d87a0e9df93"
