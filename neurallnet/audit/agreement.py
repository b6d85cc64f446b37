"""Second, independent evidence that two pictures show one field: lay one over the other and correlate their pixels."""

import numpy as np
import pandas as pd

from neurallnet.audit.features import opencv
from neurallnet.audit.matching import MAP
from neurallnet.audit.settings import BAR

LEAST = 0.02  # share of the picture that must be common for a correlation to mean anything


def pixel_agreement(pictures: np.ndarray, others: np.ndarray, table: pd.DataFrame) -> np.ndarray:
    """Pearson correlation of brightness where the two pictures of each row overlap, after the row's map: float64 (n,).

    Pictures are uint8 (N, H, W, 3) and (M, H, W, 3) of one size; `table` has columns i, j and MAP. Matching never saw these pixels
    together, so chance pairs correlate near 0. NaN where less than LEAST of the picture is common; scale-bar corners do not count.
    """
    cv2 = opencv()
    height, width = pictures.shape[1:3]
    seen = np.ones((height, width), np.uint8)
    seen[-round(BAR[0] * height) :, -round(BAR[1] * width) :] = 0
    values = np.full(len(table), np.nan)
    for row, (i, j, *map_) in enumerate(table[["i", "j", *MAP]].itertuples(index=False, name=None)):
        here, there = (cv2.cvtColor(np.ascontiguousarray(p), cv2.COLOR_RGB2GRAY) for p in (pictures[i], others[j]))
        matrix = np.array(map_, np.float64).reshape(2, 3)
        laid = cv2.warpAffine(here, matrix, (width, height))
        common = cv2.warpAffine(seen, matrix, (width, height), flags=cv2.INTER_NEAREST) & seen
        if common.mean() >= LEAST:
            pixels = np.stack((laid[common > 0], there[common > 0])).astype(np.float64)
            pixels -= pixels.mean(1, keepdims=True)
            length = np.linalg.norm(pixels, axis=1)
            values[row] = pixels[0] @ pixels[1] / length.prod() if length.all() else np.nan
    return values
