"""NeurALLNet: the paper's size, batch normalization equal to torch's, SE per time step, spikes that are spikes."""

import pytest
import torch

from neurallnet.checkpoints import load_weights, save_weights
from neurallnet.config import FULL, ModelConfig
from neurallnet.model import AffineBatchNorm, NeurALLNet, SqueezeExcite, parameter_count


def test_base_has_the_papers_size(tmp_path):
    model = NeurALLNet(FULL.model)
    assert 270_000 <= parameter_count(model) <= 340_000
    save_weights(tmp_path / "w.safetensors", model, {"config": "x" * 2000})
    assert (tmp_path / "w.safetensors").stat().st_size <= 1.35e6


@pytest.mark.parametrize("changes", [{}, {"excitation": "none"}, {"normalization": "none"}, {"time_steps": 1}])
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


def test_excitation_acts_on_each_time_step_of_each_image():
    """The gate of a row depends on that row alone, and is the formula of Hu et al."""
    se = SqueezeExcite(16, ratio=8)
    z = torch.randn(6, 16)
    gate = se(z)
    expected = torch.sigmoid(se.excite.weight @ torch.relu(se.squeeze.weight @ z[2] + se.squeeze.bias) + se.excite.bias)
    torch.testing.assert_close(gate[2], expected)
    changed = z.clone()
    changed[0] += 1
    assert torch.equal(se(changed)[1:], gate[1:]) and not torch.equal(se(changed)[0], gate[0])


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
