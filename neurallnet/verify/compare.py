"""Two JSON payloads compared number by number, with what was not recomputed declared and counted."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neurallnet.evidence import canonical_json

Leaf = str | int | float | bool | None


@dataclass(frozen=True)
class Comparison:
    """`problem`: the first key that differs and how, or None; the rest counts numbers."""

    problem: str | None
    recomputed: int
    measured: int


def compare_payloads(
    committed: Mapping[str, Any],
    recomputed: Mapping[str, Any],
    measured: Mapping[str, str] | None = None,
    close: Mapping[str, float] | None = None,
) -> Comparison:
    """Every value of `committed` must be recomputed and equal, as canonical JSON, or lie below a declared key.

    measured: key -> reason, for what tables cannot give; `[]` stands for any place in a list ("rows[].seconds").
    close: key -> relative tolerance, for what is computed from numbers already rounded to six digits.
    """
    found, wanted = flatten(committed), flatten(json.loads(canonical_json(recomputed, "recomputed")))
    missing = [key for key in wanted if key not in found]
    if missing:
        return Comparison(f"{missing[0]} is missing; it should be {wanted[missing[0]]!r}", 0, 0)
    counts = [0, 0]
    for key, value in found.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if key in wanted:
            if not _equal(value, wanted[key], _below(key, close or {}) or 0.0):
                return Comparison(f"{key} is {value!r}, but recomputed {wanted[key]!r}", *counts)
            counts[0] += number
        elif _below(key, measured or {}) is None:
            return Comparison(f"{key} is not recomputed, nor declared as measured", *counts)
        else:
            counts[1] += number
    return Comparison(None, *counts)


def flatten(value: Any, key: str = "") -> dict[str, Leaf]:
    """Key of each leaf -> its value; an empty list or object is a leaf, too.

    >>> flatten({"rows": [{"n": 3}], "none": {}})
    {'rows[0].n': 3, 'none': '{}'}
    """
    if isinstance(value, Mapping) and value:
        parts = [(f"{key}.{name}" if key else name, entry) for name, entry in value.items()]
    elif isinstance(value, list) and value:
        parts = [(f"{key}[{place}]", entry) for place, entry in enumerate(value)]
    else:
        return {key: str(value) if isinstance(value, Mapping | list) else value}
    return {path: leaf for name, entry in parts for path, leaf in flatten(entry, name).items()}


def _below(key: str, declared: Mapping[str, Any]) -> Any:
    """What is declared for `key` or for what it lies below, or None."""
    key = re.sub(r"\[\d+\]", "[]", key)
    return next((told for name, told in declared.items() if key == name or key.startswith((f"{name}.", f"{name}["))), None)


def _equal(found: Leaf, wanted: Leaf, tolerance: float) -> bool:
    if tolerance and isinstance(found, float) and isinstance(wanted, float):
        return abs(found - wanted) <= tolerance * abs(wanted)
    return type(found) is type(wanted) and found == wanted
