"""Shipped weights: those of the published run, checked on loading, refreshed by publishing; own runs load the same way."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from published import made_up_run, made_up_set, publish_made_up

from neurallnet import load_pretrained
from neurallnet.arms import SHIPPED, make_arm
from neurallnet.config import CLASSES, run_config
from neurallnet.errors import ConfigError, DataError, RunError
from neurallnet.evaluation import read_predictions
from neurallnet.evaluation.calibration import fit_temperature
from neurallnet.ood import OodModel, save_ood
from neurallnet.paths import repository
from neurallnet.pretrained import NOTICE, load_run_model
from neurallnet.pretrained.loading import FOLDER
from neurallnet.pretrained.shipping import ship
from neurallnet.publish import publish
from neurallnet.verify.pretrained_checks import check_pretrained
from neurallnet.verify.published import open_published

CONFIG = make_arm("full", SHIPPED, 0).config
FILES = ("committee.safetensors", "committee-ood.safetensors", "committee.json")


def made_up_ood() -> OodModel:
    features = np.random.default_rng(0).normal(size=(200, 6 + CONFIG.model.channels[0] * 5))
    return OodModel.fit(features, np.arange(200) % 4).with_threshold(12.0)


@pytest.fixture
def copy(tmp_path) -> Path:
    """The shipped files, to be damaged."""
    for name in FILES:
        shutil.copy(FOLDER / name, tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    work = tmp_path_factory.mktemp("run")
    return made_up_run(work, "committee-stained-0", made_up_set(work, "taleqani", 40), 0)


def test_the_shipped_network_is_whole_and_says_what_it_is():
    found = load_pretrained()
    assert found.classes == CLASSES and not found.model.training and found.ood.threshold > 0
    assert found.card["notice"] == NOTICE and NOTICE.startswith("Not a medical device")
    assert found.card["trained_on"]["source"] == "taleqani" and not found.card["trained_on"]["synthetic"]
    assert run_config(found.card["config"]) == CONFIG
    assert sum(p.numel() for p in found.model.parameters()) == found.card["parameters"]
    with torch.inference_mode():
        assert found.model(torch.rand(1, 3, found.image_size, found.image_size)).logits.shape == (1, len(found.classes))


def test_it_is_the_published_run_byte_for_byte():
    results = repository() / "results"
    (weights,) = (results / "full" / "runs").glob(f"{CONFIG.digest()}-*/weights.safetensors")
    assert (FOLDER / "committee.safetensors").read_bytes() == weights.read_bytes()
    validation = read_predictions(weights.parent / "predictions-val.csv")
    assert load_pretrained().temperature == pytest.approx(fit_temperature(validation), rel=1e-5)
    with open_published(results) as study:
        (check,) = check_pretrained(results, study)
    assert check.ok, check.detail


@pytest.mark.parametrize("name", FILES[:2])
def test_a_damaged_file_is_named(copy, name):
    data = bytearray((copy / name).read_bytes())
    data[-5] ^= 1  # a value stays a value: only the hash can tell
    (copy / name).write_bytes(data)
    with pytest.raises(RunError, match=f"{name}: is damaged"):
        load_pretrained(folder=copy)
    (copy / name).unlink()
    with pytest.raises(RunError, match=f"{name}: cannot be read"):
        load_pretrained(folder=copy)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": 1}'])
def test_a_damaged_card_is_named(copy, text):
    (copy / "committee.json").write_text(text)
    with pytest.raises(RunError, match="committee.json: .*install neurallnet again"):
        load_pretrained(folder=copy)


def test_an_unknown_name_lists_the_known():
    with pytest.raises(ConfigError, match="'huge' is unknown; choose one of committee"):
        load_pretrained("huge")


def test_a_run_of_ones_own_loads_with_its_own_temperature_and_without_ood(run):
    found = load_run_model(run)
    assert found.ood is None and found.name == run.name and found.card["out_of_distribution"] is None
    assert found.temperature == pytest.approx(fit_temperature(read_predictions(run / "predictions-val.csv")))
    with pytest.raises(RunError, match="no finished run"):
        load_run_model(run.parent)


@pytest.mark.parametrize(("source", "synthetic"), [("folder", False), ("synthetic", True), ("of another version", False)])
def test_a_run_on_any_images_loads_and_says_on_which(run, tmp_path, source, synthetic):
    folder = shutil.copytree(run, tmp_path / run.name)
    for name in ("run.json", "config.json"):
        text = (folder / name).read_text()
        assert '"source": "taleqani"' in text
        (folder / name).write_text(text.replace('"source": "taleqani"', f'"source": "{source}"'))
    told = load_run_model(folder).card["trained_on"]
    assert (told["source"], told["synthetic"]) == (source, synthetic)


def test_shipping_twice_gives_the_same_bytes_that_load_again(run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "runs" / run.name)
    with pytest.raises(RunError, match="does not ship without it"):
        ship(folder, tmp_path / "a")
    assert not (tmp_path / "a").exists()
    save_ood(folder / "ood.safetensors", made_up_ood())
    first, second = (ship(folder, tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    card = json.loads(first[2].read_text())
    assert card["sha256"] == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in first[:2]}
    again, own = load_pretrained(folder=tmp_path / "a"), load_run_model(folder)
    images = torch.rand(2, 3, 96, 96)
    with torch.inference_mode():
        assert torch.equal(again.model(images).logits, own.model(images).logits)
    assert again.ood.threshold == own.ood.threshold == 12.0


def test_publishing_refreshes_what_ships_and_verification_compares_it(tmp_path, monkeypatch):
    monkeypatch.delenv("NEURALLNET_DATA", raising=False)
    results = publish_made_up(tmp_path)
    work, shipped = tmp_path / "work", tmp_path / "neurallnet" / "pretrained"
    with open_published(results) as study:
        assert check_pretrained(results, study) == [], "results outside a checkout ship nothing"
    shipped.parent.mkdir()
    before = sorted(results.rglob("*"))
    with pytest.raises(DataError):  # no out-of-distribution model, and no images to make one from
        publish(work, tmp_path)
    assert sorted(results.rglob("*")) == before, "what was published stays"
    (base,) = (work / "runs").glob(f"{CONFIG.digest()}-*/")
    save_ood(base / "ood.safetensors", made_up_ood())
    assert {shipped / name for name in FILES} <= set(publish(work, tmp_path))

    def detail() -> str:
        with open_published(results) as study:
            (check,) = check_pretrained(results, study)
        return "" if check.ok else check.detail

    assert detail() == ""
    card = shipped / "committee.json"
    card.write_text(card.read_text().replace('"temperature": ', '"temperature": 1'))
    assert "committee.json" in detail() and "temperature" in detail()
    for name in FILES:
        shutil.copy(FOLDER / name, shipped)  # another network, whole in itself
    assert "is not the weights.safetensors of run" in detail()
    (shipped / "committee.json").unlink()
    assert "is missing" in detail()
