r"""What one inference does, counted by forward hooks on the real layers: multiply-accumulates (MAC), accumulates (AC), updates.

A layer whose input is spikes accumulates weights: one AC per spike and connection, a *synaptic operation* (SynOp; the term and
the separation from MACs follow NeuroBench, Yik et al. 2025, doi 10.1038/s41467-025-56739-4). Everything else multiplies. A
spike at pixel (y, x) of a convolution's input has

    fan_out(y, x) = (positions whose window covers y, x) * channels out / groups

connections; windows that hang over the edge have fewer, so the count is exact, not rate times MACs. Counts are means per image.

| what                                              | counted as                                               |
|---------------------------------------------------|----------------------------------------------------------|
| convolution or linear layer driven by spikes      | AC = sum over spikes of fan-out                          |
| first convolution (direct coding: real numbers)   | MAC, once per image when its input is the same each step |
| SE: squeeze (a mean), two linear layers, gating   | adds as AC; MAC; one MAC per current                     |
| normalization                                     | none when folded into the weights, else one MAC per current |
| channels normalized by the image's own moments    | their sum as AC, sum of squares and map as MAC, per current |
| mean over pixels before the read-out, read-out    | one AC per spike; MAC                                    |
| membrane update (leak, input, reset, threshold)   | counted apart, one per neuron and time step              |
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from neurallnet.errors import DataError
from neurallnet.model import InstanceBatchNorm, NeurALLNet, SpikingBlock, SqueezeExcite
from neurallnet.profiling.layers import LayerCount, dense_macs, fan_out


@torch.inference_mode()
def count_operations(model: NeurALLNet, images: Tensor, batch_size: int = 16, norm_folded: bool = True) -> list[LayerCount]:
    """Counts per layer, in the order of computation, for `images` (N, 3, H, W), float in [0, 1].

    The model is run in evaluation mode and float32, and left in the mode it was in. Raises DataError without an image.
    """
    if not len(images):
        raise DataError("energy: no images; spikes can only be counted on some")
    was_training = model.training
    model.eval()
    counter = _Counter(model, len(images), norm_folded)
    try:
        with counter.hooked():
            for start in range(0, len(images), batch_size):
                counter.batch = len(images[start : start + batch_size])
                model(images[start : start + batch_size])
    finally:
        model.train(was_training)
    return counter.finished()


_MEANS = ("macs", "acs", "dense_macs", "connections", "dense_acs", "input_spikes", "output_spikes", "membrane_updates")


class _Counter:
    """Sums over batches; divided by the number of images at the end."""

    def __init__(self, model: NeurALLNet, images: int, norm_folded: bool) -> None:
        self.model, self.images, self.norm_folded = model, images, norm_folded
        self.batch = 0
        self.counts: dict[str, LayerCount] = {}
        self.active: dict[str, float] = {}
        self.spoke: dict[str, Tensor] = {}
        self.maps: dict[tuple[str, tuple[int, int]], Tensor] = {}

    @contextmanager
    def hooked(self) -> Iterator[None]:
        handles = []
        steps = self.model.config.time_steps
        for name, module in self.model.named_modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                direct = name.startswith("blocks.0.")
                handles.append(module.register_forward_hook(self._weights_hook(name, direct, steps)))
            if isinstance(module, SpikingBlock):
                handles.append(module.register_forward_hook(self._block_hook(name, module, steps)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def entry(self, name: str, kind: str) -> LayerCount:
        return self.counts.setdefault(name, LayerCount(name, kind))

    def _weights_hook(self, name: str, direct: bool, steps: int):
        def hook(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
            x, out = args[0], output
            if isinstance(module, nn.Linear):
                x, out = x.reshape(-1, x.shape[-1]), out.reshape(-1, out.shape[-1])
            spiking = isinstance(module, nn.Conv2d) and not direct and bool(((x == 0) | (x == 1)).all())
            kind = "spikes" if spiking else "dense"
            if name in self.counts and self.counts[name].kind != kind:
                kind, spiking = "dense", False
            count = self.entry(name, kind)
            count.kind = kind
            each = dense_macs(module, out)
            count.steps = len(x) // self.batch
            count.inputs, count.outputs = math.prod(x.shape[1:]), math.prod(out.shape[1:])
            count.weights = sum(p.numel() for p in module.parameters())
            count.dense_macs += each * self.batch
            if isinstance(module, nn.Conv2d):
                reach = self._reach(name, module, x)
                connections = float(reach.double().sum()) * module.in_channels
            else:
                reach, connections = None, float(each)
            count.connections += connections * self.batch
            if spiking:
                assert reach is not None
                per_pixel = x.sum((0, 1), dtype=torch.float64)
                count.acs += float((per_pixel * reach).sum())
                count.input_spikes += float(per_pixel.sum())
                fired = x.unflatten(0, (steps, -1)).amax(0)
                self.active[name] = self.active.get(name, 0.0) + float(fired.sum())
            else:
                count.macs += connections * len(x)

        return hook

    def _reach(self, name: str, conv: nn.Conv2d, x: Tensor) -> Tensor:
        size = (x.shape[2], x.shape[3])
        if (name, size) not in self.maps:
            self.maps[name, size] = fan_out(conv, size)
        return self.maps[name, size]

    def _block_hook(self, name: str, block: SpikingBlock, steps: int):
        def hook(module: nn.Module, args: tuple[Tensor, ...], spikes: Tensor) -> None:
            neurons = math.prod(spikes.shape[1:])
            currents = len(args[0]) * neurons  # one per row of the convolution: not per step when the input is constant
            count = self.entry(f"{name}.neurons", "neurons")
            count.neurons = count.outputs = neurons
            count.steps = steps
            fired = spikes.sum((0, 2, 3), dtype=torch.float64)
            count.output_spikes += float(fired.sum())
            count.membrane_updates += spikes.numel()
            self.spoke[count.layer] = self.spoke.get(count.layer, torch.zeros_like(fired)) + fired
            own = block.norm.own / spikes.shape[1] if isinstance(block.norm, InstanceBatchNorm) else 0.0
            if not self.norm_folded or own:
                each = 2 * own + (0 if self.norm_folded else 1 - own)
                norm = self.entry(f"{name}.norm", "normalization")
                norm.macs += each * currents
                norm.acs += own * currents
                norm.dense_macs += each * neurons * self.batch
                norm.dense_acs += own * neurons * self.batch
                norm.connections += each * neurons * self.batch
                norm.inputs = norm.outputs = neurons
                norm.steps = len(args[0]) // self.batch
            if isinstance(block.excitation, SqueezeExcite):
                gate = self.entry(f"{name}.gate", "gate")
                gate.macs += currents
                gate.acs += currents  # the squeeze adds up every current of a channel
                gate.dense_macs += neurons * self.batch
                gate.connections += neurons * self.batch
                gate.dense_acs += neurons * self.batch
                gate.inputs = gate.outputs = neurons
                gate.steps = len(args[0]) // self.batch
            if block is self.model.blocks[-1]:
                pool = self.entry("pool", "pool")
                pool.acs += float(fired.sum())
                pool.input_spikes += float(fired.sum())
                pool.dense_acs += neurons * self.batch
                pool.inputs, pool.outputs, pool.steps = neurons, spikes.shape[1], steps

        return hook

    def finished(self) -> list[LayerCount]:
        for name, count in self.counts.items():
            for key in _MEANS:
                setattr(count, key, getattr(count, key) / self.images)
            if count.kind == "spikes":
                count.input_rate = count.input_spikes / (count.inputs * count.steps)
                count.active_inputs = self.active[name] / (count.inputs * self.images)
            if count.kind == "neurons":
                count.spike_rate = count.output_spikes / count.membrane_updates
                count.silent = float((self.spoke[name] == 0).double().mean())
        return sorted(self.counts.values(), key=self._place)

    def _place(self, count: LayerCount) -> tuple[int, int]:
        parts = count.layer.split(".")
        block = int(parts[1]) if parts[0] == "blocks" else len(self.model.blocks)
        order = ("conv", "norm", "excitation", "gate", "neurons", "pool", "readout")
        part = parts[2] if parts[0] == "blocks" else parts[0]
        return block, order.index(part) if part in order else 0
