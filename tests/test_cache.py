"""The image cache: right pixels, right order, rebuilt when damaged, refused when a source changed."""

import errno
import json
import multiprocessing
import os
import shutil
from collections import namedtuple

import numpy as np
import pytest
from PIL import Image

import neurallnet.data.cache as module
from neurallnet.data.cache import cache_key, load_images
from neurallnet.data.images import ImageError, decode_image, preprocess
from neurallnet.data.manifest import build_manifest
from neurallnet.data.sources import get_source
from neurallnet.errors import DataError

SIZE = 16


def draw(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def root(tmp_path):
    for number in range(6):
        draw(tmp_path / "set" / "ab"[number % 2] / f"cell-{number}.png", number)
    return tmp_path / "set"


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def manifest(root):
    return build_manifest(get_source("folder", root), root, progress=False).frame


def expected(frame, root):
    return np.stack([preprocess(decode_image(root / path), SIZE) for path in frame["path"]])


@pytest.fixture
def decoded(monkeypatch):
    """Names of the files decoded so far."""
    names = []
    whole = module.decode_bytes
    monkeypatch.setattr(
        module, "decode_bytes", lambda data, path: names.append(path.name) or whole(data, path)
    )
    return names


def test_pixels_equal_direct_decoding_and_are_read_only(root, cache, decoded):
    frame = manifest(root)
    array = load_images(frame, root, SIZE, cache)
    assert isinstance(array, np.memmap) and array.dtype == np.uint8 and array.shape == (6, SIZE, SIZE, 3)
    assert np.array_equal(array, expected(frame, root))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0
    assert np.array_equal(load_images(frame, root, SIZE, cache), array)
    assert len(decoded) == 6  # the second call decoded nothing
    assert {p.suffix for p in cache.iterdir()} <= {".npy", ".json", ".lock"}


def test_rows_follow_the_frame(root, cache):
    frame = manifest(root).sample(frac=1, random_state=2)
    assert not frame["path"].is_monotonic_increasing
    assert np.array_equal(load_images(frame, root, SIZE, cache), expected(frame, root))


def test_address_follows_manifest_size_and_preprocessing(root, monkeypatch):
    frame = manifest(root)
    keys = {cache_key(frame, 16), cache_key(frame, 17), cache_key(frame.iloc[:4], 16)}
    monkeypatch.setattr(module, "PREPROCESSING_VERSION", 999)
    assert len(keys | {cache_key(frame, 16)}) == 4


def test_changed_image_needs_a_new_manifest_and_then_gives_new_pixels(root, cache, decoded):
    old = manifest(root)
    load_images(old, root, SIZE, cache)
    draw(root / "a" / "cell-0.png", 77)
    with pytest.raises(DataError, match="cell-0.png: changed since the manifest was made"):
        load_images(old, root, SIZE, cache)
    new = manifest(root)
    assert np.array_equal(load_images(new, root, SIZE, cache), expected(new, root))
    assert len(decoded) == 12


def test_change_that_keeps_the_size_is_seen_by_its_time(root, cache):
    frame = manifest(root)
    load_images(frame, root, SIZE, cache)
    path = root / "a" / "cell-0.png"
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="changed since"):
        load_images(frame, root, SIZE, cache)


def test_touched_file_is_hashed_once_and_not_decoded(root, cache, decoded, monkeypatch):
    frame = manifest(root)
    load_images(frame, root, SIZE, cache)
    os.utime(root / "a" / "cell-0.png", ns=(1, 1))
    hashed = []
    whole = module._read_same
    monkeypatch.setattr(module, "_read_same", lambda path, sha: hashed.append(path.name) or whole(path, sha))
    load_images(frame, root, SIZE, cache)
    load_images(frame, root, SIZE, cache)
    assert hashed == ["cell-0.png"] and len(decoded) == 6


def test_black_image_is_named(root, cache):
    Image.new("RGB", (30, 30)).save(root / "a" / "lost.png")
    with pytest.raises(ImageError, match=r"lost\.png: .*black all over"):
        load_images(manifest(root), root, 16, cache)


def test_deleted_image_is_named(root, cache):
    frame = manifest(root)
    load_images(frame, root, SIZE, cache)
    (root / "b" / "cell-3.png").unlink()
    with pytest.raises(DataError, match="cell-3.png: cannot be read: No such file"):
        load_images(frame, root, SIZE, cache)


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 255
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


DAMAGE = {
    "bit flipped": lambda array, record: flip(array),
    "array cut": lambda array, record: cut(array),
    "array empty": lambda array, record: array.write_bytes(b""),
    "array gone": lambda array, record: array.unlink(),
    "record gone": lambda array, record: record.unlink(),
    "record cut": lambda array, record: cut(record),
    "record foreign": lambda array, record: record.write_text("[1, 2]"),
    "record incomplete": lambda array, record: record.write_text(
        json.dumps({"sha256": json.loads(record.read_text())["sha256"]})
    ),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_entry_is_rebuilt(root, cache, decoded, kind):
    frame = manifest(root)
    load_images(frame, root, SIZE, cache)
    key = cache_key(frame, SIZE)
    DAMAGE[kind](cache / f"{key}.npy", cache / f"{key}.json")
    assert np.array_equal(load_images(frame, root, SIZE, cache), expected(frame, root))
    assert len(decoded) == 12
    load_images(frame, root, SIZE, cache)
    assert len(decoded) == 12  # and is whole again


def test_full_disk_is_foreseen(root, cache, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 500, 500))
    needed = 128 + 6 * SIZE * SIZE * 3 + (1 << 20)
    with pytest.raises(DataError, match=f"disk full: {needed} bytes are needed, 500 are free"):
        load_images(manifest(root), root, SIZE, cache)
    assert not list(cache.glob("*.npy"))


def test_disk_that_fills_up_while_writing(root, cache, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="disk full: .* bytes are needed"):
        load_images(manifest(root), root, SIZE, cache)
    assert not [p for p in cache.iterdir() if p.suffix != ".lock"]  # nothing half-written stays


def test_cache_folder_that_cannot_be_used(root, cache):
    cache.write_text("a file where the folder should be")
    with pytest.raises(DataError, match="cache cannot be used: File exists"):
        load_images(manifest(root), root, SIZE, cache)


def test_interrupted_build_leaves_no_entry(root, cache, monkeypatch):
    frame = manifest(root)
    with monkeypatch.context() as patch:
        patch.setattr(module, "preprocess_file", lambda image, path, size, scale_bar: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            load_images(frame, root, SIZE, cache)
    assert np.array_equal(load_images(frame, root, SIZE, cache), expected(frame, root))


def _load(arguments):
    frame, root, cache = arguments
    return load_images(frame, root, SIZE, cache, progress=False).tobytes()


def test_processes_that_ask_at_once_agree(root, cache):
    frame = manifest(root)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = pool.map(_load, [(frame, root, cache)] * 4, chunksize=1)
    assert set(results) == {expected(frame, root).tobytes()}


def test_nothing_to_load(root, cache):
    frame = manifest(root)
    with pytest.raises(DataError, match="no images"):
        load_images(frame.iloc[:0], root, SIZE, cache)
    with pytest.raises(DataError, match="image size 0"):
        load_images(frame, root, 0, cache)
