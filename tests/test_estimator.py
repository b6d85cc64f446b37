"""The scikit-learn classifier: scikit-learn's own checks, learning, repeatability, and no file left behind.

Those checks draw tables of numbers. `OnTables` shows each row to the classifier as a picture of stripes, one per column, so that
they exercise its fit and predict and not only its refusals; it is no more than a test's adapter.
"""

import tempfile

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.validation import check_is_fitted, validate_data

from neurallnet import NeurALLNetClassifier
from neurallnet.data.images import ImageError
from neurallnet.errors import ConfigError, DataError, RunError
from neurallnet.estimator import InputError
from neurallnet.pretrained.loading import FOLDER

TINY = {"epochs": 1, "image_size": 16, "channels": (4,), "time_steps": 1, "batch_size": 256}


class OnTables(NeurALLNetClassifier):
    """The classifier on pictures made of table rows."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.string = True, False
        tags.classifier_tags.poor_score = True  # one epoch of a four-channel network on stripes
        return tags

    def fit(self, X, y):
        if y is not None:
            X, y = validate_data(self, X, y)
            X = stripes(X)
        return super().fit(X, y)

    def predict_proba(self, X):
        check_is_fitted(self)
        return super().predict_proba(stripes(validate_data(self, X, reset=False)))


def stripes(table: np.ndarray) -> np.ndarray:
    """(N, F) float -> uint8 (N, 4, F, 3), a column of grey per feature."""
    grey = (128 + 80 * np.tanh(table / 3)).astype(np.uint8)
    return grey[:, None, :, None].repeat(4, 1).repeat(3, 3)



@parametrize_with_checks([OnTables(**TINY, scale_bar="visible")])
def test_scikit_learns_own_checks_on_rows_as_pictures(estimator, check):
    check(estimator)


def test_scikit_learn_knows_from_the_tags_that_it_takes_no_tables():
    with pytest.warns(SkipTestWarning, match="requires input  of type"):
        for estimator, check in estimator_checks_generator(NeurALLNetClassifier(**TINY)):
            check(estimator)


def blobs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Light fields with one small or one large dark disc, labels "few" and "many"."""
    rng = np.random.default_rng(seed)
    y = np.array(["few", "many"])[np.arange(count) % 2]
    centre = rng.uniform(10, 22, (count, 2, 1, 1))
    radius = np.where(y == "few", 3, 8)[:, None, None]
    rows, columns = np.mgrid[:32, :32]
    disc = (rows - centre[:, 0]) ** 2 + (columns - centre[:, 1]) ** 2 < radius**2
    image = np.where(disc[..., None], (90, 40, 130), (225, 200, 215)) + rng.normal(0, 5, (count, 32, 32, 3))
    return np.clip(image, 0, 255).astype(np.uint8), y


LEARNER = NeurALLNetClassifier(epochs=10, image_size=32, scale_bar="visible", channels=(8, 16), time_steps=2, batch_size=16)


@pytest.fixture(scope="module")
def fitted() -> NeurALLNetClassifier:
    return clone(LEARNER).fit(*blobs(80, 0))


def test_it_learns_what_can_be_learned(fitted):
    X, y = blobs(60, 1)
    shares = fitted.predict_proba(X)
    assert fitted.score(X, y) > 0.9 and list(fitted.classes_) == ["few", "many"]
    assert np.allclose(shares.sum(1), 1) and (fitted.classes_[shares.argmax(1)] == fitted.predict(X)).all()
    assert fitted.n_iter_ == len(fitted.history_) == 10


def test_the_same_seed_gives_the_same_network_and_the_users_random_numbers_stay():
    X, y = blobs(20, 1)
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    one, same, other = (NeurALLNetClassifier(**TINY, random_state=seed).fit(X, y).predict_proba(X) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(3), wanted)
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_no_file_is_left_and_no_bar_shown(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    NeurALLNetClassifier(**TINY).fit(*blobs(12, 0))
    assert list(tmp_path.iterdir()) == [] and capfd.readouterr() == ("", "")


def test_paths_are_pictures_too_and_a_bad_one_is_named(fitted, tmp_path):
    X, y = blobs(6, 2)
    paths = [tmp_path / f"{place}.png" for place in range(6)]
    for image, path in zip(X, paths, strict=True):
        Image.fromarray(image).save(path)
    for same in (paths, [str(path) for path in paths], np.array([str(path) for path in paths])):
        assert np.array_equal(fitted.predict_proba(same), fitted.predict_proba(X))
    Image.fromarray(X[0]).convert("L").save(paths[3])
    with pytest.raises(DataError, match=r"3\.png: unsupported mode L"):
        fitted.predict(paths)


def test_cross_validation_and_cloning_work(fitted):
    X, y = blobs(40, 3)
    assert cross_val_score(clone(LEARNER).set_params(epochs=2), X, y, cv=2).shape == (2,)
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params() and not hasattr(copy, "model_")
    with pytest.raises(NotFittedError):
        copy.predict(X)


def test_a_saved_network_says_the_same_and_nothing_else_is_loaded(fitted, tmp_path):
    X, _ = blobs(6, 4)
    fitted.save(tmp_path / "net.safetensors")
    again = NeurALLNetClassifier.load(tmp_path / "net.safetensors")
    assert np.array_equal(again.predict_proba(X), fitted.predict_proba(X)) and list(again.classes_) == ["few", "many"]
    assert again.get_params() == fitted.get_params() and again.history_ == fitted.history_
    with pytest.raises(RunError, match="holds no NeurALLNetClassifier"):
        NeurALLNetClassifier.load(FOLDER / "committee.safetensors")


@pytest.mark.parametrize(
    ("change", "X", "y", "error", "said"),
    [
        ({}, blobs(8, 0)[0] / 255, blobs(8, 0)[1], DataError, "must be uint8"),
        ({}, blobs(8, 0)[0].reshape(8, -1), blobs(8, 0)[1], ValueError, "a picture is not a row"),
        ({}, "a.png", ["x"], ValueError, "1 class; two or more"),
        ({}, blobs(8, 0)[0], ["x"] * 8, ValueError, "1 class; two or more"),
        ({}, blobs(8, 0)[0], [*"xyyyyyyy"], ValueError, "class 'x' has one image"),
        ({}, blobs(8, 0)[0], blobs(9, 0)[1], ValueError, "inconsistent numbers of samples"),
        ({"validation_fraction": 0}, *blobs(8, 0), ValueError, "validation_fraction 0"),
        ({"time_steps": 0}, *blobs(8, 0), ConfigError, "time_steps"),
        ({"scale_bar": "grey"}, *blobs(8, 0), ConfigError, "scale_bar"),
    ],
)
def test_bad_input_is_refused_in_fit(change, X, y, error, said):
    with pytest.raises(error, match=said):
        NeurALLNetClassifier(**TINY).set_params(**change).fit(X, y)


def test_a_black_picture_is_named(tmp_path):
    Image.new("RGB", (20, 20)).save(tmp_path / "lost.png")
    with pytest.raises(ImageError, match=r"lost\.png: .*black all over"):
        NeurALLNetClassifier()._views([tmp_path / "lost.png"])
    array = np.stack([np.full((20, 20, 3), 200, np.uint8), np.zeros((20, 20, 3), np.uint8)])
    with pytest.raises(InputError, match=r"X\[1\]: .*black all over"):
        NeurALLNetClassifier()._views(array)
