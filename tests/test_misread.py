"""Images that every network gets wrong: counted by hand on a handful of predictions."""

import pandas as pd
import pytest
from test_leak import predictions

from neurallnet.misread import NEAR, misread, misread_in_words, stretch_table, stretches


def runs(*calls: str) -> pd.DataFrame:
    """One seed per string of calls on five images: three of class a, two of class b."""
    tables = [predictions("aaabb", call, 0, seed) for seed, call in enumerate(calls)]
    return pd.concat(tables, ignore_index=True)


ORDER = pd.Series([1, 2, 3, 1, 2], index=[f"0-{place}" for place in range(5)])


def test_an_image_counts_when_every_seed_of_every_network_is_wrong():
    found = misread({"one": runs("abbbb", "bbbbb"), "other": runs("aabba")}, ORDER)
    assert (found["n"], found["wrong_in_some"], found["wrong_in_all"]) == (5, 4, 1)
    (image,) = found["images"]
    assert (image["path"], image["label"], image["called"], image["runs"]) == ("0-2", "a", "b", 3)
    assert image["p_label"] == pytest.approx(1 / (1 + 2.718281828**2), rel=1e-4)


def test_an_image_that_one_network_was_not_tested_on_is_left_out():
    part = runs("bbbbb")
    found = misread({"one": runs("bbbaa"), "other": part[part["path"].isin(["0-0", "0-3"])]}, ORDER)
    assert (found["n"], [image["path"] for image in found["images"]]) == (2, ["0-0"])


def image(label: str, order: int, called: str) -> dict:
    return {"label": label, "order": order, "called": called}


def test_neighbours_of_one_label_make_a_stretch():
    near, next_one = 10 + NEAR, 11 + 2 * NEAR
    images = [image("Early", 10, "Benign"), image("Early", near, "Benign"), image("Early", next_one, "Pre")]
    found = stretches([*images, image("Pre", next_one + 1, "Pro")])
    assert [(s["label"], s["first"], s["last"], s["images"], s["called"]) for s in found] == [
        ("Early", 10, near, 2, "Benign"),
        ("Early", next_one, next_one, 1, "Pre"),
        ("Pre", next_one + 1, next_one + 1, 1, "Pro"),
    ]
    assert stretch_table({"session": {"stretches": found}})["numbers"].tolist() == [f"10 to {10 + NEAR}", "85", "86"]


def test_nothing_misread_is_said_so():
    right = misread({"base": runs("aaabb", "aaabb"), "dense": runs("aaabb")}, ORDER)
    found = {"session": {"networks": {"base": 2, "dense": 1}, **right}}
    assert found["session"]["images"] == [] and stretch_table(found).empty
    said = misread_in_words(found)
    assert "base with 2 seeds, dense with 1 seed" in said and "0 are wrong in some run and 0 in all" in said and "100.00%" in said
