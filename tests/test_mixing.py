"""Synthetic smears among the training images: how many, which, and what is refused."""

import json

import numpy as np
import pytest
from pictures import two_colours

from neurallnet.config import DataConfig, profile_config, with_changes
from neurallnet.dataset import open_dataset
from neurallnet.errors import ConfigError
from neurallnet.mixing import mix_in
from neurallnet.paths import workspace
from neurallnet.runs import train_run
from neurallnet.training import Examples

VIEW = DataConfig(image_size=32)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return workspace(tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def own(work):
    """The generator's first laboratory stands for somebody's images; so only the second is mixed in."""
    dataset = open_dataset("synthetic", work, progress=False)
    return dataset, Examples(dataset.images(VIEW, work, False), dataset.labels)


def test_a_quarter_as_many_smears_of_the_other_laboratory_stand_behind_the_training_images(own, work):
    dataset, examples = own
    learned = np.arange(0, 200, 2)
    mixed, rows, hashes = mix_in(examples, learned, dataset, VIEW, 0.25, 0, work)
    count = len(examples.labels)
    assert np.array_equal(rows[:100], learned) and np.array_equal(rows[100:], count + np.arange(25))
    assert np.array_equal(mixed.images[:count], examples.images) and np.array_equal(mixed.labels[:count], examples.labels)
    other = open_dataset("synthetic_external", work, progress=False)
    assert hashes == {"synthetic_external": other.digest}
    pictures, labels = other.images(VIEW, work, False), other.labels
    for row in rows[100:]:
        same = [place for place, picture in enumerate(pictures) if np.array_equal(picture, mixed.images[row])]
        assert same and {labels[place] for place in same} == {mixed.labels[row]}
    assert len(set(mixed.labels[rows[100:]])) == 4


def test_a_seed_draws_other_smears_and_repeats(own, work):
    dataset, examples = own
    first, same, other = (mix_in(examples, np.arange(100), dataset, VIEW, 0.25, seed, work)[0].labels for seed in (0, 0, 1))
    assert np.array_equal(first, same) and not np.array_equal(first, other)


def test_there_are_no_more_smears_than_the_laboratories_have(own, work):
    dataset, examples = own
    there = len(open_dataset("synthetic_external", work, progress=False).labels)
    assert len(mix_in(examples, np.arange(240), dataset, VIEW, 1.0, 0, work)[1]) == 240 + min(240, there)


def test_a_run_says_what_it_learned_from_too_and_validates_on_its_own_images(work):
    config = with_changes(
        profile_config("smoke"), data={"image_size": 32}, model={"channels": [4, 6]}, train={"epochs": 1, "synthetic": 0.5}
    )
    plain, mixed = (train_run(with_changes(config, train={"synthetic": share}), work, progress=False) for share in (0.0, 0.5))
    assert "mixed_in" not in plain.record and set(mixed.record["mixed_in"]) == {"synthetic_external"}
    assert plain.predictions("val")["path"].tolist() == mixed.predictions("val")["path"].tolist()
    assert plain.weights.read_bytes() != mixed.weights.read_bytes()
    assert json.loads((mixed.folder / "config.json").read_text())["train"]["synthetic"] == 0.5


def test_other_classes_than_the_generators_are_refused(tmp_path, work):
    config = with_changes(
        profile_config("smoke"), data={"source": "folder", "image_size": 16}, train={"epochs": 1, "synthetic": 0.5}
    )
    with pytest.raises(ConfigError, match="train.synthetic: synthetic has the classes Benign, Early, Pre, Pro"):
        train_run(config, work, two_colours(tmp_path), progress=False)
