"""Small networks that fire: untrained ones are silent in their deeper layers, and silence equals silence."""

import torch
from torch import nn

from neurallnet.config import ModelConfig
from neurallnet.model import NeurALLNet


def lively(size: int = 32, channels: tuple[int, ...] = (6, 8, 10), seed: int = 3, **config) -> NeurALLNet:
    """A network in evaluation mode whose every layer spikes, with running statistics of random images."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = NeurALLNet(ModelConfig(channels=channels, **config)).train()
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.uniform_(0.5, 1.5)
            elif parameter.dim() == 4 and config.get("normalization") == "none":
                parameter.mul_(3)
        for _ in range(5):
            model(torch.rand(8, 3, size, size) * torch.rand(8, 3, 1, 1))
    return model.eval()


def random_images(count: int = 6, size: int = 32, seed: int = 5) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def batch_norm_like(norm) -> nn.BatchNorm2d:
    """torch's own module with the state of an AffineBatchNorm."""
    other = nn.BatchNorm2d(len(norm.bias), eps=norm.epsilon, momentum=norm.momentum)
    other.load_state_dict(norm.state_dict(), strict=False)
    return other
