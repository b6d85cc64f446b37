"""A user's own folder: what is taken for one, how it is split, what is said when it cannot be, and what the run leaves."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from neurallnet.cli import app
from neurallnet.config import PROFILES
from neurallnet.data.splits import split_groups
from neurallnet.errors import DataError
from neurallnet.own import choose_source, known_set, make_plan
from neurallnet.paths import workspace
from neurallnet.readlog import read_test_reads
from neurallnet.runs import TEST_READS, open_run

SMALL = ["--set", "data.image_size=16", "--set", "model.channels=[4,6]", "--set", "model.time_steps=1"]
SMALL += ["--set", "train.precision=float32", "--set", "model.hue=stored"]


def draw(folder: Path, n: int, channel: int = 0, seed: int = 0, same: bool = False) -> Path:
    """`n` pictures of 24 x 24 pixels, strong in one channel; `same`: near-duplicates of one another."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    base = random.integers(0, 100, (24, 24, 3), dtype=np.uint8)
    for number in range(n):
        pixels = base.copy() if same else random.integers(0, 100, (24, 24, 3), dtype=np.uint8)
        pixels[..., channel] += 130
        if same:
            pixels[0, 0] = number
        Image.fromarray(pixels).save(folder / f"field-{number + 1:03}.png")
    return folder.parent


@pytest.fixture
def slides(tmp_path) -> Path:
    """Three classes of 14 pictures."""
    for channel, name in enumerate(("red & round", "green", "blue")):
        draw(tmp_path / "slides" / name, 14, channel, channel)
    return tmp_path / "slides"


def test_any_class_folders_are_the_users_own_and_published_sets_are_not(slides, tmp_path):
    assert choose_source(slides, None)[:3] == ("full", "folder", True)
    assert choose_source(slides, "full")[:3] == ("full", "folder", True), "profile full finds no images of its own there"
    assert choose_source(None, None)[:3] == ("smoke", None, False)
    taken = choose_source(slides, "smoke")
    assert taken[:3] == ("smoke", None, False) and "not used" in taken.said
    for name in ("Benign", "Early", "Pre", "Pro"):
        draw(tmp_path / "mine" / name, 1)
        draw(tmp_path / "all" / "taleqani" / "Original" / name, 1)
        draw(tmp_path / "kaggle" / name, 1)
        (tmp_path / "kaggle" / name / "field-001.png").rename(tmp_path / "kaggle" / name / f"WBC-{name}-001.png")
    assert known_set(tmp_path / "mine") is None, "classes called like a published set's make no published set"
    assert known_set(tmp_path / "all") == known_set(tmp_path / "kaggle") == "taleqani"
    found = choose_source(tmp_path / "all", None)
    assert found[:3] == ("full", "taleqani", False) and "data.source=folder" in found.said
    assert choose_source(tmp_path / "all", "full")[:3] == ("full", None, False)
    draw(tmp_path / "healthy" / "bccd", 1)
    with pytest.raises(DataError, match="bccd have no labels"):
        choose_source(tmp_path / "healthy", None)


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        ({"a": 12, "b": 0}, "b: class folder is empty"),
        ({"a": 12}, "holds 1 class folder"),
        ({"a": 12, "b": 2}, "class b has 2 image(s), 2 of them distinct; training, validation and test need 3 distinct"),
        ({}, "holds 0 class folder"),
    ],
)
def test_a_folder_that_cannot_be_trained_on_is_named_with_what_it_needs(folders, said, tmp_path):
    root = tmp_path / "slides"
    root.mkdir()
    for seed, (name, n) in enumerate(folders.items()):
        draw(root / name, n, seed=seed)
    result = CliRunner().invoke(app, ["train", "--data", str(root), "--work", str(tmp_path / "work")])
    assert isinstance(result.exception, DataError) and said in str(result.exception)


