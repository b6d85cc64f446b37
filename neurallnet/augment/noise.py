"""The camera's noise."""

import numpy as np
import torch
from torch import Tensor


def noise(images: Tensor, largest: float, generator: torch.Generator, share: float = 0.5) -> Tensor:
    """Gaussian noise on a `share` of the images (B, 3, H, W) in [0, 1], its standard deviation uniform up to `largest`."""
    level = torch.rand(len(images), generator=generator) * largest
    touched = torch.rand(len(images), generator=generator) < share
    seed = int(torch.randint(2**62, (1,), generator=generator))
    if not touched.any():
        return images
    some = images[touched]
    # NumPy draws normal numbers several times faster than torch does on one processor.
    draws = np.random.Generator(np.random.SFC64(seed)).standard_normal(some.permute(0, 2, 3, 1).shape, dtype=np.float32)
    noisy = torch.from_numpy(draws).permute(0, 3, 1, 2).mul_(level[touched].view(-1, 1, 1, 1)).add_(some).clamp_(0, 1)
    out = images.clone()
    out[touched] = noisy
    return out
