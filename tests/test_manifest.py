"""The manifest: what is in it, what is refused, and that it survives a round trip."""

import hashlib
import os

import imagehash
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from PIL import Image

from neurallnet.data.manifest import (
    COLUMNS,
    build_manifest,
    current_manifest,
    manifest_digest,
    read_manifest,
    write_manifest,
)
from neurallnet.data.sources import get_source
from neurallnet.data.summary import summarize
from neurallnet.errors import DataError


def draw(path, seed=0, size=(24, 20)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def tree(tmp_path):
    """Two classes with two images each."""
    for seed, name in enumerate(["b/x-2.png", "b/x-10.png", "a/y-1.jpg", "a/y-2.jpg"]):
        draw(tmp_path / "set" / name, seed)
    return tmp_path / "set"


def build(root, **options):
    return build_manifest(get_source("folder", root), root, progress=False, **options)


def test_one_row_per_image_sorted_by_path(tree):
    frame = build(tree).frame
    assert list(frame.columns) == list(COLUMNS)
    assert frame["path"].tolist() == ["a/y-1.jpg", "a/y-2.jpg", "b/x-10.png", "b/x-2.png"]
    assert frame["label"].tolist() == ["a", "a", "b", "b"]
    assert frame["order"].tolist() == [1, 2, 10, 2]
    assert set(frame["source"]) == {"folder"}
    assert set(frame["width"]) == {24} and set(frame["height"]) == {20}
    for row in frame.itertuples():
        assert row.sha256 == hashlib.sha256((tree / row.path).read_bytes()).hexdigest()
        assert row.phash == str(imagehash.phash(Image.open(tree / row.path)))


def test_each_bad_file_is_named_with_its_reason_and_the_rest_goes_on(tree):
    (tree / "a" / "empty.jpg").touch()
    (tree / "a" / "text.jpg").write_text("no image")
    (tree / "a" / "cut.png").write_bytes((tree / "b" / "x-2.png").read_bytes()[:200])
    (tree / "a" / "loop.png").symlink_to("loop.png")
    (tree / "a" / "x.jpg").mkdir()
    (tree / "a" / "really.jpg").write_bytes((tree / "b" / "x-2.png").read_bytes())
    Image.new("CMYK", (8, 8)).save(tree / "b" / "print.jpg")
    (tree / "b" / "new\nline.png").touch()
    (tree / "stray.png").touch()
    (tree / "a" / ".hidden.jpg").touch()
    (tree / "a" / "Thumbs.db").touch()
    (tree / "c").mkdir()
    manifest = build(tree)
    assert len(manifest.frame) == 4
    refused = dict(manifest.rejected.itertuples(index=False))
    assert list(refused) == sorted(refused)
    expected = {
        "a/empty.jpg": "empty (0 bytes)",
        "a/text.jpg": "is not a JPEG",
        "a/cut.png": "truncated",
        "a/loop.png": "symbolic links",
        "a/x.jpg": "is a folder",
        "a/really.jpg": "holds PNG",
        "b/print.jpg": "CMYK",
        "b/new\\nline.png": "control characters",
        "stray.png": "outside the class folders",
        "c": "holds no images",
    }
    assert refused.keys() == expected.keys()
    for path, word in expected.items():
        assert word in refused[path]


def test_strict_raises_and_names_the_files(tree):
    assert len(build(tree, strict=True).frame) == 4
    (tree / "a" / "empty.jpg").touch()
    with pytest.raises(DataError, match=r"1 file\(s\).*a/empty.jpg: is empty") as caught:
        build(tree, strict=True)
    assert "\n" not in str(caught.value)
    for number in range(7):
        (tree / "a" / f"empty{number}.jpg").touch()
    with pytest.raises(DataError, match="8 file.*; and 3 more;"):
        build(tree, strict=True)


def test_file_name_that_is_not_utf8(tree):
    with open(os.fsencode(tree / "a") + b"/caf\xe9-1.png", "wb"):
        pass
    manifest = build(tree)
    assert manifest.rejected["path"].tolist() == ["a/caf\\udce9-1.png"]
    write_manifest(manifest, tree.parent / "out")  # would fail on a lone surrogate


def test_file_name_with_wide_or_narrow_spaces_is_kept_as_it_is(tree):
    names = ["日本\u3000標本-1.png", "Screenshot 9.41\u202fPM-2.png"]
    for seed, name in enumerate(names):
        draw(tree / "a" / name, seed + 90)
    manifest = build(tree)
    assert {f"a/{name}" for name in names} <= set(manifest.frame["path"]) and manifest.rejected.empty
    write_manifest(manifest, tree.parent / "out")
    assert read_manifest(tree.parent / "out").frame["path"].tolist() == manifest.frame["path"].tolist()


@pytest.mark.parametrize(
    "mark, escaped", [("\n", "\\n"), ("\x85", "\\x85"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")], ids=ascii
)
def test_file_name_that_would_break_a_line_is_refused_and_only_that_character_escaped(tree, mark, escaped):
    draw(tree / "a" / f"標本\u3000{mark}1.png", 90)
    assert build(tree).rejected.to_dict("list") == {
        "path": [f"a/標本\u3000{escaped}1.png"],
        "reason": ["has control characters or broken text in its name; rename it"],
    }


def test_missing_class_folder_is_reported(tmp_path):
    for name in ("Benign", "Early", "Pre"):
        draw(tmp_path / name / "WBC-1.png")
    manifest = build_manifest(get_source("taleqani"), tmp_path, progress=False)
    assert manifest.rejected.to_dict("list") == {
        "path": ["Pro"],
        "reason": ["there is no folder for class Pro"],
    }
    with pytest.raises(DataError, match="class Pro"):
        build_manifest(get_source("taleqani"), tmp_path, strict=True, progress=False)


def test_no_image_at_all_is_an_error(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with pytest.raises(
        DataError, match="no readable image .* 2 refused .first: a: the folder holds no images"
    ):
        build(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        build_manifest(get_source("bccd"), tmp_path / "nowhere")
    (tmp_path / "flat").mkdir()
    with pytest.raises(DataError, match="no readable image"):
        build_manifest(get_source("bccd"), tmp_path / "flat")


def test_unlabelled_source(tmp_path):
    draw(tmp_path / "BloodImage_00007.png")
    frame = build_manifest(get_source("bccd"), tmp_path, progress=False).frame
    assert frame.loc[0, ["path", "label", "order"]].tolist() == ["BloodImage_00007.png", "", 7]


def test_round_trip_keeps_every_cell(tmp_path):
    """Class names and hashes a careless reader would turn into numbers or NaN."""
    draw(tmp_path / "set" / "NA" / "1.png", 1)
    draw(tmp_path / "set" / "007" / 'a,"b"-1.png', 2)
    manifest = build(tmp_path / "set")
    manifest.frame.loc[0, "phash"] = "1e10000000000000"
    write_manifest(manifest, tmp_path / "out")
    again = read_manifest(tmp_path / "out")
    assert_frame_equal(again.frame, manifest.frame, check_dtype=False)
    assert_frame_equal(again.rejected, manifest.rejected, check_dtype=False)
    assert again.frame["order"].dtype == np.int64
    assert b"\r" not in (tmp_path / "out" / "manifest.csv").read_bytes()
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["manifest.csv", "rejected.csv"]


def test_round_trip_keeps_names_that_are_all_numbers(tmp_path):
    for number, name in enumerate(["007", "010"]):
        draw(tmp_path / "set" / name / "1.png", number)
    manifest = build(tmp_path / "set")
    manifest.frame["phash"] = "1e10000000000000"
    write_manifest(manifest, tmp_path / "out")
    again = read_manifest(tmp_path / "out").frame
    assert again["label"].tolist() == ["007", "010"] and set(again["phash"]) == {"1e10000000000000"}


def test_rows_are_sorted_by_whole_path(tmp_path):
    for number, name in enumerate(["a", "a b"]):  # "a" sorts before "a b", but "a/" after "a b/"
        draw(tmp_path / name / "1.png", number)
    assert build(tmp_path).frame["path"].tolist() == ["a b/1.png", "a/1.png"]


def test_reading_a_bad_manifest(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.csv").write_text("path,label\na,b\n")
    with pytest.raises(DataError, match="lacks the column"):
        read_manifest(tmp_path)
    for damaged in (b"", b"\xff\xfe\x00", b'path,"label\n'):
        (tmp_path / "manifest.csv").write_bytes(damaged)
        with pytest.raises(DataError, match="manifest.csv"):
            read_manifest(tmp_path)


def test_digest_follows_content_path_and_label_only(tree):
    frame = build(tree).frame
    lines = sorted(f"{r.sha256}  {r.path}  {r.label}\n" for r in frame.itertuples())
    assert manifest_digest(frame) == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert manifest_digest(frame.sample(frac=1, random_state=3)) == manifest_digest(frame)
    assert manifest_digest(frame.assign(source="else", order=0)) == manifest_digest(frame)
    for column in ("sha256", "path", "label"):
        changed = frame.copy()
        changed.loc[1, column] += "x"
        assert manifest_digest(changed) != manifest_digest(frame)


def test_current_manifest_is_reused_until_a_file_changes(tree, tmp_path, monkeypatch):
    import neurallnet.data.manifest as module

    calls = []
    whole = module.build_manifest
    monkeypatch.setattr(module, "build_manifest", lambda *args: calls.append(1) or whole(*args))

    def current(**options):
        return current_manifest(
            get_source("folder", tree), tree, tmp_path / "kept", progress=False, **options
        )

    first = current()
    assert_frame_equal(current().frame, first.frame, check_dtype=False)
    assert len(calls) == 1
    draw(tree / "a" / "y-1.jpg", seed=99)
    assert manifest_digest(current().frame) != manifest_digest(first.frame)
    draw(tree / "a" / "y-3.jpg", seed=100)
    assert len(current().frame) == 5
    (tree / "a" / "y-3.jpg").unlink()
    assert len(current().frame) == 4 and len(calls) == 4
    (tmp_path / "kept" / "manifest.csv").write_text("nonsense")
    assert len(current().frame) == 4 and len(calls) == 5
    (tree / "a" / "bad.jpg").touch()
    assert len(current().rejected) == 1
    with pytest.raises(DataError, match="bad.jpg"):
        current(strict=True)


def test_summary_counts_duplicates(tree):
    (tree / "b" / "x-3.png").write_bytes((tree / "b" / "x-2.png").read_bytes())
    draw(tree / "b" / "x-4.png", 7, size=(30, 30))
    table = summarize(build(tree).frame)
    assert table["images"].to_dict() == {"a": 2, "b": 4, "all": 6}
    assert table["exact_pairs"].to_dict() == {"a": 0, "b": 1, "all": 1}
    assert table.loc["a", "sizes"] == "24x20" and table.loc["b", "sizes"] == "2 sizes"
    assert table.loc["all", ["near_pairs", "near_images", "groups"]].tolist() == [1, 2, 5]
    assert isinstance(table, pd.DataFrame)
