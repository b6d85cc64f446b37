"""Sanity checks on cases whose answer is known: a patch that decides alone, parameters that shuffling cannot change."""

import numpy as np
import pandas as pd
import pytest
import torch
from lively import lively

from neurallnet.errors import DataError
from neurallnet.explain import randomization_check, removal_curves, removal_table
from neurallnet.explain.randomization import randomized, rank_correlations
from neurallnet.explain.removal import centre_scores, removal_ranks, removed

QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


def pictures(count: int = 6, size: int = 32) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def test_ranks_follow_scores_and_break_ties_by_seed():
    scores = np.array([[[0.1, 0.9], [-2.0, 0.5]]])
    assert removal_ranks(scores).tolist() == [[[2, 0], [3, 1]]]
    level = np.zeros((50, 3, 3))
    first = removal_ranks(level, seed=1)
    assert (np.sort(first.reshape(50, -1), axis=1) == np.arange(9)).all()
    assert (first == removal_ranks(level, seed=1)).all() and (first != removal_ranks(level, seed=2)).any()
    assert len(np.unique(first.reshape(50, -1).argmin(1))) > 3, "no place is favoured"


def test_centre_goes_first():
    ranks = removal_ranks(centre_scores(1, (5, 5)))[0]
    assert ranks[2, 2] == 0 and set(ranks[[0, 0, -1, -1], [0, -1, 0, -1]]) == {21, 22, 23, 24}


def test_removal_replaces_whole_places_by_the_colour():
    images, ranks = pictures(1, 8), np.array([[[1, 3], [0, 2]]])
    colour = np.array([10.4, 20, 30])
    deleted = removed(images, ranks, 0.5, "deletion", colour)[0]
    assert (deleted[:, :4] == (10, 20, 30)).all() and (deleted[:, 4:] == images[0, :, 4:]).all()
    inserted = removed(images, ranks, 0.5, "insertion", colour)[0]
    assert (inserted[:, 4:] == (10, 20, 30)).all() and (inserted[:, :4] == images[0, :, :4]).all()
    assert (removed(images, ranks, 0.0, "deletion", colour) == images).all()
    assert (removed(images, ranks, 1.0, "insertion", colour) == images).all()


def corner_decides(images: np.ndarray) -> np.ndarray:
    """A judge who is sure of class 1 where the upper left quarter is white, and of class 0 otherwise."""
    white = images[:, :4, :4].min((1, 2, 3)) == 255
    return np.where(white[:, None], [-30.0, 30.0], [30.0, -30.0])


def judged() -> list[dict]:
    images = pictures(8, 8)
    images[:, :4, :4] = 255
    best = np.broadcast_to([[3.0, 2], [1, 0]], (8, 2, 2))
    chance = np.stack([np.roll(best[0], place % 4) for place in range(8)])
    scores = {"best": best, "worst": -best, "random": chance}
    curves = removal_curves(corner_decides, images, np.ones(8, int), scores, fractions=QUARTERS)
    return removal_table(curves, np.arange(8), against=("random", "worst"), fractions=QUARTERS)


def test_curves_of_a_judge_who_sees_one_place():
    """Areas by hand, trapezoids of a quarter: 1/8 when the place goes first, 7/8 when it goes last."""
    found = {(row["mode"], row["order"]): row for row in judged()}
    assert found["deletion", "best"]["curve"] == pytest.approx([1, 0, 0, 0, 0])
    assert found["insertion", "best"]["curve"] == pytest.approx([0, 1, 1, 1, 1])
    assert found["deletion", "best"]["value"] == found["insertion", "worst"]["value"] == pytest.approx(0.125)
    assert found["deletion", "worst"]["value"] == found["insertion", "best"]["value"] == pytest.approx(0.875)
    # the random order has the place at each rank equally often: mean area (1 + 3 + 5 + 7) / 4 / 8
    assert found["deletion", "random"]["value"] == pytest.approx(0.5)


def test_the_better_order_leads_in_both_modes():
    for row in judged():
        if row["order"] == "best":
            assert row["better_than"]["worst"]["value"] == pytest.approx(0.75)
            lead = row["better_than"]["random"]
            assert lead["value"] == pytest.approx(0.375) and lead["low"] > 0
            assert row["n"] == 8 and row["unit"] == "near-duplicate group"
        if row["order"] == "random":
            assert list(row["better_than"]) == ["worst"]


def test_fractions_must_span_everything():
    for fractions in ((0, 0.5), (0.5, 1), (0, 0.5, 0.5, 1)):
        with pytest.raises(DataError, match="rise from 0 to 1"):
            removal_curves(corner_decides, pictures(2, 8), np.ones(2, int), {}, fractions=fractions)


def test_rank_correlation_equals_pandas_and_knows_level_maps():
    draw = np.random.default_rng(0)
    first, second = draw.integers(0, 6, (4, 3, 5)).astype(float), draw.random((4, 3, 5))
    second[3] = 1.5
    found = rank_correlations(first, second)
    pairs = [(pd.Series(a.ravel()), pd.Series(b.ravel())) for a, b in zip(first[:3], second[:3], strict=True)]
    expected = [a.corr(b, method="spearman") for a, b in pairs]
    np.testing.assert_allclose(found[:3], expected)
    assert np.isnan(found[3])


def test_cascade_shuffles_one_part_after_the_other_and_keeps_the_original():
    model = lively()
    before = {name: values.clone() for name, values in model.named_parameters()}
    touched = ["readout."]
    for stage, changed in randomized(model):
        if stage != "readout":
            touched.append(f"blocks.{int(stage.split()[1]) - 1}.")
        for name, values in changed.named_parameters():
            assert torch.equal(values.flatten().sort().values, before[name].flatten().sort().values), "only places change"
            if not name.startswith(tuple(touched)):
                assert torch.equal(values, before[name])
            elif name.endswith(("conv.weight", "readout.weight")):
                assert not torch.equal(values, before[name])
    assert touched == ["readout.", "blocks.2.", "blocks.1.", "blocks.0."]
    assert all(torch.equal(values, before[name]) for name, values in model.named_parameters())


def test_maps_change_with_the_parameters_and_not_without():
    model, images = lively(), pictures()
    targets, groups = np.zeros(6, np.int64), np.arange(6)
    rows = {row["stage"]: row for row in randomization_check(model, images, targets, groups, block=1, draws=2)}
    assert list(rows) == ["readout", "block 3", "block 2", "block 1", "other image"]
    assert rows["block 1"]["value"] < 0.9 and rows["block 1"]["low"] <= rows["block 1"]["value"] <= rows["block 1"]["high"]
    with torch.no_grad():
        for values in model.parameters():  # all alike, so that shuffling is without effect
            values.fill_(values.mean().abs())
    alike = randomization_check(model, images, targets, groups, block=0, draws=2)
    assert [row["value"] for row in alike[:4]] == pytest.approx([1] * 4)
    assert [row["magnitude"] for row in alike[:4]] == pytest.approx([1] * 4)


def test_silent_networks_have_no_correlation():
    model = lively()
    with torch.no_grad():
        model.readout.weight.zero_()
    rows = randomization_check(model, pictures(), np.zeros(6, np.int64), np.arange(6), draws=1)
    assert {row["value"] for row in rows} == {None} and {row["no_ranks"] for row in rows} == {6}
