"""Splits: sizes, no straddling, embargo, and the same file everywhere."""

import hashlib
import random

import networkx
import numpy as np
import pandas as pd
import pytest

from neurallnet.config import SplitConfig
from neurallnet.data.phash import near_pairs
from neurallnet.data.sessions import class_blocks, largest_embargo
from neurallnet.data.splits import make_split, near_duplicate_groups, read_split, split_groups, write_split
from neurallnet.errors import DataError

SIZES = {"Benign": 504, "Early": 985, "Pre": 963, "Pro": 804}  # the primary set


def made_up(sizes=None, seed=0, near=0.1):
    """A manifest without images: random hashes, some images near their predecessor."""
    rng = random.Random(seed)  # the same numbers in every version of Python
    rows = []
    for label, size in (sizes or SIZES).items():
        word = 0
        for order in range(1, size + 1):
            if order > 1 and rng.random() < near:
                word ^= 1 << rng.getrandbits(6)
            else:
                word = rng.getrandbits(64)
            rows.append((f"{label}/{label}-{order:03d}.jpg", label, f"{word:016x}", order))
    return pd.DataFrame(rows, columns=["path", "label", "phash", "order"])


def split(frame, protocol, **options):
    return make_split(frame, SplitConfig(protocol=protocol, **options))


def folds_of(frame, result):
    return frame.merge(result, on="path", validate="1:1")


@pytest.mark.parametrize("fold", range(5))
def test_random_split_has_the_papers_326_test_images(fold):
    frame = made_up()
    result = split(frame, "random", fold=fold)
    assert result["fold"].value_counts().to_dict() == {"train": 2604, "val": 326, "test": 326}
    shares = folds_of(frame, result).groupby("label")["fold"].value_counts(normalize=True).unstack()
    assert (abs(shares["test"] - 0.1) < 0.003).all() and (abs(shares["val"] - 0.1) < 0.003).all()


@pytest.mark.parametrize("protocol", ["random", "group"])
def test_ten_test_folds_cover_each_image_once(protocol):
    frame = made_up({"a": 60, "b": 90})
    tests = [split(frame, protocol, fold=k).query("fold == 'test'")["path"] for k in range(10)]
    assert sorted(pd.concat(tests)) == sorted(frame["path"])


@pytest.mark.parametrize("protocol", ["random", "group", "session"])
def test_row_order_does_not_matter(protocol):
    frame = made_up({"a": 240, "b": 330, "c": 300})
    expected = split(frame, protocol, fold=2)
    assert expected["path"].is_monotonic_increasing and list(expected) == ["path", "fold"]
    for seed in range(3):
        shuffled = frame.sample(frac=1, random_state=seed)
        pd.testing.assert_frame_equal(split(shuffled, protocol, fold=2), expected)


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [("random", "35e24a4a12dccecf"), ("group", "59b57e166737a6b9"), ("session", "3b8021a906921c16")],
)
def test_same_seed_same_file_everywhere(tmp_path, protocol, expected):
    """Pinned bytes: a new library version or platform that splits otherwise must not pass unnoticed."""
    write_split(split(made_up({"a": 120, "b": 200}), protocol, fold=1, embargo=5, seed=7), tmp_path / "s.csv")
    assert hashlib.sha256((tmp_path / "s.csv").read_bytes()).hexdigest()[:16] == expected


@pytest.mark.parametrize("protocol", ["random", "group"])
def test_the_seed_matters(protocol):
    frame = made_up({"a": 60, "b": 90})
    assert not split(frame, protocol, seed=1).equals(split(frame, protocol, seed=2))


@pytest.mark.parametrize("fold", [0, 4, 9])
def test_near_duplicates_never_straddle(fold):
    frame = made_up(near=0.4)
    result = folds_of(frame, split(frame, "group", fold=fold)).sort_values("path", ignore_index=True)
    for i, j, distance in near_pairs(result["phash"]):
        assert distance <= 4 and result["fold"][i] == result["fold"][j]
    counts = result["fold"].value_counts(normalize=True)
    assert abs(counts["test"] - 0.1) < 0.01 and abs(counts["val"] - 0.1) < 0.01
    leaky = folds_of(frame, split(frame, "random", fold=fold)).sort_values("path", ignore_index=True)
    assert any(leaky["fold"][i] != leaky["fold"][j] for i, j, _ in near_pairs(leaky["phash"]))


