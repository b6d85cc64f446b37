"""Figures, runs and spikes on the book's pages: what they say is what the files and the network say."""

import base64
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from contrast import contrast
from PIL import Image

from neurallnet.arms import make_arm
from neurallnet.config import ModelConfig
from neurallnet.model import NeurALLNet
from neurallnet.plots import interval_figure, svg_text
from neurallnet.plots.theme import INK

TOP = Path(__file__).resolve().parent.parent
RUNS = TOP / "results" / "full" / "runs"


@pytest.fixture(scope="module", autouse=True)
def extensions():
    pytest.importorskip("sphinx")
    sys.path.insert(0, str(TOP / "book" / "_ext"))
    yield
    sys.path.remove(str(TOP / "book" / "_ext"))


def a_figure() -> str:
    import pandas as pd

    row = {"label": "ours", "value": 0.98, "low": 0.96, "high": 0.99, "n": 326}
    return svg_text(interval_figure(pd.DataFrame([row])))


def test_alternative_text_is_the_description_or_the_words_drawn():
    from figures import alternative_text

    svg = a_figure()
    assert alternative_text(svg) == "Accuracy with 95% intervals. ours: 98.0% [96.0%, 99.0%]."
    silent = re.sub(r"<dc:description>.*?</dc:description>", "", svg, flags=re.S)
    assert silent != svg
    words = alternative_text(silent)
    assert words.startswith("Figure with the labels: ")
    assert "Accuracy, 95% interval" in words and "n = 326 images" in words
    assert "97%" not in words


def test_a_figure_comes_in_the_ink_of_either_page(tmp_path):
    import figures
    from docutils import nodes

    assert figures.INK == INK
    file = tmp_path / "jupyter_execute" / "abc.svg"
    file.parent.mkdir()
    file.write_text(a_figure(), encoding="utf-8")
    light, dark = figures.dress(nodes.image(uri="../jupyter_execute/abc.svg"), file)
    assert [image["uri"] for image in (light, dark)] == ["../jupyter_execute/abc-light.svg", "../jupyter_execute/abc-dark.svg"]
    assert "only-light" in light["classes"] and "only-dark" in dark["classes"]
    assert light["alt"] == dark["alt"] == figures.alternative_text(a_figure())
    for page, background in (("light", "#ffffff"), ("dark", "#121212")):
        drawn = (file.parent / f"abc-{page}.svg").read_text(encoding="utf-8")
        assert INK not in drawn and figures.PAGES[page] in drawn
        assert contrast(figures.PAGES[page], background) > 7


def a_run(folder: Path, record: dict, test: str | None) -> None:
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(record))
    head = "path,label,fold,predicted\n"
    (folder / "predictions-val.csv").write_text(f"{head}a,Pre,val,Pre\nb,Pro,val,Pre\nc,Pro,val,Pro\nd,Pro,val,Pro\n")
    if test is not None:
        (folder / "predictions-test.csv").write_text(head + test)


def test_runs_table_counts_the_predictions_and_keeps_the_order_of_the_arms(tmp_path):
    from runs_table import COLUMNS, run_rows, runs_html

    base, held = make_arm("full", "base", 3).config, make_arm("full", "session-2", 1).config
    facts = {"parameters": 295254, "epochs": 24, "precision": "bfloat16"}
    a_run(tmp_path / "0-m", {"run": held.digest(), "config": held.to_dict(), **facts}, "e,Pre,test,Pre\nf,Pro,test,Early\n")
    a_run(tmp_path / "1-m", {"run": base.digest(), "config": base.to_dict(), **facts}, None)
    pair = make_arm("full", "committee-without-1-3").config
    a_run(tmp_path / "2-m", {"run": pair.digest(), "config": pair.to_dict(), **facts}, None)
    first, second, third = (dict(zip(COLUMNS, [cell.text for cell in row], strict=True)) for row in run_rows(tmp_path))
    assert first == {
        **{"Arm": "base", "Seed": "3", "Protocol": "random", "Fold": "0", "Validation accuracy": "75.00%"},
        **{"Test accuracy": "not read", "Test images": "", "Parameters": "295,254", "Epochs": "24"},
        **{"Trained in": "bfloat16", "Folder": "1-m"},
    }
    assert [second[name] for name in ("Arm", "Seed", "Protocol", "Fold")] == ["session-2", "1", "session", "2"]
    assert [third[name] for name in ("Protocol", "Fold", "Test accuracy")] == ["session", "1 and 3", "not read"]
    assert (second["Test accuracy"], second["Test images"]) == ("50.00%", "2")
    html = runs_html(run_rows(tmp_path))
    assert html.count("<tr>") == 4 and 'data-value="0.75"' in html and 'data-value="295254"' in html


def test_every_committed_run_has_its_row():
    from runs_table import run_rows

    rows = run_rows(RUNS)
    assert {row[-1].value for row in rows} == {path.parent.name for path in RUNS.glob("*/run.json")}
    assert "other" not in {row[0].text for row in rows}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    model = NeurALLNet(ModelConfig(channels=(8, 12), time_steps=3))
    image = np.random.default_rng(0).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    for block in model.blocks:  # potentials around the threshold, so that some neurons fire and others do not
        torch.nn.init.normal_(block.norm.bias, 0.5, 0.5)
    return model.eval(), image


def test_recorded_spikes_are_the_networks_own(network):
    from raster import record

    model, image = network
    shown = record(model, image, ("Benign", "Early", "Pre", "Pro"))
    x = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    output = model(x)
    rates = output.features[:, 0].detach().numpy()
    np.testing.assert_allclose(shown.spikes[-1].mean((2, 3)), rates, atol=1e-6)
    assert 0 < shown.spikes[0].mean() < 1
    for spikes, potentials in zip(shown.spikes, shown.potentials, strict=True):
        np.testing.assert_array_equal(spikes, potentials > shown.threshold)
    np.testing.assert_allclose(shown.shares[-1], output.logits.softmax(1)[0].detach().numpy(), atol=1e-5)


def test_the_maps_on_the_page_are_the_spikes(network):
    import raster
    from raster_page import raster_html

    shown = raster.record(*network, ("Benign", "Early", "Pre", "Pro"))
    html = raster_html(shown)
    assert html == raster_html(raster.record(*network, ("Benign", "Early", "Pre", "Pro")))
    assert "SYNTHETIC" in html and "Not a medical device" in html
    maps = re.findall(r'<div class="raster-sheet"><img src="data:image/png;base64,([^"]+)"', html)
    assert len(maps) == 3 * 2  # steps times blocks
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(maps[2]))))  # step 2, block 1: 8 channels of 12 x 12, 4 to a row
    assert sheet.shape == (2 * 13 - 1, 4 * 13 - 1)
    np.testing.assert_array_equal(sheet[13:25, 26:38] == 2, shown.spikes[0][1][6])  # second row, third map


def test_the_published_raster_is_small():
    from raster import record_smear
    from raster_page import raster_html

    assert len(raster_html(record_smear())) < 300_000
