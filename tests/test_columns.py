"""Columns are networks of their own: in what they compute, in what they are shown and learn, and as exported."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lively import lively, random_images
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from neurallnet.config import AugmentConfig, ModelConfig, TrainConfig
from neurallnet.inference import Unrolled
from neurallnet.losses import mean_ce
from neurallnet.model import NeurALLNet, Output
from neurallnet.networks import build_model
from neurallnet.training import Epoch, Examples, make_optimizer

COLUMNS, WIDTHS = 3, (6, 4, 5)
LABELS = torch.tensor([0, 3, 1, 2, 2, 0])


def committee(**changes) -> NeurALLNet:
    return lively(**{"channels": WIDTHS, "columns": COLUMNS, **changes})


def alone(model: NeurALLNet, column: int) -> NeurALLNet:
    """The network of one column by itself, put together from its slices of the weights."""
    single = NeurALLNet(replace(model.config, columns=1, hue=model.config.hues[column])).train(model.training)
    state = model.state_dict()
    for name, value in single.state_dict().items():
        if value.dim() and name != "readout.bias":
            state[name] = state[name].chunk(COLUMNS, int(name == "readout.weight"))[column]
    single.load_state_dict(state)
    return single


WAYS = {"hue": ("normalized", "standardized", "balanced"), "own_norm": 0.0}
KINDS = [{}, {"excitation": "none"}, {"own_norm": 1.0}, {"own_norm": 0.0}, {"channels": (6,)}]
KINDS += [WAYS, {"hue": ("stored", "grey", "stored")}]


@pytest.mark.parametrize("changes", KINDS, ids=str)
def test_the_answer_is_the_mean_of_networks_that_know_nothing_of_each_other(changes):
    model, images = committee(**changes), random_images()
    with torch.inference_mode():
        found = model(images)
        singles = torch.stack([alone(model, column)(images).logits for column in range(COLUMNS)])
    assert singles.std(0).max() > 0.01  # columns differ
    torch.testing.assert_close(found.column_logits, singles)
    torch.testing.assert_close(found.logits, singles.mean(0))


@pytest.mark.parametrize("changes", [{}, WAYS], ids=str)
def test_shown_pictures_of_their_own_columns_learn_from_them_as_single_networks_do(changes):
    model = committee(**changes).train()
    images, labels = random_images(3 * len(LABELS)).unflatten(0, (COLUMNS, -1)), torch.stack([LABELS, LABELS.flip(0), LABELS])
    mean_ce(model(images), labels).backward()
    for column, (own, wanted) in enumerate(zip(images, labels, strict=True)):
        single = alone(model, column)
        (mean_ce(single(own), wanted) / COLUMNS).backward()
        for name, parameter in single.named_parameters():
            if name != "readout.bias":
                found = model.get_parameter(name).grad.chunk(COLUMNS, int(name == "readout.weight"))[column]
                torch.testing.assert_close(found, parameter.grad, atol=1e-5, rtol=1e-3)


def test_one_column_is_the_network_it_was():
    output = build_model(ModelConfig(channels=WIDTHS))(random_images())
    assert output.column_logits is None


@pytest.mark.parametrize("family", ["spiking", "dense"])
def test_each_column_is_taught_by_its_own_cross_entropy(family):
    model = build_model(ModelConfig(channels=WIDTHS, columns=COLUMNS, family=family))
    output = model(random_images())
    wanted = torch.stack([F.cross_entropy(logits, LABELS) for logits in output.column_logits]).mean()
    torch.testing.assert_close(mean_ce(output, LABELS), wanted)
    torch.testing.assert_close(output.column_logits.mean(0), output.logits)


@pytest.mark.parametrize("changes", [{}, WAYS, {**WAYS, "own_norm": 0.5}], ids=str)
def test_written_out_and_as_onnx_it_is_the_same_network(tmp_path, changes):
    pytest.importorskip("onnxruntime")
    from neurallnet.export import export_onnx, onnx_session

    model, images = committee(**changes), random_images()
    with torch.inference_mode():
        wanted = model(images).logits
        torch.testing.assert_close(Unrolled(model)(images), wanted, atol=1e-4, rtol=1e-4)
    session = onnx_session(export_onnx(model, tmp_path / "committee.onnx", 32))
    np.testing.assert_allclose(session.run(None, {"images": images.numpy()})[0], wanted.numpy(), atol=1e-4)


@pytest.mark.parametrize("changes", [{}, WAYS], ids=str)
def test_a_loop_over_snntorch_gives_the_same_columns(changes):
    pytest.importorskip("snntorch")
    from neurallnet.twins import snntorch_twin

    model, images = committee(**changes), random_images()
    with torch.inference_mode():
        torch.testing.assert_close(snntorch_twin(model)(images).column_logits, model(images).column_logits, atol=1e-5, rtol=1e-5)


class Recorder(nn.Module):
    """A network of columns that keeps what it was shown."""

    def __init__(self, columns: int) -> None:
        super().__init__()
        self.config, self.readout, self.seen = ModelConfig(columns=columns), nn.Linear(1, 4), []

    def forward(self, images: torch.Tensor) -> Output:
        self.seen.append(images[:, :, 0, 0, 0])
        logits = self.readout(images.mean((2, 3, 4))[..., None])
        return Output(logits.mean(0), logits.mean(0)[None], logits, logits)


def test_in_an_epoch_each_column_sees_every_image_once_in_an_order_of_its_own():
    model, config = Recorder(COLUMNS), TrainConfig(batch_size=5, class_weights="none", precision="float32")
    images = np.arange(24, dtype=np.uint8)[:, None, None, None].repeat(8, 1).repeat(8, 2).repeat(3, 3) * 10
    still = AugmentConfig(**dict.fromkeys(("shift", "zoom", "stain", "brightness", "contrast", "saturation", "hue", "noise"), 0.0))
    plan = make_optimizer(model, config), Examples(images, np.arange(24) % 4), config, still, None, 0, 0
    Epoch(model, AveragedModel(model), *plan).run(np.arange(4, 24))
    orders = (torch.cat(model.seen, 1) * 25.5).round().long()
    assert orders.shape == (COLUMNS, 20)
    assert all(sorted(order.tolist()) == list(range(4, 24)) for order in orders)
    batches = [[frozenset(shown.tolist()) for shown in (batch * 25.5).round().long()] for batch in model.seen]
    assert all(len(set(batch)) == COLUMNS for batch in batches)  # no two columns learn from the same images in a step
