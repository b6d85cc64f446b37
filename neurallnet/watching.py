"""Run a network over images with hooks on it, and leave it as it was."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from neurallnet.augment import to_float

BATCH = 64


@torch.inference_mode()
def run_watched(model: nn.Module, images: np.ndarray, handles: Sequence[RemovableHandle], batch_size: int = BATCH) -> None:
    """Pass `images` uint8 (N, H, W, 3) through `model` in evaluation mode and float32; the hooks of `handles` see what they see.

    Images may be memory-mapped read-only: each batch is a copy. Whatever happens, the hooks are removed and the network's mode is
    restored.
    """
    was_training = model.training
    model.eval()
    try:
        for start in range(0, len(images), batch_size):
            model(to_float(torch.from_numpy(np.array(images[start : start + batch_size]))))
    finally:
        model.train(was_training)
        for handle in handles:
            handle.remove()
