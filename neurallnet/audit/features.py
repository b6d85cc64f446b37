"""Local features of every picture of a set: SIFT (Lowe, IJCV 2004, doi 10.1023/B:VISI.0000029664.99615.94).

Descriptors are RootSIFT (Arandjelovic and Zisserman, CVPR 2012, doi 10.1109/CVPR.2012.6248018) in whole numbers, so that their
distances are exact and comparing them gives the same result on every machine and in any batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from neurallnet.audit.settings import BAR, AuditConfig
from neurallnet.audit.store import kept
from neurallnet.errors import ConfigError

CHUNK = 128  # pictures per file: a few seconds of work lost by a kill
_UNIT = 512  # length of a descriptor; no entry exceeds 255 and no squared distance 2**24, so float32 sums are exact


@dataclass(frozen=True)
class Features:
    """Of N pictures, F features at most, the rest zeros: `points` float32 (N, F, 2), x and y in pixels; `descriptors` uint8
    (N, F, 128); `counts` int64 (N,).
    """

    points: np.ndarray
    descriptors: np.ndarray
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.counts)

    def words(self, picture: int) -> np.ndarray:
        """Descriptors of one picture without the padding."""
        return self.descriptors[picture, : self.counts[picture]]


def opencv() -> Any:
    """The cv2 module; raises ConfigError when it is not installed."""
    try:
        import cv2
    except ImportError:
        raise ConfigError("the audit needs OpenCV: pip install 'neurallnet[audit]'") from None
    return cv2


def detector(config: AuditConfig) -> Callable[[np.ndarray, bool], tuple[np.ndarray, np.ndarray]]:
    """A function of (picture uint8 (H, W, 3), mirrored) -> points float32 (n, 2) and descriptors uint8 (n, 128), n <= F.

    Strongest first, the scale-bar corner left out (the lower left one when the picture is `mirrored`).
    """
    cv2 = opencv()
    sift = cv2.SIFT_create(config.features, contrastThreshold=config.contrast)

    def detect(picture: np.ndarray, mirrored: bool = False) -> tuple[np.ndarray, np.ndarray]:
        found, raw = sift.detectAndCompute(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), _mask(picture, mirrored))
        if not found:
            return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.uint8)
        rank = sorted(range(len(found)), key=lambda k: (-found[k].response, found[k].pt, found[k].angle))[: config.features]
        points = np.array([found[k].pt for k in rank], np.float32)
        return points, _whole(raw[rank])

    return detect


def _mask(picture: np.ndarray, mirrored: bool) -> np.ndarray:
    height, width = picture.shape[:2]
    mask = np.full((height, width), 255, np.uint8)
    mask[-round(BAR[0] * height) :, -round(BAR[1] * width) :] = 0
    return np.ascontiguousarray(mask[:, ::-1]) if mirrored else mask


def _whole(raw: np.ndarray) -> np.ndarray:
    share = raw / np.maximum(raw.sum(1, keepdims=True), 1e-9)
    return np.minimum(np.rint(_UNIT * np.sqrt(share)), 255).astype(np.uint8)


def extract(
    pictures: np.ndarray, config: AuditConfig, folder: Path, title: str = "", progress: bool | None = None, mirrored: bool = False
) -> Features:
    """Features of uint8 (N, H, W, 3), kept below `folder` by chunks; `mirrored` takes each picture's mirror image."""
    chunks = range(0, len(pictures), CHUNK)
    parts = []
    with tqdm(
        total=len(pictures), desc=f"features{title}", unit="image", disable=None if progress is None else not progress
    ) as bar:
        for start in chunks:
            chunk = pictures[start : start + CHUNK]
            parts.append(kept(folder / f"features-{start:06}.npz", lambda chunk=chunk: _arrays(chunk, config, mirrored)))
            bar.update(len(chunk))
    return Features(*(np.concatenate([part[name] for part in parts]) for name in ("points", "descriptors", "counts")))


def _arrays(pictures: np.ndarray, config: AuditConfig, mirrored: bool) -> dict[str, np.ndarray]:
    detect = detector(config)
    points = np.zeros((len(pictures), config.features, 2), np.float32)
    descriptors = np.zeros((len(pictures), config.features, 128), np.uint8)
    counts = np.zeros(len(pictures), np.int64)
    for k, picture in enumerate(pictures):
        picture = np.ascontiguousarray(picture[:, ::-1] if mirrored else picture)
        where, what = detect(picture, mirrored)
        counts[k] = len(where)
        points[k, : len(where)], descriptors[k, : len(where)] = where, what
    return {"points": points, "descriptors": descriptors, "counts": counts}
