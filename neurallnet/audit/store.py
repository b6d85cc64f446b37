"""Intermediate arrays on disk, so that a killed audit goes on where it was."""

import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from neurallnet.errors import DataError

Arrays = Mapping[str, np.ndarray]


def kept(path: Path, make: Callable[[], Arrays]) -> dict[str, np.ndarray]:
    """The arrays of `path` (.npz); made and written whole when the file is missing or damaged (its checksums tell).

    Raises DataError when the file cannot be written.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as found:  # np.load leaves a damaged file open
            return {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
        pass  # never made, or cut short
    arrays = dict(make())
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise DataError(f"{path}: cannot be written: {error.strerror or error}; make room or choose another workspace") from None
    return arrays
