"""The log of test-set readings: a set read twice is held out no longer, so every reading leaves a line.

JSON lines, append only: {"read": 1, "when": ..., "what": ..., "run": ..., "split": ..., "why": ...}
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from neurallnet.errors import DataError


def append_test_read(log_path: Path, what: str, run_digest: str, split: str, why: str = "") -> dict[str, Any]:
    """Add one line before a test fold or external set is read; returns the entry (its `read` counts from 1).

    Safe with several processes. Raises DataError when the log cannot be written or is damaged.
    """
    log_path = Path(log_path)
    try:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(log_path.with_name(f".{log_path.name}.lock")):
            entry = {
                "read": len(read_test_reads(log_path)) + 1,
                "when": datetime.now(UTC).isoformat(timespec="seconds"),
                "what": what,
                "run": run_digest,
                "split": split,
                "why": why,
            }
            line = json.dumps(entry, ensure_ascii=False) + "\n"
            handle = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(handle, line.encode())  # one call: a line is there or it is not
                os.fsync(handle)
            finally:
                os.close(handle)
    except OSError as error:
        raise DataError(
            f"{log_path}: cannot be written ({error.strerror or error}); readings must be logged"
        ) from None
    return entry


def read_test_reads(log_path: Path) -> list[dict[str, Any]]:
    """All readings so far, oldest first; none when there is no log. Raises DataError naming a damaged
    line.
    """
    path = Path(log_path)
    if not path.exists():
        return []
    entries = []
    lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")  # `splitlines` would also cut at U+2028 in a reason
    for number, line in enumerate(lines if lines != [""] else [], 1):
        try:
            entries.append(json.loads(line))
        except ValueError:
            raise DataError(
                f"{path}: line {number} is damaged; restore the log, it cannot be made again"
            ) from None
        if not isinstance(entries[-1], dict) or entries[-1].get("read") != number:
            raise DataError(
                f"{path}: line {number} is not reading {number}; a line was removed or added by hand"
            )
    return entries
