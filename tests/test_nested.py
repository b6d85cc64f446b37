"""A choice for each block by the others: which reading counts for which block, by hand."""

from types import SimpleNamespace

import pandas as pd
import pytest
from test_leak import predictions

from neurallnet import nested
from neurallnet.arms import CANDIDATES, PAIRS, arms, make_arm, without
from neurallnet.config import with_changes
from neurallnet.nested import nested_intervals, nested_report, nested_table

LABELS = "ab"  # of the two images of each block, whose paths are <block>-<place>
RIGHT, HALF, WRONG = "ab", "aa", "ba"
# What a candidate trained without two blocks makes of them. Of block 2 the second is right without 0 and wrong without 1.
CALLS = {
    "committee": {(0, 1): (HALF, HALF), (0, 2): (HALF, HALF), (1, 2): (HALF, HALF)},
    "committee-stained": {(0, 1): (RIGHT, HALF), (0, 2): (HALF, RIGHT), (1, 2): (RIGHT, WRONG)},
}
RUNS = {
    f"{name}-without-{a}-{b}-0": [(a, first), (b, second)]
    for name, each in CALLS.items()
    for (a, b), (first, second) in each.items()
}


def study() -> SimpleNamespace:
    def run(name: str) -> SimpleNamespace:
        parts = [predictions(LABELS, calls, block, 0).drop(columns=["split_fold", "seed"]) for block, calls in RUNS[name]]
        return SimpleNamespace(predictions={"val": pd.concat(parts, ignore_index=True)}.get)

    def split(config) -> pd.DataFrame:
        paths = [f"{block}-{place}" for block in range(5) for place in range(len(LABELS))]
        return pd.DataFrame({"path": paths, "fold": ["test" if path[0] == str(config.fold) else "train" for path in paths]})

    groups = pd.Series(range(10), index=[f"{block}-{place}" for block in range(5) for place in range(2)])
    dataset = SimpleNamespace(groups=lambda: groups, digest="d")
    return SimpleNamespace(profile="made up", run=run, split=split, dataset=lambda: dataset)


@pytest.fixture
def found(monkeypatch) -> dict:
    monkeypatch.setattr(nested, "arms", lambda profile: [SimpleNamespace(name=name) for name in [*RUNS, "committee-without-0-3-0"]])
    return nested_report(study())


def test_a_block_is_chosen_for_by_networks_that_have_not_seen_it_on_the_other_blocks(found):
    means = {row["block"]: row["balanced_accuracy"]["committee-stained"] for row in found["rows"]}
    assert means == {
        0: (0.5 + 1) / 2,  # blocks 1 and 2, read without 0
        1: (1 + 0) / 2,  # block 0 without 1, and block 2 without 1
        2: (0.5 + 1) / 2,  # block 0 without 2, and block 1 without 2
        None: (1 + 0.5 + 0.5 + 1 + 1 + 0) / 6,
    }
    assert {row["balanced_accuracy"]["committee"] for row in found["rows"]} == {0.5}


def test_the_better_is_chosen_and_a_tie_changes_nothing(found):
    chosen = {row["block"]: row["chosen"] for row in found["rows"]}
    assert chosen == {0: "committee-stained", 1: "committee", 2: "committee-stained", None: "committee-stained"}
    first = found["rows"][0]
    assert first["gain"]["points"] == pytest.approx(25) and first["gain"]["low"] <= 25 <= first["gain"]["high"]
    assert [(row["readings"], row["n"]) for row in found["rows"]] == [(2, 4), (2, 4), (2, 4), (6, 6)]
    assert found["pairs"] == [[0, 1], [0, 2], [1, 2]] and found["manifest"] == "d", "without 0 and 3 one candidate alone is trained"


def test_the_full_profile_leaves_every_two_blocks_out_and_changes_nothing_else_of_a_candidate():
    trained = {arm.name: arm.config for arm in arms("full")}
    for name in CANDIDATES:
        whole = make_arm("full", name).config
        for fold, other in PAIRS:
            found = trained[f"{without(name, fold, other)}-0"]
            assert found == with_changes(whole, split={"protocol": "session", "fold": fold, "other": other})
    assert len(PAIRS) == 10 and all(sum(block in pair for pair in PAIRS) == 4 for block in range(5))


def test_the_table_has_a_row_per_block_and_one_of_all(found):
    table, drawn = nested_table(found["rows"]), nested_intervals(found["rows"])
    assert table["chosen for"].tolist() == drawn["label"].tolist() == ["block 0", "block 1", "block 2", "all blocks"]
    assert table["chosen"].tolist() == ["the second", "the first", "the second", "the second"]
    assert table["Committee, trained short"].tolist() == ["50.00%"] * 4
    assert drawn["value"].tolist()[0] == pytest.approx(25)
