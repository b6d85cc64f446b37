"""Forms of burned-in scale bar: pictures whose corner bears the same black or red ink belong to one setting of one microscope."""

import numpy as np
import pandas as pd
from sklearn.cluster import DBSCAN
from sklearn.decomposition import TruncatedSVD

from neurallnet.audit.settings import BAR

NONE = "none"
_LEAST = 5  # pictures that make a form
_INK = 3.0  # inked pixels (their squares summed) below which a corner bears no bar
_ALIKE = 0.9  # length of the mean of a form's unit vectors: print is the same in each picture, cells are not (about 0.7)
_NEAR = 0.3  # distance of unit vectors of one form; those of "200 pix" and "500 pix" in one frame are 0.4 apart
_DIRECTIONS = 12


def corner_ink(pictures: np.ndarray) -> np.ndarray:
    """How black and how red each pixel of the lower right corner (BAR) is, from 0 to 1: uint8 (N, H, W, 3) -> float32 (N, 2 h w).

    Black is dark and grey, red is redder than any dyed cell; nuclei are dark but purple, so they hardly count.
    """
    height, width = (round(share * side) for share, side in zip(BAR, pictures.shape[1:3], strict=True))
    corner = pictures[:, -height:, -width:].astype(np.int16)
    top, low = corner.max(3), corner.min(3)
    black = np.clip((110 - top) / 60, 0, 1) * np.clip((45 - (top - low)) / 20, 0, 1)
    red = np.clip((corner[..., 0] - corner[..., 1:].max(3) - 20) / 50, 0, 1)
    return np.concatenate((black, red), axis=1).reshape(len(pictures), -1).astype(np.float32)


def bar_forms(pictures: np.ndarray) -> np.ndarray:
    """Form of scale bar of each picture, str (N,): "A" for the most frequent, "B", ... or NONE.

    Corners are clustered by the direction of their ink (DBSCAN: Ester et al., KDD 1996); a cluster whose members do not look alike
    is cells, not print. White bars without ink are not seen.
    """
    ink = corner_ink(pictures)
    strength = np.linalg.norm(ink, axis=1)
    printed = np.flatnonzero(strength**2 >= _INK)
    forms = np.full(len(pictures), NONE, dtype=object)
    if len(printed) < 2 * _LEAST:
        return forms
    unit = ink[printed] / strength[printed, None]
    directions = min(_DIRECTIONS, *unit.shape)
    flat = TruncatedSVD(directions, algorithm="arpack" if directions < min(unit.shape) else "randomized", random_state=0)
    found = DBSCAN(eps=_NEAR, min_samples=_LEAST).fit_predict(flat.fit_transform(unit))
    sizes = pd.Series(found[found >= 0]).value_counts().sort_values(ascending=False, kind="stable")
    alike = [k for k in sizes.index if np.linalg.norm(unit[found == k].mean(0)) >= _ALIKE]
    for rank, k in enumerate(alike):
        forms[printed[found == k]] = chr(ord("A") + rank) if rank < 26 else f"Z{rank}"
    return forms


def form_table(forms: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """Images per form (rows) and class (columns), with a last column n."""
    table = pd.crosstab(pd.Series(forms, name="form"), pd.Series(labels, name="class"))
    return table.assign(n=table.sum(axis=1))
