"""The demo's files: what is built with Node, what stands there without it, and the flag as part of the exported network."""

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neurallnet import browser_demo
from neurallnet.book import mirror
from neurallnet.browser_packages import FILES, installed_packages
from neurallnet.data.images import preprocess
from neurallnet.errors import ConfigError, RunError

TOP = Path(__file__).resolve().parent.parent


@pytest.fixture
def web(tmp_path):
    folder = tmp_path / "web"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text("{}" if name.endswith("json") else "")
    return folder


def npm(folder: Path, script: str) -> None:
    """Programs called npm and node in `folder`; npm runs `script`."""
    folder.mkdir()
    for name in ("npm", "node"):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(stat.S_IRWXU)


def on_path(monkeypatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")


def test_packages_are_installed_once_per_lock(tmp_path, web, monkeypatch):
    npm(tmp_path / "bin", 'mkdir -p node_modules && echo "$@" >> calls.txt')
    on_path(monkeypatch, tmp_path / "bin")
    cache = tmp_path / "cache"
    assert installed_packages(web, cache) == installed_packages(web, cache) == cache / "node_modules"
    assert (cache / "calls.txt").read_text().splitlines() == ["ci --prefer-offline"]
    (web / "package-lock.json").write_text('{"changed": true}')
    installed_packages(web, cache)
    assert len((cache / "calls.txt").read_text().splitlines()) == 2
    assert (cache / "package-lock.json").read_text() == '{"changed": true}'


def test_a_failing_npm_leaves_no_claim_and_is_told_in_one_line(tmp_path, web, monkeypatch):
    npm(tmp_path / "bin", "echo 'npm error no such host' >&2; exit 1")
    on_path(monkeypatch, tmp_path / "bin")
    for _ in range(2):
        with pytest.raises(RunError, match=r"^npm ci failed \(npm error no such host\); check the network") as caught:
            installed_packages(web, tmp_path / "cache")
        assert "\n" not in str(caught.value)


def test_without_node_the_page_says_how_to_get_the_demo(tmp_path, web, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    stale = tmp_path / "_build" / "demo"
    stale.mkdir(parents=True)
    (stale / "model.onnx").write_bytes(b"of an earlier build")
    folder = browser_demo.build_demo(tmp_path)
    assert [path.name for path in folder.iterdir()] == ["app.inc"]
    text = (folder / "app.inc").read_text()
    assert "npm was not found" in text and "Node 20 or newer" in text and "make book" in text


def test_a_reason_cannot_bring_markup_into_the_page():
    assert "<script>" not in browser_demo.absence("npm ci failed (<script>alert(1)</script>)")


def test_a_stage_keeps_the_demo_and_loses_other_strangers(tmp_path):
    source, stage = tmp_path / "book", tmp_path / "stage"
    for path in (source / "a.md", stage / "old.md", stage / "_static" / "demo" / "model.onnx"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)
    mirror(source, stage, keep=stage / "_static" / "demo")
    assert sorted(path.name for path in stage.rglob("*") if path.is_file()) == ["a.md", "model.onnx"]


def test_the_lock_pins_exact_versions_and_names_no_host():
    wanted = json.loads((TOP / "web" / "package.json").read_text())
    lock = json.loads((TOP / "web" / "package-lock.json").read_text())["packages"]
    for name, version in (wanted["dependencies"] | wanted["devDependencies"]).items():
        assert lock[f"node_modules/{name}"]["version"] == version
    assert all("integrity" in entry and "resolved" not in entry for place, entry in lock.items() if place)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    pytest.importorskip("onnxruntime")
    from neurallnet.browser_model import write_network

    folder = tmp_path_factory.mktemp("demo")
    write_network(folder)
    return folder, json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_the_file_gives_the_probabilities_and_the_score_of_the_manifest(written):
    from scipy.special import softmax

    from neurallnet.onnx_runtime import as_input, onnx_session

    folder, manifest = written
    session = onnx_session(folder / "model.onnx")
    assert [example["label"] for example in manifest["examples"]] == manifest["classes"]
    for example in manifest["examples"]:
        assert example["synthetic"] and example["file"].startswith("synthetic-")
        view = preprocess(Image.open(folder / example["file"]), manifest["image_size"], manifest["scale_bar"])
        logits, score = session.run(["logits", "ood_score"], {"images": as_input(view[None])})
        found = softmax(logits / manifest["temperature"], axis=1)[0]
        np.testing.assert_allclose(found, example["probabilities"], atol=2e-2)  # a spike at the threshold can flip by rounding
        assert found.argmax() == np.argmax(example["probabilities"])
        assert score[0] == pytest.approx(example["score"], rel=1e-3)


def test_the_flag_in_the_file_is_the_flag_in_python(written):
    """Noise, a flat picture and plain smears: far from each other in every feature."""
    from neurallnet.onnx_runtime import as_input, check_images, onnx_session
    from neurallnet.ood import features
    from neurallnet.pretrained import load_pretrained

    network = load_pretrained()
    images = np.rint(check_images(network.image_size) * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    images = np.concatenate([images, np.full_like(images[:1], 200)])
    expected = network.ood.score(features(network.model, images)[network.ood.feature])
    (found,) = onnx_session(written[0] / "model.onnx").run(["ood_score"], {"images": as_input(images)})
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    assert expected.max() > 1.5 * expected.min()


def test_a_flag_that_does_not_fit_the_file_is_refused(written, tmp_path):
    from dataclasses import replace

    from neurallnet.onnx_flag import add_flag
    from neurallnet.pretrained import load_pretrained

    ood = load_pretrained().ood
    with pytest.raises(ConfigError, match="no ONNX form"):
        add_flag(written[0] / "model.onnx", replace(ood, nearest=5))
    with pytest.raises(RunError, match="48 channels do not give the 7 features"):
        add_flag(written[0] / "model.onnx", replace(ood, center=ood.center[:7]))
