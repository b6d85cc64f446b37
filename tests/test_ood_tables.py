"""Score tables: flags, AUROC and thresholds against scikit-learn and counting by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from neurallnet.errors import DataError
from neurallnet.ood import threshold_at
from neurallnet.ood.fit import session_threshold
from neurallnet.ood.tables import (
    POOLED,
    SCORES,
    check_scores,
    flag_table,
    read_scores,
    relative_scores,
    threshold_of,
    write_scores,
)


def scored(seed=0, test="t", shift=6.0):
    """Training images left out in two stretches, val, test, and 40 images of a laboratory that lies `shift` farther away."""
    rng = np.random.default_rng(seed)
    parts = []
    for name, n, away in (("stretch-1", 50, 0), ("stretch-2", 50, 1), ("val", 40, 0), ("test", 60, 0), ("elsewhere", 40, shift)):
        distance = 5 + away + rng.random(n)
        paths = [f"{test if name == 'test' else name}-{i}.png" for i in range(n)]
        part = pd.DataFrame({"set": name, "path": paths, "label": "Benign" if away < 2 else "", "predicted": "Benign"})
        part.loc[part.index % 4 == 0, "predicted"] = "Pro"
        parts.append(part.assign(**dict.fromkeys(SCORES, distance)))
    return pd.concat(parts, ignore_index=True)


def test_threshold_is_that_of_the_part_that_lies_farthest():
    table = scored()
    score = table.set_index("set")["mahalanobis"]
    expected = threshold_at(score["stretch-2"], 0.05)  # the stretch that lies a whole unit farther than the other parts
    assert expected > max(threshold_at(score[part], 0.05) for part in ("val", "stretch-1"))
    assert threshold_of(table, "mahalanobis") == threshold_of(table, "energy") == pytest.approx(expected)


def test_one_odd_stretch_raises_the_threshold():
    rng = np.random.default_rng(0)
    left_out, stretch = rng.random(100), np.repeat(np.arange(5), 20)
    plain = session_threshold(rng.random(50), left_out, stretch, rate=0.2)
    odd = np.where(stretch == 3, left_out + 10, left_out)
    assert session_threshold(rng.random(50), odd, stretch, rate=0.2) > plain + 5
    assert (odd[stretch == 3] > session_threshold(rng.random(50), odd, stretch, rate=0.05)).mean() <= 0.05
    far = 20 + rng.random(50)  # validation has its say too
    assert session_threshold(far, odd, stretch, rate=0.2) == threshold_at(far, 0.2)


def test_flags_and_auroc_are_those_counted_by_hand():
    table = scored(shift=1.4)
    found = flag_table({"a": table}).set_index(["score", "set"])
    score, threshold = table.set_index("set")["mahalanobis"], threshold_of(table, "mahalanobis")
    row = found.loc[("mahalanobis", "elsewhere")]
    assert row["flagged"] == pytest.approx((score["elsewhere"] > threshold).mean()) and row["n"] == 40
    both = pd.concat([score["test"], score["elsewhere"]])
    assert row["auroc"] == pytest.approx(roc_auc_score(np.repeat([0, 1], [60, 40]), both))
    elsewhere = table[table["set"] == "elsewhere"]
    called = (elsewhere["predicted"] == "Pro") & (elsewhere["mahalanobis"] <= threshold)
    assert row["unflagged_alarms"] == pytest.approx(called.mean()) and row["false_alarms"] == 0.25
    assert row["unflagged_low"] <= called.mean() <= row["unflagged_high"] and row["unit"] == "image"
    assert pd.isna(found.loc[("mahalanobis", "test"), "auroc"]) and row["n_healthy"] == 40
    assert set(found.index.get_level_values("set")) == {"val", "test", "elsewhere"}


def test_a_call_of_a_malignant_image_is_no_false_alarm():
    table = scored()
    table.loc[(table["set"] == "test") & (table.index % 3 > 0), "label"] = "Pro"
    table.loc[table["set"] == "elsewhere", "label"] = "Pre"
    found = flag_table({"a": table}).set_index(["score", "set"]).loc["mahalanobis"]
    benign = table[(table["set"] == "test") & (table["label"] == "Benign")]
    assert found.loc["test", "n_healthy"] == len(benign) == 20
    assert found.loc["test", "false_alarms"] == pytest.approx((benign["predicted"] == "Pro").mean())
    assert found.loc["elsewhere", "n_healthy"] == 0 and pd.isna(found.loc["elsewhere", "unflagged_alarms"])


def test_networks_together_count_each_at_its_own_threshold():
    tables = {"a": scored(0, "a"), "b": scored(1, "b").assign(mahalanobis=lambda t: t["mahalanobis"] * 10)}
    found = flag_table(tables).set_index(["part", "score", "set"])
    alone = [found.loc[(part, "mahalanobis", "elsewhere")] for part in tables]
    pooled = found.loc[(POOLED, "mahalanobis", "elsewhere")]
    assert pooled["n"] == 80 and pooled["unit"] == "image"
    assert pooled["flagged"] == pytest.approx(np.mean([row["flagged"] for row in alone]))
    assert pooled["auroc"] == pytest.approx(np.mean([row["auroc"] for row in alone]))
    assert found.loc[(POOLED, "mahalanobis", "test"), "n"] == 120


def test_intervals_of_own_images_are_over_groups():
    table = scored(shift=2.0)
    table.loc[table["set"] == "test", "mahalanobis"] += np.linspace(0, 3, 60)
    groups = pd.Series(np.arange(len(table)) // 3, index=table["path"])
    found = flag_table({"a": table}, groups).set_index(["score", "set"]).loc["mahalanobis"]
    assert found.loc["test", "unit"] == "near-duplicate group" and found.loc["elsewhere", "unit"] == "image"
    assert found.loc["test", "low"] < found.loc["test", "flagged"] < found.loc["test", "high"]


def test_relative_scores_are_above_one_where_flagged():
    table = scored(shift=1.4)
    relative = relative_scores({"a": table})
    assert not relative["set"].str.startswith("stretch").any()
    flagged = flag_table({"a": table}).set_index(["score", "set"]).loc["mahalanobis", "flagged"]
    pd.testing.assert_series_equal(
        (relative["score"] > 1).groupby(relative["set"]).mean(), flagged, check_names=False, check_like=True
    )


def test_a_file_gives_the_table_back_and_a_damaged_one_is_named(tmp_path):
    table = scored().round(4)
    write_scores(tmp_path / "scores.csv", table)
    pd.testing.assert_frame_equal(read_scores(tmp_path / "scores.csv"), table, check_dtype=False)
    (tmp_path / "scores.csv").write_text("set,path\nval,a.png\n")
    with pytest.raises(DataError, match="scores.csv"):
        read_scores(tmp_path / "scores.csv")
    with pytest.raises(DataError, match="not finite"):
        check_scores(table.assign(energy=np.inf))
    with pytest.raises(DataError, match="comes twice"):
        check_scores(pd.concat([table, table]))
