r"""Grad-CAM through time: where in a block's map, and at which time step, spikes speak for a class.

With spikes :math:`S_{t,k}` of a block (time step t, channel k, a map of h x w places) and the logit :math:`y_c`,

.. math::
    \alpha_{t,k} = \frac{1}{hw} \sum_{ij} \frac{\partial y_c}{\partial S_{t,k,ij}}, \qquad
    M_t = \sum_k \alpha_{t,k} S_{t,k}, \qquad
    M = \max\Bigl(0, \sum_t M_t\Bigr)

which is Selvaraju et al. 2017 (doi 10.1109/ICCV.2017.74) with a time step's channels as channels of their own. The derivative
runs through the surrogate, and through the membranes: a spike at step t also acts on later steps, and that counts for t.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from neurallnet.augment import to_float
from neurallnet.errors import ConfigError, DataError

BLOCK = 2  # the third block unless named: 12 x 12 places at 96 px, fine enough for a cell and deep enough to be about classes
BATCH = 32


@dataclass(frozen=True)
class CamMaps:
    """`steps` float32 (T, N, h, w): signed maps M_t; `targets` int64 (N,): the class each image was asked about."""

    steps: np.ndarray
    targets: np.ndarray

    @property
    def signed(self) -> np.ndarray:
        """Sum over time steps, (N, h, w): positive speaks for the class, negative against it."""
        return self.steps.sum(0)

    @property
    def attention(self) -> np.ndarray:
        """What speaks for the class, (N, h, w): the positive part of `signed`."""
        return np.maximum(self.signed, 0)

    @property
    def step_attention(self) -> np.ndarray:
        """The positive part at each time step, (T, N, h, w)."""
        return np.maximum(self.steps, 0)


def grad_cam(model: nn.Module, images: Tensor, targets: Tensor | None = None, block: int | None = None) -> tuple[Tensor, Tensor]:
    """Signed maps M_t (T, B, h, w) of `images` (B, 3, H, W), float RGB in [0, 1], and the targets (B,).

    `targets`: class numbers; the predicted classes without them. `block`: counted from 0; the third, or the last of fewer. The
    model is left in evaluation mode, without gradients in its parameters. Raises ConfigError for a block it does not have.
    """
    chosen, kept = block_of(model, block), []
    hook = chosen.register_forward_hook(lambda module, inputs, spikes: kept.append(spikes))
    try:
        with torch.enable_grad():
            logits = model.eval()(images.detach().clone().requires_grad_()).logits
            targets = logits.argmax(1) if targets is None else targets
            (gradients,) = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), kept[0])
    finally:
        hook.remove()
    weights = gradients.float().mean((2, 3), keepdim=True)
    maps = (weights * kept[0].detach().float()).sum(1)
    return maps.unflatten(0, (-1, len(images))), targets.detach()


def cam_maps(
    model: nn.Module, images: np.ndarray, targets: np.ndarray | None = None, block: int | None = None, batch_size: int = BATCH
) -> CamMaps:
    """`grad_cam` of uint8 images (N, H, W, 3), in batches. Raises ConfigError, DataError."""
    steps, asked = [], []
    for rows in batches(images, batch_size):
        given = None if targets is None else torch.from_numpy(np.asarray(targets)[rows])
        maps, found = grad_cam(model, to_float(torch.from_numpy(images[rows])), given, block)
        steps.append(maps.numpy())
        asked.append(found.numpy())
    return CamMaps(np.concatenate(steps, axis=1), np.concatenate(asked))


def block_of(model: nn.Module, block: int | None = None) -> nn.Module:
    """The block of that number, by default the third or the last of fewer; raises ConfigError when there is none."""
    blocks = getattr(model, "blocks", ())
    if not len(blocks):
        raise ConfigError(f"{type(model).__name__} has no blocks to explain; choose an arm of family spiking or dense")
    block = min(BLOCK, len(blocks) - 1) if block is None else block
    if not 0 <= block < len(blocks):
        raise ConfigError(f"block {block} does not exist; this network has blocks 0 to {len(blocks) - 1}")
    return blocks[block]


def batches(images: np.ndarray, batch_size: int = BATCH) -> list[np.ndarray]:
    """Row numbers of uint8 (N, H, W, 3) in batches; raises DataError for another shape or type, or without images."""
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or not len(images):
        raise DataError(f"explanation: images are {images.dtype} {images.shape}; needed are uint8 (N, height, width, 3), N > 0")
    return np.array_split(np.arange(len(images)), -(-len(images) // batch_size))
