r"""The network as a graph of the Neuromorphic Intermediate Representation (NIR).

NIR (Pedersen et al. 2024, doi 10.1038/s41467-024-52259-9) has no gate that looks at its input, no normalization and one reset: to
a constant. What it can say is the arm `nir`: constant gains and normalization folded into convolutions, and LIF neurons reset to
zero,

.. math:: \tau \dot v = -v + r I, \qquad z = H(v - \theta), \qquad v = 0 \text{ where } z = 1.

One Euler step of length dt = 1e-4 with tau = dt / (1 - beta) and r = tau / dt is v <- beta v + I, the neuron of `neurons.py`. Its
reset one step later is the same here: a neuron that spiked starts its next step from 0 either way.

A graph knows neither the number of steps nor what happens to an image before: metadata says so, and `nir_input` does it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from neurallnet.errors import ConfigError
from neurallnet.export import metadata
from neurallnet.exporting_fold import fold_gain
from neurallnet.hue import stained_alike
from neurallnet.inference import folded_convolution
from neurallnet.model import InstanceBatchNorm, NeurALLNet
from neurallnet.neurons import Neuron
from neurallnet.onnx_runtime import require

if TYPE_CHECKING:
    import nir

DT = 1e-4  # seconds a time step stands for; the value that readers of NIR assume
TURNED = "hues turned until the dominant one is violet (neurallnet.hue.normalize_hue), "
SEEN = {  # what happens to colours before the graph, by `ModelConfig.hue`
    "stored": "",
    "normalized": TURNED,
    "standardized": f"{TURNED}mean and spread made the same (neurallnet.light.standardize_light), ",
    "grey": "grey: the mean of red, green and blue in each channel, ",
    "balanced": f"background made white (neurallnet.light.balance_light), {TURNED}",
}
SETTINGS = ("excitation=gain", "own_norm=0", "reset_mechanism=zero")
VARIANT = "export the arm `nir` instead: train with " + " ".join(f"--set model.{setting}" for setting in SETTINGS)


def nir_graph(model: NeurALLNet, image_size: int, classes: Sequence[str] | None = None) -> "nir.NIRGraph":
    """`model` in its evaluation form, for images of `image_size` pixels a side: Input -> (Conv2d -> LIF) of each block -> AvgPool2d
    over the map -> Flatten -> Affine -> Output.

    Weights are float32, rounded once. Raises ConfigError naming what NIR cannot say, and what to train instead.
    """
    require("nir")
    import nir

    refuse_nir(model)
    told = describe(model, image_size, classes)
    nodes, shape = {"input": nir.Input({"input": np.array([3, image_size, image_size])})}, (image_size, image_size)
    for place, block in enumerate(fold_gain(model).blocks):
        conv = folded_convolution(block)
        weight, bias = (tensor.detach().numpy().copy() for tensor in (conv.weight, conv.bias))
        nodes[f"block{place}_conv"] = nir.Conv2d(shape, weight, conv.stride, conv.padding, conv.dilation, conv.groups, bias)
        channels, *shape = nodes[f"block{place}_conv"].output_type["output"].tolist()
        nodes[f"block{place}_spikes"] = neurons(block.neuron, (channels, *shape))
    shape = tuple(shape)
    nodes["mean"] = nir.AvgPool2d(shape, shape, (0, 0))
    nodes["flatten"] = nir.Flatten({"input": np.array([channels, 1, 1])}, 0, -1)
    readout = model.readout.folded()
    weight, bias = (tensor.detach().float().numpy().copy() for tensor in (readout.weight, readout.bias))
    nodes["readout"] = nir.Affine(weight, bias)
    nodes["output"] = nir.Output({"output": np.array([len(bias)])})
    names = list(nodes)
    nodes["input"].metadata = {"image": told["input"]}
    nodes["output"].metadata = {"logits": told["output"]}
    return nir.NIRGraph(nodes=nodes, edges=list(zip(names, names[1:], strict=False)), metadata=told)


def neurons(neuron: Neuron, shape: tuple[int, ...]) -> "nir.LIF":
    """A LIF node with a parameter per neuron of a map (C, H, W), as readers of NIR want them."""
    import nir

    tau = DT / (1 - float(neuron.clamped_beta()))
    values = {"tau": tau, "r": tau / DT, "v_leak": 0.0, "v_threshold": neuron.threshold, "v_reset": 0.0}
    return nir.LIF(**{name: np.full(shape, value, np.float32) for name, value in values.items()})


def describe(model: NeurALLNet, image_size: int, classes: Sequence[str] | None = None) -> dict[str, str]:
    """What a user of the file alone must know, kept in the graph's metadata."""
    told: dict[str, str] = metadata(model, image_size, classes) | {"dt": str(DT)}
    steps, seen = model.config.time_steps, SEEN[model.config.hue]
    told["input"] = f"RGB in [0, 1], {seen}then x * 4 - 2: the same current at each of the {steps} time steps"
    told["output"] = f"logits of one time step; those of the image are their mean over {steps} steps from rest"
    return told


@torch.inference_mode()
def nir_input(images: Tensor | np.ndarray, steps: int, hue: str = "normalized") -> Tensor:
    """What the graph takes, (T, B, 3, H, W), from images (B, 3, H, W), float RGB in [0, 1], or uint8 (B, H, W, 3).

    >>> nir_input(torch.rand(2, 3, 32, 32), steps=4).shape
    torch.Size([4, 2, 3, 32, 32])
    """
    images = torch.as_tensor(images)
    if images.dtype == torch.uint8:
        images = images.permute(0, 3, 1, 2).float() / 255
    current = stained_alike(images.contiguous(), hue) * 4 - 2
    return current.expand(steps, *current.shape)


def refuse_nir(model: nn.Module) -> None:
    """Raise ConfigError naming the first part of `model` that NIR has no word for, and the variant to use instead."""
    config = getattr(model, "config", None)
    if type(model) is not NeurALLNet:
        family = getattr(config, "family", type(model).__name__)
        raise ConfigError(f"NIR: a network of family {family!r} has no spikes; {VARIANT}, or write ONNX")
    for refused, why in (
        (isinstance(config.hue, tuple), "columns that see an image each in a way of their own need an input each; use one hue"),
        (config.encoding != "direct", f"encoding {config.encoding!r} needs a source of spikes, which no graph has; use 'direct'"),
        (config.pooling != "mean", f"pooling {config.pooling!r} looks at the image; use 'mean'"),
        (config.excitation in ("step", "image"), f"excitation {config.excitation!r} has gates that look at the image; use 'gain'"),
        (type(model.blocks[0].norm) is InstanceBatchNorm, "channels normalized by the image's moments do not fold; use own_norm 0"),
        (config.reset_mechanism != "zero", f"reset_mechanism {config.reset_mechanism!r}: neurons are set to zero; use 'zero'"),
        (config.convolution != "full", f"convolution {config.convolution!r} is not written; use 'full'"),
        (any(block.neuron.clamped_beta() >= 1 for block in model.blocks), "a beta of 1 has no finite time constant; lower it"),
    ):
        if refused:
            raise ConfigError(f"NIR: {why} ({VARIANT})")
    if broken := [name for name, tensor in model.state_dict().items() if not torch.isfinite(tensor).all()]:
        raise ConfigError(f"NIR: {broken[0]} holds values that are not finite; train again or load other weights")
