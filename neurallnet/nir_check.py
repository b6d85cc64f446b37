r"""Does a NIR graph spike as the torch network does? Every layer, every neuron, every step; and where not, why not.

torch adds float32 numbers in an order of its own and has batch normalization beside the convolution, where the file has one
float32 weight. A potential v that lies within that rounding of the threshold may spike in one and not in the other, and the
layers behind then see other input. So each layer is given the spikes that torch's layer before it sent, and the resets that
torch's spikes caused; its potential v, in float64, must then tell torch's spike except where

.. math:: |v_t - \theta| \le e_t, \qquad
    e_t = \beta e_{t-1} (1 - s_{t-1}) + 4 u \Bigl( \sqrt{n} \, \bigl( \sum_i |w_i x_i| + |b| \bigr) + |v_t| \Bigr),

with n summands and the unit roundoff u = 2^-24: the probable error of a sum of n numbers (Higham & Mary 2019,
doi 10.1137/18M1226312) four times over. A spike that differs outside of it is unexplained, and the graph is refused.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from neurallnet.errors import RunError
from neurallnet.model import NeurALLNet
from neurallnet.nir_graph import nir_input
from neurallnet.nir_run import STEP, Trace, chain, run_nir, stateless

if TYPE_CHECKING:
    import nir

UNIT = 2.0**-24
MARGIN = 4.0


@dataclass(frozen=True)
class LayerCheck:
    """One layer given torch's spikes: how many values, how many spikes, how many `unlike` torch's, how many of them no rounding
    explains; `largest_gap`: of the unlike, the largest distance from the threshold.
    """

    layer: str
    values: int
    spikes: int
    unlike: int
    unexplained: int
    largest_gap: float


@dataclass(frozen=True)
class Comparison:
    """Two forms run from the same images, each on its own: share of equal spikes per layer, and of images equal in all layers;
    per image the largest deviation of a logit, its median and largest.
    """

    equal_spikes: dict[str, float]
    equal_images: float
    median_deviation: float
    largest_deviation: float


@torch.inference_mode()
def run_torch(model: NeurALLNet, images: Tensor, names: list[str] | None = None) -> Trace:
    """Spikes of each block and step logits of the torch network in evaluation mode, float32; `names` of its blocks."""
    names = names or [f"block{place}_spikes" for place in range(len(model.blocks))]
    seen: list[Tensor] = []
    hooks = [block.register_forward_hook(lambda _, __, out: seen.append(out)) for block in model.blocks]
    try:
        output = model.eval()(images.float())
    finally:
        for hook in hooks:
            hook.remove()
    steps = model.config.time_steps
    return Trace({name: out.unflatten(0, (steps, -1)) for name, out in zip(names, seen, strict=True)}, output.step_logits)


@torch.inference_mode()
def check_layers(graph: "nir.NIRGraph", model: NeurALLNet, images: Tensor) -> list[LayerCheck]:
    """Each layer of the graph against torch's, on `images` (B, 3, H, W), float RGB in [0, 1]."""
    import nir

    torch_spikes, found = run_torch(model, images).spikes, []
    x, error, current = nir_input(images, model.config.time_steps, model.config.hue).double(), None, None
    for name in chain(graph):
        node = graph.nodes[name]
        if isinstance(node, nir.Conv2d):
            current, error = stateless(name, node, x), _rounding(name, node, x)
        elif isinstance(node, nir.LIF):
            x = torch_spikes[name].double()
            found.append(_layer(name, node, current, error, x, float(graph.metadata.get("dt", STEP))))
    return found


def require_agreement(layers: list[LayerCheck]) -> None:
    """Raise RunError when rounding does not explain a spike that differs."""
    for layer in layers:
        if layer.unexplained:
            raise RunError(
                f"the NIR graph deviates from torch: {layer.unexplained} of {layer.values} values of {layer.layer} differ by "
                f"more than rounding (up to {layer.largest_gap:.2g} from the threshold); please report this with the model's "
                "configuration"
            )


def compare_traces(found: Trace, wanted: Trace) -> Comparison:
    """How far two runs of the same images agree, each layer fed by its own form's spikes."""
    equal = {name: found.spikes[name].bool() == spikes.bool() for name, spikes in wanted.spikes.items()}
    whole = torch.stack([same.flatten(2).all(2).all(0) for same in equal.values()]).all(0)
    deviation = (found.output.double().mean(0) - wanted.output.double().mean(0)).abs().amax(1)
    shares = {name: same.double().mean().item() for name, same in equal.items()}
    return Comparison(shares, whole.double().mean().item(), deviation.median().item(), deviation.max().item())


def compare_with_torch(graph: "nir.NIRGraph", model: NeurALLNet, images: Tensor) -> Comparison:
    """The graph by the reference interpreter in float64 against torch in float32, each on its own."""
    return compare_traces(run_nir(graph, nir_input(images, model.config.time_steps, model.config.hue)), run_torch(model, images))


def _rounding(name: str, node: Any, x: Tensor) -> Tensor:
    """Probable rounding error of the node's current in float32, four times over, of the current's shape."""
    import nir

    sizes = node.stride, node.padding, node.dilation, node.groups
    absolute = nir.Conv2d(node.input_shape, abs(node.weight), *sizes, abs(node.bias))
    return MARGIN * UNIT * node.weight[0].size ** 0.5 * stateless(name, absolute, x.abs())


def _layer(name: str, node: Any, current: Tensor, rounding: Tensor, wanted: Tensor, step: float) -> LayerCheck:
    theta = torch.as_tensor(node.v_threshold).double()
    decay = 1 - step / torch.as_tensor(node.tau).double()
    scale = step / torch.as_tensor(node.tau).double() * torch.as_tensor(node.r).double()
    v, error, gaps, bounds = torch.zeros_like(current[0]), torch.zeros_like(current[0]), [], []
    for now, about, spike in zip(current, rounding, wanted, strict=True):
        v = decay * v + scale * now
        error = decay * error + about + MARGIN * UNIT * v.abs()
        gaps.append(v - theta)
        bounds.append(error)
        v, error = v * (1 - spike), error * (1 - spike)
    gap, bound = torch.stack(gaps), torch.stack(bounds)
    unlike = (gap > 0) != wanted.bool()
    unexplained = unlike & (gap.abs() > bound)
    largest = gap.abs()[unlike].max().item() if unlike.any() else 0.0
    counts = (wanted.numel(), wanted.sum(), unlike.sum(), unexplained.sum())
    return LayerCheck(name, *map(int, counts), largest)
