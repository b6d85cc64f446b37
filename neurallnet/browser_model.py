"""The network as the browser demo runs it, with drawn examples and what Python says of them, to compare with."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.special import softmax

from neurallnet.data.images import preprocess
from neurallnet.data.synthetic import draw_image
from neurallnet.data.synthetic_config import SyntheticConfig
from neurallnet.evidence import canonical_json
from neurallnet.export import export_onnx
from neurallnet.onnx_flag import add_flag
from neurallnet.ood import features
from neurallnet.ood.features import own_channels
from neurallnet.pretrained import NOTICE, Pretrained, load_pretrained

EXAMPLES = SyntheticConfig()  # laboratory A of the smoke profile; the first image of each class


def write_network(folder: Path, network: Pretrained | None = None) -> None:
    """Write model.onnx, manifest.json and the examples into `folder`, for the shipped network unless another is given.

    Raises ConfigError, RunError for a network that has no ONNX form.
    """
    network = network or load_pretrained()
    path = export_onnx(network.model, folder / "model.onnx", network.image_size, classes=network.classes, details=True)
    if network.ood is not None:
        add_flag(path, network.ood, own_channels(network.model).numpy())
    manifest = {
        "notice": NOTICE,
        "classes": list(network.classes),
        "image_size": network.image_size,
        "scale_bar": network.scale_bar,
        "temperature": network.temperature,
        "flag": None if network.ood is None else {"threshold": network.ood.threshold, "rate": network.ood.rate},
        "examples": [_example(folder, label, network) for label in network.classes],
    }
    (folder / "manifest.json").write_text(canonical_json(manifest), encoding="utf-8")


def _example(folder: Path, label: str, network: Pretrained) -> dict[str, Any]:
    """Draw one smear and say what Python makes of it."""
    picture = Image.fromarray(draw_image(EXAMPLES, f"{label}/Lab{EXAMPLES.lab}-{label}-001.png"))
    name = f"synthetic-{label.lower()}.png"
    picture.save(folder / name, optimize=True)
    found = features(network.model, preprocess(picture, network.image_size, network.scale_bar)[None])
    probabilities = softmax(found["logits"].astype(np.float64) / network.temperature, axis=1)[0]
    score = None if network.ood is None else float(network.ood.score(found[network.ood.feature])[0])
    return {"file": name, "label": label, "synthetic": True, "probabilities": probabilities.tolist(), "score": score}
