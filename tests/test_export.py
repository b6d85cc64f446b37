"""The ONNX file gives the network's logits for any batch, says what it is, and is never half written."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from lively import lively, random_images

from neurallnet import export, onnx_runtime
from neurallnet.errors import ConfigError, DataError, RunError
from neurallnet.inference import Unrolled

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from neurallnet import onnx_graph  # noqa: E402

CASES = [
    {},
    {"own_norm": 0},
    {"own_norm": 1},
    {"time_steps": 1},
    {"time_steps": 4},
    {"time_steps": 1, "excitation": "none"},
    {"reset_mechanism": "zero"},
    {"reset_delay": False, "time_steps": 4},
    {"reset_mechanism": "zero", "reset_delay": False, "time_steps": 4},
    {"excitation": "none", "beta": 0.3333333333, "threshold": 0.7},
    {"normalization": "none", "beta": 1.0},
    {"channels": (6,)},
    {"classes": 7},
]


def named(model):
    return [f"kind {i}" for i in range(model.config.classes)]


@pytest.mark.parametrize("case", CASES, ids=str)
@torch.inference_mode()
def test_file_equals_network_for_any_batch(case, tmp_path):
    model = lively(**case)
    session = export.onnx_session(export.export_onnx(model, tmp_path / "model.onnx", 32, classes=named(model)))
    for batch in (1, 2, 5):
        images = random_images(batch)
        (found,) = session.run(["logits"], {"images": images.numpy()})
        np.testing.assert_allclose(found, model(images).logits.numpy(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("case", CASES, ids=str)
@torch.inference_mode()
def test_details_are_those_of_torch(case, tmp_path):
    model = lively(**case)
    session = export.onnx_session(export.export_onnx(model, tmp_path / "model.onnx", 32, classes=named(model), details=True))
    images = random_images(3)
    found = dict(zip((o.name for o in session.get_outputs()), session.run(None, {"images": images.numpy()}), strict=True))
    wanted = Unrolled(model, details=True)(images)
    wanted = wanted._asdict() | {f"gates.{i}": gate for i, gate in enumerate(wanted.gates)}
    del wanted["gates"]
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values.numpy(), rtol=0, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("threshold", [1.0, 0.7, 3e-3])
def test_threshold_is_exact_to_the_last_bit(threshold):
    w = onnx_graph.Writer()
    spike = onnx_graph.heaviside(onnx_graph.Value(w, "x", "neuron"), threshold)
    vector = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, ["n"]) for n in ("x", spike.name)]
    graph = onnx.helper.make_graph(w.nodes, "spike", vector[:1], vector[1:], list(w.constants.values()))
    opset = [onnx.helper.make_opsetid("", export.OPSET)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=onnx.helper.find_min_ir_version_for(opset))
    theta = np.float32(threshold)
    near = [np.nextafter(theta, np.float32(-9)), theta, np.nextafter(theta, np.float32(9))]
    x = np.array([*near, 0, -1, -theta, 1e-38, 1e30, -1e30, np.inf, -np.inf], np.float32)
    (found,) = export.onnx_session(model.SerializeToString()).run(None, {"x": x})
    np.testing.assert_array_equal(found, (x > theta).astype(np.float32))


def test_metadata_says_what_it_is(tmp_path):
    model = lively()
    properties = export.onnx_session(export.export_onnx(model, tmp_path / "a.onnx", 32)).get_modelmeta().custom_metadata_map
    assert json.loads(properties["classes"]) == ["Benign", "Early", "Pre", "Pro"]
    assert properties["image_size"] == "32" and "divided by 255" in properties["preprocessing"]
    assert "not a medical device" in properties["notice"]
    assert properties["weights_sha256"] == export.weights_digest(model)
    model.readout.bias.data[0] += 1
    assert properties["weights_sha256"] != export.weights_digest(model)


def test_same_model_same_file(tmp_path):
    files = [export.export_onnx(lively(), tmp_path / name, 32) for name in ("a.onnx", "b.onnx")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_graph_that_computes_something_else_is_not_written(tmp_path, monkeypatch):
    write = onnx_graph.network_graph

    def wrong(net, *rest):
        net.readout.bias.data[0] += 1e-3
        graph = write(net, *rest)
        net.readout.bias.data[0] -= 1e-3
        return graph

    monkeypatch.setattr(onnx_graph, "network_graph", wrong)
    with pytest.raises(RunError, match="deviates from torch by 0.001"):
        export.export_onnx(lively(), tmp_path / "model.onnx", 32)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_is_named(tmp_path):
    path = tmp_path / "model.onnx"
    model = lively()
    model.blocks[0].neuron = replace(model.blocks[0].neuron, beta=torch.tensor(0.9))
    with pytest.raises(ConfigError, match=r"blocks\.0: a learned beta"):
        export.export_onnx(model, path, 32)
    with pytest.raises(ConfigError, match="opset 11"):
        export.export_onnx(lively(), path, 32, opset=11)
    with pytest.raises(ConfigError, match="image_size 0"):
        export.export_onnx(lively(), path, 0)
    with pytest.raises(ConfigError, match="4 class names .* for a model of 7 classes"):
        export.export_onnx(lively(classes=7), path, 32)
    assert not path.exists()


def test_missing_library_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_runtime, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'neurallnet\[export\]'"):
        export.export_onnx(lively(), tmp_path / "model.onnx", 32)


def test_unreadable_and_unwritable_files(tmp_path):
    (tmp_path / "junk.onnx").write_bytes(b"no graph")
    for name in ("junk.onnx", "absent.onnx"):
        with pytest.raises(RunError, match=f"{name}: not a readable ONNX file"):
            export.onnx_session(tmp_path / name)
    with pytest.raises(RunError, match="cannot be written"):
        export.export_onnx(lively(), tmp_path / "junk.onnx" / "model.onnx", 32)


def test_uint8_images_are_scaled(tmp_path):
    session = export.onnx_session(export.export_onnx(lively(), tmp_path / "model.onnx", 32))
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    wanted = export.run_onnx(session, images.transpose(0, 3, 1, 2).astype(np.float32) / 255)
    np.testing.assert_array_equal(export.run_onnx(session, images, batch_size=2), wanted)
    assert export.run_onnx(session, images[:0]).shape == (0, 4)


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A network of some size, its file, and uint8 images of different brightness."""
    model = lively(channels=(16, 32, 64))
    images = (random_images(64) * torch.rand(64, 3, 1, 1, generator=torch.Generator().manual_seed(2)) * 255).byte()
    path = export.export_onnx(model, tmp_path_factory.mktemp("wide") / "model.onnx", 32)
    return path, images.permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("how", ["static", "dynamic"])
