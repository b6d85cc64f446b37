"""Rows that `plots.interval_figure` draws: a name, a value with its interval, and how many images it is of."""

from collections.abc import Mapping
from typing import Any


def interval_row(label: str, value: float, ends: Mapping[str, Any], n: int) -> dict[str, Any]:
    """One row; `ends` has `low` and `high`.

    >>> interval_row("Ours", 0.9, {"low": 0.8, "high": 0.95, "level": 0.95}, 12)
    {'label': 'Ours', 'value': 0.9, 'low': 0.8, 'high': 0.95, 'n': 12, 'unit': 'images'}
    """
    return {"label": label, "value": value, "low": ends["low"], "high": ends["high"], "n": n, "unit": "images"}
