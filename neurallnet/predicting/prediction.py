"""One answer of a network about one picture, and how it is computed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import softmax

from neurallnet.ood.fit import predict_and_judge
from neurallnet.pretrained.bundle import Pretrained
from neurallnet.training import predict_logits


@dataclass(frozen=True)
class Prediction:
    """What a network says about one picture; research software, not a medical device.

    `file` names the file, None for a picture in memory. `probabilities`: class -> share, adding up to 1, calibrated on validation
    images; `predicted` is the most probable class. `out_of_distribution`: the picture is unlike the training images, so the
    answer is not to be relied on; None when the network cannot tell. A file that could not be used has an `error`, no `predicted`
    class and no `probabilities`.
    """

    file: str | None
    predicted: str | None
    probabilities: dict[str, float]
    out_of_distribution: bool | None
    error: str | None = None

    @property
    def confidence(self) -> float | None:
        """Probability of the predicted class, in [0, 1]; None for a file that could not be used."""
        return None if self.predicted is None else self.probabilities[self.predicted]

    def to_dict(self) -> dict[str, Any]:
        """Plain values with the keys file, predicted, probabilities, out_of_distribution, error."""
        return asdict(self)


def failure(file: str | None, reason: str) -> Prediction:
    """The answer about a file that could not be used."""
    return Prediction(file, None, {}, None, reason)


def judge(network: Pretrained, views: np.ndarray, files: Sequence[str | None]) -> list[Prediction]:
    """Answers about `views` uint8 (N, image_size, image_size, 3), as `preprocess` made them, N > 0.

    Each picture passes through the network alone. In a batch the order of sums may depend on the batch's size, and a sum next to
    a threshold makes a spike or none; alone, a picture gets the same answer whatever lies beside it.
    """
    if network.ood is None:
        logits, flagged = predict_logits(network.model, views, batch_size=1), [None] * len(views)
    else:
        judged = predict_and_judge(network.model, network.ood, views, batch_size=1)
        logits, flagged = judged.logits, judged.flagged.tolist()
    shares = softmax(logits.astype(np.float64) / network.temperature, axis=1)
    return [
        Prediction(file, network.classes[row.argmax()], dict(zip(network.classes, row.tolist(), strict=True)), flag)
        for file, row, flag in zip(files, shares, flagged, strict=True)
    ]
