"""A smear is judged by its cells: the field as a bag of tiles, each weighed by how much is attended to it.

A place of the last block's map is a tile: it sees as many pixels as the blocks' convolutions reach. What is pooled are the tiles'
spike rates, so that nothing changes up to here and a tile's weight is the same at each time step.
"""

import numpy as np
import torch
from torch import Tensor, nn

from neurallnet.augment import to_float
from neurallnet.errors import ConfigError

HIDDEN = 32  # units that a tile's weight is computed with


class AttentionPool(nn.Module):
    """Gated attention of Ilse et al. 2018 (arXiv 1802.04712): weight of a tile = softmax over tiles of
    w (tanh(V h) * sigmoid(U h)), with h (C,) its spike rates, averaged over time.
    """

    def __init__(self, channels: int, hidden: int = HIDDEN) -> None:
        super().__init__()
        self.value, self.gate = nn.Linear(channels, hidden), nn.Linear(channels, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)

    def weights(self, spikes: Tensor) -> Tensor:
        """Spikes (T, B, C, H, W) -> weights (B, H, W) that sum to 1 over the tiles of an image."""
        rates = spikes.mean(0).permute(0, 2, 3, 1)
        score = self.score(torch.tanh(self.value(rates)) * torch.sigmoid(self.gate(rates)))
        return score.flatten(1).softmax(1).view(rates.shape[:3])

    def forward(self, spikes: Tensor) -> Tensor:
        """Spikes (T, B, C, H, W) -> rates (T, B, C)."""
        return torch.einsum("tbchw,bhw->tbc", spikes, self.weights(spikes))


@torch.inference_mode()
def tile_weights(model: nn.Module, images: np.ndarray, batch_size: int = 64) -> np.ndarray:
    """How much a network pooled by attention attends to each tile of images uint8 (N, H, W, 3): float32 (N, h, w), sum 1 each.

    Raises ConfigError for a network that pools otherwise.
    """
    pool = getattr(model, "pool", None)
    if not isinstance(pool, AttentionPool):
        raise ConfigError("tile weights: this network averages over the field; train one with model.pooling=attention")
    found: list[Tensor] = []
    model.eval()
    handle = pool.register_forward_hook(lambda module, inputs, _: found.append(module.weights(inputs[0])))
    try:
        for start in range(0, len(images), batch_size):
            model(to_float(torch.from_numpy(images[start : start + batch_size])))
    finally:
        handle.remove()
    return torch.cat(found).numpy() if found else np.empty((0, 1, 1), np.float32)
