"""The manifest: one row per readable image, and a table of what was refused and why.

Everything later (splits, runs, predictions) names images by `path` and data sets by `manifest_digest`.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import imagehash
import pandas as pd
from filelock import FileLock
from tqdm import tqdm

from neurallnet.data.images import ImageError, decode_bytes, read_bytes
from neurallnet.data.listing import FoundImage
from neurallnet.data.source import Source
from neurallnet.data.tables import read_table, write_table, write_text
from neurallnet.errors import DataError

COLUMNS = ("path", "label", "sha256", "width", "height", "phash", "source", "order")
INTEGERS = ("width", "height", "order")
REJECTED_COLUMNS = ("path", "reason")
VERSION = 1  # raise when a file would be accepted, refused or hashed otherwise; kept manifests are then made again
_SHOWN = 5  # rejected files named in an error


@dataclass(frozen=True)
class Manifest:
    """What could be read and what could not.

    `frame`: readable images sorted by path, with COLUMNS and what else the source knows (`Source.known`);
    `rejected`: path and reason.
    """

    frame: pd.DataFrame
    rejected: pd.DataFrame


def build_manifest(
    source: Source, root: Path, strict: bool = False, progress: bool | None = None
) -> Manifest:
    """Open, hash and check every file of a source.

    `root` is the source root (`sources.locate`). Files that cannot be used, and missing or empty class
    folders, go to `rejected`; with `strict` they raise DataError instead. No readable image at all always
    raises. `progress` None shows a bar on a terminal.
    """
    root = Path(root)
    listing = source.scan(root)
    rows, rejected = [], list(listing.problems)
    bar = tqdm(
        listing.images,
        desc=f"reading {source.name}",
        unit="image",
        disable=None if progress is None else not progress,
    )
    for found in bar:
        try:
            rows.append(_row(source, root, found))
        except ImageError as error:
            rejected.append((found.path, error.reason))
    refused = pd.DataFrame(sorted(rejected), columns=list(REJECTED_COLUMNS), dtype=str)
    if strict and len(refused):
        named = "; ".join(f"{p}: {r}" for p, r in refused.head(_SHOWN).itertuples(index=False, name=None))
        more = f"; and {len(refused) - _SHOWN} more" if len(refused) > _SHOWN else ""
        raise DataError(
            f"{root}: {len(refused)} file(s) or folder(s) refused: {named}{more}; mend them or run "
            "without --strict"
        )
    if not rows:
        first = f" (first: {refused['path'][0]}: {refused['reason'][0]})" if len(refused) else ""
        raise DataError(
            f"{root}: no readable image for source {source.name!r}, {len(refused)} refused{first}"
        )
    columns = [*COLUMNS, *source.known]
    frame = pd.DataFrame(rows)[columns].sort_values("path", ignore_index=True)
    return Manifest(frame, refused)


def _row(source: Source, root: Path, found: FoundImage) -> dict[str, str | int]:
    """One manifest row; hash and picture come from the same read. Raises ImageError."""
    path = root / found.path
    data = read_bytes(path)
    image = decode_bytes(data, path)
    return {
        "path": found.path,
        "label": found.label,
        "sha256": hashlib.sha256(data).hexdigest(),
        "width": image.width,
        "height": image.height,
        "phash": str(imagehash.phash(image)),
        "source": source.name,
        "order": found.order,
        **found.extra,
    }


def manifest_digest(frame: pd.DataFrame) -> str:
    """Address of a data set: sha256 over its sorted lines "sha256  path  label", each ended by a newline."""
    lines = sorted(
        f"{row.sha256}  {row.path}  {row.label}\n" for row in frame[["sha256", "path", "label"]].itertuples()
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write manifest.csv and rejected.csv into `folder`. Raises DataError."""
    write_table(manifest.rejected, Path(folder) / "rejected.csv")
    write_table(manifest.frame, Path(folder) / "manifest.csv")


def read_manifest(folder: Path) -> Manifest:
    """Read what `write_manifest` wrote; equal to it cell by cell. Raises DataError."""
    return Manifest(
        read_table(Path(folder) / "manifest.csv", COLUMNS, INTEGERS),
        read_table(Path(folder) / "rejected.csv", REJECTED_COLUMNS),
    )


def current_manifest(
    source: Source, root: Path, folder: Path, strict: bool = False, progress: bool | None = None
) -> Manifest:
    """The manifest kept in `folder`, made again when any file was added, removed or changed (size or
    modification time).

    Raises DataError like `build_manifest`; a kept manifest with refused files is made again under `strict`,
    so that it raises. Processes that ask for one folder take turns.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        return _current(source, Path(root), folder, strict, progress)


def _current(source: Source, root: Path, folder: Path, strict: bool, progress: bool | None) -> Manifest:
    state, record = _state(source, root), folder / "files.json"
    try:
        if json.loads(record.read_text(encoding="utf-8")) == state:
            kept = read_manifest(folder)
            if not (strict and len(kept.rejected)):
                return kept
    except (OSError, ValueError, DataError):
        pass  # never made, or damaged: make it
    manifest = build_manifest(source, root, strict, progress)
    record.unlink(missing_ok=True)  # a run killed between the writes below leaves nothing that looks current
    write_manifest(manifest, folder)
    write_text(json.dumps(state), record)
    return manifest


def _state(source: Source, root: Path) -> dict[str, object]:
    """What a manifest depends on, without opening a file."""
    listing = source.scan(root)
    files = [[f.path, f.label, f.order, f.extra, *_stat(root / f.path)] for f in listing.images]
    return {
        "version": VERSION,
        "root": str(root.resolve()),
        "source": source.name,
        "files": files,
        "problems": [list(p) for p in listing.problems],
    }


def _stat(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:  # a symlink loop, say; the manifest reports it
        return -1, -1
    return status.st_size, status.st_mtime_ns
