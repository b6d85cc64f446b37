"""What was learned, and what longer training adds: counted by hand, and read from the images a run learned from."""

from types import SimpleNamespace

import pandas as pd
import pytest
from small import small_study
from test_leak import predictions

from neurallnet import learned as module
from neurallnet.learned import learned_intervals, learned_report, learned_table, validation_gain, validation_table

CALLS = {"committee-0": ("abb", "ab", "b"), "committee-long-0": ("aab", "ab", "b")}  # of training, validation and test images
LABELS = "aab", "ab", "a"


def study_of(calls: dict) -> SimpleNamespace:
    def table(name: str, part: int) -> pd.DataFrame:
        return predictions(LABELS[part], calls[name][part], part, 0).drop(columns=["split_fold", "seed"])

    groups = pd.Series(range(6), index=[f"{part}-{place}" for part, labels in enumerate(LABELS) for place in range(len(labels))])
    groups.loc["2-1"] = 9
    return SimpleNamespace(
        profile="made up",
        learned=lambda name: table(name, 0),
        test=lambda name, why: pd.concat([table(name, 2), table(name, 2).assign(path="2-1")]),
        run=lambda name: SimpleNamespace(record={"epochs": 60 if "long" in name else 16}, predictions=lambda fold: table(name, 1)),
        dataset=lambda: SimpleNamespace(groups=lambda: groups, digest="d"),
    )


def test_a_gain_on_validation_images_is_paired_by_fold_and_seed(monkeypatch):
    calls = {("committee", 0, 0): "aab", ("committee", 1, 0): "abb", ("committee", 0, 1): "bba"}
    calls |= {("committee-long", 0, 0): "aab", ("committee-long", 1, 0): "aab"}
    named = {f"{network}-session-{fold}-{seed}": (fold, seed, call) for (network, fold, seed), call in calls.items()}

    def runs(profile: str, protocol: str, network: str) -> list:
        asked = [(name, *of[:2]) for name, of in named.items() if protocol == "session" and name.startswith(f"{network}-session")]
        return [(name, SimpleNamespace(split=SimpleNamespace(fold=fold), seed=seed)) for name, fold, seed in asked]

    def predicted(name: str) -> pd.DataFrame:
        fold, seed, call = named[name]
        return predictions("aab", call, 0, seed).drop(columns=["split_fold", "seed"])  # the folds share their validation images

    monkeypatch.setattr(module, "network_arms", runs)
    study = SimpleNamespace(profile="made up", run=lambda name: SimpleNamespace(predictions=lambda fold: predicted(name)))
    groups = pd.Series(range(3), index=["0-0", "0-1", "0-2"])
    found = validation_gain(study, "committee-long", "committee", "session", groups)
    assert (found["folds"], found["seeds"], found["n"]) == ([0, 1], [0], 3)
    assert (found["balanced_accuracy"], found["published"]) == (1, 0.875) and found["gain"]["points"] == pytest.approx(12.5)
    assert found["gain"]["low"] <= 12.5 <= found["gain"]["high"]
    assert validation_gain(study, "committee-long", "committee", "random", groups) is None
    shown = validation_table([found]).iloc[0]
    assert shown["network"] == "Committee, trained longer, usual dyes"
    assert (shown["balanced accuracy"], shown["trained short"]) == ("100.00%", "87.50%")
    assert shown["gain, points"].startswith("12.50 [")


def test_blocks_that_both_read_with_the_same_run_do_not_count(monkeypatch):
    """Of what ships, some blocks are read by the very run it is held against: a difference of zero there says nothing."""
    calls = {"short-0": "abb", "short-1": "abb", "long-0": "aab"}
    taken = {"short": ["short-0", "short-1"], "ships": ["long-0", "short-1"]}

    def runs(profile: str, protocol: str, network: str) -> list:
        return [(name, SimpleNamespace(split=SimpleNamespace(fold=fold), seed=0)) for fold, name in enumerate(taken[network])]

    def predicted(name: str) -> pd.DataFrame:
        return predictions("aab", calls[name], 0, 0).drop(columns=["split_fold", "seed"])

    monkeypatch.setattr(module, "network_arms", runs)
    study = SimpleNamespace(profile="made up", run=lambda name: SimpleNamespace(predictions=lambda fold: predicted(name)))
    groups = pd.Series(range(3), index=["0-0", "0-1", "0-2"])
    found = validation_gain(study, "ships", "short", "session", groups)
    assert found["folds"] == [0] and found["gain"]["points"] == pytest.approx(25)
    assert validation_gain(study, "short", "short", "session", groups) is None


@pytest.fixture
def found(monkeypatch) -> dict:
    trained = [*CALLS, "base-0", "small-cnn-long-0"]
    monkeypatch.setattr(module, "arms", lambda profile: [SimpleNamespace(name=name) for name in trained])
    monkeypatch.setattr(module, "network_arms", lambda profile, protocol, network: [])
    return learned_report(study_of(CALLS))


def test_each_part_is_counted_at_both_lengths_of_networks_that_have_both(found):
    rows = [(row["network"], row["epochs"], row["part"], row["wrong"], row["n"]) for row in found["rows"]]
    assert rows == [
        ("committee", 16, "training", 1, 3),
        ("committee", 16, "validation", 0, 2),
        ("committee", 16, "test", 2, 2),
        ("committee-long", 60, "training", 0, 3),
        ("committee-long", 60, "validation", 0, 2),
        ("committee-long", 60, "test", 2, 2),
    ]
    first = found["rows"][0]
    assert first["accuracy"] == pytest.approx(2 / 3) and first["low"] <= first["accuracy"] <= first["high"]
    assert (found["seed"], found["manifest"], found["validation"]) == (0, "d", [])


def test_the_table_has_a_row_per_network_and_the_figure_one_per_part(found):
    table = learned_table(found["rows"])
    assert list(table.columns) == ["network", "epochs", "training", "validation", "test"]
    assert table["network"].tolist() == ["Committee, trained longer, usual dyes", "Committee, trained short"]
    assert table["training"].tolist() == ["0 of 3", "1 of 3"] and table["test"].tolist() == ["2 of 2", "2 of 2"]
    drawn = learned_intervals(found["rows"])
    assert drawn["label"][0] == "Committee, trained short, training" and len(drawn) == 6 and drawn["n"].tolist() == [3, 2, 2] * 2


def test_training_images_are_read_as_they_are_once_and_no_reading_is_logged(tmp_path):
    study = small_study(tmp_path)
    table, run = study.learned("base-0"), study.run("base-0")
    split = run.split()
    assert set(table["path"]) == set(split.loc[split["fold"] == "train", "path"]) and set(table["fold"]) == {"train"}
    assert not (study.work.evidence / "test_reads.jsonl").exists()
    assert {path.name for path in run.folder.glob("predictions-*")} == {"predictions-train.csv", "predictions-val.csv"}
    run.weights.unlink()
    pd.testing.assert_frame_equal(study.learned("base-0"), table)
