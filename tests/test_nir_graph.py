"""A NIR file spikes as the torch network does, in two readers, and what NIR cannot say is refused."""

from typing import get_args

import numpy as np
import pytest
import torch
from lively import lively, random_images
from torch.nn import functional as F

from neurallnet import nir_run
from neurallnet.config import Hue, ModelConfig
from neurallnet.errors import ConfigError, RunError
from neurallnet.exporting_fold import fold_gain
from neurallnet.hue import normalize_hue
from neurallnet.model import NeurALLNet
from neurallnet.networks import build_model
from neurallnet.neurons import Neuron, lif_loop
from neurallnet.nir_check import check_layers, compare_traces, compare_with_torch, require_agreement, run_torch
from neurallnet.nir_graph import DT, neurons, nir_graph, nir_input, refuse_nir
from neurallnet.nir_run import chain, read_nir, run_in_snntorch, run_nir

nir = pytest.importorskip("nir")

WORDS = {"excitation": "gain", "own_norm": 0, "reset_mechanism": "zero", "time_steps": 4}
CASES = [
    {},
    {"reset_delay": False},
    {"excitation": "none"},
    {"normalization": "none", "beta": 0.5, "threshold": 0.7},
    {"beta": 0.0, "hue": "stored"},
    {"beta_learned": True, "classes": 7},
    {"time_steps": 1, "channels": (6,)},
]


def written(model, tmp_path, size=32):
    """The model's graph, written and read back."""
    names = [f"kind {i}" for i in range(model.config.classes)]
    nir.write(tmp_path / "model.nir", nir_graph(model, size, names))
    return read_nir(tmp_path / "model.nir")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_file_read_back_spikes_as_torch(case, tmp_path):
    model, images = lively(**{**WORDS, **case}), random_images()
    graph = written(model, tmp_path)
    layers = check_layers(graph, model, images)
    assert len(layers) == len(model.blocks) and all(layer.spikes > 0.02 * layer.values for layer in layers)
    assert sum(layer.unlike for layer in layers) <= 2 and not any(layer.unexplained for layer in layers)
    alone = compare_with_torch(graph, model, images)
    assert min(alone.equal_spikes.values()) > 0.999 and alone.median_deviation < 1e-6


@pytest.mark.parametrize("case", [{}, {"excitation": "none", "beta": 0.3}], ids=str)
def test_snntorch_reads_the_same_network(case, tmp_path):
    pytest.importorskip("nirtorch")
    model, images = lively(**{**WORDS, **case}), random_images(3)
    graph = written(model, tmp_path)
    found = run_in_snntorch(graph, nir_input(images, model.config.time_steps))
    same = compare_traces(found, run_torch(model, images))
    assert list(same.equal_spikes) == [f"block{i}_spikes" for i in range(3)] and same.equal_images > 0.6
    assert min(same.equal_spikes.values()) > 0.999 and same.median_deviation < 1e-6


@torch.inference_mode()
def test_interpreter_is_exact_in_float64(tmp_path):
    """Against neurons.lif_loop with the late reset of training and float64 weights of the file: not one spike differs."""
    model, images = lively(**WORDS), random_images().double()
    graph = written(model, tmp_path)
    found = run_nir(graph, (images * 4 - 2).expand(4, *images.shape))
    x = (images * 4 - 2).expand(4, *images.shape)
    for place in range(len(model.blocks)):
        node = graph.nodes[f"block{place}_conv"]
        weight, bias = (torch.from_numpy(values).double() for values in (node.weight, node.bias))
        current = F.conv2d(x.flatten(0, 1), weight, bias, stride=2, padding=1).unflatten(0, (4, -1))
        beta = 1 - DT / float(graph.nodes[f"block{place}_spikes"].tau.flat[0])
        x = lif_loop(current, Neuron(beta=beta, reset_mechanism="zero", reset_delay=True)).spike
        assert torch.equal(x, found.spikes[f"block{place}_spikes"]) and 0.02 < x.mean() < 0.98
    rates = x.mean((3, 4))
    np.testing.assert_allclose(
        found.output, F.linear(rates, model.readout.weight.double(), model.readout.bias.double()), atol=1e-12
    )


