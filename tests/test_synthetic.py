"""The smear generator: same pixels everywhere, a reliable truth, and a folder that is whole or absent."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import imagehash
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from neurallnet.config import CLASSES
from neurallnet.data import synthetic_tree
from neurallnet.data.synthetic import (
    SyntheticConfig,
    cell_mask,
    draw_image,
    generate,
    read_truth,
    truth_table,
)
from neurallnet.data.synthetic_classes import MORPHOLOGY
from neurallnet.data.synthetic_field import draw_field
from neurallnet.data.synthetic_plan import TRUTH_COLUMNS, frames
from neurallnet.data.synthetic_png import encode, intact
from neurallnet.data.synthetic_stain import BAR_FORMS
from neurallnet.errors import ConfigError, DataError

TINY = SyntheticConfig(images_per_class=4, patients_per_class=2, sessions_per_patient=1, size=64)
DRAW_TINY = """
import os, signal, sys
from pathlib import Path
from neurallnet.data import synthetic_tree
from neurallnet.data.synthetic import SyntheticConfig, generate
root, images, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
draw, drawn = synthetic_tree.draw_frame, []
def counted(config, frame):
    if len(drawn) == last:
        os.kill(os.getpid(), signal.SIGKILL)
    drawn.append(frame)
    return draw(config, frame)
