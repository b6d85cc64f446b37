"""Columns are networks of their own behind one first block: in what they compute, in what they learn, and as exported."""

import numpy as np
import pytest
import torch
from lively import lively, random_images
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from neurallnet.config import AugmentConfig, ModelConfig, TrainConfig
from neurallnet.inference import Unrolled
from neurallnet.losses import IGNORED, mean_ce
from neurallnet.model import NeurALLNet
from neurallnet.networks import build_model
from neurallnet.training import Epoch, make_optimizer, shared_out

COLUMNS, WIDTHS = 3, (6, 4, 5)
LABELS = torch.tensor([0, 3, 1, 2, 2, 0])


def committee(**changes) -> NeurALLNet:
    return lively(channels=WIDTHS, columns=COLUMNS, excitation="none", **changes)


def alone(model: NeurALLNet, column: int) -> NeurALLNet:
    """The network of one column by itself, put together from its slices of the weights."""
    single = NeurALLNet(ModelConfig(channels=WIDTHS, excitation="none")).eval()
    state = model.state_dict()
    for name, value in single.state_dict().items():
        if name.startswith("blocks.0.") or value.dim() == 0 or name == "readout.bias":
            continue
        width = value.shape[1] if name == "readout.weight" else len(value)
        cut = slice(column * width, (column + 1) * width)
        state[name] = state[name][:, cut] * COLUMNS if name == "readout.weight" else state[name][cut]
    single.load_state_dict(state)
    return single


def test_the_answer_is_the_mean_of_networks_that_know_nothing_of_each_other():
    model, images = committee(), random_images()
    with torch.inference_mode():
        found = model(images)
        singles = torch.stack([alone(model, column)(images).logits for column in range(COLUMNS)])
    assert singles.std(0).max() > 0.01  # columns differ
    torch.testing.assert_close(found.column_logits, singles)
    torch.testing.assert_close(found.logits, singles.mean(0))


def test_a_column_learns_from_its_own_error_alone():
    model = committee().train()
    model(random_images()).column_logits[1].square().sum().backward()
    for block in list(model.blocks)[1:]:
        each = block.conv.weight.grad.unflatten(0, (COLUMNS, -1)).abs().sum((1, 2, 3, 4))
        assert each[1] > 0 and each[0] == each[2] == 0


def test_one_column_is_the_network_it_was():
    output = build_model(ModelConfig(channels=WIDTHS))(random_images())
    assert output.column_logits is None


@pytest.mark.parametrize("family", ["spiking", "dense"])
def test_each_column_is_taught_by_its_own_cross_entropy(family):
    model = build_model(ModelConfig(channels=WIDTHS, columns=COLUMNS, excitation="none", family=family))
    output = model(random_images())
    wanted = torch.stack([F.cross_entropy(logits, LABELS) for logits in output.column_logits]).mean()
    torch.testing.assert_close(mean_ce(output, LABELS), wanted)
    torch.testing.assert_close(output.column_logits.mean(0), output.logits)


def test_images_a_column_does_not_learn_from_leave_no_trace():
    output = committee()(random_images())
    targets = LABELS.repeat(COLUMNS, 1)
    targets[0, :4], targets[1], targets[2] = IGNORED, IGNORED, IGNORED
    torch.testing.assert_close(mean_ce(output, targets), F.cross_entropy(output.column_logits[0, 4:], LABELS[4:]))


def test_a_batch_is_shared_out_anew_for_each_column():
    labels = torch.arange(64) % 4
    generator = torch.Generator().manual_seed(0)
    first, second = (shared_out(labels, 4, 0.5, generator) for _ in range(2))
    for seen in (first, second):
        assert ((seen != IGNORED).sum(1) == 32).all()
        assert torch.equal(seen[seen != IGNORED], labels.expand(4, -1)[seen != IGNORED])
    assert not torch.equal(first[0] != IGNORED, first[1] != IGNORED) and not torch.equal(first, second)


def test_written_out_and_as_onnx_it_is_the_same_network(tmp_path):
    pytest.importorskip("onnxruntime")
    from neurallnet.export import export_onnx, onnx_session

    model, images = committee(), random_images()
    with torch.inference_mode():
        wanted = model(images).logits
        torch.testing.assert_close(Unrolled(model)(images), wanted, atol=1e-4, rtol=1e-4)
    session = onnx_session(export_onnx(model, tmp_path / "committee.onnx", 32))
    np.testing.assert_allclose(session.run(None, {"images": images.numpy()})[0], wanted.numpy(), atol=1e-4)


def test_a_loop_over_snntorch_gives_the_same_columns():
    pytest.importorskip("snntorch")
    from neurallnet.twins import snntorch_twin

    model, images = committee(), random_images()
    with torch.inference_mode():
        torch.testing.assert_close(snntorch_twin(model)(images).column_logits, model(images).column_logits, atol=1e-5, rtol=1e-5)


def test_a_training_step_teaches_each_column_its_own_share(tmp_path):
    """The read-out's gradient is that of the shares drawn by the epoch's generator, not of the whole batch."""
    config = TrainConfig(column_share=0.5, loss="mean_ce", class_weights="none", precision="float32")
    model, images = committee().train(), random_images()
    epoch = Epoch(model, AveragedModel(model), make_optimizer(model, config), None, config, AugmentConfig(), None, 0, 0)
    drawn = shared_out(LABELS, COLUMNS, 0.5, torch.Generator().manual_seed(7))
    wanted = torch.autograd.grad(mean_ce(model(images), drawn, config.label_smoothing), model.readout.weight)[0]
    whole = torch.autograd.grad(mean_ce(model(images), LABELS, config.label_smoothing), model.readout.weight)[0]
    epoch.step(images, LABELS, torch.Generator().manual_seed(7))
    torch.testing.assert_close(model.readout.weight.grad, wanted)
    assert (wanted - whole).abs().max() > 1e-3