def test_late_and_immediate_reset_to_zero_are_one_neuron():
    currents = torch.randn(32, 500, generator=torch.Generator().manual_seed(1)) + 0.4
    spikes = [lif_loop(currents, Neuron(reset_mechanism="zero", reset_delay=late)).spike for late in (True, False)]
    assert torch.equal(*spikes) and 0.1 < spikes[0].mean() < 0.9
    subtracted = [lif_loop(currents, Neuron(reset_mechanism="subtract", reset_delay=late)).spike for late in (True, False)]
    assert not torch.equal(*subtracted)  # which is why only zero can be carried


def test_node_is_the_equation_of_nir():
    """An Euler step of dt leaves beta of the potential and adds the current as it is."""
    node = neurons(Neuron(beta=0.9, threshold=0.8), (1, 1, 1))
    np.testing.assert_allclose(1 - DT / node.tau, 0.9, rtol=1e-6)
    np.testing.assert_allclose(node.r * DT / node.tau, 1, rtol=1e-6)
    assert node.v_threshold.item() == np.float32(0.8) and node.v_reset.item() == node.v_leak.item() == 0


@pytest.mark.parametrize("convolution", ["full", "separable"])
@pytest.mark.parametrize("normalization", ["batch", "none"])
@torch.inference_mode()
def test_folding_a_gain_changes_nothing(normalization, convolution):
    torch.manual_seed(0)
    model = NeurALLNet(ModelConfig(channels=(6, 8), excitation="gain", normalization=normalization, convolution=convolution))
    for block in model.blocks:
        block.excitation.logit.normal_()
        block.norm.bias.uniform_(0.2, 1)
    images, plain = random_images(), fold_gain(model).float()
    assert plain.config.excitation == "none" and not any("excitation" in name for name in plain.state_dict())
    wanted, found = model.eval()(images), plain(images)
    assert wanted.features.mean() > 0.01
    np.testing.assert_allclose(found.features, wanted.features, atol=2e-2)
    assert (found.features == wanted.features).float().mean() > 0.95
    assert model.config.excitation == "gain" and model.blocks[0].excitation is not None  # a copy


def test_graph_that_computes_something_else_is_found(tmp_path):
    model, images = lively(**WORDS), random_images()
    for node, field, change in (
        ("block1_conv", "bias", 1e-3),
        ("block2_spikes", "v_threshold", 1e-3),
        ("block0_spikes", "tau", 1e-6),
        ("block0_conv", "weight", 1e-4),
    ):
        graph = written(model, tmp_path)
        values = getattr(graph.nodes[node], field)
        values += change
        with pytest.raises(RunError, match=rf"deviates from torch: \d+ of \d+ values of {node.split('_')[0]}_spikes"):
            require_agreement(check_layers(graph, model, images))


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"columns": 2, "hue": ("normalized", "stored")}, "an input each; use one hue"),
        ({"excitation": "step"}, "excitation 'step' has gates that look at the image; use 'gain'"),
        ({"excitation": "image"}, "excitation 'image' has gates"),
        ({"own_norm": 0.5}, "channels normalized by the image's moments do not fold; use own_norm 0"),
        ({"reset_mechanism": "subtract"}, "reset_mechanism 'subtract': neurons are set to zero; use 'zero'"),
        ({"encoding": "rate"}, "encoding 'rate' needs a source of spikes"),
        ({"encoding": "latency"}, "encoding 'latency' needs"),
        ({"convolution": "separable"}, "convolution 'separable' is not written; use 'full'"),
        ({"beta": 1.0}, "a beta of 1 has no finite time constant"),
        ({"family": "dense"}, "a network of family 'dense' has no spikes"),
        ({"family": "small_cnn"}, "a network of family 'small_cnn' has no spikes"),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value),
)
def test_what_nir_cannot_say_is_refused_with_the_variant_that_can(case, said):
    with pytest.raises(ConfigError) as refusal:
        nir_graph(build_model(ModelConfig(**{**WORDS, **case})), 32)
    assert said in str(refusal.value) and "model.excitation=gain --set model.own_norm=0" in str(refusal.value)


