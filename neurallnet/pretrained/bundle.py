"""A trained network with all that its predictions need, and the card that tells what it is."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from neurallnet.data.sources import SOURCES
from neurallnet.evaluation.calibration import fit_temperature
from neurallnet.evaluation.predictions import class_order
from neurallnet.ood.model import OodModel
from neurallnet.runs import Run

NOTICE = "Not a medical device: research software. It must not be used for diagnosis or to choose a treatment."
LICENCE = "BSD-3-Clause"  # of the weights, as of the package; the training images have terms of their own
FORMAT = 1


@dataclass(frozen=True)
class Pretrained:
    """`model` in evaluation mode: float RGB (B, 3, image_size, image_size) in [0, 1] -> Output with `logits` (B, classes).

    A picture becomes its input by `data.images.preprocess(picture, image_size, scale_bar)`. Probabilities are
    softmax(logits / temperature). `ood` tells images unlike the training images, None where a run has no such model; `card` is
    the content of the card, with plain values.
    """

    name: str
    model: nn.Module
    classes: tuple[str, ...]
    image_size: int
    scale_bar: str
    temperature: float
    ood: OodModel | None
    card: dict[str, Any]


def run_card(run: Run, ood: OodModel | None) -> dict[str, Any]:
    """What can be said of a finished run's network, as plain values; a pure function of the run's files.

    The temperature is fitted on the run's validation images. Raises RunError, DataError for an incomplete run.
    """
    record, config, validation = run.record, run.config, run.predictions("val")
    name, source = config.data.source, SOURCES.get(config.data.source)  # not get_source: it would ask for the user's folder
    return {
        "format": FORMAT,
        "notice": NOTICE,
        "licence": LICENCE,
        "classes": class_order(validation),
        "image_size": config.data.image_size,
        "scale_bar": config.data.scale_bar,
        "temperature": fit_temperature(validation),
        "parameters": record["parameters"],
        "run": run.address,
        "config": config.to_dict(),
        "trained_on": {
            "source": name,
            "citation": source and source.citation,
            "licence": source and source.licence,
            "synthetic": name.startswith("synthetic"),
            "manifest": record["manifest"],
            "split": record["split"],
            "protocol": config.split.protocol,
            "images": record["images"],
        },
        "out_of_distribution": ood and {"feature": ood.feature, "threshold": ood.threshold, "rate": ood.rate},
    }
