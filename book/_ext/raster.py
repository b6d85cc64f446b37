"""What the published network does at each time step on one drawn smear: spikes, potentials, and the readout so far.

The smear is SYNTHETIC, so it may be shown; what the network calls it says nothing about leukemia.
"""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from neurallnet.data.images import preprocess
from neurallnet.data.synthetic import SyntheticConfig, draw_image
from neurallnet.fused import lif_affine, spatial_moments
from neurallnet.model import SpikingBlock
from neurallnet.pretrained import load_pretrained
from neurallnet.watching import run_watched

SMEAR = "Pro/LabA-Pro-001.png"


@dataclass(frozen=True)
class Recording:
    """`image` uint8 (H, W, 3); per block `spikes` bool and `potentials` float32, both (T, C, h, w); `shares` (T, classes).

    `shares` are the probabilities of `classes` from the logits averaged over the steps so far.
    """

    image: np.ndarray
    spikes: list[np.ndarray]
    potentials: list[np.ndarray]
    classes: tuple[str, ...]
    shares: np.ndarray
    threshold: float


def record_smear(path: str = SMEAR) -> Recording:
    """The published network on the drawn image `path` of the generator's first laboratory."""
    published = load_pretrained()
    drawn = Image.fromarray(draw_image(SyntheticConfig(), path))
    image = np.asarray(preprocess(drawn, published.image_size, published.scale_bar))
    return record(published.model, image, published.classes, published.temperature)


def record(model: nn.Module, image: np.ndarray, classes: tuple[str, ...], temperature: float = 1.0) -> Recording:
    """`model`, a NeurALLNet, on `image` uint8 (H, W, 3)."""
    states: list[tuple[np.ndarray, np.ndarray]] = []
    answer: list[Tensor] = []

    def watch(block: SpikingBlock, args: tuple[Tensor, ...], spikes: Tensor) -> None:
        states.append((spikes.bool().numpy(), potentials(block, args[0]).numpy()))

    handles = [block.register_forward_hook(watch) for block in model.blocks]
    handles.append(model.register_forward_hook(lambda _, args, output: answer.append(output.step_logits[:, 0])))
    run_watched(model, image[None], handles)
    logits = answer[0]
    so_far = logits.cumsum(0) / torch.arange(1, len(logits) + 1)[:, None]
    shares = (so_far / temperature).softmax(1).numpy()
    threshold = model.blocks[0].neuron.threshold
    return Recording(image, [s for s, _ in states], [u for _, u in states], classes, shares, threshold)


def potentials(block: SpikingBlock, x: Tensor) -> Tensor:
    """Potentials (T, C, h, w) of one image in a block whose input is x: as `SpikingBlock.forward`, which keeps spikes only."""
    current, mean, square = spatial_moments(block.conv(x))
    scale, shift = block.norm(mean, square, current.shape[2] * current.shape[3])
    scale, shift = scale.expand_as(mean), shift.expand_as(mean)
    if block.excitation is not None:
        gate = block.excitation(scale * mean + shift)
        scale, shift = gate * scale, gate * shift
    return lif_affine(current, scale, shift, block.steps, block.neuron, block.constant_input, potentials=True).membrane


def followed(spikes: np.ndarray, potentials: np.ndarray) -> tuple[int, int, int]:
    """The neuron (channel, row, column) of a block worth following: silent at first, near two spikes, potentials far apart."""
    count = spikes.sum(0)
    liveliness = -np.abs(count - 2.0) - 2.0 * spikes[0] + potentials.std(0) / (1 + potentials.std(0).max())
    return tuple(int(place) for place in np.unravel_index(liveliness.argmax(), liveliness.shape))


def columns_of(channels: int) -> int:
    """Maps side by side in a mosaic: the smallest divisor of `channels` that makes it no taller than wide."""
    return next(n for n in range(1, channels + 1) if channels % n == 0 and n * n >= channels)


def mosaic(spikes: np.ndarray) -> np.ndarray:
    """Maps (C, h, w) of one step in rows, a pixel apart: uint8, 0 between maps, 1 silent, 2 firing."""
    channels, height, width = spikes.shape
    columns = columns_of(channels)
    rows = channels // columns
    sheet = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1), np.uint8)
    for channel, plane in enumerate(spikes):
        top, left = corner(spikes.shape, channel)
        sheet[top : top + height, left : left + width] = 1 + plane
    return sheet


def corner(shape: tuple[int, int, int], channel: int) -> tuple[int, int]:
    """Row and column in the mosaic where the map of `channel` begins."""
    row, column = divmod(channel, columns_of(shape[0]))
    return row * (shape[1] + 1), column * (shape[2] + 1)
