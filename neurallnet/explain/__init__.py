"""Explanations of a network's decisions, and how far they can be believed."""

from neurallnet.explain.activity import gate_values, spike_maps, spike_rates
from neurallnet.explain.attention import Inside, attention_inside, share_inside
from neurallnet.explain.gradcam import CamMaps, cam_maps, grad_cam
from neurallnet.explain.overlay import explain_image
from neurallnet.explain.randomization import randomization_check
from neurallnet.explain.removal import removal_curves, removal_table
from neurallnet.explain.saliency import Attributions, integrated_gradients

__all__ = [
    "Attributions",
    "CamMaps",
    "Inside",
    "attention_inside",
    "cam_maps",
    "explain_image",
    "gate_values",
    "grad_cam",
    "integrated_gradients",
    "randomization_check",
    "removal_curves",
    "removal_table",
    "share_inside",
    "spike_maps",
    "spike_rates",
]
