"""The folder a laboratory is drawn into: whole, or not there at all.

    root/<Class>/<image>.png
    root/truth.csv          what is true of every image
    root/generator.json     version, settings, and the sha256 of every image; written last

A new or changed laboratory is drawn in a folder beside `root` and renamed when it is whole, so a killed
drawing is taken up where it stopped and a reader never sees half of it. A lock beside `root` makes a second
process wait.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from filelock import FileLock
from tqdm import tqdm

from neurallnet.config import CLASSES
from neurallnet.data.synthetic_config import VERSION, SyntheticConfig
from neurallnet.data.synthetic_field import draw_frame
from neurallnet.data.synthetic_plan import frames, truth_table
from neurallnet.data.synthetic_png import encode, intact
from neurallnet.data.tables import write_text
from neurallnet.errors import DataError

STAMP, TRUTH = "generator.json", "truth.csv"


def make_tree(root: Path, config: SyntheticConfig, progress: bool | None) -> None:
    """Bring `root` to what `config` asks for; see `neurallnet.data.synthetic.generate`."""
    root = Path(os.path.abspath(root))
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(root.parent / f".{root.name}.lock"):
            if _is_ours(root) and _stamp(root).get("request") == _request(config):
                _complete(root, config, progress)
            else:
                _replace(root, config, progress)
    except OSError as error:
        where = error.filename or root
        reason = error.strerror or error
        raise DataError(
            f"{where}: synthetic smears cannot be written: {reason}; "
            "free space there or choose another workspace"
        ) from None


def _request(config: SyntheticConfig) -> dict[str, Any]:
    return {"generator": "neurallnet synthetic smears", "version": VERSION, "config": config.to_dict()}


def _stamp(folder: Path) -> dict[str, Any]:
    """The folder's generator.json; empty when it is missing or damaged."""
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _is_ours(root: Path) -> bool:
    """Whether `root` was drawn by a generator; raises DataError when it holds something else."""
    if root.is_dir() and (root / STAMP).is_file():
        return True
    if root.exists() and not (root.is_dir() and not any(root.iterdir())):
        raise DataError(
            f"{root}: holds files but no {STAMP}, so the generator did not make it; "
            "move it away or name another folder"
        )
    return False


def _replace(root: Path, config: SyntheticConfig, progress: bool | None) -> None:
    """Draw the laboratory beside `root`, taking up an unfinished drawing of it, and swap the two folders."""
    fresh, old = root.parent / f".{root.name}.partial", root.parent / f".{root.name}.old"
    if fresh.exists() and _stamp(fresh).get("request") != _request(config):
        shutil.rmtree(fresh)
    fresh.mkdir(exist_ok=True)
    if not (fresh / STAMP).exists():
        _write_json({"request": _request(config)}, fresh / STAMP)
    _complete(fresh, config, progress)
    if old.exists():
        shutil.rmtree(old)
    if root.exists():
        root.rename(old)
    fresh.rename(root)
    shutil.rmtree(old, ignore_errors=True)


def _complete(folder: Path, config: SyntheticConfig, progress: bool | None) -> None:
    """Draw the images that are missing or not as drawn, then write the tables."""
    known = _stamp(folder).get("images", {})
    hashes: dict[str, str] = {}
    todo = []
    for frame in frames(config):
        path = folder / frame.path
        data = path.read_bytes() if path.is_file() else b""
        digest = hashlib.sha256(data).hexdigest()
        if intact(data, config.shape) and known.get(frame.path, digest) == digest:
            hashes[frame.path] = digest
        else:
            todo.append(frame)
    for label in CLASSES:
        (folder / label).mkdir(exist_ok=True)
    hidden = None if progress is None else not progress
    for frame in tqdm(todo, desc=f"drawing smears, lab {config.lab}", unit="image", disable=hidden):
        data = encode(draw_frame(config, frame))
        hashes[frame.path] = hashlib.sha256(data).hexdigest()
        _write_bytes(data, folder / frame.path)
    truth = truth_table(config).to_csv(index=False, lineterminator="\n")
    if _text(folder / TRUTH) != truth:
        write_text(truth, folder / TRUTH)
    stamp = {"request": _request(config), "images": dict(sorted(hashes.items()))}
    if _stamp(folder) != stamp:
        _write_json(stamp, folder / STAMP)


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def _write_json(value: dict[str, Any], path: Path) -> None:
    write_text(json.dumps(value, indent=1) + "\n", path)


def _write_bytes(data: bytes, path: Path) -> None:
    """Write atomically; without fsync, since a torn image is found by its checksum and drawn again."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(data)
    os.replace(temporary, path)
