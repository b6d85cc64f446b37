"""Small networks that fire: untrained ones are silent in their deeper layers, and silence equals silence."""

import torch
from torch import nn

from neurallnet.config import ModelConfig
from neurallnet.model import InstanceBatchNorm, NeurALLNet


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


class SplitNorm(nn.Module):
    """torch's InstanceNorm2d on the first channels and its BatchNorm2d on the others."""

    def __init__(self, norm: InstanceBatchNorm) -> None:
        super().__init__()
        self.own = norm.own
        self.by_image = nn.InstanceNorm2d(norm.own, eps=norm.FLAT, affine=True)
        state, others = norm.state_dict(), len(norm.bias) - norm.own
        self.by_image.load_state_dict({name: state[name][: norm.own] for name in ("weight", "bias")})
        self.by_batch = nn.BatchNorm2d(others, eps=norm.epsilon, momentum=norm.momentum) if others else nn.Identity()
        self.by_batch.load_state_dict({name: value[norm.own :] for name, value in state.items()}, strict=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.by_image(x[:, : self.own]), self.by_batch(x[:, self.own :])], 1)


def torchs_norm(norm: nn.Module) -> nn.Module:
    """torch's own module, or two of them, with the state of an AffineBatchNorm or InstanceBatchNorm."""
    if isinstance(norm, InstanceBatchNorm):
        return SplitNorm(norm)
    other = nn.BatchNorm2d(len(norm.bias), eps=norm.epsilon, momentum=norm.momentum)
    other.load_state_dict(norm.state_dict(), strict=False)
    return other
