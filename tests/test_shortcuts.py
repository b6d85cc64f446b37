"""Shortcut probes: find what was planted, find nothing where nothing is, never read what they may not."""

import numpy as np
import pandas as pd
import pytest

from neurallnet.audit import shortcuts
from neurallnet.audit.shortcuts import (
    background,
    colour_statistics,
    corner,
    probe,
    probe_table,
)
from neurallnet.errors import ConfigError, DataError
from neurallnet.evaluation import correctness

N = 400
LABELS = np.arange(N) % 4
PATHS = [f"{i:03}.png" for i in range(N)]


@pytest.fixture(autouse=True)
def small_forest(monkeypatch):
    monkeypatch.setattr(shortcuts, "TREES", 40)


def split() -> pd.DataFrame:
    fold = np.where(np.arange(N) < 200, "train", np.where(np.arange(N) < 300, "val", "test"))
    return pd.DataFrame({"path": PATHS, "fold": fold}).sample(frac=1, random_state=0)


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(90, 160, (N, 32, 32, 3), dtype=np.uint8)


def tinted() -> np.ndarray:
    """Each class has a tint of its own, two grey levels from the next, in noise of twenty."""
    return noise() + (LABELS * 2).astype(np.uint8)[:, None, None, None] * np.array([1, 0, 0], np.uint8)


def score(name: str, images: np.ndarray, labels: np.ndarray = LABELS) -> pd.Series:
    return probe_table(images, labels, PATHS, {"random": split()}, names=(name,)).iloc[0]


def test_colour_that_codes_the_class_is_found_and_shuffled_colour_is_not():
    assert score("colour", tinted())["balanced_accuracy"] > 0.9
    shuffled = score("colour", tinted()[np.random.default_rng(1).permutation(N)])
    assert shuffled["low"] < 0.25 < shuffled["high"]


def test_a_bar_in_the_corner_is_found_by_the_corner_probe_alone():
    images = noise()
    for image, label in zip(images, LABELS, strict=True):
        image[-3, -6 + label : -2] = 0
    assert score("corner", images)["balanced_accuracy"] > 0.95
    elsewhere = np.roll(images, 16, axis=2)
    found = score("corner", elsewhere)
    assert found["low"] < 0.25 < found["high"]


def test_the_background_probe_sees_bright_pixels_and_no_dark_ones():
    images = noise()
    images[:, :16] = 250
    lit = images.copy()
    lit[:, :16, :, 2] -= (LABELS * 3).astype(np.uint8)[:, None, None]
    assert score("background", lit)["balanced_accuracy"] > 0.95
    dyed = images.copy()
    dyed[:, 16:, :, 0] = (LABELS * 20).astype(np.uint8)[:, None, None]
    found = score("background", dyed)
    assert found["low"] < 0.25 < found["high"]


def test_features_equal_their_definition():
    image = noise()[:1]
    red = image[0, ..., 0].ravel()
    features = colour_statistics(image)
    assert features.shape == (1, 21)
    expected = [red.mean(), red.std(), *np.quantile(red, [0.05, 0.25, 0.5, 0.75, 0.95])]
    assert features[0, ::3] == pytest.approx(expected)
    ramp = np.repeat(np.arange(100, dtype=np.uint8), 3).reshape(1, 10, 10, 3)
    assert background(ramp)[0, :3] == pytest.approx(np.arange(70, 100).mean())
    assert (corner(np.arange(128 * 128 * 3).reshape(1, 128, 128, 3)).shape) == (1, 20 * 24 * 3)


def test_the_probe_reads_validation_by_default_and_learns_from_training_only():
    features, labels = colour_statistics(tinted()), LABELS.copy()
    table = probe("colour", features, labels, PATHS, split())
    assert set(table["fold"]) == {"val"}
    assert list(table["path"]) == PATHS[200:300]
    hidden = features.copy()
    hidden[300:] = np.nan  # the test images: not to be touched
    pd.testing.assert_frame_equal(probe("colour", hidden, labels, PATHS, split()), table)
    wrong = (labels + (np.arange(N) >= 200)) % 4  # other labels outside training change no prediction
    assert (probe("colour", features, wrong, PATHS, split())["predicted"] == table["predicted"]).all()
    assert len(probe("colour", features, labels, PATHS, split(), fold="test")) == 100


def test_the_probe_learns_from_the_folds_it_is_given():
    """Where training images lie about their class, only who learns from validation images too can be right."""
    features, labels = colour_statistics(tinted()), LABELS.copy()
    whole = np.arange(N) < 200
    unhelpful = np.where(whole[:, None], noise()[:, 0, 0, :1] * np.ones(21), features)
    alone = probe("colour", unhelpful, labels, PATHS, split(), fold="test")
    both = probe("colour", unhelpful, labels, PATHS, split(), fold="test", learned=("train", "val"))
    assert correctness(both).mean() > correctness(alone).mean() + 0.2


def test_a_class_missing_in_training_still_has_a_column():
    labels = np.where(LABELS == 3, 0, LABELS)
    labels[250] = 3
    table = probe("background", background(noise()[:, :8, :8]), labels, PATHS, split())
    assert "logit_Pro" in table.columns
    assert "Pro" not in set(table["predicted"])


def test_the_table_has_a_row_per_probe_and_split_and_names_its_unit():
    pairs = pd.Series(np.arange(N) // 8, index=PATHS)
    table = probe_table(
        tinted(), LABELS, PATHS, {"a": split(), "b": split()}, pairs, names=("colour", "background")
    )
    assert list(zip(table["probe"], table["split"], strict=True)) == [
        (p, s) for p in ("colour", "background") for s in "ab"
    ]
    assert set(table["unit"]) == {"near-duplicate group"}
    assert table[["n", "n_train"]].drop_duplicates().to_numpy().tolist() == [[100, 200]]
    assert table["balanced_accuracy"].between(table["low"], table["high"]).all()


def test_bad_requests_name_what_is_wrong():
    features = colour_statistics(noise())
    with pytest.raises(ConfigError, match="colour, background, corner"):
        probe("smell", features, LABELS, PATHS, split())
    with pytest.raises(ConfigError, match="val, test"):
        probe("colour", features, LABELS, PATHS, split(), fold="train")
    with pytest.raises(DataError, match=r"007\.png is not in the split"):
        probe("colour", features, LABELS, PATHS, split().query("path != '007.png'"))
    with pytest.raises(DataError, match="no label"):
        probe("colour", features, np.full(N, -1) * (LABELS == 1) + LABELS * (LABELS != 1), PATHS, split())
    with pytest.raises(DataError, match="0 images in val"):
        probe("colour", features, LABELS, PATHS, split().replace("val", "unused"))
    with pytest.raises(DataError, match="shape"):
        colour_statistics(noise()[0])
