"""Predicting from Python: the network's own numbers for whatever holds a picture, a clear word about what does not."""

from pathlib import Path

import numpy as np
import pytest
import torch
from lively import lively
from PIL import Image

from neurallnet import load_pretrained, predict
from neurallnet.data import images as decoding
from neurallnet.data.images import decode_image, preprocess
from neurallnet.data.synthetic import SyntheticConfig, draw_image
from neurallnet.errors import ConfigError, DataError
from neurallnet.ood import features
from neurallnet.predicting import find_images, predict_files
from neurallnet.pretrained import Pretrained

DRAWN = SyntheticConfig(images_per_class=12)
NAMES = [f"{label}/LabA-{label}-001.png" for label in ("Benign", "Early", "Pre", "Pro")]


@pytest.fixture(scope="module")
def drawn() -> list[np.ndarray]:
    return [draw_image(DRAWN, name) for name in NAMES]


@pytest.fixture(scope="module")
def folder(drawn, tmp_path_factory) -> Path:
    """Four drawn images, two of them in a folder below; and what is to be passed over."""
    top = tmp_path_factory.mktemp("images")
    (top / "sub").mkdir()
    for place, (name, image) in enumerate(zip(NAMES, drawn, strict=True)):
        Image.fromarray(image).save(top / ("sub" if place % 2 else ".") / Path(name).name)
    (top / "notes.txt").write_text("no image")
    (top / ".hidden.png").write_bytes(b"")
    return top


def test_numbers_are_those_of_preprocessing_network_temperature_and_ood_model(folder):
    network = load_pretrained()
    for file, answer in zip(find_images([folder]), predict(folder), strict=True):
        view = preprocess(decode_image(file), network.image_size, network.scale_bar)
        with torch.inference_mode():
            logits = network.model(torch.from_numpy(view).permute(2, 0, 1)[None].float() / 255).logits[0]
        shares = torch.softmax(logits.double() / network.temperature, 0)
        assert list(answer.probabilities) == list(network.classes)
        assert np.allclose(list(answer.probabilities.values()), shares, atol=1e-6)
        assert answer.predicted == network.classes[int(logits.argmax())]
        assert answer.confidence == max(answer.probabilities.values())
        flagged = bool(network.ood.flag(features(network.model, view[None])[network.ood.feature])[0])
        assert (answer.file, answer.out_of_distribution, answer.error) == (str(file), flagged, None)


def test_whatever_holds_a_picture_gets_the_same_answers(folder, drawn):
    paths = [folder / "LabA-Benign-001.png", folder / "sub" / "LabA-Early-001.png"]
    wanted = [(answer.predicted, answer.probabilities, answer.out_of_distribution) for answer in predict(paths)]
    stack = np.stack(drawn[:2])
    tensor = torch.from_numpy(stack).permute(0, 3, 1, 2)
    for same in (
        [str(path) for path in paths],
        tuple(paths),
        stack,
        list(stack),
        [Image.open(path) for path in paths],
        tensor,
        tensor.float() / 255,
        tensor.double() / 255,
        [tensor[0], Image.fromarray(stack[1])],
    ):
        assert [(answer.predicted, answer.probabilities, answer.out_of_distribution) for answer in predict(same)] == wanted
    for one in (paths[0], str(paths[0]), stack[0], tensor[0], tensor[0] / 255, Image.open(paths[0])):
        assert [answer.probabilities for answer in predict(one)] == [wanted[0][1]]
    assert predict(paths[0])[0].file == str(paths[0]) and predict(stack)[0].file is None


def test_a_file_is_named_as_it_is_unless_a_character_cannot_be_written(drawn, tmp_path):
    for name, shown in (("日本\u3000標本.png", "日本\u3000標本.png"), ("標本\n\u202f1.png", "標本\\n\u202f1.png")):
        Image.fromarray(drawn[0]).save(tmp_path / name)
        assert predict(tmp_path / name)[0].file == str(tmp_path / shown)


