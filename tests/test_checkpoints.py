"""Weights and checkpoints: damaged, foreign or unwritable files are named, and the last good one survives."""

import errno
import os

import pytest
import torch

from neurallnet.checkpoints import Checkpoint, load_checkpoint, load_weights, save_checkpoint, save_weights, write_tensors
from neurallnet.config import ModelConfig, TrainConfig
from neurallnet.errors import RunError
from neurallnet.model import NeurALLNet
from neurallnet.training import make_optimizer

SMALL = ModelConfig(channels=(4, 6))


@pytest.fixture
def trained(tmp_path):
    model = NeurALLNet(SMALL)
    optimizer = make_optimizer(model, TrainConfig())
    model(torch.rand(2, 3, 16, 16)).logits.sum().backward()
    optimizer.step()
    state = Checkpoint("abc")
    state.history.append({"epoch": 1, "val_accuracy": 0.5, "val_loss": 1.0})
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, state, model, optimizer)
    return path, model, optimizer


def test_checkpoint_restores_weights_optimizer_and_history(trained):
    path, model, optimizer = trained
    other = NeurALLNet(SMALL)
    fresh = make_optimizer(other, TrainConfig())
    state = load_checkpoint(path, other, fresh, "abc")
    assert state.history == [{"epoch": 1, "val_accuracy": 0.5, "val_loss": 1.0}]
    for ours, theirs in zip(other.parameters(), model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
        for key, value in optimizer.state[theirs].items():
            assert torch.equal(fresh.state[ours][key], value), key


def test_checkpoint_of_another_run_is_refused(trained):
    path, model, optimizer = trained
    with pytest.raises(RunError, match="checkpoint of another run"):
        load_checkpoint(path, model, optimizer, "other")


@pytest.mark.parametrize("damage", ["truncate", "garbage", "empty", "missing"])
def test_damaged_weights_are_named(damage, tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, NeurALLNet(SMALL))
    if damage == "truncate":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"\x80\x04pickle?" * 50 if damage == "garbage" else b"")
    with pytest.raises(RunError, match="w.safetensors"):
        load_weights(path, NeurALLNet(SMALL))


def test_weights_of_another_architecture_or_with_nan_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, NeurALLNet(SMALL))
    with pytest.raises(RunError, match="weights of another model"):
        load_weights(path, NeurALLNet(ModelConfig(channels=(4, 8))))
    broken = NeurALLNet(SMALL)
    with torch.no_grad():
        broken.readout.bias[0] = float("nan")
    save_weights(path, broken)
    with pytest.raises(RunError, match="not finite"):
        load_weights(path, NeurALLNet(SMALL))


def test_full_disk_keeps_the_last_file_and_leaves_no_scrap(tmp_path, monkeypatch):
    path = tmp_path / "w.safetensors"
    write_tensors(path, {"a": torch.ones(3)}, {})
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left"):
        write_tensors(path, {"a": torch.zeros(3)}, {})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["w.safetensors"]