def test_patients_never_straddle_and_join_near_duplicates():
    frame = made_up({"a": 90, "b": 90}, near=0)
    frame["patient"] = [f"p{i // 9}" for i in range(len(frame))]
    frame.loc[:3, "patient"] = ""  # unknown: on its own, not one patient called ""
    result = folds_of(frame, split(frame, "group", fold=1))
    assert (result[result["patient"] != ""].groupby("patient")["fold"].nunique() == 1).all()
    assert set(result.loc[result["fold"] == "test", "label"]) == {"a", "b"}
    groups = split_groups(frame)
    assert groups.iloc[:4].is_unique and groups.nunique() == 20 + 4
    frame.loc[20, "phash"] = frame.loc[100, "phash"]  # joins patients p2 and p11
    assert split_groups(frame).nunique() == 20 + 4 - 1


def test_equal_patient_names_of_two_laboratories_are_two_people():
    frame = made_up({"a": 4}, near=0).assign(patient="p1", lab=["A", "A", "B", "B"])
    assert split_groups(frame).tolist() == [0, 0, 1, 1]


def test_groups_equal_a_graph_library():
    frame = made_up({"a": 300}, near=0.5)
    words = [int(h, 16) for h in frame["phash"]]
    graph = networkx.Graph()
    graph.add_nodes_from(range(300))
    graph.add_edges_from(
        (i, j) for i in range(300) for j in range(i) if (words[i] ^ words[j]).bit_count() <= 4
    )
    expected = {frozenset(frame["path"][i] for i in part) for part in networkx.connected_components(graph)}
    groups = near_duplicate_groups(frame.sample(frac=1, random_state=1))
    assert {frozenset(rows.index) for _, rows in groups.groupby(groups)} == expected
    assert groups.tolist() == pd.factorize(groups)[0].tolist()  # numbered by first appearance
    assert len(expected) < 300


def test_near_pairs_across_blocks(monkeypatch):
    import neurallnet.data.phash as module

    hashes = made_up({"a": 50}, near=0.3)["phash"]
    whole = near_pairs(hashes)
    monkeypatch.setattr(module, "_BLOCK", 7)
    assert np.array_equal(near_pairs(hashes), whole) and len(whole) > 5
    assert near_pairs(["00000000000000ff", "000000000000000f"], 4).tolist() == [[0, 1, 4]]
    assert near_pairs(["00000000000000ff", "000000000000000f"], 3).tolist() == []
    with pytest.raises(DataError, match="'xyz' is not 16 hexadecimal"):
        near_pairs(["00000000000000ff", "xyz"])


@pytest.mark.parametrize("fold", range(5))
@pytest.mark.parametrize("embargo", [0, 1, 37, 75])
def test_session_blocks(fold, embargo):
    frame = made_up()
    result = folds_of(frame, split(frame, "session", fold=fold, embargo=embargo))
    for label, rows in result.sort_values("order").groupby("label"):
        size, names = SIZES[label], rows["fold"].to_numpy()
        place = {name: np.flatnonzero(names == name) for name in ("train", "val", "test")}
        for name in ("test", "val"):
            assert np.array_equal(place[name], np.arange(place[name][0], place[name][-1] + 1))  # contiguous
        assert abs(len(place["test"]) - size / 5) < 1 and abs(place["test"][0] - fold * size / 5) < 1
        assert abs(len(place["val"]) - size / 10) <= 0.5
        for one, other in (("test", "train"), ("test", "val"), ("val", "train")):
            gap = np.abs(place[one][:, None] - place[other][None]).min() - 1
            assert gap >= embargo, (label, one, other)
        near = np.abs(np.flatnonzero(names == "unused")[:, None] - np.r_[place["test"], place["val"]]).min(
            axis=1
        )
        assert (near <= embargo).all()  # nothing is thrown away beyond the embargo


