"""The directive `spike-raster`: a recording of `raster.py` as HTML that reads as it stands; `raster.js` steps through it."""

import base64
import io
from html import escape
from typing import Any

import numpy as np
import raster
from docutils import nodes
from PIL import Image
from raster import Recording
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

# Colour and opacity of a pixel between maps, of a silent and of a firing neuron; seen on light and on dark pages.
_PIXELS = ((0x79, 0x79, 0x79, 0), (0x79, 0x79, 0x79, 46), (0xD5, 0x5E, 0x00, 255))
_LEFT, _WIDTH, _TOP, _HEIGHT = 34, 150, 12, 74  # of a trace's axes in its drawing


def raster_html(shown: Recording) -> str:
    """All steps below one another, then one neuron of each block through time."""
    picked = [raster.followed(s, u) for s, u in zip(shown.spikes, shown.potentials, strict=True)]
    steps = "".join(_step(shown, step, picked) for step in range(len(shown.shares)))
    smear = _png(Image.fromarray(shown.image))
    alt = "SYNTHETIC smear: drawn red cells and leukocytes, as the network sees them"
    traces = "".join(_trace(shown, block, place) for block, place in enumerate(picked))
    return (
        f'<div class="raster" data-steps="{len(shown.shares)}"><div class="raster-smear">'
        f'<img src="{smear}" width="192" height="192" alt="{alt}">'
        "<p><strong>SYNTHETIC.</strong> A drawn smear, in the pixels the network sees. What the network calls a drawing says "
        "nothing about a patient. <strong>Not a medical device.</strong></p></div>"
        f'<div class="raster-steps">{steps}</div>'
        f'<p class="raster-title">One neuron of each block, ringed in the maps</p><div class="raster-traces">{traces}</div></div>'
    )


def _step(shown: Recording, step: int, picked: list[tuple[int, int, int]]) -> str:
    answer = int(shown.shares[step].argmax())
    said = f"readout so far: {escape(shown.classes[answer])}, {shown.shares[step][answer]:.0%}"
    maps = "".join(_map(shown.spikes[block][step], block, step, place) for block, place in enumerate(picked))
    return (
        f'<div class="raster-step" role="group" aria-label="Step {step + 1}" data-step="{step + 1}">'
        f'<p class="raster-title">Step {step + 1} <span>{said}</span></p><div class="raster-maps">{maps}</div></div>'
    )


def _map(spikes: np.ndarray, block: int, step: int, place: tuple[int, int, int]) -> str:
    sheet = raster.mosaic(spikes)
    image = Image.fromarray(sheet).convert("P")  # keeps the numbers, which become places in the palette
    image.putpalette([value for pixel in _PIXELS for value in pixel[:3]])
    source = _png(image, transparency=bytes(pixel[3] for pixel in _PIXELS), bits=2)
    top, left = raster.corner(spikes.shape, place[0])
    height, width = sheet.shape
    ring = f"left:{100 * (left + place[2] + 0.5) / width:.2f}%;top:{100 * (top + place[1] + 0.5) / height:.2f}%"
    words = f"Block {block + 1}: {spikes.mean():.1%} of {spikes.size:,} neurons fire"
    return (
        f'<div class="raster-map block-{block + 1}"><div class="raster-sheet">'
        f'<img src="{source}" width="{2 * width}" height="{2 * height}" alt="Step {step + 1}, {len(spikes)} maps. {words}.">'
        f'<span class="raster-ring" style="{ring}"></span></div><p>{words}</p></div>'
    )


def _trace(shown: Recording, block: int, place: tuple[int, int, int]) -> str:
    values = [0.0, *(float(u) for u in shown.potentials[block][(slice(None), *place)])]
    fired = [False, *(bool(s) for s in shown.spikes[block][(slice(None), *place)])]
    low, high = min(0.0, *values), max(1.2 * shown.threshold, *values)

    def x(step: float) -> float:
        return round(_LEFT + step * _WIDTH / (len(values) - 1), 1)

    def y(value: float) -> float:
        return round(_TOP + _HEIGHT * (high - value) / (high - low), 1)

    line = " ".join(f"{x(step)},{y(value)}" for step, value in enumerate(values))
    dots = "".join(
        f'<circle class="{"fired" if fired[step] else "quiet"}" data-step="{step}" cx="{x(step)}" cy="{y(values[step])}" r="4"/>'
        for step in range(1, len(values))
    )
    foot = f'y="{_TOP + _HEIGHT + 18}" text-anchor="middle"'
    ticks = "".join(f'<text x="{x(step)}" {foot}>{step}</text>' for step in range(len(values)))
    told = ", ".join(f"{u:.2f}{' and a spike' if s else ''}" for u, s in zip(values[1:], fired[1:], strict=True))
    name = f"Block {block + 1}, channel {place[0] + 1}"
    label = f"{name}: potential at steps 1 to {len(values) - 1}: {told}; threshold {shown.threshold:g}"
    return (
        f'<svg class="raster-trace" viewBox="0 0 200 116" role="img" aria-label="{label}">'
        f'<line class="threshold" x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y(shown.threshold)}" y2="{y(shown.threshold)}"/>'
        f'<line class="axis" x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y(0)}" y2="{y(0)}"/>'
        f'<text x="{_LEFT - 6}" y="{y(shown.threshold) + 4}" text-anchor="end">\u03b8</text>'
        f'<text x="{_LEFT - 6}" y="{y(0) + 4}" text-anchor="end">0</text>{ticks}<polyline points="{line}"/>{dots}'
        f'<text x="{_LEFT}" y="9">{name}</text></svg>'
    )


def _png(image: Image.Image, **options: Any) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True, **options)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


class SpikeRaster(SphinxDirective):
    def run(self) -> list[nodes.Node]:
        return [nodes.raw("", raster_html(raster.record_smear()), format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("spike-raster", SpikeRaster)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
