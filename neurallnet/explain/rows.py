"""The tables of the explanation report, each a pure function of maps, masks and images."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from neurallnet.data.scale_bar import PATCH
from neurallnet.explain.activity import gate_values, spike_rates
from neurallnet.explain.attention import LEAST_AREA, attention_inside
from neurallnet.explain.gradcam import CamMaps
from neurallnet.explain.masks import RULES, agreement, corner_coverage, coverage
from neurallnet.explain.removal import Predict, centre_scores, random_scores, removal_curves, removal_table
from neurallnet.explain.saliency import Attributions
from neurallnet.explain.sample import Sample

__all__ = [
    "agreement_rows",
    "attention_rows",
    "completeness",
    "gate_rows",
    "headline",
    "mask_rows",
    "region_rows",
    "removal_rows",
    "spike_rates",
]

CORNER = PATCH  # of height and width: the lower right corner, where the scale bar is burned in, or painted over
CAM, PIXELS = "Grad-CAM", "integrated gradients"
Masks = Mapping[str, Sequence[np.ndarray]]


def attention_rows(sample: Sample, cams: CamMaps, pixels: Attributions, masks: Masks, seed: int = 0) -> list[dict[str, Any]]:
    """Share of attention by method, time step (None: all together), region and part ("all" or a class): the keys of `Inside`.

    Regions are the kinds of `masks`, "corner", and "<kind>, another image": that mask laid over the wrong image, which shows how
    much of the share is due to where cells usually lie. The corner counts neither as inside nor as outside of a mask: the scale
    bar is in the mask, or was painted over with a mirrored piece of the field. Parts with fewer than two groups are left out.
    """
    rows = [*region_rows(CAM, cams.attention, sample, masks, seed), *region_rows(PIXELS, pixels.attention, sample, masks, seed)]
    everything = {"all": sample.parts()["all"]}
    for kind, of_kind in masks.items():
        covered = coverage(of_kind, cams.steps.shape[2:])
        for step, attention in enumerate(cams.step_attention, 1):
            rows += _inside({"method": CAM, "step": step, "region": kind}, attention, covered, sample, everything, seed)
    return rows


def region_rows(method: str, attention: np.ndarray, sample: Sample, masks: Masks, seed: int = 0) -> list[dict[str, Any]]:
    """The rows of `attention_rows` of one method's maps (N, h, w) over all time steps."""
    rows, parts = [], sample.parts()
    everything, size = {"all": parts["all"]}, attention.shape[1:]
    for kind, of_kind in masks.items():
        covered = coverage(of_kind, size)
        other = np.roll(covered, len(attention) // 2, axis=0)
        rows += _inside({"method": method, "step": None, "region": kind}, attention, covered, sample, parts, seed)
        key = {"method": method, "step": None, "region": f"{kind}, another image"}
        rows += _inside(key, attention, other, sample, everything, seed)
    corner = np.broadcast_to(corner_coverage(size, CORNER), attention.shape)
    return rows + _inside({"method": method, "step": None, "region": "corner"}, attention, corner, sample, parts, seed)


def _inside(
    key: dict[str, Any],
    attention: np.ndarray,
    covered: np.ndarray,
    sample: Sample,
    parts: Mapping[str, np.ndarray],
    seed: int,
) -> list[dict[str, Any]]:
    counted = None if key["region"] == "corner" else 1 - corner_coverage(attention.shape[1:], CORNER)
    rows = []
    for part, of in parts.items():
        found = attention_inside(attention[of], covered[of], sample.groups[of], counted, seed=seed) if of.any() else None
        rows += [{**key, "part": part, **found.to_dict()}] if found else []
    return rows


def headline(attention: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The row that is quoted: Grad-CAM over all steps and images, by the masks that are not our own rule where there are any."""
    for region in ("published", "generator", "stain"):
        for row in attention:
            if (row["method"], row["step"], row["part"], row["region"]) == (CAM, None, "all", region):
                return dict(row)
    return None


def mask_rows(sample: Sample, masks: Masks) -> list[dict[str, Any]]:
    """Kind and rule of mask by part: images, mean area outside the corner, and how many masks are too small to be used."""
    rows = []
    for kind, of_kind in masks.items():
        area = np.array([np.average(mask, weights=1 - corner_coverage(mask.shape, CORNER)) for mask in of_kind])
        for part, of in sample.parts().items():
            small = int((area[of] < LEAST_AREA).sum())
            mean = float(area[of].mean()) if of.any() else None
            rows.append({"kind": kind, "rule": RULES[kind], "part": part, "n": int(of.sum()), "area": mean, "too_small": small})
    return rows


def agreement_rows(sample: Sample, masks: Masks) -> list[dict[str, Any]]:
    """Mean Dice coefficient of each other kind of mask with the stain rule, by part; n images with a mask in either."""
    rows = []
    for kind in [kind for kind in masks if kind != "stain"]:
        dice = np.array([np.nan if d is None else d for d in map(agreement, masks[kind], masks["stain"])], dtype=np.float64)
        for part, of in sample.parts().items():
            known = dice[of & np.isfinite(dice)]
            rows.append({"kind": kind, "part": part, "dice": float(known.mean()) if known.size else None, "n": known.size})
    return rows


def completeness(pixels: Attributions) -> dict[str, Any]:
    """Mean rise of the logit over the baseline, mean gap of the attributions' sum, and mean |gap| over mean |rise|."""
    rise, gap = np.abs(pixels.rise).mean(dtype=np.float64), np.abs(pixels.gap).mean(dtype=np.float64)
    return {
        "rise": float(pixels.rise.mean(dtype=np.float64)),
        "gap": float(pixels.gap.mean(dtype=np.float64)),
        "relative_gap": float(gap / rise) if rise else None,
        "n": len(pixels.gap),
    }


def removal_rows(
    predict: Predict,
    sample: Sample,
    few: np.ndarray,
    cams: CamMaps,
    pixels: Attributions,
    masks: Masks,
    colour: np.ndarray,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """`removal_table` of the images `few`: both methods, the cells of the stain rule, random order, and centre first."""
    size, images = cams.steps.shape[2:], sample.images[few]
    scores = {
        CAM: cams.signed[few],
        PIXELS: coverage(pixels.maps[few], size),
        "cells": coverage([masks["stain"][place] for place in few], size),
        "random": random_scores(len(few), size, seed),
        "centre": centre_scores(len(few), size),
    }
    curves = removal_curves(predict, images, cams.targets[few], scores, colour, seed=seed)
    return removal_table(curves, sample.groups[few], seed=seed)


def gate_rows(model: nn.Module, images: np.ndarray) -> list[dict[str, Any]]:
    """By block with excitation: mean gate at each time step, and how far gates differ between channels, images and steps.

    `between_channels` and `between_images` are standard deviations (of a channel's mean; of a gate over images, averaged),
    `between_steps` the mean of largest minus smallest gate over time: nothing when excitation does not use time.
    """
    return [
        {
            "block": block + 1,
            "mean": gates.mean((1, 2), dtype=np.float64),
            "between_channels": float(gates.mean((0, 1), dtype=np.float64).std()),
            "between_images": float(gates.std(1, dtype=np.float64).mean()),
            "between_steps": float(np.ptp(gates, axis=0).mean(dtype=np.float64)),
            "n": gates.shape[1],
        }
        for block, gates in gate_values(model, images).items()
    ]
