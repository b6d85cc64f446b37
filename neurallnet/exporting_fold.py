r"""A constant gain per channel taken into the weights, so that a form without gates can carry it.

The arm `nir` multiplies the normalized current of each channel by a learned number g in (0, 1), the same for every image and time
step. With the normalization `scale * x + shift`,

.. math:: g \, (scale \cdot x + shift) = (g \cdot scale) \cdot x + g \cdot shift,

so that a network without a gate has the same currents. Everything is computed in float64 and rounded once, when it is written.
"""

from dataclasses import replace

import torch

from neurallnet.model import AffineBatchNorm, ConstantGain, NeurALLNet, SpikingBlock
from neurallnet.separable import SeparableConv


def has_gain(model: torch.nn.Module) -> bool:
    """Whether the gates of `model` are constant gains, which fold away."""
    return isinstance(model, NeurALLNet) and model.config.excitation == "gain"


@torch.no_grad()
def fold_gain(model: NeurALLNet) -> NeurALLNet:
    """`model` without its constant gains, in float64 and evaluation mode: a copy of equal currents; one without gains is copied.

    >>> from neurallnet.config import ModelConfig
    >>> fold_gain(NeurALLNet(ModelConfig(excitation="gain"))).config.excitation
    'none'
    """
    gain = has_gain(model)
    plain = NeurALLNet(replace(model.config, excitation="none") if gain else model.config).double()
    kept = {name: value for name, value in model.state_dict().items() if not (gain and ".excitation." in name)}
    plain.load_state_dict(kept)
    for block, source in zip(plain.blocks, model.blocks, strict=True):
        if isinstance(source.excitation, ConstantGain):
            _scale(block, torch.sigmoid(source.excitation.logit.double()))
    return plain.eval().requires_grad_(False)


def _scale(block: SpikingBlock, gain: torch.Tensor) -> None:
    """Multiply the block's current by `gain` (C,), in place."""
    block.norm.bias.mul_(gain)
    if isinstance(block.norm, AffineBatchNorm):
        block.norm.weight.mul_(gain)
    else:
        last = block.conv.pointwise if isinstance(block.conv, SeparableConv) else block.conv
        last.weight.mul_(gain[:, None, None, None])
