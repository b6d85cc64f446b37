"""`neurallnet export`: files that equal the network, say what they are, and one-line refusals."""

import json

import numpy as np
import pytest
import torch
from lively import lively, random_images
from PIL import Image
from typer.testing import CliRunner

from neurallnet import exporting
from neurallnet.checkpoints import save_weights
from neurallnet.cli import app
from neurallnet.config import ModelConfig, run_config
from neurallnet.dataset import open_dataset, split_folds
from neurallnet.errors import ConfigError, DataError, RunError
from neurallnet.export import weights_digest
from neurallnet.exporting import FORMATS, export_model, format_of
from neurallnet.exporting_calibration import Calibration, calibration_images, evenly
from neurallnet.networks import build_model
from neurallnet.onnx_runtime import onnx_session, run_onnx
from neurallnet.paths import workspace
from neurallnet.pretrained import load_pretrained
from neurallnet.runs import split_digest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("nir")

WORDS = {"excitation": "gain", "own_norm": 0, "reset_mechanism": "zero"}
PIXELS = Calibration(np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), dtype=np.uint8), "24 made-up images")


@pytest.fixture
def no_images(monkeypatch):
    """A computer without real images."""
    monkeypatch.delenv("NEURALLNET_DATA", raising=False)


def told(path):
    return onnx_session(path).get_modelmeta().custom_metadata_map


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_written_and_says_how_it_compares(form, tmp_path):
    model = lively(**WORDS)
    path = tmp_path / f"model{FORMATS[form]}"
    found = export_model(model, path, form, 32, calibration=PIXELS)
    assert (found.path, found.form, found.size) == (path, form, path.stat().st_size)
    assert list(tmp_path.iterdir()) == [path] and "9" in found.agreement
    if form != "nir":
        assert found.outputs == ("logits",) and told(path)["weights_sha256"] == weights_digest(model)
    else:
        assert "the other 0 within rounding" in found.agreement


@torch.inference_mode()
def test_gains_are_folded_for_onnx(tmp_path):
    model, images = lively(**WORDS), random_images()
    export_model(model, tmp_path / "model.onnx", "onnx", 32)
    found = run_onnx(onnx_session(tmp_path / "model.onnx"), images.numpy())
    np.testing.assert_allclose(found, model(images).logits.numpy(), atol=1e-4)


def test_calibration_is_named_in_the_file_and_needed(tmp_path):
    for place, calibration in enumerate((PIXELS, Calibration(PIXELS.images, "drawn"))):
        path = tmp_path / f"{place}.onnx"
        export_model(lively(), path, "onnx-int8", 32, calibration=calibration, details=True)
        assert told(path)["calibration"] == calibration.told and told(path)["format"] == "onnx-int8"
        assert "gates.2" in [output.name for output in onnx_session(path).get_outputs()]
    with pytest.raises(ConfigError, match="needs calibration images"):
        export_model(lively(), tmp_path / "no.onnx", "onnx-int8", 32)
    assert not (tmp_path / "no.onnx").exists()


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"family": "dense"}, "family 'dense' is not written; export a spiking one"),
        ({"family": "small_cnn"}, "family 'small_cnn' is not written"),
        ({"encoding": "rate"}, "encoding 'rate' is not written; train with encoding 'direct'"),
        ({"excitation": "image"}, "excitation 'image' is not written; train with excitation 'step', 'gain' or 'none'"),
        ({"convolution": "separable"}, "convolution 'separable' is not written; train with convolution 'full'"),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value),
)
def test_what_onnx_does_not_carry_is_refused_with_what_it_does(case, said, tmp_path):
    with pytest.raises(ConfigError) as refusal:
        export_model(build_model(ModelConfig(**case)), tmp_path / "model.onnx", "onnx", 32)
    assert said in str(refusal.value) and not list(tmp_path.iterdir())


def test_nir_takes_no_details(tmp_path):
    with pytest.raises(ConfigError, match="leave --details out"):
        export_model(lively(**WORDS), tmp_path / "model.nir", "nir", 32, details=True)


def test_a_graph_that_deviates_is_not_written(tmp_path, monkeypatch):
    """And the file of before stays."""
    write = exporting.nir_graph

    def wrong(model, *rest):
        graph = write(model, *rest)
        graph.nodes["block1_conv"].bias += 0.01
        return graph

    export_model(lively(**WORDS), tmp_path / "model.nir", "nir", 32)
    before = (tmp_path / "model.nir").read_bytes()
    monkeypatch.setattr(exporting, "nir_graph", wrong)
    with pytest.raises(RunError, match="deviates from torch"):
        export_model(lively(**WORDS), tmp_path / "model.nir", "nir", 32)
    assert [path.name for path in tmp_path.iterdir()] == ["model.nir"] and (tmp_path / "model.nir").read_bytes() == before


