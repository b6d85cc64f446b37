"""Figures of speed and energy: deterministic, stamped when synthetic, complete."""

import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from neurallnet.errors import DataError
from neurallnet.plots import speed, svg_text
from neurallnet.profiling.rows import not_measured

LATENCY = [
    {"case": "ours, onnxruntime", "p50_ms": 1.4, "p95_ms": 1.6, "not_measured": None},
    {"case": "EfficientNet-B0", "p50_ms": 12.0, "p95_ms": 14.0, "not_measured": None},
    not_measured("MobileNetV2", "onnx is missing: pip install 'neurallnet[export]'"),
]
RATIOS = [{"slow": "a loop", "fast": "ours", "median": 5.2, "low": 4.8, "high": 5.9, "rounds": 15}]
GROWTH = [
    {"axis": axis, "value": value, "case": "ours", "images_per_second": 1000 / value}
    for axis in ("steps", "batch")
    for value in (1, 2)
]
ENERGY = {
    "images": 8,
    "models": [{"title": "45 nm", "spiking_uj": 10.0, "twin_uj": 130.0, "spiking_parts": {"synapses": 4.0, "dense layers": 6.0}}],
    "layers": [{"kind": "neurons", "layer": "blocks.0.neurons", "spike_rate": 0.1, "silent": 0.0, "neurons": 1000}],
}
FIGURES = {
    "latency": lambda **o: speed.latency_figure(LATENCY, **o),
    "ratio": lambda **o: speed.ratio_figure(RATIOS, target=5, **o),
    "growth": lambda **o: speed.growth_figure(GROWTH, **o),
    "energy": lambda **o: speed.energy_figure(ENERGY, **o),
    "rates": lambda **o: speed.spike_rate_figure(ENERGY, **o),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_deterministic_and_stamped_when_synthetic(name):
    plain, stamped = svg_text(FIGURES[name]()), svg_text(FIGURES[name](synthetic=True))
    assert plain == svg_text(FIGURES[name]())
    assert "SYNTHETIC" not in plain
    assert stamped.count("<!-- SYNTHETIC -->") == 2


@pytest.mark.parametrize("name", FIGURES)
def test_text_has_a_colour_that_shows_on_dark_pages(name):
    texts = [text for text in FIGURES[name]().findobj(Text) if text.get_text()]
    assert texts and all(to_hex(text.get_color()) != "#000000" for text in texts)


def test_what_was_not_measured_is_written():
    assert "not measured: onnx is missing" in svg_text(FIGURES["latency"]())


def test_rows_without_figures_are_refused():
    with pytest.raises(DataError, match="entries"):
        speed.latency_figure([])
    with pytest.raises(DataError, match="median"):
        speed.ratio_figure([{"slow": "a", "fast": "b"}])
