"""The predictions table: what is refused, and that disk and memory hold the same numbers."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from neurallnet.errors import DataError
from neurallnet.evaluation import (
    build_predictions,
    correctness,
    groups_of,
    predictions_digest,
    probabilities,
    read_predictions,
    select_fold,
    write_predictions,
)

CLASSES = ("Benign", "Early", "Pre", "Pro")


@pytest.fixture
def table() -> pd.DataFrame:
    logits = np.random.default_rng(0).normal(size=(12, 4)) * 5
    paths = [f"Pro/b, {i}.jpg" for i in range(12)][::-1]  # a comma, and not in order
    labels = [CLASSES[i % 4] for i in range(11)] + [""]
    return build_predictions(paths, labels, ["val"] * 4 + ["test"] * 8, logits)


def test_columns_order_and_numbers(table):
    classes = [f"logit_{c}" for c in CLASSES] + [f"p_{c}" for c in CLASSES]
    assert list(table.columns) == ["path", "label", "fold", "predicted", *classes]
    assert table["path"].is_monotonic_increasing
    logits = table[classes[:4]].to_numpy()
    np.testing.assert_allclose(table[classes[4:]].to_numpy(), softmax(logits, axis=1), rtol=1e-5)
    assert table["predicted"].tolist() == [CLASSES[i] for i in logits.argmax(axis=1)]


def test_file_gives_back_the_very_same_table(table, tmp_path):
    write_predictions(tmp_path / "deep" / "p.csv", table)
    again = read_predictions(tmp_path / "deep" / "p.csv")
    pd.testing.assert_frame_equal(again, table, check_exact=True, check_dtype=False)
    assert predictions_digest(again) == predictions_digest(table)
    assert b"\r" not in (tmp_path / "deep" / "p.csv").read_bytes()


def test_class_named_na_survives(tmp_path):
    written = build_predictions(["a", "b"], ["NA", "null"], "test", np.eye(2), classes=("NA", "null"))
    write_predictions(tmp_path / "p.csv", written)
    assert read_predictions(tmp_path / "p.csv")["label"].tolist() == ["NA", "null"]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_diverged_logits_are_refused_by_image(bad):
    logits = np.zeros((3, 4))
    logits[1, 2] = bad
    with pytest.raises(DataError, match="y.png has a logit that is no finite number"):
        build_predictions(["x.png", "y.png", "z.png"], ["Pro"] * 3, "test", logits)


def test_wrong_shapes_duplicates_and_classes_are_refused():
    with pytest.raises(DataError, match="shape"):
        build_predictions(["x"], ["Pro"], "test", np.zeros((1, 3)))
    with pytest.raises(DataError, match="2 labels for 1 paths"):
        build_predictions(["x"], ["Pro", "Pro"], "test", np.zeros((1, 4)))
    with pytest.raises(DataError, match="x appears twice"):
        build_predictions(["x", "x"], ["Pro", "Pro"], "test", np.zeros((2, 4)))
    with pytest.raises(DataError, match="x has a label that is none of Benign, Early, Pre, Pro"):
        build_predictions(["x"], ["early"], "test", np.zeros((1, 4)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="fold"), "column fold is missing"),
        (lambda t: t.drop(columns="p_Pro"), "column p_Pro is missing"),
        (lambda t: t[["path", "label"]], "needs a logit_<class> column"),
        (lambda t: t.head(0), "holds no image"),
        (lambda t: t.assign(logit_Pro="oops"), "no finite number"),
        (lambda t: t.assign(p_Pro=t["p_Pro"] + 0.001), "not the softmax"),
        (lambda t: t.assign(predicted="Benign"), "highest logit"),
    ],
)
def test_damaged_files_are_refused_by_name(table, tmp_path, change, message):
    change(table).to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(DataError, match=message) as caught:
        read_predictions(tmp_path / "p.csv")
    assert "p.csv" in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b'a,b\n1,2,3\n4\n"'])
def test_files_that_are_no_table(tmp_path, content):
    if content is not None:
        (tmp_path / "p.csv").write_bytes(content)
    with pytest.raises(DataError, match="p.csv"):
        read_predictions(tmp_path / "p.csv")


def test_fold_labels_and_groups(table):
    test = select_fold(table, "test")
    assert set(test["fold"]) == {"test"}
    assert (test["label"] != "").all()
    with pytest.raises(DataError, match="'train'"):
        select_fold(table, "train")
    with pytest.raises(DataError, match="no label"):
        correctness(table)
    groups = pd.Series(range(len(test)), index=test["path"])
    assert groups_of(test, groups).tolist() == list(range(len(test)))
    with pytest.raises(DataError, match="has no group"):
        groups_of(test, groups.iloc[1:])


def test_temperature_flattens_but_does_not_reorder(table):
    sharp, flat = probabilities(table), probabilities(table, 10)
    assert (flat.max(axis=1) < sharp.max(axis=1)).all()
    assert (flat.argmax(axis=1) == sharp.argmax(axis=1)).all()
    np.testing.assert_allclose(flat.sum(axis=1), 1, atol=1e-12)
