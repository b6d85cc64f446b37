"""A network's seeds under worse pictures: means over seeds, by hand; the report, and what is told beside it."""

import numpy as np
import pandas as pd
import pytest
from small import small_study
from test_robustness import read_by

from neurallnet.errors import DataError
from neurallnet.evaluation import cluster_interval, paired_cluster_difference
from neurallnet.readlog import read_test_reads
from neurallnet.robustness import corruption_drops, robustness_beside, summarize_corrupted
from neurallnet.robustness.report import BESIDE, UNDRAWN, curve_tables, drop_table, robustness_report
from neurallnet.robustness.study import corrupted_test

GROUPS = pd.Series([0, 1, 2, 3], index=[f"{k}.png" for k in range(4)])
YES, NO = True, False


def seeds(*tables: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table.assign(seed=seed) for seed, table in enumerate(tables)], ignore_index=True)


OURS = seeds(
    read_by({("none", 0): [YES] * 4, ("contrast", 3): [YES, YES, YES, NO]}),
    read_by({("none", 0): [YES, YES, YES, NO], ("contrast", 3): [NO, NO, YES, NO]}),
)


def test_accuracy_is_the_mean_of_seeds_and_its_interval_resamples_pictures():
    clean, worse = summarize_corrupted(OURS, GROUPS).to_dict("records")
    assert (clean["accuracy"], clean["lowest"], clean["highest"], clean["seeds"], clean["n"]) == (0.875, 0.75, 1, 2, 4)
    assert (worse["accuracy"], worse["lowest"], worse["highest"]) == (0.5, 0.25, 0.75)
    wanted = cluster_interval(np.array([0.5, 0.5, 1, 0]), np.arange(4))
    assert (worse["low"], worse["high"]) == (wanted.low, wanted.high)


def test_one_seed_is_summarized_as_without_the_column():
    one = OURS[OURS["seed"] == 0]
    pd.testing.assert_frame_equal(summarize_corrupted(one, GROUPS), summarize_corrupted(one.drop(columns="seed"), GROUPS))


def test_drop_is_the_mean_of_the_seeds_drops():
    (row,) = corruption_drops(OURS, GROUPS).to_dict("records")
    assert row["drop"] == pytest.approx(100 * (0.25 + 0.5) / 2) and (row["n"], row["seeds"]) == (4, 2)
    wanted = paired_cluster_difference(np.array([1, 1, 1, 0.5]), np.array([0.5, 0.5, 1, 0]), np.arange(4)).interval
    assert (row["low"], row["high"]) == pytest.approx((100 * wanted.low, 100 * wanted.high))


def test_networks_of_different_numbers_of_seeds_are_compared_by_their_means():
    other = read_by({("none", 0): [YES] * 4, ("contrast", 3): [YES, NO, NO, NO]}).assign(seed=7)
    (row,) = robustness_beside(OURS, {"other": other}, GROUPS)
    assert (row["ours"], row["corrupted"], row["n"]) == (0.5, 0.25, 4) and row["lead"] == pytest.approx(25)
    assert row["mce"] == pytest.approx(0.5 / 0.75)


def test_other_pictures_or_labels_are_refused():
    other = OURS[OURS["seed"] == 0].assign(path=lambda table: table["path"].replace("3.png", "4.png"))
    with pytest.raises(DataError, match="other pictures or labels"):
        robustness_beside(OURS, {"other": other}, GROUPS)


def test_report_reads_each_run_once_and_tells_networks_apart(tmp_path):
    study = small_study(tmp_path)
    networks = {"base": study.seeds("base"), "both": ["no-se-0", "base-0"]}
    asked = study, networks, ["contrast"], [3]
    found = robustness_report(*asked)
    (other,) = found["beside"]
    assert networks["base"] == ["base-0"] and found["runs"] == {"base-0": study.run("base-0").address}
    assert (found["network"], other["network"]) == ("base", "both") and set(other["runs"]) == {"no-se-0", "base-0"}
    logged = [entry for entry in read_test_reads(study.work.evidence / "test_reads.jsonl") if "corrupted" in entry["what"]]
    assert len(logged) == 2 and robustness_report(*asked) == found
    alone = [corrupted_test(study, name, ["contrast"], [3]) for name in networks["both"]]
    right = np.mean([(table["label"] == table["predicted"])[table["corruption"] == "contrast"].mean() for table in alone])
    assert other["rows"][1]["accuracy"] == pytest.approx(right)
    drops = drop_table(found)
    assert list(drops.columns) == ["NeurALLNet, single", "both"] and drops.loc["contrast", "both"] == other["drops"][0]["drop"]
    assert list(curve_tables(found)) == ["NeurALLNet, single", "both"]


def test_what_stands_beside_ours_is_drawn_in_as_many_colours_as_there_are_and_ours_always():
    part = {"rows": [{"severity": 3}]}
    drawn = list(curve_tables({"network": "committee-stained", **part, "beside": [{"network": name, **part} for name in BESIDE]}))
    assert drawn[0] == "NeurALLNet, committee" and len(drawn) == len(BESIDE) + 1 - len(UNDRAWN) == 6
    alone = curve_tables({"network": UNDRAWN[0], **part, "beside": [{"network": UNDRAWN[1], **part}]})
    assert list(alone) == ["Committee, trained short"], "read by itself, a network of the tables is drawn"
