"""Images that every network gets wrong: counted by hand on a handful of predictions."""

from types import SimpleNamespace

import pandas as pd
import pytest
from test_leak import predictions

from neurallnet import misread as module
from neurallnet.misread import NEAR, misread, misread_in_words, misread_report, stretch_table, stretches


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


def test_both_protocols_are_of_the_same_networks(monkeypatch):
    """A peer that was trained on the random split alone would make its figures those of another set of networks."""
    trained = {(protocol, name) for protocol in ("random", "session") for name in ("committee-stained", "small-cnn")}
    trained.add(("random", "dense"))
    monkeypatch.setattr(module, "network_arms", lambda profile, protocol, name: [name] if (protocol, name) in trained else [])
    monkeypatch.setattr(module, "held_out", lambda study, protocol, name: runs("aaabb"))
    frame = ORDER.rename("order").rename_axis("path").reset_index()
    study = SimpleNamespace(profile="full", dataset=lambda: SimpleNamespace(frame=frame, digest="d"))
    found = misread_report(study)
    assert list(found["random"]["networks"]) == list(found["session"]["networks"]) == ["committee-stained", "small-cnn"]
