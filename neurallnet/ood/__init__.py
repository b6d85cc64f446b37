"""When an image is not of the kind the network was made for: features, scores, a threshold stored with the weights."""

from neurallnet.ood.features import features
from neurallnet.ood.fit import Judged, fit_ood, predict_and_judge, session_threshold, stretch_scores
from neurallnet.ood.model import OOD_FILE, OodModel, load_ood, save_ood, threshold_at
from neurallnet.ood.scores import doubt, energy

__all__ = [
    "OOD_FILE",
    "Judged",
    "OodModel",
    "doubt",
    "energy",
    "features",
    "fit_ood",
    "load_ood",
    "predict_and_judge",
    "save_ood",
    "session_threshold",
    "stretch_scores",
    "threshold_at",
]
