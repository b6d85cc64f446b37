"""`neurallnet predict`: tables, files, overlays, exit codes; a bad file has its reason, and misuse is found before the work."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from published import made_up_run, made_up_set

from neurallnet import predict
from neurallnet.cli import main
from neurallnet.data.synthetic import SyntheticConfig, draw_image
from neurallnet.predicting.tables import WIDEST

DRAWN = SyntheticConfig(images_per_class=12)
KEYS = ["file", "predicted", "probabilities", "out_of_distribution", "error"]


@pytest.fixture
def call(monkeypatch, capsys):
    """Run the command line; returns exit code, what was printed, and what went to stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["neurallnet", "predict", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return end.value.code or 0, said.out, said.err

    return run


@pytest.fixture(scope="module")
def pixels() -> list[np.ndarray]:
    return [draw_image(DRAWN, f"{label}/LabA-{label}-002.png") for label in ("Benign", "Pro")]


@pytest.fixture
def folder(pixels, tmp_path) -> Path:
    (tmp_path / "images" / "b").mkdir(parents=True)
    Image.fromarray(pixels[0]).save(tmp_path / "images" / "a.png")
    Image.fromarray(pixels[1]).save(tmp_path / "images" / "b" / "a.png")
    return tmp_path / "images"


def test_a_folder_becomes_a_table_a_csv_and_a_json(call, folder, tmp_path):
    code, out, err = call(folder, "--csv", tmp_path / "new" / "t.csv", "--json", tmp_path / "t.json")
    assert code == 0 and "Not a medical device" in out
    rows = json.loads((tmp_path / "t.json").read_text())
    assert [list(row) for row in rows] == [KEYS, KEYS]
    assert rows == [answer.to_dict() for answer in predict(folder)]
    assert all(type(row["out_of_distribution"]) is bool and row["error"] is None for row in rows)
    with (tmp_path / "new" / "t.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    for line, row, shown in zip(table, rows, out.splitlines()[1:], strict=False):
        assert (line["file"], line["predicted"], line["error"]) == (row["file"], row["predicted"], "")
        assert line["out_of_distribution"] == str(row["out_of_distribution"]).lower()
        assert {name: float(line[f"p_{name}"]) for name in row["probabilities"]} == pytest.approx(row["probabilities"], rel=1e-4)
        assert float(line["confidence"]) == pytest.approx(max(row["probabilities"].values()), rel=1e-4)
        assert row["file"][-WIDEST + 3 :] in shown and row["predicted"] in shown
    flagged = sum(row["out_of_distribution"] for row in rows)
    assert flagged == 2, "a cartoon of a smear is unlike real ones"
    assert f"warning: {flagged} of 2 images are unlike" in err


def test_bad_files_have_their_reason_and_do_not_stop_the_rest(call, folder, pixels, tmp_path):
    picture = Image.fromarray(pixels[0])
    picture.convert("L").save(folder / "grey.png")
    picture.convert("RGBA").save(folder / "alpha.png")
    Image.fromarray(pixels[0][..., 0].astype(np.uint16) * 256).save(folder / "deep.png")
    picture.save(folder / "cut.jpg")
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:3000])
    (folder / "empty.png").touch()
    Image.new("RGB", (60, 60)).save(folder / "black.png")
    picture.crop((0, 0, 1, 1)).save(folder / "one.png")
    code, out, err = call(folder, "--json", tmp_path / "t.json", "--csv", tmp_path / "t.csv", "--batch-size", 2)
    assert code == 1
    rows = {Path(row["file"]).name: row for row in json.loads((tmp_path / "t.json").read_text())}
    reasons = {
        "grey.png": "greyscale",
        "alpha.png": "RGBA",
        "deep.png": "16-bit",
        "cut.jpg": "truncated",
        "empty.png": "0 bytes",
        "black.png": "black all over",
    }
    for name, reason in reasons.items():
        assert reason in rows[name]["error"] and reason in out
        assert (rows[name]["predicted"], rows[name]["probabilities"], rows[name]["out_of_distribution"]) == (None, {}, None)
    assert rows["one.png"]["out_of_distribution"], "a single pixel is no smear"
    assert [row["error"] for name, row in rows.items() if name not in reasons] == [None, None]
    assert "6 of 9 files have no answer" in err and "Traceback" not in err