@pytest.mark.parametrize("offset", [0.0, 0.1, 0.5])
def test_session_tests_cover_each_image_once_and_ignore_the_seed(offset):
    frame = made_up({"a": 101, "b": 203})
    cuts = [split(frame, "session", fold=k, embargo=3, offset=offset) for k in range(5)]
    assert sorted(pd.concat([cut.query("fold == 'test'")["path"] for cut in cuts])) == sorted(frame["path"])
    assert split(frame, "session", embargo=3, seed=1).equals(split(frame, "session", embargo=3, seed=2))


@pytest.mark.parametrize("fold", range(5))
@pytest.mark.parametrize("offset", [0.1, 0.5])
def test_session_blocks_may_begin_later(fold, offset):
    """The last block holds both ends of the order, each with its embargo; validation stays as far away as it can."""
    size, embargo = 250, 7
    names = class_blocks(size, fold, embargo, offset)
    place = {name: np.flatnonzero(names == name) for name in ("train", "val", "test", "unused")}
    wanted = (np.arange(fold * 50, (fold + 1) * 50) + offset * 50) % size
    assert sorted(wanted) == place["test"].tolist() and len(place["val"]) == 25
    for one, other in (("test", "train"), ("test", "val"), ("val", "train")):
        assert np.abs(place[one][:, None] - place[other]).min() - 1 == embargo or (one, other) == ("test", "val")
    far = max(np.abs(place["test"] - end).min() for end in (0, size // 2, size - 1))
    assert np.abs(place["test"][:, None] - place["val"]).min() > far - 25
    assert (np.abs(place["unused"][:, None] - np.r_[place["test"], place["val"]]).min(1) <= embargo).all()


@pytest.mark.parametrize("fold", range(5))
def test_as_few_training_images_as_a_wider_embargo_leaves_with_the_test_block_as_it_was(fold):
    plain, wide = (split(made_up(), "session", fold=fold, embargo=embargo) for embargo in (10, 40))
    few = split(made_up(), "session", fold=fold, embargo=10, as_few_as=40)
    label = few["path"].str.split("/").str[0]
    counts = [cut["fold"].eq("train").groupby(label).sum().to_dict() for cut in (few, wide, plain)]
    assert counts[0] == counts[1] != counts[2]
    assert few.query("fold in ('test', 'val')").equals(plain.query("fold in ('test', 'val')"))
    kept = set(few.query("fold == 'train'")["path"])
    assert kept < set(plain.query("fold == 'train'")["path"])
    order = folds_of(made_up(), plain).query("fold == 'train'").sort_values(["label", "order"])
    for _, rows in order.groupby("label"):  # evenly: no stretch of the order is left out
        places = np.flatnonzero(rows["path"].isin(kept))
        assert np.diff(places).max() - np.diff(places).min() <= 1 and places[0] == 0 and places[-1] == len(rows) - 1


@pytest.mark.parametrize("pair", [(0, 1), (1, 3), (0, 4)])
def test_two_blocks_are_held_out_whole_with_an_embargo_around_each_and_none_tests(pair):
    frame, embargo = made_up(), 37
    found = folds_of(frame, split(frame, "session", fold=pair[0], other=pair[1], embargo=embargo))
    alone = [split(frame, "session", fold=fold, embargo=embargo) for fold in pair]
    tests = [set(table.loc[table["fold"] == "test", "path"]) for table in alone]
    assert set(found.loc[found["fold"] == "val", "path"]) == tests[0] | tests[1] and "test" not in set(found["fold"])
    for _, rows in found.groupby("label"):
        held = rows.loc[rows["fold"] == "val", "order"].to_numpy()
        apart = np.abs(rows["order"].to_numpy()[:, None] - held).min(axis=1)
        assert ((apart > embargo) == (rows["fold"] == "train")).all(), "all that is farther away is learned from"


def test_two_blocks_that_leave_nothing_are_refused():
    with pytest.raises(DataError, match=r"class Benign \(504 images\) has none to train on without blocks 1 and 3"):
        split(made_up(), "session", fold=1, other=3, embargo=101)
    with pytest.raises(DataError, match="fold 7 does not exist"):
        split(made_up(), "session", fold=1, other=7)
    with pytest.raises(DataError, match="class b has only 4 images, too few for 5 blocks"):
        split(made_up({"a": 40, "b": 4}), "session", fold=1, other=2, embargo=0)


def test_session_follows_the_file_number_not_the_name():
    frame = made_up({"a": 100, "b": 100}, near=0)
    frame["path"] = [f"{row.label}/{row.order}.jpg" for row in frame.itertuples()]  # "10" sorts before "2"
    result = folds_of(frame, split(frame, "session", fold=0, embargo=2))
    assert sorted(result.query("fold == 'test' and label == 'a'")["order"]) == list(range(1, 21))


@pytest.mark.parametrize("fold", range(5))
def test_embargo_too_large_names_class_and_limit(fold):
    frame = made_up({"big": 500, "small": 60})
    limit = largest_embargo(60, fold)
    with pytest.raises(
        DataError, match=rf"class small \(60 images\).*embargo 37.*the largest that works is {limit}$"
    ):
        split(frame, "session", fold=fold)
    names = set(
        split(frame, "session", fold=fold, embargo=limit).query("path.str.startswith('small')")["fold"]
    )
    assert {"train", "val", "test"} <= names
    with pytest.raises(DataError, match=f"embargo {limit + 1} "):
        split(frame, "session", fold=fold, embargo=limit + 1)


@pytest.mark.parametrize("size", [5, 17, 60, 101])
@pytest.mark.parametrize("fold", range(5))
def test_largest_embargo_equals_a_search(size, fold):
    def works(embargo):
        names = class_blocks(size, fold, embargo)
        test, val = np.flatnonzero(names == "test"), np.flatnonzero(names == "val")
        gap = np.abs(test[:, None] - val[None]).min() - 1
        return gap >= embargo and "train" in names

    expected = [e for e in range(size) if works(e)]
    assert largest_embargo(size, fold) == (expected[-1] if expected else -1)


def test_too_small_or_unlabelled():
    with pytest.raises(DataError, match="class b has 9 images"):
        split(made_up({"a": 30, "b": 9}), "random")
    with pytest.raises(DataError, match="class b has 2 group"):
        split(made_up({"a": 30, "b": 2}, near=0), "group")
    with pytest.raises(DataError, match="class b has only 2 images"):
        split(made_up({"a": 30, "b": 2}), "session", embargo=0)
    with pytest.raises(DataError, match="fold 5 does not exist; choose 0 to 4"):
        split(made_up(), "session", fold=5)
    frame = made_up({"a": 30, "b": 30})
    frame.loc[3, "label"] = ""
    with pytest.raises(DataError, match="1 of 60 images have no label .first: a/a-004.jpg"):
        split(frame, "random")
    with pytest.raises(DataError, match="0 of 0 images"):
        split(frame.iloc[:0], "random")


def test_few_patients_make_fewer_parts():
    frame = made_up({"a": 60, "b": 60}, near=0)
    frame["patient"] = [f"p{i // 10}" for i in range(len(frame))]  # six a class, like the synthetic set
    tests = [split(frame, "group", fold=k).query("fold == 'test'")["path"] for k in range(6)]
    assert sorted(pd.concat(tests)) == sorted(frame["path"])
    with pytest.raises(DataError, match="fold 6 does not exist; these images allow folds 0 to 5"):
        split(frame, "group", fold=6)


def test_round_trip_and_bad_files(tmp_path):
    result = split(made_up({"a": 30, "b": 40}), "random")
    write_split(result.sample(frac=1, random_state=0), tmp_path / "new" / "s.csv")
    pd.testing.assert_frame_equal(read_split(tmp_path / "new" / "s.csv"), result, check_dtype=False)
    for text, problem in [
        ("path,fold\na,test\na,train\n", "a comes more than once"),
        ("path,fold\na,exam\n", "unknown fold 'exam'"),
        ("path\na\n", "lacks the column"),
    ]:
        (tmp_path / "bad.csv").write_text(text)
        with pytest.raises(DataError, match=problem):
            read_split(tmp_path / "bad.csv")
    with pytest.raises(DataError, match="no such file"):
        read_split(tmp_path / "none.csv")
