"""Rows of a benchmark's evidence: measured, or not measured with the reason; never a guess."""

import importlib.util
from typing import Any

import pandas as pd

from neurallnet.profiling.timing import ratio, summary

EXTRAS = {"onnx": "export", "onnxruntime": "export", "monai": "peers", "snntorch": "peers"}


def measured(table: pd.DataFrame, images: int = 1, **more: Any) -> list[dict[str, Any]]:
    """A row per case of `alternate`'s table; `images` is how many one call handles, `more` is added to each row."""
    rows = summary(table).to_dict("records")
    for row in rows:
        row |= {"n": int(row["n"]), "images_per_second": images / row["p50_ms"] * 1e3, "not_measured": None, **more}
    return rows


def not_measured(case: str, reason: str, **more: Any) -> dict[str, Any]:
    """The row of a case that could not run here."""
    empty = dict.fromkeys(("p50_ms", "p95_ms", "min_ms", "n", "images_per_second"))
    return {"case": case, **empty, "not_measured": reason, **more}


def comparison(table: pd.DataFrame, slow: str, fast: str, **more: Any) -> dict[str, Any]:
    """How many times faster `fast` is than `slow`, with its spread over rounds."""
    return {"slow": slow, "fast": fast, **ratio(table, slow, fast).to_dict(), **more}


def lacking(*packages: str) -> str | None:
    """Why something that needs `packages` is not measured, or None when all are installed."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            extra = EXTRAS.get(package)
            return f"{package} is missing: pip install " + (f"'neurallnet[{extra}]'" if extra else package)
    return None