def test_eight_bits_are_smaller_and_nearly_the_same(how, wide, tmp_path):
    path, images = wide
    out = tmp_path / "int8.onnx"
    if how == "static":
        export.quantize_static(path, images[:32], out)
    else:
        export.quantize_dynamic(path, out)
    assert out.stat().st_size < 0.5 * path.stat().st_size
    kinds = {onnx.numpy_helper.to_array(i).dtype for i in onnx.load(out).graph.initializer if i.name.startswith("block2/current")}
    assert np.dtype(np.int8) in kinds
    session = export.onnx_session(out)
    whole, rounded = export.run_onnx(export.onnx_session(path), images[32:]), export.run_onnx(session, images[32:])
    assert np.abs(whole - rounded).mean() < 0.25 * whole.std()
    before, after = (s.get_modelmeta().custom_metadata_map for s in (export.onnx_session(path), session))
    assert after["quantization"] and {**before, "quantization": after["quantization"]} == after


def test_calibration_images_must_fit(wide, tmp_path):
    path, images = wide
    for wrong in (images[:, :16, :16], images / 255, images[:0]):
        with pytest.raises(DataError, match="calibration images are"):
            export.quantize_static(path, wrong, tmp_path / "int8.onnx")
    export.quantize_static(path, images[:4], tmp_path / "int8.onnx")
    with pytest.raises(RunError, match="not a float32 file"):
        export.quantize_static(tmp_path / "int8.onnx", images[:4], tmp_path / "again.onnx")
