"""What the network is compared with: published CNNs, a small CNN, and the same network without spikes.

Every peer takes images (B, 3, H, W), float RGB in [0, 1], as `NeurALLNet` does, and returns logits (B, classes). None has
pretrained weights: what is compared is the architecture, on the same images, split and budget.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from neurallnet.config import CLASSES, DataConfig, ModelConfig
from neurallnet.errors import ConfigError, RunError
from neurallnet.mobilenet import MobileNetV2
from neurallnet.onnx_runtime import check_images, onnx_session, require, run_onnx, write_onnx
from neurallnet.twins import DenseTwin, snntorch_twin

__all__ = ["PEERS", "PeerSpec", "build_peer", "peer_onnx", "snntorch_twin"]


@dataclass(frozen=True)
class PeerSpec:
    """A network to compare with: `build(classes)` makes it untrained, `input_size` is its paper's, in pixels a side."""

    name: str
    title: str
    build: Callable[[int], nn.Module]
    input_size: int
    citation: str


class Centred(nn.Module):
    """`body` behind the input scale of `NeurALLNet`: [0, 1] becomes [-2, 2]."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: Tensor) -> Tensor:
        return self.body(images * 4 - 2)


def efficientnet_b0(classes: int) -> nn.Module:
    """MONAI's EfficientNet-B0, with the swish that autograd and exporters understand, and made to be trained in hundreds of steps.

    Its depthwise weights start as the authors' do, variance 2 / 9 for a 3x3 kernel: MONAI's are smaller by the number of channels,
    so that batch normalization meets variances a thousandth of the 1 that its running ones start from. With those, and averages
    over a hundred steps, the network learned in training and answered by chance in evaluation.
    """
    nets = _monai()
    body = nets.EfficientNetBN("efficientnet-b0", pretrained=False, num_classes=classes)
    body.set_swish(memory_efficient=False)
    for part in body.modules():
        if isinstance(part, nn.Conv2d) and part.groups == part.in_channels > 1:
            nn.init.normal_(part.weight, std=math.sqrt(2 / part.weight[0, 0].numel()))
        elif isinstance(part, nn.BatchNorm2d):
            part.momentum = 0.1  # torch's default
    return Centred(body)


def densenet121(classes: int) -> nn.Module:
    """MONAI's DenseNet121."""
    return Centred(_monai().DenseNet121(spatial_dims=2, in_channels=3, out_channels=classes))


def mobilenet_v2(classes: int) -> nn.Module:
    """MobileNetV2 at width 1."""
    return Centred(MobileNetV2(classes))


def small_cnn(classes: int) -> nn.Module:
    """Four convolutions of stride 2 with batch normalization and ReLU: as many parameters as LGD-Net, none of its parts."""
    widths = (3, 24, 48, 96, 124)
    layers: list[nn.Module] = []
    for inputs, outputs in zip(widths, widths[1:], strict=False):
        layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return Centred(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], classes)))


def dense_twin(classes: int) -> nn.Module:
    """`base` with ReLU in place of LIF and without time."""
    return DenseTwin(ModelConfig(classes=classes))


PEERS = {
    spec.name: spec
    for spec in (
        PeerSpec("efficientnet_b0", "EfficientNet-B0", efficientnet_b0, 224, "Tan & Le 2019, arXiv 1905.11946"),
        PeerSpec("mobilenet_v2", "MobileNetV2", mobilenet_v2, 224, "Sandler et al. 2018, arXiv 1801.04381"),
        PeerSpec("densenet121", "DenseNet121", densenet121, 224, "Huang et al. 2017, arXiv 1608.06993"),
        PeerSpec("small_cnn", "small CNN", small_cnn, 224, "ours; size of LGD-Net, github.com/arkodasgupta0412/LGLD-Net"),
        PeerSpec("dense_twin", "dense twin", dense_twin, DataConfig().image_size, "ours; NeurALLNet with ReLU"),
    )
}


def build_peer(name: str, classes: int = len(CLASSES)) -> nn.Module:
    """An untrained peer; raises ConfigError for an unknown name or a missing library."""
    if name not in PEERS:
        raise ConfigError(f"peer {name!r} is unknown; choose one of {', '.join(PEERS)}")
    return PEERS[name].build(classes)


def peer_onnx(name: str, path: Path | str, size: int | None = None, *, model: nn.Module | None = None) -> Path:
    """Write a peer as ONNX (input "images", output "logits", any batch) for images of `size` pixels, checked; returns `path`.

    Without `model`, a fresh one whose batch normalization has seen a batch, so that its values are of usual size. Raises
    ConfigError, and RunError when onnxruntime and torch disagree or the file cannot be written.
    """
    require("onnx", "onnxruntime")
    size = PEERS[name].input_size if size is None and name in PEERS else size
    net = model if model is not None else settled(name, size)
    was_training = net.training
    net.eval()
    images = check_images(size)
    path = write_onnx(Path(path), lambda temporary: _export(net, torch.from_numpy(images[:2]), temporary))
    with torch.inference_mode():
        wanted = net(torch.from_numpy(images)).numpy()
    net.train(was_training)
    deviation = np.abs(run_onnx(onnx_session(path), images) - wanted).max() / max(np.abs(wanted).max(), 1e-6)
    if deviation > 1e-3:
        path.unlink()
        raise RunError(f"{name}: the ONNX graph deviates from torch by {deviation:.2g} of the largest logit; file removed")
    return path


def settled(name: str, size: int) -> nn.Module:
    """A fresh peer, the same in every run, with running statistics of one batch: `check_images`."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        net = build_peer(name)
        norms = [part for part in net.modules() if isinstance(part, nn.BatchNorm2d)]
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.momentum = 1.0
        net.train()(torch.from_numpy(check_images(size)))
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
    return net


def _export(net: nn.Module, images: Tensor, path: str) -> None:
    """Through torch's older exporter: its graphs are as fast in onnxruntime as the newer one's, which takes half a minute."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the exporter itself
        warnings.filterwarnings("ignore", message="Constant folding")  # EfficientNet's swish is written with slices
        torch.onnx.export(
            net,
            (images,),
            path,
            dynamo=False,
            opset_version=17,
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
        )


def _monai():
    try:
        from monai.networks import nets
    except ImportError:
        raise ConfigError("monai is not installed; run: pip install 'neurallnet[peers]'") from None
    return nets
