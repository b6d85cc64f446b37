"""The out-of-distribution model against scipy's Mahalanobis distance, a brute-force neighbour search, and its own file."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from neurallnet.checkpoints import write_tensors
from neurallnet.errors import ConfigError, DataError, RunError
from neurallnet.ood import OodModel, load_ood, save_ood, threshold_at


def clusters(n=300, columns=6, seed=0):
    """Three classes with means of their own and one correlated scatter."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    mixing = rng.normal(size=(columns, columns))
    return rng.normal(size=(n, columns)) @ mixing + 4 * rng.normal(size=(3, columns))[labels] + 10, labels


def whitened(features, labels):
    """Standardized features, their class means, and the precision, made with sklearn's estimator."""
    z = (features - features.mean(0)) / features.std(0)
    means = np.stack([z[labels == k].mean(0) for k in range(3)])
    return means, LedoitWolf(assume_centered=True).fit(z - means[labels]).precision_


def test_score_is_the_mahalanobis_distance_to_the_nearest_class():
    features, labels = clusters()
    means, precision = whitened(features, labels)
    new = clusters(20, seed=9)[0]
    z = (new - features.mean(0)) / features.std(0)
    expected = [min(mahalanobis(row, mean, precision) for mean in means) for row in z]
    np.testing.assert_allclose(OodModel.fit(features, labels).score(new), expected, rtol=1e-4)


def test_neighbours_score_is_the_fifth_smallest_whitened_distance():
    features, labels = clusters(80)
    precision = whitened(features, labels)[1]
    new = clusters(7, seed=9)[0]
    apart = (new[:, None] - features[None]) / features.std(0)
    distances = np.sort(np.sqrt(np.einsum("nmi,ij,nmj->nm", apart, precision, apart)), axis=1)
    score = OodModel.fit(features, labels, "neighbours").score(new)
    np.testing.assert_allclose(score, distances[:, 4], rtol=1e-3)


def test_score_does_not_depend_on_units_and_ignores_what_never_varies():
    features, labels = clusters()
    new = clusters(30, seed=1)[0]
    plain = OodModel.fit(features, labels).score(new)
    scaled = OodModel.fit(features * 1000 - 5, labels).score(new * 1000 - 5)
    np.testing.assert_allclose(scaled, plain, rtol=1e-3)
    silent = OodModel.fit(np.c_[features, np.full(len(features), 3.0)], labels)
    np.testing.assert_allclose(silent.score(np.c_[new, np.linspace(0, 9, 30)]), plain, rtol=0.02)


def test_far_images_score_higher_and_are_flagged_near_ones_at_the_rate():
    features, labels = clusters(400)
    model = OodModel.fit(features, labels)
    model = model.with_threshold(threshold_at(model.score(features[:200]), 0.1), rate=0.1)
    assert model.flag(features[:200]).sum() == 20
    assert model.flag(features + 60).all() and model.rate == 0.1


def test_threshold_lets_at_most_the_rate_exceed_it():
    scores = np.random.default_rng(0).normal(size=97)
    for rate in (0.01, 0.05, 0.2):
        threshold = threshold_at(scores, rate)
        assert (scores > threshold).mean() <= rate < (scores >= threshold).mean()
    assert threshold_at(np.arange(1, 101), 0.05) == 95


@pytest.mark.parametrize("method", ["mahalanobis", "neighbours"])
def test_file_gives_the_model_back(tmp_path, method):
    features, labels = clusters()
    model = OodModel.fit(np.c_[features, np.ones(len(features))], labels, method)
    model = model.with_threshold(15, rate=0.2)
    save_ood(tmp_path / "ood.safetensors", model)
    again = load_ood(tmp_path / "ood.safetensors")
    new = np.c_[clusters(9, seed=4)[0], np.ones(9)]
    np.testing.assert_array_equal(again.score(new), model.score(new))
    assert (again.threshold, again.rate, again.nearest, again.feature) == (15.0, 0.2, model.nearest, "appearance")
    save_ood(tmp_path / "twice.safetensors", again)
    assert (tmp_path / "twice.safetensors").read_bytes() == (tmp_path / "ood.safetensors").read_bytes()


def test_damaged_or_foreign_files_are_refused(tmp_path):
    model = OodModel.fit(*clusters())
    path = tmp_path / "ood.safetensors"
    with pytest.raises(RunError, match="no such file"):
        load_ood(path)
    with pytest.raises(ConfigError, match="no threshold"):
        save_ood(path, model)
    model = model.with_threshold(9)
    for change in ({"whiten": torch.ones(2, 2)}, {"references": torch.full((1, 6), torch.nan)}, {"scale": torch.zeros(6)}):
        write_tensors(path, model.to_tensors() | change, model.metadata())
        with pytest.raises(RunError, match="ood.safetensors: holds no out-of-distribution model"):
            load_ood(path)
    for metadata in ({}, model.metadata() | {"nearest": 99}):
        write_tensors(path, model.to_tensors(), metadata)
        with pytest.raises(RunError, match="fit it again"):
            load_ood(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match="not a readable"):
        load_ood(path)


def test_bad_input_is_refused():
    features, labels = clusters()
    with pytest.raises(DataError, match="do not make a fit"):
        OodModel.fit(features, labels[:-1])
    with pytest.raises(DataError, match="not finite"):
        OodModel.fit(np.where(features > 0, np.nan, features), labels)
    model = OodModel.fit(features, labels)
    with pytest.raises(DataError, match=r"not \(N, 6\)"):
        model.score(features[:, :2])
    with pytest.raises(ConfigError, match="no threshold"):
        model.flag(features)
    for rate in (0, 1):
        with pytest.raises(ConfigError, match="between 0 and 1"):
            threshold_at(np.ones(4), rate)
    with pytest.raises(DataError, match="one image or more"):
        threshold_at(np.array([]))


def test_images_that_do_not_differ_are_said_to_be_so():
    with pytest.raises(DataError, match="all alike"):
        OodModel.fit(np.repeat([[1.0, 2.0], [3.0, 1.0]], 8, axis=0), np.repeat([0, 1], 8))
