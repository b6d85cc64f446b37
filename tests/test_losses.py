"""Losses are those of snntorch and of the TET paper; the charge for spikes is zero below its target and reaches the weights."""

import pytest
import torch
from lively import lively, random_images
from torch.nn import functional as F

from neurallnet.config import ModelConfig
from neurallnet.errors import ConfigError
from neurallnet.losses import LOSSES, loss_function, spike_rate_penalty, spike_rates
from neurallnet.model import Output
from neurallnet.networks import build_model

LABELS = torch.tensor([0, 3, 1, 2, 2])


@pytest.fixture
def output() -> Output:
    steps = torch.randn(4, 5, 4, generator=torch.Generator().manual_seed(0)) * 2
    return Output(steps.mean(0), steps, torch.zeros(4, 5, 1))


@pytest.mark.parametrize(("name", "reference"), [("rate_ce", "ce_rate_loss"), ("count_ce", "ce_count_loss")])
def test_equals_snntorch(name, reference, output):
    functional = pytest.importorskip("snntorch.functional")
    wanted = getattr(functional, reference)()(output.step_logits, LABELS)
    torch.testing.assert_close(loss_function(name)(output, LABELS, 0.0), wanted.squeeze())


def test_tet_is_the_papers_equation(output):
    each = torch.stack([F.cross_entropy(step, LABELS) for step in output.step_logits])
    pull = torch.nn.MSELoss()(output.step_logits, torch.ones_like(output.step_logits))
    torch.testing.assert_close(loss_function("tet")(output, LABELS, 0.0), 0.999 * each.mean() + 0.001 * pull)


def test_mean_loss_is_todays(output):
    wanted = F.cross_entropy(output.logits, LABELS, label_smoothing=0.05)
    assert torch.equal(loss_function("mean_ce")(output, LABELS, 0.05), wanted)


@pytest.mark.parametrize("name", LOSSES)
def test_smoothing_reaches_every_loss_and_gradients_are_finite(name, output):
    steps = output.step_logits.bfloat16().requires_grad_()
    half = Output(steps.mean(0), steps, output.features)
    loss = loss_function(name)(half, LABELS, 0.1)
    assert loss.dtype == torch.float32 and loss.shape == ()
    assert loss.item() != loss_function(name)(half, LABELS, 0.0).item()
    loss.backward()
    assert steps.grad.isfinite().all() and steps.grad.abs().sum() > 0


def test_without_time_the_cross_entropies_are_one(output):
    single = Output(output.logits, output.logits[None], output.features)
    found = [loss_function(name)(single, LABELS, 0.1) for name in ("mean_ce", "count_ce", "rate_ce")]
    assert found[0] == found[1] == found[2]


def test_unknown_loss_is_named():
    with pytest.raises(ConfigError, match="loss 'hinge' is unknown; choose one of mean_ce"):
        loss_function("hinge")


def test_penalty_by_hand():
    """Blocks at 0.3 and 0.1 with target 0.2: (0.1^2 + 0) / 2."""
    rates = torch.tensor([0.3, 0.1], requires_grad=True)
    penalty = spike_rate_penalty(rates, 0.2)
    penalty.backward()
    assert penalty.item() == pytest.approx(0.005)
    assert rates.grad.tolist() == pytest.approx([0.1, 0.0])


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_collected_rates_are_those_of_the_blocks_and_pull_them_down(precision):
    model, images = lively().train(), random_images()
    seen = []
    for block in model.blocks:
        block.register_forward_hook(lambda module, inputs, spikes: seen.append(spikes.double().mean().item()))
    with spike_rates(model) as rates:
        for _ in range(2):  # the list holds the latest pass only
            seen.clear()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
                model(images)
            assert [rate.item() for rate in rates] == pytest.approx(seen, abs=1e-6) and len(rates) == 3
        before = spike_rate_penalty(rates, 0.0)
        before.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.grad is not None:
                    parameter -= 0.5 * parameter.grad
        model(images)
        assert 0 < spike_rate_penalty(rates, 0.0) < before
        rates.clear()
    model(images)
    assert not rates  # no hook is left


def test_networks_without_spikes_have_no_rate_to_charge():
    with (
        pytest.raises(ConfigError, match="no spiking blocks"),
        spike_rates(build_model(ModelConfig(family="dense", channels=(4,)))),
    ):
        pass
