"""Counts against brute force and torch's own counter, and energy models against numbers worked out by hand."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from neurallnet.config import ModelConfig
from neurallnet.errors import DataError
from neurallnet.evidence import canonical_json
from neurallnet.model import NeurALLNet, SqueezeExcite
from neurallnet.profiling import LayerCount, count_operations, energy_report, who_wins
from neurallnet.profiling.energy import energy_models, spiking_energy, twin_energy
from neurallnet.profiling.energy_costs import Arithmetic, access
from neurallnet.profiling.layers import fan_out

TINY = ModelConfig(channels=(3, 4, 5), time_steps=3, excitation_ratio=2, threshold=0.3)


@pytest.fixture
def model():
    torch.manual_seed(0)
    network = NeurALLNet(TINY)
    for block in network.blocks:
        block.norm.weight.data.mul_(2)  # so that neurons fire
        block.norm.bias.data.add_(0.4)
    return network


@pytest.fixture
def images():
    return torch.rand(5, 3, 15, 18, generator=torch.Generator().manual_seed(1))


def by_name(layers):
    return {layer.layer: layer for layer in layers}


def inputs_of(model, images):
    """Input of each convolution, by plain hooks."""
    seen = {}
    hooks = [
        block.conv.register_forward_pre_hook(lambda _, args, i=i: seen.update({i: args[0].clone()}))
        for i, block in enumerate(model.blocks)
    ]
    with torch.no_grad():
        model.eval()(images)
    for hook in hooks:
        hook.remove()
    return seen


def reached(conv, y, x, height, width):
    """Outputs of one channel whose window covers pixel (y, x), by walking over all windows."""
    (kh, kw), (sh, sw), (ph, pw) = conv.kernel_size, conv.stride, conv.padding
    count = 0
    for top, left in itertools.product(range(-ph, height + ph - kh + 1, sh), range(-pw, width + pw - kw + 1, sw)):
        count += top <= y < top + kh and left <= x < left + kw
    return count


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(2, 5, 3, stride=2, padding=1),
        nn.Conv2d(4, 4, 5, stride=1, padding=2, groups=2),
        nn.Conv2d(3, 7, (2, 4), stride=(3, 2)),
    ],
)
def test_fan_out_counts_every_window(conv):
    height, width = 9, 11
    found = fan_out(conv, (height, width))
    for y, x in itertools.product(range(height), range(width)):
        assert found[y, x].item() == reached(conv, y, x, height, width) * conv.out_channels // conv.groups


def test_synaptic_operations_equal_a_brute_force_count(model, images):
    layers = by_name(count_operations(model, images, batch_size=2))
    for index, spikes in inputs_of(model, images).items():
        if index == 0:
            continue
        conv = model.blocks[index].conv
        assert spikes.sum() > 0
        expected = sum(
            reached(conv, y, x, *spikes.shape[2:]) * conv.out_channels for _, _, y, x in spikes.nonzero().tolist()
        )
        layer = layers[f"blocks.{index}.conv"]
        assert layer.acs == pytest.approx(expected / len(images)) and layer.macs == 0
        assert layer.input_rate == pytest.approx(spikes.mean().item())
        active = spikes.unflatten(0, (3, -1)).amax(0).mean().item()
        assert layer.active_inputs == pytest.approx(active)


def test_if_every_input_spikes_accumulates_are_the_connections_of_all_steps(model, images):
    for block in model.blocks:
        block.norm.weight.data.zero_()
        block.norm.bias.data.fill_(100.0)
        block.excitation.excite.weight.data.zero_()  # an open gate
        block.excitation.excite.bias.data.fill_(100.0)
    layers = by_name(count_operations(model, images))
    for name in ("blocks.1.conv", "blocks.2.conv"):
        assert layers[name].input_rate == 1
        assert layers[name].acs == 3 * layers[name].connections
        assert layers[name].connections < layers[name].dense_macs  # windows over the edge


def test_macs_of_the_dense_twin_equal_torchs_own_count(model, images):
    class Twin(nn.Module):
        """The same layers with ReLU, run once."""

        def forward(self, x):
            for block in model.blocks:
                x = block.conv(x)
                x = torch.relu(x * block.excitation(x.mean((2, 3)))[:, :, None, None])
            return model.readout(x.mean((2, 3)))

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        Twin()(images[:1])
    layers = count_operations(model, images)
    assert sum(layer.dense_macs for layer in layers if layer.kind in ("dense", "spikes")) == counter.get_total_flops() / 2


def test_one_layer_worked_out_by_hand():
    """8 x 8 image, one block of 2 channels: 4 x 4 outputs. Rows and columns of windows see 2, 3, 3, 3 pixels: 11 x 11 taps."""
    model = NeurALLNet(ModelConfig(channels=(2,), time_steps=4, excitation_ratio=1))
    layers = by_name(count_operations(model, torch.rand(3, 3, 8, 8)))
    conv = layers["blocks.0.conv"]
    assert (conv.macs, conv.dense_macs, conv.acs, conv.steps) == (11 * 11 * 3 * 2, 4 * 4 * 9 * 3 * 2, 0, 1)
    assert layers["blocks.0.excitation.squeeze"].macs == 2 * 2  # once: the input is the same at each step
    assert (layers["blocks.0.gate"].macs, layers["blocks.0.gate"].acs) == (32, 32)
    assert layers["blocks.0.neurons"].membrane_updates == 4 * 32
    assert layers["readout"].macs == 4 * 2 * 4
    assert layers["pool"].acs == layers["blocks.0.neurons"].output_spikes


def test_normalization_counts_unless_folded(images):
    """Currents of 3 x 8 x 9, 4 x 4 x 5 and 5 x 2 x 3: the first block once, the others at each of 3 steps."""
    model = NeurALLNet(replace(TINY, own_norm=0))
    folded, apart = count_operations(model, images), count_operations(model, images, norm_folded=False)
    assert not any(layer.kind == "normalization" for layer in folded)
    norms = [(layer.macs, layer.acs) for layer in apart if layer.kind == "normalization"]
    assert norms == [(3 * 8 * 9, 0), (3 * 4 * 4 * 5, 0), (3 * 5 * 2 * 3, 0)]


def test_own_channels_are_never_folded(images):
    """2 of 3 channels, 8 x 9 currents each: a sum, a sum of squares and the map; the third channel folds."""
    model = NeurALLNet(replace(TINY, own_norm=0.6))
    (own,) = [layer for layer in count_operations(model, images) if layer.kind == "normalization"]
    assert (own.layer, own.acs, own.macs, own.connections) == ("blocks.0.norm", 2 * 72, 2 * 2 * 72, 2 * 2 * 72)
    apart = by_name(count_operations(model, images, norm_folded=False))["blocks.0.norm"]
    assert (apart.acs, apart.macs) == pytest.approx((2 * 72, 2 * 2 * 72 + 72))


def test_a_network_without_se_has_no_gates_and_the_mode_is_left_alone(images):
    model = NeurALLNet(ModelConfig(channels=(3, 4), excitation="none")).train()
    layers = count_operations(model, images)
    assert model.training and not any(layer.kind == "gate" for layer in layers)
    assert not any(isinstance(module, SqueezeExcite) for module in model.modules())
    assert not model.blocks[0]._forward_hooks and not model.blocks[0].conv._forward_hooks


def test_no_images_is_an_error(model):
    with pytest.raises(DataError, match="no images"):
        count_operations(model, torch.empty(0, 3, 16, 16))


def test_an_access_costs_what_the_smallest_memory_that_fits_costs():
    assert [access(64, size) for size in (8192, 8193, 32768, 32769, 2**20, 2**20 + 1)] == [10, 20, 20, 100, 100, 1300]
    assert access(8, 100) == 10 / 8


def test_optimistic_energy_is_the_usual_arithmetic(model, images):
    report = energy_report(model, images)
    totals, row = report["totals"], report["models"][0]
    assert row["id"] == "optimistic"
    assert row["spiking_uj"] * 1e6 == pytest.approx(4.6 * totals["macs"] + 0.9 * totals["acs"])
    plain = sum(layer["dense_acs"] for layer in report["layers"])
    assert row["twin_uj"] * 1e6 == pytest.approx(4.6 * totals["connections"] + 0.9 * plain)


def test_memory_energy_of_a_spiking_layer_worked_out_by_hand():
    conv = LayerCount("blocks.1.conv", "spikes", acs=1000, connections=5000, input_spikes=10, inputs=64, outputs=128, weights=512)
    conv.active_inputs = 0.25
    parts = spiking_energy([conv], Arithmetic(memory="no reuse"))
    # an accumulate: weight, sum read, sum written, 5 pJ each in 8 kB; an event: 6 bits of 64 bits at 10 pJ
    assert parts["synapses"] == pytest.approx(1000 * (0.9 + 15) + 10 * 6 * 10 / 64)
    outputs = 128 * 5
    assert twin_energy([conv], Arithmetic(memory="no reuse")) == pytest.approx(5000 * (4.6 + 10) + outputs)
    reuse = twin_energy([conv], Arithmetic(memory="dense reuse"))
    assert reuse == pytest.approx(5000 * 4.6 + (512 + 64) * 5 + outputs)
    fair = Arithmetic(False, 8, 8, 16, 2, "none")
    assert twin_energy([conv], fair) == pytest.approx(5000 * (0.2 * 16 / 64 + 0.1))
    skipping = Arithmetic(False, 8, 8, 16, 2, "none", skip_zeros=True)
    assert twin_energy([conv], skipping) == pytest.approx(0.25 * twin_energy([conv], fair))


def test_break_even_rate_is_where_the_energies_meet(model, images):
    report = energy_report(model, images)
    layers = count_operations(model, images)
    rate = report["totals"]["mean_input_rate"]
    checked = 0
    for row in report["models"]:
        if row["break_even_rate"] is None or row["break_even_rate"] >= 1:
            continue
        arithmetic = energy_models(3)[row["id"]][1]
        spiking = sum(spiking_energy(layers, arithmetic, spikes=row["break_even_rate"] / rate).values())
        assert spiking == pytest.approx(twin_energy(layers, arithmetic))
        checked += 1
    assert checked


def test_the_report_is_evidence_and_names_the_winner(model, images):
    report = energy_report(model, images)
    canonical_json(report)
    assert report["twin_bits"] == 2
    said = who_wins(report)
    assert list(said) == [row["id"] for row in report["models"]] == list(energy_models(3))
    for row in report["models"]:
        winner = "The spiking network wins" if row["ratio"] > 1.05 else "The dense twin wins" if row["ratio"] < 0.95 else "Neither"
        assert winner in said[row["id"]]
