"""When an image is not of the kind the network was made for: features, scores, a threshold stored with the weights."""

from neurallnet.ood.features import features
from neurallnet.ood.model import OodModel, load_ood, save_ood, threshold_at
from neurallnet.ood.scores import doubt, energy

__all__ = ["OodModel", "doubt", "energy", "features", "load_ood", "save_ood", "threshold_at"]