def test_neighbours_and_batch_size_change_nothing(folder):
    every = predict(folder)
    assert len(every) == 4 and len({tuple(answer.probabilities.values()) for answer in every}) == 4
    for size in (1, 3):
        assert predict(folder, batch_size=size) == every
    backwards = predict([answer.file for answer in reversed(every)])
    assert backwards[::-1] == every
    assert [predict(answer.file)[0] for answer in every] == every


def test_files_are_read_as_answers_are_asked_for(folder, monkeypatch):
    read = []
    original = decoding.decode_image
    monkeypatch.setattr("neurallnet.predicting.api.decode_image", lambda path: read.append(path) or original(path))
    stream = predict_files(find_images([folder]), batch_size=2)
    next(stream)
    assert len(read) == 2, "a whole folder is never in memory"
    assert len(list(stream)) == 3 and len(read) == 4


def test_a_network_without_ood_model_says_that_it_cannot_tell(drawn):
    small = Pretrained("small", lively(time_steps=2), ("a", "b", "c", "d"), 32, "removed", 2.0, None, {})
    (answer,) = predict(drawn[0], small)
    assert answer.out_of_distribution is None and answer.predicted in "abcd"
    assert sum(answer.probabilities.values()) == pytest.approx(1)


PICTURE = np.full((40, 40, 3), 200, np.uint8)
TENSOR = torch.full((3, 40, 40), 0.5)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (PICTURE / 255, r"is float64, not uint8; give .* \(255 \* x\)\.round\(\)"),
        (PICTURE.astype(np.uint16), "is uint16, not uint8"),
        (PICTURE[..., 0], r"shape \(40, 40\)"),
        (PICTURE.transpose(2, 0, 1), "channels come last"),
        (PICTURE[:0], "shape"),
        (TENSOR.permute(1, 2, 0), "channels come first"),
        (TENSOR * np.nan, "NaN or infinity"),
        (TENSOR * 3, "values from 1.5 to 1.5"),
        (TENSOR - 1, "values from -0.5 to -0.5"),
        (TENSOR.long(), "is int64"),
        (TENSOR[None, None], "shape"),
        (Image.new("L", (40, 40)), "mode L"),
        (Image.new("RGBA", (40, 40)), "mode RGBA"),
        (7, "int is no picture; give a path"),
        (None, "NoneType is no picture"),
        ([], "the list is empty"),
        ([PICTURE, "a.png"], "str is no picture"),
        ("/nowhere/a.png", "/nowhere/a.png: no such file or folder"),
    ],
)
def test_what_is_no_picture_is_refused_with_what_to_give(bad, said):
    with pytest.raises(DataError, match=said):
        predict(bad)


def test_a_black_picture_among_others_is_named_by_its_place():
    light, black = np.full((32, 32, 3), 200, np.uint8), np.zeros((32, 32, 3), np.uint8)
    for x in (np.stack([light, black]), [light, black]):
        with pytest.raises(DataError, match=r"picture 1 \(the first is 0\): .*black all over"):
            predict(x)


def test_a_truncated_pil_image_and_a_batch_of_none_are_refused(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[: len(data) // 2])
    with Image.open(tmp_path / "a.png") as cut, pytest.raises(DataError, match="truncated or damaged"):
        predict(cut)
    with pytest.raises(ConfigError, match="batch size 0"):
        predict(PICTURE, batch_size=0)


def test_files_are_found_once_in_order_without_hidden_ones_and_what_is_left_out(folder):
    names = ["LabA-Benign-001.png", "LabA-Pre-001.png", "sub/LabA-Early-001.png", "sub/LabA-Pro-001.png"]
    assert find_images([folder]) == [folder / name for name in names]
    assert find_images([folder / "notes.txt", folder, folder / names[0]]) == [folder / "notes.txt", *find_images([folder])]
    assert find_images([folder], leave_out=folder / "sub") == [folder / name for name in names[:2]]