def test_format_follows_the_ending():
    assert format_of("a.ONNX") == "onnx" and format_of("b/c.nir", None) == "nir" and format_of("a.onnx", "onnx-dynamic")
    for path, form, said in (
        ("a.pt", None, "ends in .onnx or .nir"),
        ("a.nir", "onnx", "ends in .onnx"),
        ("a.onnx", "nir", "ends in .nir"),
        ("a.onnx", "tflite", "format 'tflite' is unknown; choose one of onnx, onnx-int8, onnx-dynamic, nir"),
    ):
        with pytest.raises(ConfigError, match=said):
            format_of(path, form)


def test_calibration_without_real_images_is_drawn_and_warned_of(no_images, tmp_path):
    card = load_pretrained().card
    found = calibration_images(card, workspace(tmp_path))
    size = card["image_size"]
    assert found.images.shape == (64, size, size, 3) and found.images.dtype == np.uint8 and found.images.std() > 10
    assert "SYNTHETIC" in found.told and "not from training images" in found.warning and "--data" in found.warning
    assert not list(tmp_path.iterdir())


def test_calibration_refuses_other_images_than_the_trained_ones(tmp_path, monkeypatch):
    """A folder that was named is not silently left out; one that only the environment names is, with a warning."""
    (tmp_path / "data").mkdir()
    card, work = load_pretrained().card, workspace(tmp_path / "work")
    with pytest.raises(DataError):
        calibration_images(card, work, tmp_path / "data")
    monkeypatch.setenv("NEURALLNET_DATA", str(tmp_path / "data"))
    assert "images of taleqani are not at hand" in calibration_images(card, work).warning


def test_calibration_takes_the_training_images_of_a_run(tmp_path):
    config, work, root = (
        run_config({"data": {"source": "folder", "image_size": 16}}),
        workspace(tmp_path / "work"),
        tmp_path / "data",
    )
    rng = np.random.default_rng(0)
    for number in range(40):
        path = root / ("red", "blue")[number % 2] / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(path)
    dataset = open_dataset("folder", work, root)
    split = split_folds(dataset, config.split)
    trained = {"synthetic": False, "manifest": dataset.digest, "split": split_digest(split)}
    card = {"config": config.to_dict(), "trained_on": trained, "image_size": 16, "scale_bar": "removed"}
    found = calibration_images(card, work, root)
    train = np.flatnonzero((split["fold"] == "train").to_numpy())
    assert not found.warning and found.told == f"{len(train)} training images of folder" and 0 < len(train) < 40
    np.testing.assert_array_equal(found.images, dataset.images(config.data, work)[train])
    with pytest.raises(DataError, match="other images than the network was trained on"):
        calibration_images({**card, "trained_on": {**trained, "manifest": "0" * 64}}, work, root)


def test_evenly_keeps_ends_and_order():
    assert evenly(np.arange(10), 4).tolist() == [0, 3, 6, 9] and evenly(np.arange(3), 9).tolist() == [0, 1, 2]


def test_command_writes_the_shipped_network(tmp_path):
    path = tmp_path / "deep" / "model.onnx"
    done = CliRunner().invoke(app, ["export", str(path)])
    assert done.exit_code == 0, done.output
    assert f"{path} (onnx, {path.stat().st_size:,} bytes)" in done.stdout and "outputs: logits\n" in done.stdout
    assert "Not a medical device" in done.stdout and "torch's class on 9 and" in done.stdout
    assert json.loads(told(path)["classes"]) == list(load_pretrained().classes)


def test_command_refuses_nir_of_the_shipped_network_in_one_line(tmp_path):
    done = CliRunner().invoke(app, ["export", str(tmp_path / "model.nir")])
    assert isinstance(done.exception, ConfigError) and "use one hue" in str(done.exception)
    assert "\n" not in str(done.exception) and not list(tmp_path.iterdir())


def test_weights_file_alone_is_no_run(tmp_path):
    save_weights(tmp_path / "weights.safetensors", lively(), {})
    done = CliRunner().invoke(app, ["export", str(tmp_path / "model.onnx"), "--run", str(tmp_path)])
    assert isinstance(done.exception, RunError) and "no finished run" in str(done.exception)


def test_help_names_every_format():
    done = CliRunner().invoke(app, ["export", "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0 and all(form in done.output for form in FORMATS) and "drawn smears" in done.output
