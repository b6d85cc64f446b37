"""What a network computes on the way to its answer, per image, in the one forward pass that gives the answer.

`appearance` says whether an image looks like those the network was made for. It has the image's own colours, before hues are
normalized, and the current of the first convolution, normalized as far as that is the same for every image (what is normalized by
an image's own moments would hide how it differs, so that of columns one that sees every image at the same brightness and contrast
is left out where another sees its own): of both the mean and, of the current at several scales, the standard deviation
over pixels. Filters see colour and texture; averaging the current over 2 x 2 pixels again and again tells fine structure from
coarse, so that magnification and focus show too. Spike rates of the blocks (`rates_<l>`) are what later layers make of it; they
forget what the task does not need, and separate laboratories less well.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurallnet.errors import ConfigError, DataError
from neurallnet.watching import run_watched

SCALES = 4  # the current as it is, and averaged over 2, 4 and 8 pixels: up to about two red cells at 96 pixels a side
LEAST = 1e-3  # smallest standard deviation, of full scale or of a normalized current: a flat picture stays finite


def features(model: nn.Module, images: np.ndarray, batch_size: int = 64) -> dict[str, np.ndarray]:
    """Float32 arrays by name for `images` uint8 (N, H, W, 3), in evaluation mode, float32 and one forward pass:

    logits     (N, classes)
    appearance (N, 6 + C * (1 + scales)): `colour_statistics`, then `current_statistics` of the first block's C `own_channels`
    rates_<l>  (N, C_l): mean spike rate of each channel of block l over pixels and time steps; l counts from 1

    The network's mode is restored. Raises ConfigError for a network without blocks, DataError for other arrays.
    """
    blocks = list(getattr(model, "blocks", ()))
    if not blocks:
        raise ConfigError(f"features: {type(model).__name__} has no blocks to look into; only NeurALLNet and its dense twin have")
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3 or not len(images):
        raise DataError(f"features: images are {images.dtype} {images.shape}, not uint8 (N, height, width, 3) with N > 0")
    found: dict[str, list[np.ndarray]] = {}

    def add(name: str, value: Tensor) -> None:
        found.setdefault(name, []).append(value.float().numpy())

    size = 0

    def before(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        nonlocal size
        size = len(args[0])
        add("colour", colour_statistics(args[0]))

    def after(module: nn.Module, args: tuple[Tensor, ...], output: Any) -> None:
        add("logits", output.logits)

    ends = [model.register_forward_pre_hook(before), model.register_forward_hook(after)]
    run_watched(model, images, [*ends, *_watch(blocks, own_channels(model), add, lambda: size)], batch_size)
    whole = {name: np.concatenate(parts) for name, parts in found.items()}
    return {"appearance": np.concatenate([whole.pop("colour"), whole.pop("currents")], axis=1)} | whole


def colour_statistics(images: Tensor) -> Tensor:
    """RGB (B, 3, H, W) in [0, 1] -> (B, 6): mean of each channel over pixels, then log of its standard deviation."""
    spread = images.flatten(2).std(2, correction=0).clamp_min(LEAST).log()
    return torch.cat([images.mean((2, 3)), spread], 1)


def current_statistics(current: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C * (1 + scales)): mean over pixels, then log standard deviation at each of up to SCALES scales.

    A scale is left out where fewer than 4 x 4 values would remain.
    """
    parts = [current.mean((2, 3))]
    for scale in range(SCALES):
        if scale:
            current = F.avg_pool2d(current, 2)
        if min(current.shape[2:]) < 4 and scale:
            break
        parts.append(current.flatten(2).std(2, correction=0).clamp_min(LEAST).log())
    return torch.cat(parts, 1)


def own_channels(model: nn.Module) -> Tensor:
    """bool (C_1,): the first block's channels of the columns that see an image's own light and contrast; all where none does."""
    own = torch.tensor([hue != "standardized" for hue in model.config.hues])
    own = own if own.any() else ~own
    return own.repeat_interleave(model.config.channels[0])


def _watch(blocks: list[nn.Module], kept: Tensor, add: Callable[[str, Tensor], None], size: Callable[[], int]) -> list[Any]:
    """Hooks that `add` the rates of every block and the currents of the first's `kept` channels; `size`: images of the batch."""
    raw: list[Tensor] = []

    def keep_current(module: nn.Module, args: tuple, current: Tensor) -> None:
        raw[:] = [current]

    def add_currents(module: nn.Module, args: tuple, normalized: Any) -> None:
        current = normalized
        if isinstance(normalized, tuple):  # a spiking block's normalization is a map, applied where the neurons read
            scale, shift = (value[:, None, None] for value in module.fixed())
            current = (raw[0].double() * scale + shift).float()
        add("currents", current_statistics(current[:, kept].unflatten(0, (-1, size())).mean(0)))

    def add_rates(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: tuple, spikes: Tensor) -> None:
            add(name, spikes.float().mean((2, 3)).unflatten(0, (-1, size())).mean(0))

        return hook

    handles = [blocks[0].conv.register_forward_hook(keep_current), blocks[0].norm.register_forward_hook(add_currents)]
    return handles + [block.register_forward_hook(add_rates(f"rates_{place}")) for place, block in enumerate(blocks, 1)]
