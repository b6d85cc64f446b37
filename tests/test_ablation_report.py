"""From trained arms to the table of the ablation, on two classes of small pictures."""

import numpy as np
import pytest
from PIL import Image

from neurallnet import ablation_report as module
from neurallnet.ablation_report import ablation_report, activity_summary, removal_in_words, report_table, trained_seeds
from neurallnet.activity import read_activity
from neurallnet.arms import Arm
from neurallnet.config import run_config, with_changes
from neurallnet.errors import ConfigError
from neurallnet.paths import workspace
from neurallnet.study import Study

TINY = run_config(
    {
        "data": {"source": "folder", "image_size": 16},
        "model": {"channels": [4, 6], "time_steps": 2, "hue": "stored"},
        "train": {"epochs": 3, "batch_size": 8, "precision": "float32", "averaging": 0, "learning_rate": 0.03},
    }
)
ARMS = [
    Arm("base-0", TINY),
    Arm("base-1", with_changes(TINY, seed=1)),
    Arm("no-se-0", with_changes(TINY, model={"excitation": "none"})),
    Arm("silent-0", with_changes(TINY, model={"threshold": 1e6})),
]


@pytest.fixture
def study(tmp_path, monkeypatch) -> Study:
    draw = np.random.default_rng(0)
    for channel, name in ((0, "red"), (2, "blue")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(30):
            pixels = draw.integers(0, 120, (20, 20, 3), dtype=np.uint8)
            pixels[..., channel] += 130
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{name}-{number:03}.png")
    monkeypatch.setattr(module, "arms", lambda profile: ARMS)
    monkeypatch.setattr("neurallnet.study.arms", lambda profile: ARMS)
    return Study("smoke", workspace(tmp_path / "work"), tmp_path / "images", TINY)


def test_report_of_trained_arms(study):
    found = ablation_report(study, ["no-se", "silent"])
    assert found["reference"]["arm"] == "base" and found["reference"]["seeds"] == 2
    assert set(found["runs"]) == {"base-0", "base-1", "no-se-0", "silent-0"}
    rows = {row["arm"]: row for row in found["rows"]}
    silent, whole = rows["silent"], found["reference"]
    assert silent["spike_rate"] == 0 and silent["dead_channels"] == 1 and silent["silent_blocks"] == 2
    assert silent["accuracy"] == 0.5 and silent["drop"] == pytest.approx(100 * (silent["reference_accuracy"] - 0.5))
    assert whole["spike_rate"] > 0 and whole["activity_n"] == 6
    assert rows["no-se"]["parameters"] < silent["parameters"] == whole["parameters"]
    kept = read_activity(study.work.runs / found["runs"]["silent-0"] / "activity.csv")
    assert kept["rate"].tolist() == [0, 0]
    first = read_activity(study.work.runs / found["runs"]["base-0"] / "activity.csv")
    assert whole["spike_rate"] == activity_summary(first)["spike_rate"]  # of the first seed
    assert ablation_report(study, ["no-se", "silent"]) == found
    table = report_table(found)
    assert table["arm"].tolist() == ["no-se", "silent"] and table["dead channels"].tolist()[1] == "100.0%"


def test_seeds_are_those_the_profile_trains(study):
    assert trained_seeds("smoke", "base") == [0, 1]
    with pytest.raises(ConfigError, match="does not train the arm 'no'"):
        trained_seeds("smoke", "no")


def test_summary_weighs_blocks_by_their_neurons():
    import pandas as pd

    table = pd.DataFrame(
        {
            "block": [0, 1],
            "rate": [0.1, 0.5],
            "dead_channels": [0.25, 1.0],
            "dead_units": [0.2, 1.0],
            "channels": [4, 12],
            "units": [300, 100],
            "n": [8, 8],
        }
    )
    found = activity_summary(table)
    assert found["spike_rate"] == pytest.approx(0.2) and found["dead_channels"] == pytest.approx(13 / 16)
    assert found["dead_units"] == pytest.approx(0.4) and found["silent_blocks"] == 1 and found["activity_n"] == 8
    assert set(activity_summary(None).values()) == {None}


def test_the_removal_of_se_is_told_with_and_without_normalization():
    row = {"drop": 1.5341, "low": 0.3, "high": 3.374}
    found = {"rows": [{"arm": "no-se", **row}, {"arm": "steps-1", **row}], "without_normalization": None}
    assert removal_in_words(found) == "Removing SE changes accuracy by -1.53 points [-3.37, -0.30] where batch normalization stays."
    bare = {"rows": [{"arm": "no-norm-no-se", "drop": -2.0, "low": -4.0, "high": 0.5}]}
    told = removal_in_words({**found, "without_normalization": bare})
    assert told.endswith("and by +2.00 points [-0.50, +4.00] where nothing normalizes.")
    none = {"arm": "no-se", "drop": 0.0, "low": 0.0, "high": 0.0}
    assert "by +0.00 points [+0.00, +0.00]" in removal_in_words({**found, "rows": [none]})
    assert "not trained" in removal_in_words({"rows": [], "without_normalization": None})
