"""How the tint of a class's images changes with the order they were taken in: a sign of the slide, which is no sign of the disease.

The tint is the dominant hue that normalization takes away (`hue.py`). Where a class's tints of one block of the order are those of
another class elsewhere, a network that goes by them is misled there.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from neurallnet.augment import to_float
from neurallnet.data.sessions import SESSION_FOLDS, class_blocks
from neurallnet.hue import DOMINANT, image_hue
from neurallnet.study import Study

SHARES = {"low": 5, "quarter": 25, "value": 50, "three_quarters": 75, "high": 95}  # percentiles


def tint_report(study: Study) -> dict[str, Any]:
    """Evidence of chapter 03: a row per class and block of the session protocol, with percentiles of the tints of its images.

    Tints are in degrees of the colour circle, counted from half a circle before the hue that normalization gives all images.
    """
    dataset = study.dataset()
    seen = study.arm("base-0").data
    return {"rows": tint_rows(dataset.frame, tints(dataset.images(seen, study.work))), "manifest": dataset.digest}


def tints(images: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """Tint (N,) in degrees of images uint8 (N, H, W, 3), from half a circle below DOMINANT to half a circle above."""
    parts = [
        image_hue(to_float(torch.from_numpy(np.array(images[start : start + batch_size])))).numpy() * 60
        for start in range(0, len(images), batch_size)
    ]
    middle = DOMINANT * 60
    return middle + (np.concatenate(parts) - middle + 180) % 360 - 180


def tint_rows(frame: pd.DataFrame, degrees: np.ndarray | None = None) -> list[dict[str, Any]]:
    """A row per class and block of `frame` (columns path, label, order): label, block, n, and SHARES of `degrees` (N,) if given."""
    rows = []
    for label, images in frame.reset_index(drop=True).sort_values(["order", "path"]).groupby("label"):
        for block in range(SESSION_FOLDS):
            mine = images.index[class_blocks(len(images), block, 0) == "test"]
            found = {} if degrees is None else dict(zip(SHARES, np.percentile(degrees[mine], [*SHARES.values()]), strict=True))
            rows.append({"label": str(label), "block": block, "n": len(mine), **{key: float(at) for key, at in found.items()}})
    return rows


def tint_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of `tint_report` for `interval_figure`: the median tint, and the middle half (a few odd pictures are far from it)."""
    return pd.DataFrame(
        {**row, "label": f"{row['label']}, block {row['block'] + 1}", "low": row["quarter"], "high": row["three_quarters"]}
        for row in rows
    )
