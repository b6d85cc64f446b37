"""The leak: pooling over folds and seeds, the lead over a probe, against numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from published import made_up_set
from sklearn.metrics import balanced_accuracy_score

from neurallnet import leak
from neurallnet.arms import EVERY_BLOCK, SHIPPED, make_arm
from neurallnet.dataset import split_folds
from neurallnet.evaluation import build_predictions
from neurallnet.leak import lead, network_arms, pooled, pooled_seeds, probe_address, probe_held_out, scores, summary, together
from neurallnet.paths import Workspace
from neurallnet.readlog import read_test_reads
from neurallnet.runs import TEST_READS

CLASSES = ("a", "b")


def predictions(labels: str, calls: str, fold: int, seed: int) -> pd.DataFrame:
    """A predictions table: one letter per image, named after fold and place."""
    paths = [f"{fold}-{place}" for place in range(len(labels))]
    logits = np.array([[2.0, 0.0] if call == "a" else [0.0, 2.0] for call in calls])
    return build_predictions(paths, list(labels), "test", logits, CLASSES).assign(split_fold=fold, seed=seed)


@pytest.fixture
def table() -> pd.DataFrame:
    runs = [("aab", "aab", 0, 0), ("aab", "abb", 0, 1), ("abb", "abb", 1, 0), ("abb", "aba", 1, 1)]
    return pd.concat([predictions(*run) for run in runs], ignore_index=True)


@pytest.fixture
def groups(table) -> pd.Series:
    paths = table["path"].unique()
    return pd.Series(np.arange(len(paths)), index=pd.Index(paths, name="path"))


def test_scores_are_those_of_each_run(table):
    found = scores(table).set_index(["split_fold", "seed"])["balanced_accuracy"]
    assert found[0, 1] == balanced_accuracy_score(list("aab"), list("abb")) == 0.75
    assert found[1, 1] == balanced_accuracy_score(list("abb"), list("aba")) == 0.75
    assert found[0, 0] == found[1, 0] == 1


def test_an_image_counts_once_with_its_share_of_right_runs(table, groups):
    right, label, group = pooled(table, groups)
    shares = dict(zip(sorted(table["path"].unique()), right, strict=True))
    assert shares == {"0-0": 1, "0-1": 0.5, "0-2": 1, "1-0": 1, "1-1": 1, "1-2": 0.5}
    assert list(label) == list("aababb") and len(set(group)) == 6


def test_summary_names_what_was_averaged(table, groups):
    found = summary(table, groups)
    assert found["balanced_accuracy"] == pytest.approx((1 + 0.75 + 1 + 0.75) / 4)
    assert (found["folds"], found["seeds"], found["images"], found["lowest_balanced_accuracy"]) == (2, 2, 6, 0.75)
    ends = found["balanced_accuracy_interval"]
    assert ends["low"] < (2.5 / 3 + 2.5 / 3) / 2 < ends["high"] and ends["unit"] == "near-duplicate group"


def test_lead_is_the_difference_of_balanced_accuracies(table, groups):
    probe = pd.concat([predictions("aab", "aaa", 0, 0), predictions("abb", "aab", 1, 0)], ignore_index=True)
    found = lead(table, probe, groups)
    network = (2.5 / 3 + 2.5 / 3) / 2  # pooled over folds and seeds
    colour = (3 / 3 + 1 / 3) / 2
    assert found["points"] == pytest.approx(100 * (network - colour))
    assert found["interval"][0] < found["points"] < found["interval"][1]


def test_a_network_is_read_under_its_own_name_alone():
    ours = [arm.name for arm in network_arms("full", "session")]
    assert len(ours) == 15 and {name.rsplit("-", 2)[0] for name in ours} == {"session"}
    assert [arm.name for arm in network_arms("full", "random")] == [f"base-{seed}" for seed in range(5)]
    shipped = network_arms("full", "session", SHIPPED)
    assert [arm.config.split.fold for arm in shipped if arm.config.seed == 0] == [0, 1, 2, 3, 4], "block by block, whoever reads it"
    taken = {arm.name.rsplit("-", 1)[0] for arm in shipped}
    short, long = "committee-session-{}", "committee-stained-session-{}"
    assert taken == {short.format(1), short.format(3), *map(long.format, (0, 2, 4))}, "of what ships, what was taken for the block"
    assert {arm.name.rsplit("-", 1)[0] for arm in network_arms("full", "session", EVERY_BLOCK)} == set(map(long.format, range(5)))
    peers = network_arms("smoke", "session", "small-cnn")
    assert [(arm.config.model.family, arm.config.split.protocol) for arm in peers] == [("small_cnn", "session")]


def test_folds_are_put_together_seed_by_seed(table):
    found = pooled_seeds(table)
    assert sorted(found) == [0, 1]
    assert all(list(part["path"]) == ["0-0", "0-1", "0-2", "1-0", "1-1", "1-2"] for part in found.values())
    assert "seed" not in found[0] and "split_fold" not in found[1]


def test_seeds_are_read_together_fold_by_fold():
    """Two seeds of fold 0 outvote the first on the image it misreads; fold 1 has one seed, which stands for itself."""
    runs = [("ab", "bb", 0, 0), ("ab", "ab", 0, 1), ("ab", "ab", 0, 2), ("ab", "ba", 1, 0)]
    table = pd.concat([predictions(*run) for run in runs])
    found = together(table).set_index("path")["predicted"]
    assert found.to_dict() == {"0-0": "a", "0-1": "b", "1-0": "b", "1-1": "a"}


def test_colour_learns_from_what_the_network_learned_from(tmp_path, monkeypatch):
    dataset, asked = made_up_set(tmp_path, "taleqani", 200), []

    def probe(name, features, labels, paths, split, fold, classes, learned):
        asked.append(tuple(learned))
        rows = (split["fold"] == fold).to_numpy()
        frame = dataset.frame[rows]
        return build_predictions(frame["path"].tolist(), frame["label"].tolist(), fold, np.eye(4)[labels[rows]])

    class Study:
        profile, work = "full", Workspace(tmp_path)

        def dataset(self):
            return dataset

        def split(self, config):
            return split_folds(dataset, config)

    monkeypatch.setattr(type(dataset), "images", lambda *_: np.zeros((len(dataset.frame), 8, 8, 3), np.uint8))
    monkeypatch.setattr(leak, "probe", probe)
    monkeypatch.setattr(leak, "network_arms", lambda profile, protocol, network: [make_arm("full", f"{network}-session-0")])
    for network in ("no-se", "refit", "refit", "committee"):  # the last learns from the first one's images: read once for both
        assert len(probe_held_out(Study(), "session", network=network)) == 160
    assert asked == [("train",), ("train", "val")]
    assert len(read_test_reads(tmp_path / "evidence" / TEST_READS)) == 2
    probe_held_out(Study(), "session", network="as-given")
    assert len(asked) == 3, "pictures of another size are read by themselves"

    dataset = made_up_set(tmp_path / "more", "taleqani", 300)  # other images, the same workspace
    assert len(probe_held_out(Study(), "session", network="no-se")) == 240 and len(asked) == 4
    config = make_arm("full", "no-se-session-0").config
    assert probe_address(config, "these images", "split") != probe_address(config, "others, named alike", "split")
