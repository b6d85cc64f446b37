"""Decoded, resized images in one memory-mapped file, so that training never decodes twice.

An entry is addressed by manifest, size and preprocessing version, and is two files: `<key>.npy` and
`<key>.json`, which records the array file's sha256 and, for each source file, size and modification time. On
every use the array file is hashed (a second per GB or so) and each source file's size and time compared;
only a file that differs is hashed again. A damaged entry is rebuilt; an image that no longer is what the
manifest says is an error, because predictions could not be traced to it.
"""

import errno
import hashlib
import io
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock
from tqdm import tqdm

from neurallnet.data.images import PREPROCESSING_VERSION, decode_bytes, preprocess_file, read_bytes
from neurallnet.data.manifest import manifest_digest
from neurallnet.data.tables import write_text
from neurallnet.errors import DataError

_SPARE = 1 << 20  # bytes for the record and the file system's own needs


def load_images(
    frame: pd.DataFrame, root: Path, size: int, cache_dir: Path, progress: bool | None = None, scale_bar: str = "removed"
) -> np.ndarray:
    """Images of a manifest as uint8 array (N, size, size, 3), in the frame's row order; `scale_bar` as in `preprocess`.

    A read-only np.memmap when the frame is sorted by path, as manifests are; otherwise a reordered copy in
    memory. `root` is the source root. Safe for several processes at once. Raises DataError: an image is
    missing or changed since the manifest was made, the disk is full (the message says how many bytes are
    needed) or cannot be written.
    """
    if frame.empty:
        raise DataError("there are no images to load; the manifest is empty")
    if size < 1:
        raise DataError(f"image size {size} is not a positive number of pixels")
    ordered = frame.sort_values("path")
    array = _entry(ordered, Path(root), size, Path(cache_dir), progress, scale_bar)
    if frame["path"].is_monotonic_increasing:
        return array
    return array[np.searchsorted(ordered["path"].to_numpy(object), frame["path"].to_numpy(object))]


def cache_key(frame: pd.DataFrame, size: int, scale_bar: str = "removed") -> str:
    """Address of a cache entry: 24 hex digits."""
    address = f"{manifest_digest(frame)} {size} {scale_bar} {PREPROCESSING_VERSION}"
    return hashlib.sha256(address.encode()).hexdigest()[:24]


def _entry(
    frame: pd.DataFrame, root: Path, size: int, cache_dir: Path, progress: bool | None, scale_bar: str
) -> np.memmap:
    key = cache_key(frame, size, scale_bar)
    array_path, record_path = cache_dir / f"{key}.npy", cache_dir / f"{key}.json"
    shape = (len(frame), size, size, 3)
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(cache_dir / f"{key}.lock"):
            record = _verified(array_path, record_path, shape)
            if record is None:
                digest = _build(frame, root, shape, array_path, progress, scale_bar)
                record = {"sha256": digest, "files": {}}
            files = _fresh(frame, root, record["files"])
            if files != record["files"]:
                write_text(json.dumps({"sha256": record["sha256"], "files": files}), record_path)
            return np.load(array_path, mmap_mode="r")
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(cache_dir, shape) from None
        raise DataError(f"{cache_dir}: the image cache cannot be used: {error.strerror or error}") from None


def _verified(array_path: Path, record_path: Path, shape: tuple[int, ...]) -> dict | None:
    """The entry's record, or None when there is no entry or it is damaged."""
    try:
        record = json.loads(record_path.read_text(encoding="utf-8"))
        with open(array_path, "rb") as file:
            header = file.read(len(_header(shape)))
            file.seek(0)
            whole = hashlib.file_digest(file, "sha256").hexdigest() == record["sha256"]
        return record if whole and header == _header(shape) and isinstance(record["files"], dict) else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _fresh(frame: pd.DataFrame, root: Path, known: dict[str, list[int]]) -> dict[str, list[int]]:
    """Size and mtime_ns per path; a file that differs from `known` is hashed, and raises DataError unless
    the manifest has its hash.
    """
    files = {}
    for path, sha256 in zip(frame["path"], frame["sha256"], strict=True):
        try:
            status = os.stat(root / path)
        except OSError as error:
            raise DataError(
                f"{root / path}: cannot be read: {error.strerror}; make the manifest again"
            ) from None
        files[path] = [status.st_size, status.st_mtime_ns]
        if files[path] != known.get(path):
            _read_same(root / path, sha256)
    return files


def _read_same(path: Path, sha256: str) -> bytes:
    data = read_bytes(path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DataError(f"{path}: changed since the manifest was made; make the manifest again")
    return data


def _build(
    frame: pd.DataFrame,
    root: Path,
    shape: tuple[int, ...],
    array_path: Path,
    progress: bool | None,
    scale_bar: str,
) -> str:
    """Write the array file atomically; its sha256.

    Written as a stream: a store to a mapped page on a full disk would kill the process instead of raising
    OSError.
    """
    header = _header(shape)
    if shutil.disk_usage(array_path.parent).free < len(header) + int(np.prod(shape)) + _SPARE:
        raise _disk_full(array_path.parent, shape)
    partial = array_path.with_suffix(".partial")  # one writer at a time: we hold the lock
    digest = hashlib.sha256(header)
    bar = tqdm(
        frame["path"],
        desc=f"decoding at {shape[1]} px",
        unit="image",
        disable=None if progress is None else not progress,
    )
    try:
        with open(partial, "wb") as file:
            file.write(header)
            for path, sha256 in zip(bar, frame["sha256"], strict=True):
                image = decode_bytes(_read_same(root / path, sha256), root / path)
                pixels = preprocess_file(image, root / path, shape[1], scale_bar).tobytes()
                digest.update(pixels)
                file.write(pixels)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, array_path)
    finally:
        partial.unlink(missing_ok=True)
    return digest.hexdigest()


def _header(shape: tuple[int, ...]) -> bytes:
    """The bytes before the pixels in a .npy file."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def _disk_full(cache_dir: Path, shape: tuple[int, ...]) -> DataError:
    needed = len(_header(shape)) + int(np.prod(shape)) + _SPARE
    free = shutil.disk_usage(cache_dir).free
    return DataError(
        f"{cache_dir}: disk full: {needed} bytes are needed, {free} are free; make room or choose "
        "another workspace"
    )
