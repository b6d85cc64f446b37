"""Do two pictures show the same field? Descriptors matched by ratio test, both ways, then one affine map for all by RANSAC.

Fields are flat and the microscope's magnification is fixed, so two pictures of one field differ by a shift and perhaps a rotation,
which the squeeze of a 4:3 frame into a square turns into an affine map. A map that mirrors or stretches is chance, not a field.
Source: Fischler and Bolles 1981, doi 10.1145/358669.358692, as implemented by OpenCV.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from neurallnet.audit.features import Features, opencv
from neurallnet.audit.settings import AuditConfig
from neurallnet.audit.store import kept

BLOCK = 64  # pictures per kept file of comparisons
MAP = ("xx", "xy", "x0", "yx", "yy", "y0")  # x' = xx x + xy y + x0, y' = yx x + yy y + y0, in pixels of the audit's size
COLUMNS = ("i", "j", "matches", "inliers", *MAP)
_LEAST = 4  # matches below which no map is sought: three points always agree on one
_AT_ONCE = 128  # pictures compared with one at a time: 256 x 128 x 256 distances are 34 MB
_FAR = np.float32(2**23)  # farther than any real descriptor


def matches(features: Features, i: int, others: Features, candidates: np.ndarray, ratio: float) -> list[np.ndarray]:
    """Matches of picture `i` with each of the `candidates` among `others`: int64 (n, 2), positions of features.

    A match is the nearest descriptor both ways, nearer than `ratio` times the second-nearest.
    """
    own = features.words(i).astype(np.float32)
    if not len(own) or not len(candidates):
        return [np.empty((0, 2), np.int64)] * len(candidates)
    theirs = others.descriptors[candidates].astype(np.float32)
    size = (theirs**2).sum(2)
    size[np.arange(theirs.shape[1]) >= others.counts[candidates, None]] = _FAR  # padding is nobody's neighbour
    cost = size - 2 * (own @ theirs.reshape(-1, theirs.shape[2]).T).reshape(len(own), *size.shape)
    cost += (own**2).sum(1)[:, None, None]  # (own, candidate, theirs): squared distances, exact whole numbers
    nearest = cost.argmin(2)[:, :, None]
    first = np.take_along_axis(cost, nearest, 2)
    np.put_along_axis(cost, nearest, np.inf, 2)
    second = cost.min(2, keepdims=True)
    np.put_along_axis(cost, nearest, first, 2)
    own_, candidate, _ = np.nonzero((first < ratio**2 * second) & (first < _FAR / 2))
    found = np.column_stack((own_, nearest[own_, candidate, 0]))
    mutual = cost[:, candidate, found[:, 1]].argmin(0) == own_
    return [found[mutual & (candidate == c)] for c in range(len(candidates))]


def common_map(here: np.ndarray, there: np.ndarray, tolerance: float) -> tuple[int, np.ndarray]:
    """Number of distinct points that one affine map takes `here` -> `there` (float32 (n, 2) each), and the map (6,), see MAP.

    Several features at one place count once. 0 and zeros when there is no map.
    """
    if len(here) < _LEAST:
        return 0, np.zeros(6)
    cv2 = opencv()
    cv2.setRNGSeed(0)  # RANSAC draws: a pair's result must not depend on the pairs before it
    found, mask = cv2.estimateAffine2D(
        here, there, method=cv2.RANSAC, ransacReprojThreshold=tolerance, maxIters=1000, confidence=0.999
    )
    if found is None or not np.isfinite(found).all():
        return 0, np.zeros(6)
    keep = mask.ravel().astype(bool)
    spots = [len(np.unique(points[keep].round(), axis=0)) for points in (here, there)]
    return min(spots), found.ravel()


def compare(
    features: Features,
    others: Features,
    pairs: np.ndarray,
    config: AuditConfig,
    folder: Path,
    title: str = "",
    progress: bool | None = None,
) -> pd.DataFrame:
    """Compare `pairs` (n, 2) of pictures, the first of `features`, the second of `others`: one row per pair, COLUMNS.

    Kept below `folder` by blocks of first pictures; a killed comparison goes on with the next block.
    """
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    tables = []
    with tqdm(total=len(pairs), desc=f"comparing{title}", unit="pair", disable=None if progress is None else not progress) as bar:
        for start in range(0, len(features), BLOCK):
            low, high = np.searchsorted(pairs[:, 0], (start, start + BLOCK))
            block = pairs[low:high]
            make = lambda block=block: {"rows": _compare(features, others, block, config)}  # noqa: E731
            rows = kept(folder / f"pairs-{start:06}.npz", make)["rows"]
            if not np.array_equal(rows[:, :2], block):  # kept for another shortlist
                (folder / f"pairs-{start:06}.npz").unlink()
                rows = kept(folder / f"pairs-{start:06}.npz", make)["rows"]
            tables.append(rows)
            bar.update(len(block))
    whole = pd.DataFrame(np.concatenate(tables), columns=list(COLUMNS))
    return whole.astype(dict.fromkeys(COLUMNS[:4], "int64"))


def _compare(features: Features, others: Features, pairs: np.ndarray, config: AuditConfig) -> np.ndarray:
    """float64 (n, len(COLUMNS)) of sorted `pairs`."""
    rows = np.zeros((len(pairs), len(COLUMNS)))
    rows[:, :2] = pairs
    for i in np.unique(pairs[:, 0]):
        mine = np.flatnonzero(pairs[:, 0] == i)
        for part in np.split(mine, range(_AT_ONCE, len(mine), _AT_ONCE)):
            for row, found in zip(part, matches(features, i, others, pairs[part, 1], config.ratio), strict=True):
                here, there = features.points[i, found[:, 0]], others.points[pairs[row, 1], found[:, 1]]
                inliers, map_ = common_map(here, there, config.tolerance)
                rows[row, 2], rows[row, 3], rows[row, 4:] = len(found), inliers, map_
    return rows


def plausible(table: pd.DataFrame, max_stretch: float) -> np.ndarray:
    """bool (n,): the map of each row neither mirrors nor stretches more than `max_stretch` in any direction."""
    linear = table[["xx", "xy", "yx", "yy"]].to_numpy().reshape(-1, 2, 2)
    stretch = np.linalg.svd(linear, compute_uv=False)
    return (np.linalg.det(linear) > 0) & (stretch[:, 0] <= max_stretch) & (stretch[:, 1] >= 1 / max_stretch)


def verified(table: pd.DataFrame, config: AuditConfig, min_inliers: int | None = None) -> np.ndarray:
    """bool (n,): the rows that show one field, by `min_inliers` (the configured number) points on a plausible map."""
    least = config.min_inliers if min_inliers is None else min_inliers
    return (table["inliers"].to_numpy() >= least) & plausible(table, config.max_stretch)


def moved(table: pd.DataFrame, size: int) -> np.ndarray:
    """Farthest that a corner of the picture moves under the map of each row, in pixels of `size`: float64 (n,)."""
    corners = np.array([(0, 0, 1), (size, 0, 1), (0, size, 1), (size, size, 1)], float)
    maps = table[list(MAP)].to_numpy().reshape(-1, 2, 3)
    return np.linalg.norm(np.einsum("nij,kj->nki", maps, corners) - corners[:, :2], axis=2).max(1)
