"""How an image becomes T inputs when it does not enter as a constant current.

    rate     at each step a channel's pixel spikes with a probability equal to its intensity
    latency  it spikes once, the brighter the earlier: at step round((T - 1) (1 - intensity))

Both give zeros and ones only, so that the first convolution accumulates instead of multiplying. They equal snntorch's
`spikegen.rate` and `spikegen.latency(normalize=True, linear=True)`, which the tests hold them to.
"""

import torch
from torch import Tensor

_NOISE_SEED = 0  # of evaluation: an image gets the same spikes in every run and in every batch
_DARKEST = 0.01  # snntorch's threshold: anything darker counts as this


def encode(images: Tensor, encoding: str, steps: int, training: bool) -> Tensor:
    """Spikes (T * B, 3, H, W), 0 or 1, time slowest, of `images` (B, 3, H, W) in [0, 1]; `encoding` is "rate" or "latency".

    In training the rate code draws from torch's global generator. In evaluation one field of uniform numbers serves all images,
    so that what an image gets does not depend on its neighbours in the batch.
    """
    if encoding == "latency":
        spikes = latency_spikes(images, steps)
    elif training:
        spikes = torch.bernoulli(images.clamp(0, 1).repeat(steps, 1, 1, 1))
    else:
        draw = torch.Generator().manual_seed(_NOISE_SEED)
        noise = torch.rand((steps, 1, *images.shape[1:]), generator=draw).to(images.device)
        spikes = (noise < images).to(images.dtype).flatten(0, 1)
    return spikes.contiguous(memory_format=torch.channels_last)


def latency_spikes(images: Tensor, steps: int) -> Tensor:
    """One spike per value, (T * B, 3, H, W); `steps` must be 2 or more, or the time of a spike would say nothing."""
    time = ((steps - 1) * (1 - images.clamp(_DARKEST, 1))).round()
    return torch.stack([time == step for step in range(steps)]).to(images.dtype).flatten(0, 1)
