"""The browser's preprocessing, run by Node, equals Python's pixel by pixel."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neurallnet.data.borders import crop_black_borders
from neurallnet.data.field import clean_field
from neurallnet.data.images import preprocess
from neurallnet.data.synthetic import draw_image
from neurallnet.data.synthetic_config import SyntheticConfig
from neurallnet.data.synthetic_plan import frames

DEMO = Path(__file__).resolve().parents[2] / "web" / "demo"
SCRIPT = """
import { readFileSync, writeFileSync } from "node:fs";
const [demo, jobs] = process.argv.slice(2);
const { preprocess } = await import(`${demo}/preprocess.js`);
const { cropBlackBorders } = await import(`${demo}/borders.js`);
const sizes = JSON.parse(readFileSync(jobs)).map(({ path, width, height, size, bar }) => {
  const picture = { width, height, data: new Uint8Array(readFileSync(path)) };
  writeFileSync(`${path}.out`, preprocess(picture, size, bar).data);
  const field = cropBlackBorders(picture);
  return [field.height, field.width];
});
console.log(JSON.stringify(sizes));
"""

# Larger and smaller, one side kept, both kept; by its sizes Pillow begins with the rows or with the columns.
RESIZED = [((77, 131), 96), ((300, 40), 33), ((52, 40), 33), ((46, 40), 33), ((96, 200), 96), ((1, 5), 7), ((64, 64), 64)]


@pytest.fixture
def browser_view(node, tmp_path):
    """(pictures, size, scale_bar) -> what JavaScript makes of them, and the sizes (height, width) of their cropped fields."""

    def view(pictures, size, bar):
        jobs = []
        for number, picture in enumerate(pictures):
            path = tmp_path / f"{number}.rgb"
            path.write_bytes(np.ascontiguousarray(picture).tobytes())
            jobs.append({"path": str(path), "width": picture.shape[1], "height": picture.shape[0], "size": size, "bar": bar})
        (tmp_path / "jobs.json").write_text(json.dumps(jobs))
        (tmp_path / "run.mjs").write_text(SCRIPT)
        command = [node, str(tmp_path / "run.mjs"), DEMO.as_uri(), str(tmp_path / "jobs.json")]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        views = [np.frombuffer(Path(job["path"] + ".out").read_bytes(), np.uint8).reshape(size, size, 3) for job in jobs]
        return views, json.loads(done.stdout)

    return view


def drawn(lab, size, every):
    config = SyntheticConfig(lab=lab, size=size)
    return [draw_image(config, frame.path) for frame in list(frames(config))[::every]]


@pytest.mark.parametrize(("shape", "size"), RESIZED)
def test_resizing_is_pillows(browser_view, shape, size):
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    (found,), _ = browser_view([picture], size, "visible")
    np.testing.assert_array_equal(found, preprocess(Image.fromarray(picture), size, "visible"))


@pytest.mark.parametrize(("size", "every"), [(64, 17), (224, 17), (700, 80)])
def test_scale_bars_are_painted_out_as_in_python(browser_view, size, every):
    pictures = drawn("A", size, every)
    assert sum(not np.array_equal(clean_field(picture), picture) for picture in pictures) >= len(pictures) // 3
    found, _ = browser_view(pictures, 96, "removed")
    for view, picture in zip(found, pictures, strict=True):
        np.testing.assert_array_equal(view, preprocess(Image.fromarray(picture), 96))


def test_straight_black_borders_are_cropped_as_in_python(browser_view):
    pictures = []
    for picture in drawn("A", 224, 40):
        framed = np.zeros((300, 330, 3), np.uint8)
        framed[30:254, 60:284] = picture
        pictures.append(framed)
    found, sizes = browser_view(pictures, 96, "removed")
    assert all(tuple(size) != (300, 330) for size in sizes)
    for view, picture in zip(found, pictures, strict=True):
        np.testing.assert_array_equal(view, preprocess(Image.fromarray(picture), 96))


def test_round_fields_are_cropped_as_in_python_to_a_step_of_the_search(browser_view):
    """Two rectangles of a whole ellipse have the same area, and rounding chooses in Python; both are right."""
    pictures = drawn("B", 224, 30)
    cropped = [crop_black_borders(picture).shape[:2] for picture in pictures]
    assert any(shape != picture.shape[:2] for shape, picture in zip(cropped, pictures, strict=True))
    _, sizes = browser_view(pictures, 96, "removed")
    np.testing.assert_allclose(sizes, cropped, atol=3)


def test_halves_round_and_quantiles_lie_between_as_in_numpy(node, tmp_path):
    values = [0.5, 1.5, 2.5, -0.5, 2.4999, 7.0]
    script = f"""import {{ rint, quantile }} from "{DEMO.as_uri()}/numbers.js";
    const values = {json.dumps(values)}; console.log(JSON.stringify([values.map(rint), quantile(values, 0.3)]));"""
    (tmp_path / "run.mjs").write_text(script)
    said = subprocess.run([node, str(tmp_path / "run.mjs")], capture_output=True, text=True, check=True).stdout
    rounded, quantile = json.loads(said)
    np.testing.assert_array_equal(rounded, np.rint(values))
    assert quantile == pytest.approx(np.quantile(values, 0.3))
