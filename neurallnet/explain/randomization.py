"""Does the explanation depend on what was learned? Cascading parameter randomization (Adebayo et al. 2018, arXiv 1810.03292).

From the readout down to the first block, one part after the other loses what it learned, and at each stage the maps are compared
with those of the trained network by rank correlation, image by image. A method whose maps stay alike shows the image, not the
network. Losing means that the values within each parameter tensor change places at random: their distribution stays, and with it
the firing of the network. Fresh initialization would silence the later blocks, and silent maps differ for that reason alone.
"""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn

from neurallnet.explain.attention import UNIT, mean_over
from neurallnet.explain.gradcam import cam_maps

DRAWS = 3


def randomized(model: nn.Module, seed: int = 0) -> Iterator[tuple[str, nn.Module]]:
    """(stage, copy of `model`) with the readout shuffled, then also the last block, and so on to the first; one copy, changed
    further at each stage.
    """
    changed, generator = copy.deepcopy(model).eval(), torch.Generator().manual_seed(seed)
    parts = {f"block {number}": list(block.parameters()) for number, block in enumerate(changed.blocks, 1)}
    in_blocks = {id(values) for of_block in parts.values() for values in of_block}
    parts["readout"] = [values for values in changed.parameters() if id(values) not in in_blocks]
    for stage, part in reversed(parts.items()):
        with torch.no_grad():
            for values in part:
                values.copy_(values.flatten()[torch.randperm(values.numel(), generator=generator)].view_as(values))
        yield stage, changed


def rank_correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's correlation of two maps (N, h, w) image by image, (N,); NaN where a map is the same everywhere."""
    pairs = zip(first.reshape(len(first), -1), second.reshape(len(second), -1), strict=True)
    return np.array([spearmanr(a, b).statistic if np.ptp(a) > 0 and np.ptp(b) > 0 else np.nan for a, b in pairs])


def randomization_check(
    model: nn.Module,
    images: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    block: int | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Rows by stage: rank correlation of the signed Grad-CAM maps with the trained network's, mean over `draws` per image.

    Keys stage, value (mean over images), low, high (interval over groups), magnitude (mean of |rho|: a flipped map is alike
    too), n, unit, no_ranks (images without a correlation in any draw, left out). The last row, "other image", compares the
    trained network's maps of different images: what is alike for no better reason than the shape of fields.
    """
    trained = cam_maps(model, images, targets, block).signed
    found: dict[str, list[np.ndarray]] = {}
    for draw in range(draws):
        for stage, changed in randomized(model, seed + draw):
            found.setdefault(stage, []).append(rank_correlations(trained, cam_maps(changed, images, targets, block).signed))
    found["other image"] = [rank_correlations(trained, np.roll(trained, shift, axis=0)) for shift in range(1, draws + 1)]
    return [_row(stage, np.array(values), np.asarray(groups), seed) for stage, values in found.items()]


def _row(stage: str, values: np.ndarray, groups: np.ndarray, seed: int) -> dict[str, Any]:
    """A row of `randomization_check` from correlations (draws, N)."""
    known = np.isfinite(values)
    kept = known.any(0)
    row = {"stage": stage, "n": int(kept.sum()), "unit": UNIT, "no_ranks": int((~kept).sum())}
    if len(np.unique(groups[kept])) < 2:
        return {**row, "value": None, "low": None, "high": None, "magnitude": None}
    of_image = np.where(known, values, 0).sum(0)[kept] / known.sum(0)[kept]
    mean = mean_over(of_image, groups[kept], seed)
    ends = {"value": mean.value, "low": mean.interval.low, "high": mean.interval.high}
    return {**row, **ends, "magnitude": float(np.abs(values[known]).mean())}