def test_the_arm_is_not_refused_and_broken_weights_are():
    model = lively(**WORDS)
    refuse_nir(model)
    model.readout.bias.data[0] = np.nan
    with pytest.raises(ConfigError, match=r"readout\.bias holds values that are not finite"):
        refuse_nir(model)


def test_input_is_what_the_network_makes_of_an_image():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    floats = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    found = nir_input(pixels, steps=3)
    assert torch.equal(found, nir_input(floats, steps=3)) and found.shape == (3, 2, 3, 32, 32)
    np.testing.assert_allclose(found[2], normalize_hue(floats) * 4 - 2, atol=1e-6)
    np.testing.assert_allclose(nir_input(floats, 1, "stored")[0], floats * 4 - 2, atol=1e-6)


def test_metadata_survives_and_says_what_is_outside_of_the_graph(tmp_path):
    told = written(lively(**WORDS), tmp_path).metadata
    assert told["time_steps"] == "4" and float(told["dt"]) == DT and "not a medical device" in told["notice"]
    assert "normalize_hue" in told["input"] and "x * 4 - 2" in told["input"] and "mean over 4 steps" in told["output"]
    assert "normalize_hue" not in written(lively(**WORDS, hue="stored"), tmp_path).metadata["input"]


@pytest.mark.parametrize("hue", get_args(Hue))
def test_every_way_to_see_colours_is_told_and_carried(hue, tmp_path):
    model, images = lively(**WORDS, hue=hue), random_images(2) * 0.8
    graph = written(model, tmp_path)
    told = graph.metadata["input"]
    assert ("balance_light" in told) == (hue == "balanced") and ("standardize_light" in told) == (hue == "standardized")
    assert ("normalize_hue" in told) == (hue in ("balanced", "normalized", "standardized"))
    assert ("grey" in told) == (hue == "grey")
    assert not any(layer.unexplained for layer in check_layers(graph, model, images))


def test_files_that_are_no_graph_of_ours_are_named(tmp_path):
    (tmp_path / "junk.nir").write_bytes(b"no graph")
    for name in ("junk.nir", "absent.nir"):
        with pytest.raises(RunError, match=f"{name}: not a readable NIR file"):
            read_nir(tmp_path / name)
    graph = written(lively(**WORDS), tmp_path)
    graph.edges.append(("block0_spikes", "block0_conv"))
    with pytest.raises(RunError, match="no chain"):
        chain(graph)
    graph = written(lively(**WORDS), tmp_path)
    graph.nodes["mean"] = nir.SumPool2d((4, 4), (4, 4), (0, 0))
    with pytest.raises(RunError, match="mean: a node of type SumPool2d"):
        run_nir(graph, nir_input(random_images(1), 4))


def test_chain_does_not_depend_on_the_order_in_the_file(tmp_path):
    graph = written(lively(**WORDS), tmp_path)
    graph.nodes = dict(sorted(graph.nodes.items(), reverse=True))
    assert chain(graph)[0] == "input" and chain(graph)[-2:] == ["readout", "output"]


def test_model_is_left_alone(tmp_path):
    model = lively(**WORDS)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    check_layers(written(model, tmp_path), model, random_images(1))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_missing_reader_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(nir_run, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="nirtorch, snntorch not installed; run: pip install nirtorch snntorch"):
        run_in_snntorch(written(lively(**WORDS), tmp_path), nir_input(random_images(1), 4))
