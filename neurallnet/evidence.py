"""Evidence: one JSON file behind every number, with what is needed to make the number again.

The text of a file is canonical (sorted keys, six significant digits, no NaN), so two runs that found the same
wrote the same bytes, and one changed digit is a changed file.
"""

import hashlib
import importlib.metadata
import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurallnet.config import RunConfig
from neurallnet.data.tables import write_text
from neurallnet.errors import DataError

HASHES = "hashes.json"  # sha256 of every other file of the published folder it lies in
PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "statsmodels",
    "torch",
    "pillow",
    "opencv-python-headless",
)


def canonical_json(payload: Mapping[str, Any] | Sequence[Any], where: str = "evidence") -> str:
    """The one JSON text of a payload: sorted keys, two spaces, six significant digits, a line end at the end.

    Arrays, tuples and dataclasses become lists and objects. Raises DataError naming `where` and the key of a
    NaN, an infinity or a value JSON has no word for: an absent number is None, with the reason beside it.
    """
    plain = _plain(payload, where)
    return json.dumps(plain, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_evidence(path: Path, payload: Mapping[str, Any]) -> None:
    """Write canonical JSON, whole or not at all. Raises DataError as `canonical_json` does."""
    write_text(canonical_json(payload, str(path)), Path(path))


def read_evidence(path: Path) -> dict[str, Any]:
    """Read an evidence file; raises DataError when it is missing, no JSON, or no object."""
    try:
        payload = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such evidence; run the step that writes it") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not readable as JSON ({error}); restore it or run the step again") from None
    if not isinstance(payload, dict):
        raise DataError(f"{path}: holds no JSON object; restore it or run the step again")
    return payload


def provenance(
    config: RunConfig,
    *,
    profile: str,
    manifest_digest: str,
    split_digest: str,
    seeds: Sequence[int] | None = None,
    precision: str | None = None,
) -> dict[str, Any]:
    """Where a number comes from: configuration, images, split, seeds, code and machine.

    `seeds` defaults to the configuration's one; `precision` to the configured one (give the one really used
    for `auto`).
    """
    return {
        "profile": profile,
        "config": config.to_dict(),
        "run": config.digest(),
        "manifest": manifest_digest,
        "split": split_digest,
        "seeds": list(seeds) if seeds is not None else [config.seed],
        "precision": precision or config.train.precision,
        "package": package_hash(),
        "machine": machine(),
    }


def package_hash() -> str:
    """sha256 over the package's Python and C sources (relative path and text), whatever the line ends on
    disk.
    """
    top = Path(__file__).resolve().parent
    total = hashlib.sha256()
    for path in sorted(
        (p for p in top.rglob("*") if p.suffix in {".py", ".c"}), key=lambda p: p.relative_to(top).as_posix()
    ):
        text = path.read_bytes().replace(b"\r\n", b"\n")
        total.update(f"{path.relative_to(top).as_posix()} {hashlib.sha256(text).hexdigest()}\n".encode())
    return total.hexdigest()


def hash_files(folder: Path) -> dict[str, str]:
    """sha256 of every file below `folder`, by POSIX path; the list of hashes itself and hidden files are left out."""
    names = {path.relative_to(folder).as_posix(): path for path in sorted(Path(folder).rglob("*")) if path.is_file()}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in names.items()
        if name != HASHES and not any(part.startswith(".") for part in name.split("/"))
    }


def write_hashes(folder: Path) -> Path:
    """Write HASHES into a published folder; returns its path."""
    path = Path(folder) / HASHES
    write_text(canonical_json({"sha256": hash_files(folder)}), path)
    return path


def machine() -> dict[str, Any]:
    """Processor, cores this process may use, torch threads, GPU, system and library versions."""
    import torch  # slow to import, and only needed here

    return {
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.platform(terse=True),
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}},
    }


def cpu_model() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _plain(value: Any, where: str) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        if wrong := [key for key in value if not isinstance(key, str)]:
            raise DataError(f"{where}: key {wrong[0]!r} is no text; JSON keys are")
        return {key: _plain(entry, f"{where}: {key}") for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry, f"{where}: {place}") for place, entry in enumerate(value)]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise DataError(f"{where} is {value}; write None and say why there is no number")
        return float(f"{value:.6g}")
    if value is None or isinstance(value, bool | int | str):
        return value
    raise DataError(f"{where} is a {type(value).__name__}, which JSON has no word for")