def test_a_file_that_is_no_image_is_a_row_too(call, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    code, out, err = call(tmp_path / "notes.txt")
    assert code == 1 and "ERROR: is not a JPEG" in out and "0 predicted" in out


def test_overlays_are_written_once_per_image_and_not_read_again(call, folder, pixels):
    maps = folder / "maps"
    for _ in range(2):
        code, out, _ = call(folder, "--explain", maps)
        assert code == 0 and "2 files" in out
    assert sorted(p.relative_to(maps).as_posix() for p in maps.rglob("*.png")) == ["a.png.png", "b/a.png.png"]
    for name, original in zip(("a.png.png", "b/a.png.png"), pixels, strict=True):
        with Image.open(maps / name) as overlay:
            assert overlay.size == original.shape[1::-1] and "Not a medical device" in overlay.info["Comment"]
            assert not np.array_equal(np.asarray(overlay), original)


def test_an_overlay_whose_name_is_too_long_is_that_files_failure_and_the_tables_are_written(call, folder, tmp_path):
    long = folder / f"{'n' * 249}.png"
    (folder / "a.png").rename(long)
    code, out, err = call(folder, "--explain", tmp_path / "maps", "--csv", tmp_path / "t.csv", "--json", tmp_path / "t.json")
    rows = {Path(row["file"]).name: row for row in json.loads((tmp_path / "t.json").read_text())}
    assert code == 1 and "Traceback" not in err
    assert "explanation could not be written" in rows[long.name]["error"]
    assert rows["a.png"]["error"] is None and rows["a.png"]["predicted"]
    with (tmp_path / "t.csv").open(newline="") as file:
        assert sum(bool(line["error"]) for line in csv.DictReader(file)) == 1
    assert [path.name for path in (tmp_path / "maps").rglob("*.png")] == ["a.png.png"]


def test_tables_may_have_names_as_long_as_the_file_system_allows(call, folder, tmp_path):
    tables = [tmp_path / f"{'t' * (255 - len(end))}{end}" for end in (".csv", ".json")]
    code, _, err = call(folder, "--csv", tables[0], "--json", tables[1])
    assert code == 0 and "error" not in err
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == sorted(path.name for path in tables)


def test_misuse_is_one_line_and_exit_code_2_before_any_image_is_read(call, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("neurallnet.predicting.api.decode_image", lambda path: pytest.fail("an image was read"))
    (tmp_path / "empty").mkdir()
    image = folder / "a.png"
    before = image.read_bytes()
    for words, said in (
        ((folder, tmp_path / "nowhere"), "nowhere: no such file or folder"),
        ((tmp_path / "empty",), "empty: holds no image"),
        ((folder, "--csv", image / "t.csv"), "cannot be written to"),
        ((folder, "--json", tmp_path), "is not a regular file"),
        ((folder, "--explain", image), "cannot be written to"),
        ((folder, "--csv", tmp_path / "t", "--json", tmp_path / "t"), "name the same file"),
        ((folder, "--csv", image), "is one of the images"),
        ((folder, "--run", tmp_path / "empty"), "no finished run"),
    ):
        code, out, err = call(*words)
        assert code == 2 and said in err and len(err.strip().splitlines()) == 1 and not out, words
    assert call()[0] == 2 and call(folder, "--batch-size", 0)[0] == 2
    assert image.read_bytes() == before and not (tmp_path / "t").exists()


def test_a_run_of_ones_own_predicts_without_flags(call, folder, tmp_path):
    run = made_up_run(tmp_path, "base-0", made_up_set(tmp_path, "taleqani", 40), 0)
    code, out, err = call(folder, "--run", run, "--json", tmp_path / "t.json")
    rows = json.loads((tmp_path / "t.json").read_text())
    assert code == 0 and run.name in out and "not checked" in out and "cannot tell" in err
    assert [row["out_of_distribution"] for row in rows] == [None, None]
    shipped = [answer.probabilities for answer in predict(folder)]
    assert all(row["probabilities"] != other for row, other in zip(rows, shipped, strict=True)), "its own weights"
    assert "SYNTHETIC" not in out
    record = run / "run.json"
    record.write_text(record.read_text().replace('"source": "taleqani"', '"source": "synthetic"'))
    assert "SYNTHETIC: this network learned from drawn images" in call(folder, "--run", run)[1]


def test_help_tells_exit_codes_and_the_notice(call):
    code, out, _ = call("--help")
    assert code == 0 and "Not a medical device" in " ".join(out.split()) and "--explain" in out and "Exit code" in out
