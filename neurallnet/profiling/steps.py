"""What is timed: one training step, one inference, on random images (the time does not depend on what they show)."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neurallnet import fused
from neurallnet.config import ModelConfig, TrainConfig
from neurallnet.machine import autocast
from neurallnet.model import NeurALLNet
from neurallnet.training import make_optimizer


def random_images(count: int, size: int) -> Tensor:
    """float32 (count, 3, size, size) in [0, 1], equal in every run."""
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


def training_step(
    model: nn.Module, images: Tensor, precision: str = "float32", after: Callable[[], None] | None = None
) -> Callable[[], None]:
    """A call that does one step on `images`: forward, loss, backward, optimizer; `after` clears what a library keeps."""
    optimizer = make_optimizer(model, TrainConfig())
    labels = torch.arange(len(images)) % 2
    model.train()

    def step() -> None:
        with autocast(precision):
            output = model(images)
        loss = F.cross_entropy(logits_of(output).float(), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if after is not None:
            after()

    return step


def inference(model: nn.Module, images: Tensor, precision: str = "float32") -> Callable[[], None]:
    """A call that classifies `images`."""
    model.eval()

    def run() -> None:
        with torch.inference_mode(), autocast(precision):
            model(images)

    return run


def logits_of(output: object) -> Tensor:
    """Logits (B, classes) of a network of ours (an Output) or of a peer (a tensor)."""
    return getattr(output, "logits", output)  # type: ignore[return-value]


def fresh(config: ModelConfig) -> NeurALLNet:
    """An untrained network, the same in every run."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return NeurALLNet(config)


def without_engine(step: Callable[[], None]) -> Callable[[], None]:
    """`step` with the compiled neuron switched off, as on a machine without a compiler."""

    def run() -> None:
        with plain_torch():
            step()

    return run


def plain_torch() -> AbstractContextManager:
    """While entered, neurons are computed by torch operations alone."""
    return patch.object(fused, "library", lambda: None) if fused.library() is not None else nullcontext()
