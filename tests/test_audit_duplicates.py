"""Duplicates and leaks counted by hand."""

import pandas as pd
import pytest

from neurallnet.audit.duplicates import duplicate_pairs, duplicate_report
from neurallnet.audit.leak import leak_table, protocols, straddling
from neurallnet.data.phash import cross_distances, hash_words
from neurallnet.errors import DataError


def manifest() -> pd.DataFrame:
    """Benign 1 and 4 equal bytes; 4 and 9 differ by 3 bits; Pre 2 differs by 4 bits from Benign 9; the rest far apart."""
    rows = [
        ("Benign/b-1.png", "Benign", "aa", "0000000000000000", 1),
        ("Benign/b-4.png", "Benign", "aa", "0000000000000000", 4),
        ("Benign/b-9.png", "Benign", "bb", "0000000000000007", 9),
        ("Pre/p-2.png", "Pre", "cc", "0000000000000077", 2),
        ("Pre/p-3.png", "Pre", "dd", "ffffffff00000000", 3),
    ]
    return pd.DataFrame(rows, columns=["path", "label", "sha256", "phash", "order"])


def test_pairs_with_distance_gap_and_kind():
    pairs = duplicate_pairs(manifest().iloc[::-1])
    found = [(a[-5], b[-5], d, e) for a, b, d, e in pairs[["a", "b", "distance", "exact"]].itertuples(index=False)]
    assert found == [("1", "4", 0, True), ("1", "9", 3, False), ("4", "9", 3, False), ("9", "2", 3, False)]
    assert pairs["gap"].tolist()[:3] == [3, 8, 5]
    assert pairs["gap"].isna().tolist() == [False, False, False, True]  # numbers of two classes have nothing in common


def test_the_report_counts_pairs_groups_and_classes():
    found = duplicate_report(manifest())
    exact, near = found["exact"], found["near"]
    assert (exact["pairs"], exact["images_not_alone"], exact["groups"], exact["largest"]) == (1, 2, 4, 2)
    assert (near["pairs"], near["images_not_alone"], near["groups"], near["largest"]) == (4, 4, 2, 4)
    assert (near["pairs_across_classes"], near["groups_of_mixed_class"]) == (1, 1)
    assert near["gaps"] == {"n": 3, "median": 5, "p95": pytest.approx(7.7), "max": 8, "above_3": 2, "above_37": 0, "above_300": 0}
    assert near["classes"]["Benign"]["pairs"] == 3 and near["classes"]["Pre"]["pairs"] == 0
    assert near["classes"]["Pre"]["gaps"] == {"n": 0}


def test_equal_hashes_of_unequal_files_are_near_not_exact():
    frame = manifest().assign(sha256=list("abcde"))
    assert duplicate_report(frame)["exact"]["pairs"] == 0
    assert duplicate_report(frame)["near"]["pairs"] == 4


def test_distances_between_sets_and_a_damaged_hash():
    assert cross_distances(["0000000000000000", "000000000000000f"], ["0000000000000003"]).tolist() == [[2], [2]]
    with pytest.raises(DataError, match="not 16 hexadecimal digits"):
        hash_words(["0000000000000000", "xyz"])


def test_an_image_straddles_when_training_holds_its_group():
    split = pd.DataFrame({"path": list("abcdef"), "fold": ["train", "test", "test", "val", "unused", "test"]})
    groups = pd.Series({"a": 0, "b": 0, "c": 1, "d": 1, "e": 2, "f": 2})
    assert straddling(split, groups).to_dict() == {"b": True, "c": False, "f": False}


def test_twins_leak_under_the_random_protocol_and_not_under_the_grouped_one():
    count = 60  # images a class; each pair 2k, 2k + 1 of neighbours is one field
    rows = [(f"{label}/{n:03}.png", label, n) for label in ("Benign", "Pre") for n in range(count)]
    frame = pd.DataFrame(rows, columns=["path", "label", "order"])
    twin = [f"{label}-{n // 2}" for _, label, n in rows]
    codes = pd.factorize(pd.Series(twin))[0]
    frame["phash"] = [f"{(int(code) * 0x9E3779B97F4A7C15) % 2**64:016x}" for code in codes]
    groups = pd.Series(twin, index=frame["path"])
    assert (cross_distances(frame["phash"], frame["phash"]) <= 4).sum() == 4 * count  # itself and its twin, no other
    table = {row["protocol"]: row for row in leak_table(frame, {"twin": groups}, embargoes=(0, 300))}
    assert table["group"]["shares"] == {"twin": 0.0} and table["group"]["n"] == 2 * count
    assert table["random"]["shares"]["twin"] == pytest.approx(0.8, abs=0.1)  # eight tenths of the rest train
    assert table["session, embargo 0"]["shares"]["twin"] < 0.1  # fifths of 12: pairs stay whole
    assert table["session, embargo 300"] == {
        "protocol": "session, embargo 300",
        "n": 0,
        "folds": 0,
        "shares": {"twin": None},
        "why": table["session, embargo 300"]["why"],
    }
    assert "embargo 300" in table["session, embargo 300"]["why"]


def test_every_fold_of_every_protocol_is_asked_for():
    assert {name: len(folds) for name, folds in protocols((37,)).items()} == {"random": 10, "group": 10, "session, embargo 37": 5}
