"""Trained weights in people's hands: the published network ships with the package; a run of one's own loads the same way.

    committee.safetensors      weights of the published run of the arm that ships
    committee-ood.safetensors  its out-of-distribution model
    committee.json             card: what the network is, was trained on and may be used for, and the hashes of both files

`python -m neurallnet.publish` writes the three files anew (shipping.py); `neurallnet verify` compares them with the published run.
"""

from neurallnet.pretrained.bundle import NOTICE, Pretrained
from neurallnet.pretrained.loading import NAMES, load_pretrained, load_run_model

__all__ = ["NAMES", "NOTICE", "Pretrained", "load_pretrained", "load_run_model"]
