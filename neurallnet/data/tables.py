"""CSV tables written whole or not at all, and read back as they were."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from neurallnet.errors import DataError


def write_text(text: str, path: Path) -> None:
    """Write UTF-8 text atomically: a reader, or a run killed halfway, sees the old file or the new one.
    Raises DataError.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # as short for a name as long as names may be
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from None


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV with LF line ends, so that equal tables are equal files on every system. Raises
    DataError.
    """
    write_text(frame.to_csv(index=False, lineterminator="\n"), path)


def read_table(path: Path, columns: Sequence[str], integers: Sequence[str] = ()) -> pd.DataFrame:
    """Read a CSV whose cells are strings, except the columns named in `integers`.

    "NA" and "" stay as they are written. Raises DataError when the file is missing, is no CSV, or lacks one
    of `columns`.
    """
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
        missing = [name for name in columns if name not in frame.columns]
        if missing:
            raise DataError(
                f"{path}: lacks the column(s) {', '.join(missing)}; was it made by another program?"
            )
        return frame.astype({name: "int64" for name in integers})
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; make it first") from None
    except (OSError, ValueError) as error:  # pandas' parser errors and undecodable bytes are ValueErrors
        raise DataError(f"{path}: cannot be read as a table: {error}") from None
