"""Sessions: change points where they were put, scale bars told apart, alternating streams seen as alternating."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from neurallnet.audit.bars import NONE, bar_forms, form_table
from neurallnet.audit.sessions import block_table, change_points, image_traits, session_report, sessions
from neurallnet.data.synthetic_bars import draw_bar


def fields(count: int, seed: int = 0, glass=(240, 242, 246)) -> np.ndarray:
    """Pale glass with purple discs: pictures without print, uint8 (count, 112, 112, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:112, :112]
    pictures = np.empty((count, 112, 112, 3), np.uint8)
    for picture in pictures:
        picture[:] = np.clip(np.array(glass) + rng.normal(0, 1, (112, 112, 3)), 0, 255)
        for cx, cy in rng.uniform(0, 112, (6, 2)):
            picture[(x - cx) ** 2 + (y - cy) ** 2 < 64] = (110, 60, 150)
    return pictures


def test_change_points_are_found_where_the_mean_changes():
    rng = np.random.default_rng(0)
    series = rng.normal(0, 1.5, (120, 2)) + np.repeat([(0, 0), (9, 0), (9, -9)], (50, 30, 40), axis=0)
    assert change_points(series) == [0, 50, 80, 120]


def test_noise_alone_has_no_change_points():
    for seed in range(5):
        assert change_points(np.random.default_rng(seed).normal(0, 3, (200, 2))) == [0, 200]


def test_a_stretch_shorter_than_the_least_is_no_block():
    series = np.zeros((60, 1))
    series[30:34] = 50
    assert all(stop - start >= 8 for start, stop in zip(change_points(series)[:-1], change_points(series)[1:], strict=True))
    assert change_points(np.zeros((5, 1))) == [0, 5]


def test_each_form_of_bar_is_one_form_and_no_bar_is_none():
    truth = np.repeat(["box-black", "box-red", "bracket-200", "none"], (14, 12, 10, 9))
    pictures = fields(len(truth))
    for picture, form in zip(pictures, truth, strict=True):
        draw_bar(picture, form)
    found = bar_forms(pictures)
    assert adjusted_rand_score(truth, found) == 1
    assert set(found[truth == "none"]) == {NONE}
    assert set(found[truth == "box-black"]) == {"A"}  # the most frequent
    table = form_table(found, np.where(truth == "box-red", "x", "y"))
    assert table.loc["B", ["x", "y", "n"]].tolist() == [12, 0, 12]


def test_one_form_in_all_pictures_is_found_and_cells_are_no_form():
    pictures = fields(20)
    assert set(bar_forms(pictures)) == {NONE}
    for picture in pictures:
        draw_bar(picture, "box-black")
    assert set(bar_forms(pictures)) == {"A"}


def frame_of(count: int) -> pd.DataFrame:
    numbers = np.arange(1, count + 1)
    return pd.DataFrame({"path": [f"X/x-{n:03}.png" for n in numbers], "label": "X", "order": numbers})


@pytest.mark.parametrize(("alternating", "changes"), [(True, 39), (False, 1)])
def test_streams_of_two_stains_are_found_in_any_order(alternating, changes):
    first = np.arange(40) % 2 == 0 if alternating else np.arange(40) < 20
    pictures = np.where(first[:, None, None, None], fields(40), fields(40, glass=(225, 242, 250)))
    traits = image_traits(pictures)
    assert traits.loc[first, "r"].mean() == pytest.approx(240, abs=2) and traits.loc[~first, "r"].mean() == pytest.approx(
        225, abs=2
    )
    table = sessions(frame_of(40), traits)
    assert adjusted_rand_score(first, table["stream"]) == 1
    found = session_report(table)["classes"]["X"]
    assert (found["streams"], found["changes"], found["changes_if_contiguous"]) == (2, changes, 1)
    assert (found["forms"], found["form_changes"]) == ({NONE: 40}, 0)
    assert found["changes_if_shuffled"] == pytest.approx(2 * 20 * 20 / 40)  # Wald and Wolfowitz: 2 n1 n2 / n runs + 1, less one
    blocks = block_table(table)
    assert blocks["n"].tolist() == [20, 20]
    assert blocks["share"].tolist() == pytest.approx([20 / 39] * 2 if alternating else [1, 1])


def test_classes_never_share_a_stream_and_order_of_rows_does_not_matter():
    frame = frame_of(40).assign(label=np.repeat(["X", "Y"], 20))
    traits = image_traits(fields(40))
    table = sessions(frame, traits)
    assert table.groupby("stream")["label"].nunique().max() == 1
    shuffled = np.random.default_rng(0).permutation(40)
    again = sessions(frame.iloc[shuffled], traits.iloc[shuffled])
    expected = table.set_index("path")["block"]
    assert again.set_index("path")["block"].reindex(expected.index).equals(expected)
