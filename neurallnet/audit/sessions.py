"""Session structure read off the files alone: scale-bar form, stain of the background, and where either changes in file order.

A stream is what one smear on one microscope leaves behind: pictures of one class with one form of scale bar and one stain. Files
of several streams may alternate, so that neighbours in file order need not be neighbours in time; within a stream, a block is a
stretch without a change of tint. Where streams alternate, no cut of the file order keeps a session out of training. Streams are
read off colour and print: no file says which smear or patient it shows.
"""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.mixture import GaussianMixture

from neurallnet.audit.bars import bar_forms
from neurallnet.audit.settings import BAR
from neurallnet.audit.shortcuts import background

LEAST = 8  # pictures of a block
_STAINS = 4  # most stains told apart in one form of one class
_NOISE = 1.0  # grey levels: smaller differences are the camera's, not the stain's
_PENALTY = 3.0  # times BIC's: neighbours are alike, so their differences say less than independent ones would
_SEEDS = 3


def image_traits(pictures: np.ndarray) -> pd.DataFrame:
    """Of uint8 (N, H, W, 3): bar form, and mean R, G, B of the brightest 30% of pixels above the scale bar, in grey levels."""
    above = pictures[:, : -round(BAR[0] * pictures.shape[1]) : 2, ::2]  # every second pixel is plenty for a mean
    colour = background(above)[:, :3]
    return pd.DataFrame({"form": bar_forms(pictures), **dict(zip("rgb", colour.T, strict=True))})


def sessions(frame: pd.DataFrame, traits: pd.DataFrame) -> pd.DataFrame:
    """Of each image of a manifest with its `traits`: path, label, order, form, stream ("Class/form/stain") and block ("stream/1"),
    both named by first file.
    """
    table = pd.concat([frame[["path", "label", "order"]].reset_index(drop=True), traits.reset_index(drop=True)], axis=1)
    table["stream"] = table["block"] = ""
    ordered = table.sort_values(["label", "order", "path"])
    for (label, form), rows in ordered.groupby(["label", "form"], sort=True):
        for stain, own in enumerate(_stains(_tint(rows)), start=1):
            stream = f"{label}/{form}/{stain}"
            place = rows.index[own]
            table.loc[place, "stream"] = stream
            edges = change_points(_tint(rows.loc[place]))
            for block, (start, stop) in enumerate(zip(edges[:-1], edges[1:], strict=True), start=1):
                table.loc[place[start:stop], "block"] = f"{stream}/{block}"
    return table


def _tint(rows: pd.DataFrame) -> np.ndarray:
    """Red and blue against green of the background, (n, 2) in grey levels: brightness goes with how crowded a field is."""
    tint = rows[["r", "b"]].to_numpy() - rows[["g"]].to_numpy()
    low, high = np.quantile(tint, (0.02, 0.98), axis=0)  # one odd picture is no session
    return np.clip(tint, low, high)


def _stains(tint: np.ndarray) -> list[np.ndarray]:
    """Positions of each stain's pictures (n, 2), in order of first appearance; the number of stains by BIC."""
    found = [np.zeros(len(tint), int)]
    scores = [np.inf]
    for k in range(1, min(_STAINS, len(tint) // LEAST) + 1):
        fit = GaussianMixture(k, covariance_type="tied", n_init=_SEEDS, reg_covar=_NOISE, random_state=0).fit(tint)
        found.append(fit.predict(tint))
        scores.append(fit.bic(tint) if np.bincount(found[-1], minlength=k).min() >= LEAST else np.inf)
    best = found[int(np.argmin(scores))]
    return [np.flatnonzero(best == k) for k in pd.unique(best)]


def change_points(series: np.ndarray, least: int = LEAST) -> list[int]:
    """Edges 0 = e0 < e1 < ... = n of the stretches of equal mean in `series` (n, d), by optimal partitioning.

    Least squares plus a penalty per stretch, in units of the noise, estimated from successive differences.
    Source: Jackson et al. 2005, doi 10.1109/LSP.2001.838216.
    """
    n = len(series)
    if n < 2 * least:
        return [0, n]
    noise = np.maximum(np.median(np.abs(np.diff(series, axis=0)), axis=0) / 0.6745 / np.sqrt(2), _NOISE)
    x = series / noise
    total, square = np.vstack([np.zeros(x.shape[1]), x.cumsum(0)]), np.r_[0, (x**2).sum(1).cumsum()]
    penalty = _PENALTY * (x.shape[1] + 1) * np.log(n)
    best, last = np.full(n + 1, np.inf), np.zeros(n + 1, int)
    best[0] = -penalty
    for stop in range(least, n + 1):
        start = np.arange(stop - least + 1)
        cost = square[stop] - square[start] - ((total[stop] - total[start]) ** 2).sum(1) / (stop - start)
        whole = best[start] + cost + penalty
        last[stop] = whole.argmin()
        best[stop] = whole[last[stop]]
    edges = [n]
    while edges[-1]:
        edges.append(int(last[edges[-1]]))
    return edges[::-1]


def block_table(table: pd.DataFrame) -> pd.DataFrame:
    """A row per block, by class and first file: class, block, form, first, last, n, share (of the class's files from first to last
    that are this block's: below 1 where streams alternate), r, g, b.
    """
    rows = []
    for name, own in table.groupby("block", sort=False):
        label, first, last = own["label"].iloc[0], own["order"].min(), own["order"].max()
        among = ((table["label"] == label) & table["order"].between(first, last)).sum()
        key = {"class": label, "block": name, "form": own["form"].iloc[0], "first": int(first), "last": int(last)}
        rows.append({**key, "n": len(own), "share": len(own) / int(among), **own[["r", "g", "b"]].mean().round(1)})
    return pd.DataFrame(rows).sort_values(["class", "first", "block"], ignore_index=True)


def session_report(table: pd.DataFrame) -> dict[str, Any]:
    """Per class: images, streams, blocks, changes of scale-bar form and of stream between neighbours, and how many of the latter to
    expect were each stream contiguous (fewest) or shuffled (mean of Wald and Wolfowitz 1940, doi 10.1214/aoms/1177731909); then
    the table of blocks.
    """
    classes = {}
    for label, own in table.sort_values(["order", "path"]).groupby("label", sort=True):
        stream, form = own["stream"].to_numpy(str), own["form"].to_numpy(str)
        share = own["stream"].value_counts(normalize=True)
        classes[str(label)] = {
            "n": len(own),
            "streams": len(share),
            "blocks": int(own["block"].nunique()),
            "forms": {k: int(v) for k, v in own["form"].value_counts().sort_index().items()},
            "form_changes": int((form[1:] != form[:-1]).sum()),
            "changes": int((stream[1:] != stream[:-1]).sum()),
            "changes_if_contiguous": len(share) - 1,
            "changes_if_shuffled": float(len(own) * (1 - (share**2).sum())),
        }
    return {"classes": classes, "blocks": block_table(table).to_dict("records")}
