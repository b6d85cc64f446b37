r"""Energy of one inference under several models, told straight: in which of them does spiking win?

None is a measurement: this processor multiplies dense matrices and gains nothing from a spike that is not there. The
models price the counts of `counting.py`; "twin" is the dense network of the same layers, with ReLU, run once.

**Optimistic** (the usual arithmetic): :math:`E = 4.6\,\mathrm{MAC} + 0.9\,\mathrm{AC}` pJ, float32; memory and membranes free.

**With memory** (after Dampfhoffer et al., IEEE TETCI 7(3), 2023, doi 10.1109/TETCI.2022.3214509, and Lemaire et al. 2022, arXiv
2210.13107). A spike-driven accumulate reads a weight, and reads and writes a partial sum; an event is an address of
:math:`\lceil\log_2 n\rceil` bits, written once and read once. A membrane update reads and writes the potential, reads the current
(unless spikes were added to the potential directly) and costs one MAC. A dense MAC reads a weight and an input; an output is
written once. SE reads each current once more to squeeze it. With "dense reuse" a dense layer moves each value once.

**Fair twin** (Yan et al., arXiv 2409.08290): :math:`T` binary steps carry as much as one number of
:math:`b=\lceil\log_2(T+1)\rceil` bits, so the twin is quantized to :math:`b`-bit activations; both have 8-bit weights and pixels,
16-bit states and 32-bit integer accumulators, and pay for memory. It is given with all its MACs, and skipping zeros: an activation
of the equivalent twin is a spike count, hence zero where a neuron is silent in all steps.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from neurallnet.model import NeurALLNet
from neurallnet.profiling.counting import count_operations
from neurallnet.profiling.energy_costs import Arithmetic, access
from neurallnet.profiling.layers import LayerCount, layer_table

WEIGHT_BITS, PIXEL_BITS, STATE_BITS = 8, 8, 16  # of both networks in the fair comparison


def energy_report(model: NeurALLNet, images: Tensor, *, norm_folded: bool = True, batch_size: int = 16) -> dict[str, Any]:
    """Counts per layer and energy per model, means per image of `images` (N, 3, H, W), float in [0, 1].

    Keys: images, time_steps, twin_bits, norm_folded, layers (rows of `LayerCount`), totals, and models: a row per energy model
    with spiking_uj, twin_uj, ratio (twin over spiking: above 1 spiking wins), spiking_parts in uJ, and break_even_rate: the mean
    spike rate per step below which spiking would win, None when even a silent network would not (or it is not defined).
    Raises DataError without images.
    """
    steps = model.config.time_steps
    layers = count_operations(model, images, batch_size, norm_folded)
    totals = _totals(layers, steps)
    totals["parameters"] = sum(p.numel() for p in model.parameters())
    totals["connection_sparsity"] = _zero_share(model)
    rows = []
    for name, (title, arithmetic) in energy_models(steps).items():
        parts = spiking_energy(layers, arithmetic)
        spiking, twin = sum(parts.values()), twin_energy(layers, arithmetic)
        rows.append(
            {
                "id": name,
                "title": title,
                "spiking_uj": spiking / 1e6,
                "twin_uj": twin / 1e6,
                "ratio": twin / spiking,
                "spiking_parts": {part: value / 1e6 for part, value in parts.items()},
                "break_even_rate": None if arithmetic.skip_zeros else _break_even(layers, arithmetic, spiking, twin, totals),
            }
        )
    return {
        "images": len(images),
        "time_steps": steps,
        "twin_bits": twin_bits(steps),
        "norm_folded": norm_folded,
        "layers": layer_table(layers).astype(object).where(lambda t: t.notna(), None).to_dict("records"),
        "totals": totals,
        "models": rows,
    }


def twin_bits(steps: int) -> int:
    """Bits of a number that says as much as `steps` binary steps: ceil(log2(T + 1)).

    >>> [twin_bits(steps) for steps in (1, 2, 3, 4, 8)]
    [1, 2, 2, 3, 4]
    """
    return math.ceil(math.log2(steps + 1))


def energy_models(steps: int) -> dict[str, tuple[str, Arithmetic]]:
    """The models by id: a title and the arithmetic."""
    bits = twin_bits(steps)
    memory = Arithmetic(memory="no reuse")
    fair = Arithmetic(False, WEIGHT_BITS, PIXEL_BITS, STATE_BITS, bits, "no reuse")
    twin = f"{bits}-bit twin"
    return {
        "optimistic": ("45 nm arithmetic alone, float32", Arithmetic()),
        "memory": ("with memory, no reuse, float32", memory),
        "memory_dense_reuse": ("with memory, dense layers reuse, float32", replace(memory, memory="dense reuse")),
        "fair_twin": (f"{twin} with memory, no reuse", fair),
        "fair_twin_skips_zeros": (f"{twin} that skips zeros, no reuse", replace(fair, skip_zeros=True)),
        "fair_twin_dense_reuse": (f"{twin}, dense layers reuse", replace(fair, memory="dense reuse")),
    }


def spiking_energy(layers: list[LayerCount], a: Arithmetic, spikes: float = 1.0) -> dict[str, float]:
    """pJ per image of the spiking network by part; `spikes` scales how many there are."""
    parts = dict.fromkeys(("synapses", "dense layers", "gates", "membranes"), 0.0)
    gated = {c.layer.rsplit(".", 1)[0] for c in layers if c.kind == "gate"}
    driven = {c.layer.rsplit(".", 1)[0] for c in layers if c.kind == "spikes"}
    for c in layers:
        if c.kind in ("spikes", "pool"):
            parts["synapses"] += spikes * (c.acs * (a.add() + _synapse_access(c, a)) + c.input_spikes * _event_access(c.inputs, a))
        elif c.kind == "dense":
            parts["dense layers"] += _dense(c, a, c.macs, c.steps, _input_bits(c, a))
        elif c.kind == "normalization":
            parts["dense layers"] += c.macs * a.mac(a.state) + c.acs * (a.add() + _state_access(c.outputs, a))
        elif c.kind == "gate":
            parts["gates"] += c.macs * a.mac(a.state) + c.acs * a.add() + c.acs * _state_access(c.outputs, a)
        elif c.kind == "neurons" and a.memory != "none":
            block = c.layer.rsplit(".", 1)[0]
            accesses = 2 if block in driven - gated else 3
            update = a.mac(a.state) + accesses * _state_access(c.neurons, a)
            parts["membranes"] += c.membrane_updates * update + spikes * c.output_spikes * _event_access(c.neurons, a)
    return parts


def twin_energy(layers: list[LayerCount], a: Arithmetic) -> float:
    """pJ per image of the dense twin."""
    total = 0.0
    for c in layers:
        if c.kind in ("dense", "spikes"):
            share = c.active_inputs if a.skip_zeros and c.active_inputs is not None else 1.0
            bits = a.activation if c.kind == "spikes" else _input_bits(c, a)
            total += _dense(c, a, share * c.connections, 1, bits)
        elif c.kind in ("normalization", "gate"):
            total += c.connections * a.mac(a.state) + c.dense_acs * a.add()
            total += 3 * c.dense_acs * _state_access(c.outputs, a)  # read to squeeze, read and written to gate
        elif c.kind == "pool":
            total += c.dense_acs * (a.add() + _access(a.activation, c.inputs * a.activation / 8, a))
    return total


def _dense(c: LayerCount, a: Arithmetic, macs: float, runs: int, bits: int) -> float:
    weights, inputs, outputs = c.weights * a.weight / 8, c.inputs * bits / 8, c.outputs * a.state / 8
    energy = macs * a.mac(bits) + runs * c.outputs * _access(a.state, outputs, a)
    if a.memory == "dense reuse":
        return energy + runs * (c.weights * _access(a.weight, weights, a) + c.inputs * _access(bits, inputs, a))
    return energy + macs * (_access(a.weight, weights, a) + _access(bits, inputs, a))


def _input_bits(c: LayerCount, a: Arithmetic) -> int:
    """Real-valued inputs: pixels in the first convolution, states in SE and the read-out."""
    return a.pixel if c.layer.startswith("blocks.0.conv") else a.state


def _synapse_access(c: LayerCount, a: Arithmetic) -> float:
    if c.kind == "pool":
        return 2 * _state_access(c.outputs, a)
    return _access(a.weight, c.weights * a.weight / 8, a) + 2 * _state_access(c.outputs, a)


def _event_access(neurons: int, a: Arithmetic) -> float:
    """One event, its address in a queue that could hold an event of every neuron."""
    bits = max(math.ceil(math.log2(neurons)), 1)
    return _access(bits, neurons * bits / 8, a)


def _state_access(values: int, a: Arithmetic) -> float:
    return _access(a.state, values * a.state / 8, a)


def _access(bits: float, buffer_bytes: float, a: Arithmetic) -> float:
    return 0.0 if a.memory == "none" else access(bits, buffer_bytes)


def _break_even(
    layers: list[LayerCount], a: Arithmetic, spiking: float, twin: float, totals: Mapping[str, Any]
) -> float | None:
    silent = sum(spiking_energy(layers, a, spikes=0.0).values())
    rate = totals["mean_input_rate"]
    if rate is None or twin <= silent or spiking <= silent:
        return None
    return min(rate * (twin - silent) / (spiking - silent), 1.0)


def _totals(layers: list[LayerCount], steps: int) -> dict[str, Any]:
    driven = [c for c in layers if c.kind == "spikes"]
    offered = sum(c.inputs * c.steps for c in driven)
    updates = sum(c.membrane_updates for c in layers)
    fired = sum(c.output_spikes for c in layers)
    return {
        "macs": sum(c.macs for c in layers),
        "macs_if_first_layer_ran_each_step": sum(c.macs * (c.layer == "blocks.0.conv") * (steps - 1) + c.macs for c in layers),
        "acs": sum(c.acs for c in layers),
        "synops": sum(c.acs for c in driven),
        "membrane_updates": updates,
        "spikes": fired,
        "spike_rate": fired / updates if updates else None,
        "activation_sparsity": 1 - fired / updates if updates else None,
        "mean_input_rate": sum(c.input_spikes for c in driven) / offered if offered else None,
        "dense_macs": sum(c.dense_macs for c in layers),
        "connections": sum(c.connections for c in layers),
    }


def _zero_share(model: NeurALLNet) -> float:
    weights = [p for p in model.parameters() if p.dim() > 1]
    return float(sum((w == 0).sum() for w in weights) / sum(w.numel() for w in weights)) if weights else 0.0