def test_a_class_of_unreadable_files_and_a_folder_of_splits_are_explained(tmp_path):
    draw(tmp_path / "slides" / "a", 4)
    (tmp_path / "slides" / "b").mkdir()
    (tmp_path / "slides" / "b" / "x.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"b: class folder has no image that can be read \(1 tried\), the first b/x.png: "):
        make_plan(tmp_path / "slides", workspace(tmp_path / "work"))
    for fold in ("train", "test"):
        draw(tmp_path / "nested" / fold / "a", 2)
    with pytest.raises(DataError, match="none of its subfolders .*holds images directly"):
        make_plan(tmp_path / "nested", workspace(tmp_path / "work"))


def test_groups_are_kept_together_and_random_is_the_second_choice(slides, tmp_path):
    plan = make_plan(slides, workspace(tmp_path / "work"))
    assert plan.config.split.protocol == "group" and plan.split.startswith("group (")
    assert (plan.config.data.image_size, plan.config.model.channels) == (96, PROFILES["full"].model.channels)
    assert plan.config.train.epochs == PROFILES["full"].train.epochs
    draw(slides / "alike", 12, seed=9, same=True)
    plan = make_plan(slides, workspace(tmp_path / "work"))
    alike = plan.dataset.frame.loc[plan.dataset.frame["label"] == "alike", "path"]
    assert split_groups(plan.dataset.frame)[alike].nunique() == 1
    assert plan.config.split.protocol == "random" and "class alike has 1 group(s)" in plan.split


def test_train_ends_in_a_run_with_report_flag_and_all_that_predictions_need(slides, tmp_path):
    (slides / "green" / "torn.png").write_bytes(b"\x89PNG")
    for n in range(15, 20):  # enough for the out-of-distribution model
        for channel, name in enumerate(("red & round", "green", "blue")):
            draw(slides / name / "..", 0)
            pixels = np.random.default_rng(100 * n + channel).integers(0, 100, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(slides / name / f"field-{n:03}.png")
    words = ["train", "--data", str(slides), "--work", str(tmp_path / "work"), "--epochs", "2", *SMALL]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0
    assert "not used: green/torn.png" in result.output and "split: group (" in result.output
    report = Path(result.output.strip().splitlines()[-1].removeprefix("report: ").removesuffix(" (not a medical device)"))
    run = open_run(report.parent)
    assert run.classes == ("blue", "green", "red & round") and run.config.train.epochs == 2 and run.record["epochs"] == 2
    assert (run.folder / "ood.safetensors").is_file()
    (entry,) = read_test_reads(tmp_path / "work" / "evidence" / TEST_READS)
    assert entry["run"] == run.address and "own images" in entry["why"]

    text = report.read_text(encoding="utf-8")
    tested = run.predictions("test")
    right = int((tested["predicted"] == tested["label"]).sum())
    assert f"{right} of {len(tested)}</span> test images" in text and "Not a medical device" in text
    assert "green/torn.png" in text and "red &amp; round" in text and "SYNTHETIC" not in text
    report.unlink()
    again = CliRunner().invoke(app, ["report", str(run.folder)], catch_exceptions=False)
    assert again.exit_code == 0 and report.read_text(encoding="utf-8") == text

    from neurallnet.predicting import predict
    from neurallnet.pretrained import load_run_model

    network = load_run_model(run.folder)
    (answer,) = predict([slides / "blue" / "field-001.png"], network)
    assert set(answer.probabilities) == {"blue", "green", "red & round"} and answer.out_of_distribution is not None


def test_drawn_folder_is_labelled_synthetic(tmp_path):
    from neurallnet.own.example import slides as drawn

    space = workspace(tmp_path)
    root = drawn(None, space, images_per_class=12)
    assert json.loads((root / "generator.json").read_text())["request"]["generator"]
    assert make_plan(root, space).synthetic
    assert drawn(root, space) == root.resolve()


def test_the_tutorial_says_synthetic_in_every_profile():
    """Its images are drawn also where the other pages show real ones."""
    import nbformat

    from neurallnet.banner import CELL_ID, synthetic_banner
    from neurallnet.paths import repository

    page = nbformat.read(repository() / "notebooks" / "09_your_own_slides.ipynb", as_version=4)
    assert page.cells[1].id == CELL_ID and "SYNTHETIC" in page.cells[1].source.splitlines()[0]
    assert synthetic_banner(page) == page, "the smoke profile adds no second banner"
