"""NeurALLNet: the paper's size, batch normalization equal to torch's, SE per time step, spikes that are spikes."""

from dataclasses import replace

import pytest
import torch
from lively import lively, random_images, torchs_norm

from neurallnet.checkpoints import load_weights, save_weights
from neurallnet.config import FULL, ModelConfig
from neurallnet.model import AffineBatchNorm, ImageSqueezeExcite, InstanceBatchNorm, NeurALLNet, SqueezeExcite, parameter_count


def test_base_has_the_papers_size(tmp_path):
    model = NeurALLNet(FULL.model)
    assert 270_000 <= parameter_count(model) <= 340_000
    save_weights(tmp_path / "w.safetensors", model, {"config": "x" * 2000})
    assert (tmp_path / "w.safetensors").stat().st_size <= 1.35e6


VARIANTS = [{}, {"excitation": "none"}, {"excitation": "image"}, {"excitation": "gain"}, {"normalization": "none"}]
VARIANTS += [{"own_norm": 0}, {"own_norm": 1}]
VARIANTS += [{"time_steps": 1}, {"beta_learned": True}, {"convolution": "separable"}, {"encoding": "rate"}]


def test_variants_leave_the_base_as_it_was_published():
    """Names and sizes that weight files of the base hold."""
    block = {"conv.weight", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"}
    block |= {f"excitation.{layer}.{kind}" for layer in ("squeeze", "excite") for kind in ("weight", "bias")}
    wanted = {f"blocks.{index}.{name}" for index in range(5) for name in block} | {"readout.weight", "readout.bias"}
    model = NeurALLNet()
    assert set(model.state_dict()) == wanted and parameter_count(model) == 295_254


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_shapes_and_finite_gradients(changes):
    config = ModelConfig(channels=(8, 12), **changes)
    model = NeurALLNet(config)
    out = model(torch.rand(3, 3, 32, 32))
    assert out.logits.shape == (3, 4)
    assert out.step_logits.shape == (config.time_steps, 3, 4)
    assert out.features.shape == (config.time_steps, 3, 12)
    torch.testing.assert_close(out.logits, out.step_logits.mean(0))
    out.logits.square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


def test_batch_normalization_equals_torchs():
    ours, theirs = AffineBatchNorm(5), torch.nn.BatchNorm2d(5)
    x = torch.randn(4, 5, 6, 7) * 3 + 1
    for training in (True, True, False):
        ours.train(training)
        theirs.train(training)
        scale, shift = ours(x.mean((2, 3)), x.square().mean((2, 3)), 42)
        torch.testing.assert_close(x * scale[:, None, None] + shift[:, None, None], theirs(x), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)


@pytest.mark.parametrize("own", [1, 3, 5])
def test_own_channels_are_normalized_by_image_as_torch_does(own):
    ours = InstanceBatchNorm(5, own)
    with torch.no_grad():
        ours.weight.uniform_(0.5, 2)
        ours.bias.uniform_(-1, 1)
    theirs = torchs_norm(ours)
    x = torch.randn(4, 5, 6, 7) * torch.tensor([0.5, 1, 2, 4]).view(4, 1, 1, 1) + torch.arange(4.0).view(4, 1, 1, 1)
    for training in (True, True, False):
        scale, shift = ours.train(training)(x.mean((2, 3)), x.square().mean((2, 3)), 42)
        found = x * scale[..., None, None] + shift[..., None, None]
        torch.testing.assert_close(found, theirs.train(training)(x), rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_how_strongly_an_image_is_stained_is_not_seen_by_own_channels():
    """Twice the contrast: spikes of a first block of own channels alone stay, those of the others do not."""
    images = random_images() * 4 - 2
    blocks = (lively(own_norm=own, excitation="none").blocks[0] for own in (1, 0))
    own, batch = ((block(images) != block(images * 2)).float().mean().item() for block in blocks)
    assert own < 0.01 < 0.05 < batch


def test_excitation_acts_on_each_time_step_of_each_image():
    """The gate of a row depends on that row alone, and is the formula of Hu et al."""
    torch.manual_seed(0)
    se = SqueezeExcite(16, ratio=2)  # of two hidden units both may be silent, for every image
    z = torch.randn(6, 16)
    gate = se(z)
    expected = torch.sigmoid(se.excite.weight @ torch.relu(se.squeeze.weight @ z[2] + se.squeeze.bias) + se.excite.bias)
    torch.testing.assert_close(gate[2], expected)
    changed = z.clone()
    changed[0] = 5 * torch.randn(16)
    assert torch.equal(se(changed)[1:], gate[1:]) and not torch.equal(se(changed)[0], gate[0])


def test_image_gate_is_one_for_all_steps_from_the_mean_over_time():
    gate, reference = ImageSqueezeExcite(16, ratio=8, steps=3), SqueezeExcite(16, ratio=8)
    reference.load_state_dict(gate.state_dict())
    z = torch.randn(3, 2, 16)  # 3 steps of 2 images
    found = gate(z.flatten(0, 1)).unflatten(0, (3, 2))
    for step in found:
        torch.testing.assert_close(step, reference(z.mean(0)))


def test_one_gate_per_image_is_todays_gate_where_there_is_one_step():
    """And in the first block at any number of steps, for its input is the same at each."""
    images = random_images(3)
    models = [lively(excitation=kind, time_steps=steps) for steps in (1, 4) for kind in ("step", "image")]
    for model in models[1::2]:
        model.load_state_dict(models[models.index(model) - 1].state_dict())
    assert torch.equal(models[0](images).logits, models[1](images).logits)
    assert not torch.equal(models[2](images).logits, models[3](images).logits)
    first = [model.blocks[0](images) for model in models[2:]]
    assert torch.equal(*first)


def test_constant_gain_scales_each_channels_current_and_nothing_else():
    """The same network without a gate has the same logits once each gain is in the normalization."""
    gain = lively(excitation="gain")
    plain = NeurALLNet(replace(gain.config, excitation="none")).eval()
    state = gain.state_dict()
    for index in range(3):
        factor = torch.sigmoid(state.pop(f"blocks.{index}.excitation.logit"))
        for name in ("weight", "bias"):
            state[f"blocks.{index}.norm.{name}"] = state[f"blocks.{index}.norm.{name}"] * factor
    plain.load_state_dict(state)
    images = random_images()
    torch.testing.assert_close(plain(images).features, gain(images).features, rtol=0, atol=1e-4)
    assert NeurALLNet(gain.config).blocks[0].excitation(torch.rand(2, 6)).unique().tolist() == [0.5]


def test_learned_beta_starts_at_beta_and_is_trained_per_block():
    model, fixed = lively(beta_learned=True, beta=0.8), lively(beta=0.8)
    images = random_images()
    assert [block.neuron.beta for block in model.blocks] == pytest.approx([0.8] * 3)
    torch.testing.assert_close(model(images).logits, fixed(images).logits)
    model.train()(images).logits.square().sum().backward()
    assert all(block.decay.grad.abs() > 0 for block in model.blocks)
    with torch.no_grad():
        model.blocks[1].decay.fill_(0.0)
    assert model.eval().blocks[1].neuron.beta == 0.5  # a number, which exports can take


def test_blocks_exchange_spikes_only():
    model = NeurALLNet(ModelConfig(channels=(8, 12)))
    x = torch.rand(2, 3, 32, 32)
    for block in model.blocks:
        x = block(x)
        assert set(x.unique().tolist()) == {0.0, 1.0}


def test_images_do_not_disturb_each_other_in_evaluation():
    model = NeurALLNet(ModelConfig(channels=(8, 12))).eval()
    images = torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(model(images).logits[1:2], model(images[1:2]).logits)


def test_weights_round_trip(tmp_path):
    config = ModelConfig(channels=(8, 12))
    first, second = NeurALLNet(config), NeurALLNet(config)
    first(torch.rand(4, 3, 32, 32))  # moves the running statistics, which inference needs
    save_weights(tmp_path / "w.safetensors", first, {"note": "kept"})
    assert load_weights(tmp_path / "w.safetensors", second) == {"note": "kept"}
    x = torch.rand(2, 3, 32, 32)
    assert torch.equal(first.eval()(x).logits, second.eval()(x).logits)
