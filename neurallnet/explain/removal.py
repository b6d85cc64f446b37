"""Does the network need what the explanation points at? Deletion and insertion (Petsiuk et al. 2018, arXiv 1806.07421).

Deletion removes places of the map in order of importance and watches the probability of the class fall; insertion starts from
nothing and watches it rise. A good order has a small area under the deletion curve and a large one under insertion, and has to
beat a random order and one that starts in the centre of the field.

What is removed takes the mean colour of all images, in insertion too. Petsiuk et al. insert into a blurred picture; here blur
keeps the stain, and the stain alone gives the class away.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.special import softmax

from neurallnet.errors import DataError
from neurallnet.explain.attention import UNIT, mean_over
from neurallnet.explain.saliency import mean_colour

Predict = Callable[[np.ndarray], np.ndarray]  # uint8 (N, H, W, 3) -> logits (N, classes)
FRACTIONS = tuple(step / 10 for step in range(11))
MODES = ("deletion", "insertion")


def removal_ranks(scores: np.ndarray, seed: int = 0) -> np.ndarray:
    """Rank of each place, 0 the most important, int64 (N, h, w), from scores of that shape; equal scores in random order."""
    flat = scores.reshape(len(scores), -1)
    tie = np.random.default_rng(seed).random(flat.shape)
    order = np.lexsort((tie, -flat), axis=1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(flat.shape[1])[None], axis=1)
    return ranks.reshape(scores.shape)


def random_scores(count: int, size: tuple[int, int], seed: int = 0) -> np.ndarray:
    """Scores (count, h, w) without meaning."""
    return np.random.default_rng(seed).random((count, *size))


def centre_scores(count: int, size: tuple[int, int]) -> np.ndarray:
    """Scores (count, h, w) that fall with the distance from the centre of the field, in shares of its sides."""
    down, across = ((np.arange(n) + 0.5) / n - 0.5 for n in size)
    return np.broadcast_to(-np.hypot(down[:, None], across), (count, *size))


def removed(images: np.ndarray, ranks: np.ndarray, fraction: float, mode: str, colour: np.ndarray) -> np.ndarray:
    """`images` uint8 (N, H, W, 3) with the first `fraction` of the places of `ranks` (N, h, w) deleted, or with those alone."""
    height, width = images.shape[1:3]
    rows, columns = (np.arange(side) * n // side for side, n in zip((height, width), ranks.shape[1:], strict=True))
    first = (ranks < round(fraction * ranks[0].size))[:, rows[:, None], columns, None]
    kept = ~first if mode == "deletion" else first
    return np.where(kept, images, np.round(colour).astype(np.uint8))


def removal_curves(
    predict: Predict,
    images: np.ndarray,
    targets: np.ndarray,
    scores: Mapping[str, np.ndarray],
    colour: np.ndarray | None = None,
    fractions: tuple[float, ...] = FRACTIONS,
    seed: int = 0,
) -> dict[str, dict[str, np.ndarray]]:
    """Probability of the target class: mode -> order -> (N, fractions), for each order's `scores` (N, h, w).

    `colour` (3,), in grey levels, takes the place of what is removed; the images' mean without it. Raises DataError unless
    `fractions` rise from 0 to 1.
    """
    if fractions[0] != 0 or fractions[-1] != 1 or (np.diff(fractions) <= 0).any():
        raise DataError(f"removal: fractions {fractions} must rise from 0 to 1")
    colour, asked = mean_colour(images) if colour is None else np.asarray(colour), np.asarray(targets)[:, None]

    def probability(pictures: np.ndarray) -> np.ndarray:
        return np.take_along_axis(softmax(predict(pictures), axis=1), asked, axis=1)[:, 0]

    whole = probability(images)
    empty = probability(np.broadcast_to(np.round(colour).astype(np.uint8), images.shape).copy())
    ends = {"deletion": (whole, empty), "insertion": (empty, whole)}
    ranks = {name: removal_ranks(of_order, seed) for name, of_order in scores.items()}
    curves: dict[str, dict[str, np.ndarray]] = {mode: {} for mode in MODES}
    for mode in MODES:
        for name, order in ranks.items():
            middle = [probability(removed(images, order, f, mode, colour)) for f in fractions[1:-1]]
            curves[mode][name] = np.stack([ends[mode][0], *middle, ends[mode][1]], axis=1)
    return curves


def removal_table(
    curves: Mapping[str, Mapping[str, np.ndarray]],
    groups: np.ndarray,
    against: tuple[str, ...] = ("random", "centre"),
    fractions: tuple[float, ...] = FRACTIONS,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Rows by mode and order: mean curve, area under it with interval, and how much better it is than each order of `against`.

    `better_than`: order -> difference of areas, value, low, high, paired by image; positive where this order is better: lower in
    deletion, higher in insertion.
    """
    rows = []
    for mode, of_mode in curves.items():
        area = {name: np.trapezoid(values, fractions, axis=1) for name, values in of_mode.items()}
        sign = -1 if mode == "deletion" else 1
        for name, values in of_mode.items():
            lead = {other: mean_over(sign * (area[name] - area[other]), groups, seed) for other in against if other != name}
            mean = mean_over(area[name], groups, seed)
            rows.append(
                {
                    "mode": mode,
                    "order": name,
                    "curve": values.mean(0),
                    **_ends(mean),
                    "better_than": {other: _ends(found) for other, found in lead.items()},
                    "n": len(values),
                    "unit": UNIT,
                }
            )
    return rows


def _ends(found: Any) -> dict[str, float]:
    return {"value": found.value, "low": found.interval.low, "high": found.interval.high}