synthetic_tree.draw_frame = counted
generate(root, SyntheticConfig(images_per_class=images, patients_per_class=2, sessions_per_patient=1, size=64))
"""


def tree(root: Path) -> dict[str, str]:
    """sha256 of every file below a folder."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def drawing(root: Path, images: int, killed_after: int = -1) -> subprocess.Popen:
    """A separate process that draws a tiny laboratory, and is killed after so many images if that is asked."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    command = [sys.executable, "-c", DRAW_TINY, str(root), str(images), str(killed_after)]
    return subprocess.Popen(command, env=environment)


# --- pixels


@pytest.mark.parametrize(
    ("config", "path", "expected"),
    [
        (
            SyntheticConfig(),
            "Early/LabA-Early-007.png",
            "051196e5a2b5bd0532eaa69c35a68d32fa3bddcc6d53ffc6d099c359dfdf340b",
        ),
        (
            SyntheticConfig(lab="B", seed=5),
            "Pro/LabB-Pro-060.png",
            "822250b7f782071116c6eb8bd6321b0e71edccb4d9d769d2ed94684a9a5da0a8",
        ),
    ],
)
def test_pixels_are_the_same_on_every_machine(config: SyntheticConfig, path: str, expected: str) -> None:
    image = draw_image(config, path)
    assert image.dtype == np.uint8 and image.shape == (*config.shape, 3)
    assert hashlib.sha256(image.tobytes()).hexdigest() == expected


def test_an_image_depends_on_its_own_address_only() -> None:
    more = replace(TINY, images_per_class=5, patients_per_class=1)
    few = replace(TINY, images_per_class=1, patients_per_class=1)
    path = "Pre/LabA-Pre-001.png"
    assert np.array_equal(draw_image(more, path), draw_image(few, path))
    assert not np.array_equal(draw_image(few, path), draw_image(replace(few, seed=1), path))


def test_png_reads_back_and_damage_is_noticed() -> None:
    image = draw_image(SyntheticConfig(), "Pre/LabA-Pre-001.png")  # more than one deflate block
    data = encode(image)
    assert intact(data, (224, 224)) and not intact(data, (224, 225))
    assert not intact(data[:-100], (224, 224))
    assert not intact(data[:5000] + bytes([data[5000] ^ 1]) + data[5001:], (224, 224))
    assert not intact(b"", (224, 224))


def test_written_images_decode_to_the_drawn_pixels(tmp_path: Path) -> None:
    generate(tmp_path / "a", TINY)
    for frame in frames(TINY)[::3]:
        with Image.open(tmp_path / "a" / frame.path) as image:
            assert image.mode == "RGB" and image.format == "PNG"
            assert np.array_equal(np.asarray(image), draw_image(TINY, frame.path))


def test_mask_covers_the_dark_nuclei_and_little_else() -> None:
    config = replace(SyntheticConfig(), stain_spread=0.0)
    for label in CLASSES:
        path = f"{label}/LabA-{label}-002.png"
        mask = cell_mask(config, path)
        green = draw_image(config, path)[..., 1].astype(float)
        dark = green < 90  # nuclei take up green light; red cells and cytoplasm stay above
        corner = np.zeros_like(mask)
        corner[-40:, -60:] = True  # scale bar
        assert mask.shape == config.shape and mask.dtype == bool
        assert 0.01 < mask.mean() < 0.5
        assert (dark & ~mask & ~corner).sum() < 0.03 * (dark & ~corner).sum()


# --- truth


def test_truth_is_complete_and_consistent() -> None:
    config = SyntheticConfig()
    truth = truth_table(config)
    assert tuple(truth.columns) == TRUTH_COLUMNS
    assert truth.path.is_monotonic_increasing and truth.path.is_unique
    assert dict(truth.label.value_counts()) == dict.fromkeys(CLASSES, config.images_per_class)
    assert (truth.groupby("patient").label.nunique() == 1).all()
    assert (truth.groupby("session").patient.nunique() == 1).all()
    assert (truth.groupby("session")[["stain", "scale_bar"]].nunique() == 1).all(axis=None)
    assert truth.patient.nunique() == 4 * 6 and truth.session.nunique() == 4 * 6 * 2
    for _, rows in truth.groupby("label"):  # contiguous in file order
        for column in ("patient", "session", "field"):
            assert (rows[column] != rows[column].shift()).sum() == rows[column].nunique()


def test_each_class_has_its_favourite_scale_bar() -> None:
    truth = truth_table(SyntheticConfig(scale_bar_bias=1.0))
    assert dict(truth.groupby("label").scale_bar.unique().str[0]) == dict(zip(CLASSES, BAR_FORMS, strict=True))
    assert set(truth_table(SyntheticConfig(lab="B")).scale_bar) <= {"none", "line"}


def test_near_duplicates_are_near_and_nothing_else_is() -> None:
    config = SyntheticConfig(images_per_class=20, patients_per_class=3, size=160, near_duplicates=0.3)
    truth = truth_table(config).set_index("path")
    copies = truth[truth.near_duplicate_of != ""]
    assert len(copies) >= 10
    assert (truth.loc[copies.near_duplicate_of, "field"].to_numpy() == copies.field.to_numpy()).all()
    images = {path: draw_image(config, path) for path in truth.index[::2].union(copies.index)}
    images |= {path: draw_image(config, path) for path in copies.near_duplicate_of}
    hashes = pd.Series({path: imagehash.phash(Image.fromarray(image)) for path, image in images.items()})
    near = [hashes[path] - hashes[first] for path, first in copies.near_duplicate_of.items()]
    assert max(near) <= 10 and np.mean(np.array(near) <= 4) > 0.7
    originals = hashes[~hashes.index.isin(copies.index)]
    apart = [a - b for i, a in enumerate(originals) for b in originals[:i]]
    assert min(apart) > 10
    same = [np.array_equal(images[path], images[first]) for path, first in copies.near_duplicate_of.items()]
    assert 0 < sum(same) < len(same)  # a few are exact


def test_classes_differ_as_documented() -> None:
    config = SyntheticConfig(images_per_class=36, near_duplicates=0, exact_duplicates=0)
    rows = []
    for frame in frames(config)[::3]:
        slide, cells = draw_field(config, frame)
        for cell in cells:
            nucleus = (cell.amounts[0] > 0.3 * MORPHOLOGY[frame.label].density).sum()
            body = (cell.inside > 0.5).sum()
            rows.append((frame.label, nucleus / slide.scale**2, nucleus / body, cell.nucleus_share))
    cells = pd.DataFrame(rows, columns=["label", "nucleus", "ratio", "asked"])
    mean = cells.groupby("label")[["nucleus", "ratio"]].mean().loc[["Benign", "Pre", "Early", "Pro"]]
    assert mean.nucleus.is_monotonic_increasing and mean.ratio.is_monotonic_increasing
    assert (cells.ratio - cells.asked).abs().mean() < 0.05  # drawn is what was asked for
    overlap = cells[cells.label == "Early"].nucleus.max() > cells[cells.label == "Pro"].nucleus.min()
    assert overlap  # no single cell decides


def test_laboratories_differ() -> None:
    a, b = (SyntheticConfig(lab=lab) for lab in "AB")
    assert b.shape[1] > a.shape[1]
    images = {c.lab: [draw_image(c, frame.path) for frame in frames(c)[::12]] for c in (a, b)}
    for label in range(4):  # red cells of lab B are redder: red over blue, below background
        share = {lab: np.mean([i[..., 0] / (1.0 + i[..., 2]) for i in shown]) for lab, shown in images.items()}
        assert share["B"] > share["A"] + 0.02, CLASSES[label]
    assert set(truth_table(a).patient).isdisjoint(truth_table(b).patient)


# --- settings


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"lab": "C"}, "choose one of A, B"),
        ({"size": 32}, "size must be a whole number from 64 to 1024, not 32"),
        ({"size": 224.0}, "size must be a whole number"),
        ({"seed": -1}, "seed"),
        ({"seed": True}, "seed"),
        ({"near_duplicates": 0.9}, "near_duplicates must be a number from 0 to 0.5"),
        ({"stain_spread": float("nan")}, "stain_spread"),
        ({"scale_bar_bias": "often"}, "'often'"),
        ({"images_per_class": 5}, "fewer than the 12 sessions"),
    ],
)
def test_bad_settings_are_named(values: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        SyntheticConfig(**values)


def test_unknown_image_is_named() -> None:
    with pytest.raises(DataError, match=r"Pro/LabA-Pro-999\.png: no image of synthetic lab A"):
        cell_mask(TINY, "Pro/LabA-Pro-999.png")


# --- the folder


def test_same_tree_twice_and_second_call_touches_nothing(tmp_path: Path) -> None:
    generate(tmp_path / "one", TINY)
    generate(tmp_path / "two", TINY)
    first = tree(tmp_path / "one")
    assert first == tree(tmp_path / "two")
    assert len(first) == 16 + 2
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "one").rglob("*")}
    generate(tmp_path / "one", TINY)
    assert stamps == {path: path.stat().st_mtime_ns for path in (tmp_path / "one").rglob("*")}
    pd.testing.assert_frame_equal(read_truth(tmp_path / "one"), truth_table(TINY), check_dtype=False)
    assert json.loads((tmp_path / "one/generator.json").read_text())["request"]["config"] == TINY.to_dict()


def test_missing_and_foreign_images_are_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "lab"
    generate(root, TINY)
    before = tree(root)
    (root / "Pre/LabA-Pre-002.png").unlink()
    (root / "Pro/LabA-Pro-001.png").write_bytes((root / "Early/LabA-Early-001.png").read_bytes())
    (root / "Benign/LabA-Benign-004.png").write_bytes(b"")
    (root / "truth.csv").write_text("path\n")
    drawn = []
    draw = synthetic_tree.draw_frame
    monkeypatch.setattr(synthetic_tree, "draw_frame", lambda c, f: drawn.append(f.path) or draw(c, f))
    generate(root, TINY)
    assert tree(root) == before
    assert drawn == ["Benign/LabA-Benign-004.png", "Pre/LabA-Pre-002.png", "Pro/LabA-Pro-001.png"]


def test_killed_drawing_is_taken_up(tmp_path: Path) -> None:
    root = tmp_path / "lab"
    assert drawing(root, 4, killed_after=6).wait(timeout=60) == -signal.SIGKILL
    assert not root.exists()  # nobody sees half a laboratory
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob(".lab.partial/*/*.png")}
    assert len(kept) == 6
    generate(root, TINY)
    after = {path.name: path.stat().st_mtime_ns for path in root.glob("*/*.png")}
    assert {name: after[name] for name in kept} == kept
    generate(tmp_path / "at-once", TINY)
    assert tree(root) == tree(tmp_path / "at-once")
    hashes = json.loads((root / "generator.json").read_text())["images"]
    assert hashes == {path: digest for path, digest in tree(root).items() if path.endswith(".png")}


def test_other_settings_or_version_replace_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "lab"
    generate(root, replace(TINY, images_per_class=6))
    generate(root, TINY)
    generate(tmp_path / "fresh", TINY)
    assert tree(root) == tree(tmp_path / "fresh")
    monkeypatch.setattr(synthetic_tree, "VERSION", 999)
    generate(root, TINY)
    assert json.loads((root / "generator.json").read_text())["request"]["version"] == 999
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["fresh", "lab"]


def test_second_process_waits_and_finds_the_tree_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(TINY, images_per_class=20)
    process = drawing(tmp_path / "lab", 20)
    deadline = time.monotonic() + 60
    while not (tmp_path / ".lab.partial").exists() and not (tmp_path / "lab").exists():
        assert time.monotonic() < deadline, "nothing was drawn"
        time.sleep(0.002)
    drawn = []
    monkeypatch.setattr(synthetic_tree, "draw_frame", lambda *address: drawn.append(address))
    generate(tmp_path / "lab", config)
    assert process.wait(timeout=60) == 0
    assert drawn == []
    assert len(tree(tmp_path / "lab")) == 80 + 2


def test_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(DataError, match="did not make it"):
        generate(tmp_path, TINY)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_disk_errors_are_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file.*cannot be written"):
        generate(tmp_path / "file" / "lab", TINY)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "lab"))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DataError, match="lab: synthetic smears cannot be written: No space left on device"):
        generate(tmp_path / "lab", TINY)
    assert not (tmp_path / "lab").exists()
