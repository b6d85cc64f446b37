"""The evidence of the chapter on explanations, from validation images only: shares against chance, sanity checks, activity."""

from functools import partial
from pathlib import Path
from typing import Any

from neurallnet.explain import rows
from neurallnet.explain.attention import LEAST_AREA
from neurallnet.explain.gradcam import BLOCK, cam_maps
from neurallnet.explain.masks import cell_masks
from neurallnet.explain.randomization import DRAWS, randomization_check
from neurallnet.explain.removal import FRACTIONS
from neurallnet.explain.saliency import STEPS, integrated_gradients, mean_colour
from neurallnet.explain.sample import stratified, validation_sample
from neurallnet.machine import set_up
from neurallnet.paths import Workspace
from neurallnet.runs import Run
from neurallnet.study import Study
from neurallnet.training import predict_logits

IMAGES = 200  # of the validation images, for attention and activity
CHECKED = 100  # of those, for randomization and removal, which run the network a hundred times and more


def explanation_report(
    study: Study, arm: str = "base-0", n: int | None = IMAGES, checked: int = CHECKED, block: int | None = None, seed: int = 0
) -> dict[str, Any]:
    """Evidence about the explanations of an arm's run; see `explain_run`."""
    return {"arm": arm, **explain_run(study.run(arm), study.work, study.data, n, checked, block, seed)}


def explain_run(
    run: Run,
    work: Workspace,
    data: Path | None = None,
    n: int | None = IMAGES,
    checked: int = CHECKED,
    block: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Payload for `Study.save`: plain numbers, every table as rows that say their n and the unit of their interval.

    About `n` validation images (None: all), each class in its share, drawn with `seed`; each is explained for the class the
    network predicts. `checked` of them go through the sanity checks. `block` is counted from 0 (default: the third).
    Test images are not read. Repeats bit for bit on one machine. Raises RunError, DataError, ConfigError.
    """
    set_up()
    model, sample = run.model(), validation_sample(run, work, data, n, seed)
    colour = mean_colour(sample.images)
    cams = cam_maps(model, sample.images, block=block)
    pixels = integrated_gradients(model, sample.images, cams.targets, colour)
    masks = cell_masks(sample.source, sample.root, sample.paths, work, data)
    few = stratified(sample.labels, checked, seed)
    few_images, few_targets, few_groups = sample.images[few], cams.targets[few], sample.groups[few]
    predict = partial(predict_logits, model, precision=run.config.train.precision)
    attention = rows.attention_rows(sample, cams, pixels, masks, seed)
    return {
        **sample.describe(),
        "run": run.address,
        "manifest": run.record["manifest"],
        "split": run.record["split"],
        "protocol": run.config.split.protocol,
        "seed": seed,
        "explained": "the predicted class",
        "block": min(BLOCK, len(model.blocks) - 1) + 1 if block is None else block + 1,
        "map": list(cams.steps.shape[2:]),
        "attention_inside_cells": rows.headline(attention),
        "attention": attention,
        "masks": rows.mask_rows(sample, masks),
        "agreement": rows.agreement_rows(sample, masks),
        "least_mask_area": LEAST_AREA,
        "corner": rows.CORNER,
        "scale_bar": run.config.data.scale_bar,
        "integrated_gradients": {"steps": STEPS, **rows.completeness(pixels)},
        "randomization": {
            "draws": DRAWS,
            "rows": randomization_check(model, few_images, few_targets, few_groups, block, seed=seed),
        },
        "removal": {
            "fractions": list(FRACTIONS),
            "colour": colour,
            "rows": rows.removal_rows(predict, sample, few, cams, pixels, masks, colour, seed),
        },
        "spike_rates": rows.spike_rates(model, sample.images),
        "gates": rows.gate_rows(model, sample.images),
    }
