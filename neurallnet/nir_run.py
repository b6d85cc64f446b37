r"""A reference interpreter of NIR graphs: every node by its definition in the NIR paper, on torch tensors, without snntorch.

Time is discrete: neurons take one Euler step of length dt per input, v <- v + (dt / tau) (v_leak - v + r I), spike where v exceeds
v_threshold, and are then set to v_reset. All other nodes act on each step alone, so that a node sees all steps at once. In float64
the only roundings are those of the file's float32 numbers.
"""

import contextlib
import io
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from neurallnet.errors import ConfigError, RunError
from neurallnet.onnx_runtime import require

if TYPE_CHECKING:
    import nir

STEP = 1e-4  # seconds; what a graph without a word about it is read with


class Trace(NamedTuple):
    """`spikes`: name of each LIF node -> (T, B, C, H, W), in the order of the graph; `output` (T, B, classes)."""

    spikes: dict[str, Tensor]
    output: Tensor


def read_nir(path: Path | str) -> "nir.NIRGraph":
    """The graph in a file; raises RunError when it is missing or none."""
    require("nir")
    import nir

    try:
        graph = nir.read(path)
    except Exception as error:  # nir passes on what h5py and its own checks raise
        raise RunError(f"{path}: not a readable NIR file ({' '.join(str(error).split())[:200]})") from None
    if not isinstance(graph, nir.NIRGraph):
        raise RunError(f"{path}: holds a {type(graph).__name__}, not a graph")
    return graph


@torch.inference_mode()
def run_nir(graph: "nir.NIRGraph", inputs: Tensor, dtype: torch.dtype = torch.float64) -> Trace:
    """Run a chain of nodes on `inputs` (T, B, ...), from rest. Raises RunError for another graph or a node it does not know."""
    import nir

    step, spikes, x = float(graph.metadata.get("dt", STEP)), {}, inputs.to(dtype)
    for name in chain(graph):
        node = graph.nodes[name]
        if isinstance(node, nir.LIF):
            x = spikes[name] = lif_node(node, x, step)
        elif not isinstance(node, nir.Input | nir.Output):
            x = stateless(name, node, x)
    return Trace(spikes, x)


def chain(graph: "nir.NIRGraph") -> list[str]:
    """The nodes' names from the input to the output; raises RunError for a graph that is no chain."""
    import nir

    follows = dict(graph.edges)
    names = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)]
    while names and names[-1] in follows and len(names) <= len(graph.nodes):
        names.append(follows[names[-1]])
    if len(graph.edges) != len(graph.nodes) - 1 or set(names) != set(graph.nodes) or len(names) != len(graph.nodes):
        raise RunError("this NIR graph is no chain from one input to one output; the interpreter runs chains only")
    return names


def lif_node(node: "nir.LIF", current: Tensor, step: float) -> Tensor:
    """Spikes (T, B, ...) of LIF neurons driven by `current` from v = 0."""
    tau, r, leak, threshold, reset = (
        torch.as_tensor(getattr(node, name)).to(current.dtype) for name in ("tau", "r", "v_leak", "v_threshold", "v_reset")
    )
    share, v, spikes = step / tau, torch.zeros_like(current[0]), []
    for now in current:
        v = (1 - share) * v + share * leak + (share * r) * now
        spike = v > threshold
        v = torch.where(spike, reset, v)
        spikes.append(spike.to(current.dtype))
    return torch.stack(spikes)


def stateless(name: str, node: Any, x: Tensor) -> Tensor:
    """One node without memory, on all steps of `x` (T, B, ...) at once."""
    import nir

    steps, rows = x.shape[0], x.flatten(0, 1)
    if isinstance(node, nir.Conv2d):
        weight, bias = (torch.as_tensor(values).to(x.dtype) for values in (node.weight, node.bias))
        sizes = (tuple(map(int, sizes)) for sizes in (node.stride, node.padding, node.dilation))
        rows = F.conv2d(rows, weight, bias, *sizes, int(node.groups))
    elif isinstance(node, nir.AvgPool2d):
        rows = F.avg_pool2d(rows, *(tuple(map(int, sizes)) for sizes in (node.kernel_size, node.stride, node.padding)))
    elif isinstance(node, nir.Flatten):  # which counts dimensions without the batch
        rows = rows.flatten(*(int(dim) + 1 if dim >= 0 else int(dim) for dim in (node.start_dim, node.end_dim)))
    elif isinstance(node, nir.Affine):
        rows = F.linear(rows, *(torch.as_tensor(values).to(x.dtype) for values in (node.weight, node.bias)))
    else:
        raise RunError(f"{name}: a node of type {type(node).__name__}, which the interpreter does not know")
    return rows.unflatten(0, (steps, -1))


@torch.inference_mode()
def run_in_snntorch(graph: "nir.NIRGraph", inputs: Tensor) -> Trace:
    """The same by snntorch, which reads the graph into its own neurons: somebody else's understanding of the file, in float32.

    Images go one by one, since snntorch's Flatten takes a batch for a part of the image. Raises ConfigError without the library.
    """
    if missing := [name for name in ("nirtorch", "snntorch") if find_spec(name) is None]:
        raise ConfigError(f"{', '.join(missing)} not installed; run: pip install nirtorch snntorch")
    import snntorch
    from snntorch.import_nir import import_from_nir

    with contextlib.redirect_stdout(io.StringIO()):  # it tells of a search for recurrent parts
        network = import_from_nir(graph).eval()
    layers = {name: part for name, part in network.named_modules() if isinstance(part, snntorch.Leaky)}
    seen: dict[str, list[Tensor]] = {name: [] for name in chain(graph) if name in layers}
    hooks = [layers[name].register_forward_hook(lambda _, __, out, kept=kept: kept.append(out)) for name, kept in seen.items()]
    rows = []
    for image in inputs.float().unbind(1):
        for layer in layers.values():
            layer.reset_mem()
        rows.append(torch.stack([network(current)[0] for current in image]))
    for hook in hooks:
        hook.remove()
    steps = len(inputs)
    spikes = {name: torch.stack(kept).unflatten(0, (-1, steps)).transpose(0, 1) for name, kept in seen.items()}
    return Trace(spikes, torch.stack(rows, 1))
