"""What a network attends to that pools its tiles by attention (`pooling.py`): it says so itself, without a gradient."""

from typing import Any

import numpy as np

from neurallnet.evaluation import metrics
from neurallnet.explain.masks import cell_masks
from neurallnet.explain.report import IMAGES
from neurallnet.explain.rows import region_rows
from neurallnet.explain.sample import validation_sample
from neurallnet.machine import set_up
from neurallnet.pooling import tile_weights
from neurallnet.study import Study

TILES = "tile weights"


def tile_report(
    study: Study, arm: str = "tiles-0", beside: str = "base-0", n: int | None = IMAGES, seed: int = 0
) -> dict[str, Any]:
    """Payload for `Study.save`: `attention`, the share of a run's tile weights inside cells against chance, as rows of
    `attention_rows`; over how many `tiles` of the `map` they are spread; `validation_accuracy` of the run and of one `beside` it.

    About `n` validation images (None: all). Test images are not read. Raises RunError, DataError, ConfigError.
    """
    set_up()
    run, other = study.run(arm), study.run(beside)
    sample = validation_sample(run, study.work, study.data, n, seed)
    weights = tile_weights(run.model(), sample.images)
    masks = cell_masks(sample.source, sample.root, sample.paths, study.work, study.data)
    return {
        **sample.describe(),
        "arm": arm,
        "run": run.address,
        "manifest": run.record["manifest"],
        "split": run.record["split"],
        "seed": seed,
        "map": list(weights.shape[1:]),
        "tiles": float(effective_tiles(weights).mean()),
        "attention": region_rows(TILES, weights, sample, masks, seed),
        **tile_scores({arm: run, beside: other}),
    }


def tile_scores(runs: dict[str, Any]) -> dict[str, Any]:
    """Accuracy of each run on its validation images, by name."""
    return {"validation_accuracy": {name: metrics(run.predictions("val"))["accuracy"] for name, run in runs.items()}}


def effective_tiles(weights: np.ndarray) -> np.ndarray:
    """exp of the entropy of each image's weights (N, h, w): h * w where all tiles weigh the same, 1 where one has it all."""
    flat = np.maximum(weights.reshape(len(weights), -1).astype(np.float64), 1e-300)
    return np.exp(-(flat * np.log(flat)).sum(1))
