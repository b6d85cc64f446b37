"""Corruptions: mild to strong, the same whatever the company; tables and mCE against numbers worked by hand."""

import subprocess
import sys
from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from neurallnet.config import CLASSES, AugmentConfig, ModelConfig
from neurallnet.data.synthetic import SyntheticConfig, draw_image, truth_table
from neurallnet.errors import ConfigError, DataError
from neurallnet.evaluation import build_predictions, wilson_interval
from neurallnet.robustness import (
    CORRUPTIONS,
    PAPER_SIX,
    SEVERITIES,
    corrupt,
    corrupted_predictions,
    mean_corruption_error,
    read_corrupted,
    robustness_beside,
    robustness_curves,
    robustness_table,
    seen_in_training,
    severity_table,
    summarize_corrupted,
    write_corrupted,
)

SMEARS = SyntheticConfig(size=64, images_per_class=12)
PATHS = truth_table(SMEARS)["path"].tolist()[::6]


@pytest.fixture(scope="module")
def smears() -> np.ndarray:
    return np.stack([draw_image(SMEARS, path) for path in PATHS])


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(float) - b).mean())


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_severity_changes_more_than_the_last_and_the_fifth_much(name, smears):
    before = smears.copy()
    found = [distance(corrupt(smears, name, severity, PATHS), smears) for severity in SEVERITIES]
    assert found == sorted(found)
    assert 0.2 < found[0] < found[4]
    assert found[4] > 5  # grey levels, mean over all pixels
    assert (smears == before).all()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_picture_is_corrupted_alike_in_any_order_and_company(name, smears):
    together = corrupt(smears, name, 4, PATHS)
    alone = [corrupt(smears[i : i + 1], name, 4, PATHS[i : i + 1])[0] for i in reversed(range(len(PATHS)))]
    assert (together == np.stack(alone[::-1])).all()


@pytest.mark.parametrize("name", ["gaussian_noise", "salt_and_pepper", "occlusion", "illumination"])
def test_draws_differ_between_pictures_and_severities(name):
    ramp = np.broadcast_to(np.arange(40, 200, 5, dtype=np.uint8)[:, None, None], (2, 32, 32, 3))
    first, second = corrupt(ramp, name, 5, ["a.png", "b.png"])
    assert (first != second).any()
    plain = np.full((2, 32, 32, 3), 120, np.uint8)
    covered = [corrupt(plain, "salt_and_pepper", s, ["a.png", "b.png"])[0] == 120 for s in (4, 5)]
    assert (covered[1] & ~covered[0]).any()  # not merely the pixels of severity 4 and some more


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_pictures_need_not_be_square(name):
    image = np.random.default_rng(0).integers(0, 256, (1, 24, 40, 3), dtype=np.uint8)
    out = corrupt(image, name, 5, ["a.png"])
    assert (out.shape, out.dtype) == (image.shape, np.uint8)


def test_parameters_are_what_the_table_says(smears):
    grey = np.full((1, 200, 200, 3), 128, np.uint8)
    level = severity_table()[[str(s) for s in SEVERITIES]]
    assert corrupt(grey, "gaussian_noise", 2, ["a"]).std() / 255 == pytest.approx(
        level.loc["gaussian_noise", "2"], rel=0.02
    )
    flipped = (corrupt(grey, "salt_and_pepper", 5, ["a"])[0] != 128).all(-1)
    assert flipped.mean() == pytest.approx(level.loc["salt_and_pepper", "5"], rel=0.1)
    striped = grey.copy()
    striped[:, :, ::2] = 0  # the mean colour, 64, occurs nowhere else
    assert (corrupt(striped, "occlusion", 4, ["a"]) == 64).mean() == pytest.approx(
        level.loc["occlusion", "4"], rel=0.01
    )
    swing = corrupt(grey // 4, "illumination", 5, ["a"])[0, ..., 0] / 32
    factor = level.loc["illumination", "5"]
    assert sorted([swing.max(), 1 / swing.min()]) == pytest.approx([1, factor], rel=0.03)
    assert np.ptp(corrupt(striped, "contrast", 5, ["a"])) == pytest.approx(
        128 * level.loc["contrast", "5"], abs=1
    )


def test_blur_and_jpeg_equal_the_libraries_they_come_from(smears):
    blurred = gaussian_filter(smears[0] / 255, (64 * 0.02, 64 * 0.02, 0), mode="mirror")
    assert distance(corrupt(smears[:1], "gaussian_blur", 4, PATHS[:1])[0], 255 * blurred) < 0.3
    buffer = BytesIO()
    Image.fromarray(smears[0]).save(buffer, "JPEG", quality=15, subsampling=2)
    assert (corrupt(smears[:1], "jpeg", 4, PATHS[:1])[0] == np.asarray(Image.open(buffer))).all()


def test_hue_and_stain_leave_grey_and_brightness_of_value_alone(smears):
    grey = np.full((1, 16, 16, 3), 200, np.uint8)
    assert (corrupt(grey, "hue_shift", 5, ["a"]) == grey).all()
    turned = corrupt(smears, "hue_shift", 5, PATHS)
    assert (turned.max(-1) == smears.max(-1)).all()
    white = np.full((1, 16, 16, 3), 255, np.uint8)
    assert (corrupt(white, "stain_shift", 5, ["a"]) == white).all()


def test_statistics_need_no_scikit_image_and_corruptions_ask_for_it():
    code = (
        "import sys, numpy as np; sys.modules['skimage'] = None; from neurallnet.robustness import corrupt;"
        "corrupt(np.zeros((1, 8, 8, 3), np.uint8), 'contrast', 1, ['a'])"
    )
    failed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "DataError: corruptions need scikit-image; run: pip install" in failed.stderr


def test_bad_requests_name_what_is_wrong(smears):
    for severity in (0, 6, 2.5, True):
        with pytest.raises(ConfigError, match="1 to 5"):
            corrupt(smears, "rotation", severity, PATHS)
    with pytest.raises(ConfigError, match="snow.*gaussian_noise"):
        corrupt(smears, "snow", 1, PATHS)
    with pytest.raises(DataError, match="not uint8"):
        corrupt(smears / 255, "rotation", 1, PATHS)
    with pytest.raises(DataError, match="1 paths"):
        corrupt(smears, "rotation", 1, PATHS[:1])


def test_the_papers_six_are_there_and_every_level_is_documented():
    assert len(PAPER_SIX) == 6
    assert set(PAPER_SIX) < set(CORRUPTIONS)
    table = severity_table()
    assert list(table.index) == list(CORRUPTIONS)
    assert table[["title", "parameter", "unit", "reason"]].map(bool).all(axis=None)


def test_what_training_saw_follows_from_its_settings():
    off = AugmentConfig(stain=0, hue=0, noise=0, brightness=0)
    assert seen_in_training("jpeg", AugmentConfig()) == ""
    assert "no colours" in seen_in_training("hue_shift", AugmentConfig(), ModelConfig(hue="grey"))
    assert "cannot see a change" in seen_in_training("contrast", AugmentConfig(), ModelConfig(hue="standardized"))
    assert seen_in_training("contrast", AugmentConfig(), ModelConfig()) == "contrast within 10%"
    ways = ModelConfig(columns=2, hue=("normalized", "standardized"))
    assert seen_in_training("contrast", AugmentConfig(), ways) == (
        "contrast within 10%; a part of the network sees every image at the same contrast"
    )
    assert "normalized" in seen_in_training("hue_shift", off, ways)
    some = seen_in_training("hue_shift", off, replace(ways, hue=("normalized", "stored")))
    assert some == "a part of the network sees every image with normalized hues"
    assert all(seen_in_training(name, off) == "" for name in ("hue_shift", "stain_shift", "gaussian_noise", "illumination"))
    assert "brightness within 20%" in seen_in_training("illumination", AugmentConfig(brightness=0.2))
    assert "normalized" in seen_in_training("hue_shift", off, ModelConfig())
    assert seen_in_training("hue_shift", off, ModelConfig(hue="stored")) == ""
    elsewhere, stored = AugmentConfig(elsewhere=0.25), ModelConfig(hue="stored")
    assert seen_in_training("hue_shift", elsewhere, stored) == (
        "hue turned about the grey axis within 7 degrees; on 25% of the images hue turned within 72 degrees"
    )
    assert "on 25% of the images contrast within 50%" in seen_in_training("contrast", elsewhere, stored)
    assert "either dye" in seen_in_training("stain_shift", elsewhere) and "lamp" in seen_in_training("illumination", elsewhere)
    assert seen_in_training("jpeg", elsewhere) == "" == seen_in_training("occlusion", elsewhere)


def dark_is_pro(images: np.ndarray) -> np.ndarray:
    """Logits of a judge who calls dark pictures Pro and all others Benign."""
    dark = images.mean((1, 2, 3)) < 100
    return np.stack([~dark, np.zeros(len(dark)), np.zeros(len(dark)), dark], axis=1) * 4.0


def judged(groups: pd.Series | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ten grey pictures, five dark; contrast to the picture's own mean leaves the judge right, blur as well."""
    images = np.repeat([60, 180], 5).astype(np.uint8)[:, None, None, None] * np.ones((16, 16, 3), np.uint8)
    labels, paths = np.repeat([3, 0], 5), [f"{i}.png" for i in range(10)]
    labels[0] = 0  # one is wrong on any picture
    given = (dark_is_pro, images, labels, paths)
    table = robustness_table(*given, groups, ("contrast", "gaussian_blur"), (1, 5), progress=False)
    return corrupted_predictions(*given, ("contrast", "gaussian_blur"), (1, 5), progress=False), table


def test_robustness_table_counts_the_judges_errors_and_shows_the_interval():
    predictions, table = judged()
    assert list(table["corruption"]) == ["none", "contrast", "contrast", "gaussian_blur", "gaussian_blur"]
    assert list(table["severity"]) == [0, 1, 5, 1, 5]
    assert (table["accuracy"] == 0.9).all()
    assert (table["n"] == 10).all()
    wilson = wilson_interval(9, 10)
    assert (table["low"][1], table["high"][1], table["unit"][1]) == (wilson.low, wilson.high, "image")
    pd.testing.assert_frame_equal(summarize_corrupted(predictions), table)
    paired = pd.Series(np.arange(10) // 2, index=[f"{i}.png" for i in range(10)])
    assert judged(paired)[1]["unit"].unique() == ["near-duplicate group"]
    curves = robustness_curves({"judge": table})
    assert list(curves["severity"]) == [0, 1, 5] * 2
    assert set(curves["corruption"]) == {"Contrast", "Gaussian blur"}


def test_the_network_sees_the_corrupted_pictures():
    calls = []

    def watch(images: np.ndarray) -> np.ndarray:
        calls.append(images.copy())
        return np.eye(len(CLASSES))[np.zeros(len(images), int)]

    image = np.random.default_rng(1).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    robustness_table(
        watch, image, np.array([0, 1]), ["a", "b"], names=("contrast",), severities=(2, 3), progress=False
    )
    assert (calls[0] == image).all()
    assert (calls[2] == corrupt(image, "contrast", 3, ["a", "b"])).all()
    assert len(calls) == 3


def test_corrupted_predictions_come_back_as_written_and_damage_is_named(tmp_path):
    predictions, _ = judged()
    write_corrupted(tmp_path / "c.csv", predictions)
    pd.testing.assert_frame_equal(read_corrupted(tmp_path / "c.csv"), predictions, check_dtype=False)
    text = (tmp_path / "c.csv").read_text()
    (tmp_path / "c.csv").write_text(
        text.replace("contrast,5,0.png,Benign,test,Pro", "contrast,5,0.png,Benign,test,Benign")
    )
    with pytest.raises(DataError, match="c.csv: contrast 5 0.png has a predicted class"):
        read_corrupted(tmp_path / "c.csv")
    (tmp_path / "c.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="c.csv"):
        read_corrupted(tmp_path / "c.csv")


def errors(clean: float, **by_corruption: list[float]) -> pd.DataFrame:
    rows = [("none", 0, 1 - clean)]
    rows += [(name, s, 1 - e) for name, all_e in by_corruption.items() for s, e in enumerate(all_e, 1)]
    return pd.DataFrame(rows, columns=["corruption", "severity", "accuracy"]).assign(n=100)


def test_mce_worked_by_hand():
    ours = errors(0.02, rotation=[0.04, 0.06], contrast=[0.1, 0.3])
    theirs = errors(0.10, rotation=[0.10, 0.30], contrast=[0.2, 0.3])
    found = mean_corruption_error(ours, theirs)
    # rotation 0.10 / 0.40 and 0.06 / 0.20; contrast 0.40 / 0.50 and 0.36 / 0.30
    assert found.mce == pytest.approx((0.25 + 0.8) / 2)
    assert found.relative_mce == pytest.approx((0.3 + 1.2) / 2)
    by_name = found.per_corruption.set_index("corruption")
    assert by_name.loc["contrast"].tolist() == pytest.approx([0.8, 1.2])
    same = mean_corruption_error(theirs, theirs)
    assert (same.mce, same.relative_mce) == (pytest.approx(1), pytest.approx(1))


def test_mce_without_a_loss_to_compare_with_says_so():
    ours, theirs = errors(0, rotation=[0.1], contrast=[0.2]), errors(0.1, rotation=[0.1], contrast=[0.2])
    found = mean_corruption_error(ours, theirs)
    assert found.undefined == ()
    assert found.undefined_relative == ("rotation",)
    assert found.relative_mce == pytest.approx(2)
    assert mean_corruption_error(ours, errors(0.1, rotation=[0], contrast=[0])).mce is None


def test_mce_refuses_tables_that_differ():
    ours = errors(0.1, rotation=[0.2])
    for other in (errors(0.1, contrast=[0.2]), errors(0.1, rotation=[0.2]).assign(n=99)):
        with pytest.raises(DataError, match="differ"):
            mean_corruption_error(ours, other)
    with pytest.raises(DataError, match="untouched"):
        mean_corruption_error(ours.iloc[1:], ours)


def read_by(right: dict[tuple[str, int], list[bool]]) -> pd.DataFrame:
    """Corrupted predictions of four pictures, right where told so."""
    parts = []
    for (name, severity), each in right.items():
        logits = np.array([[2.0, 0, 0, 0] if good else [0, 2.0, 0, 0] for good in each])
        part = build_predictions([f"{k}.png" for k in range(4)], ["Benign"] * 4, "test", logits)
        parts.append(part.assign(corruption=name, severity=severity))
    return pd.concat(parts, ignore_index=True)


def test_beside_another_network_worked_by_hand():
    yes, no = True, False
    ours = read_by({("none", 0): [yes] * 4, ("rotation", 1): [yes, yes, yes, no], ("contrast", 1): [yes] * 4})
    other = read_by({("none", 0): [yes, yes, yes, no], ("rotation", 1): [yes, no, yes, no], ("contrast", 1): [yes] * 4})
    groups = pd.Series([0, 1, 2, 3], index=[f"{k}.png" for k in range(4)])
    [found] = robustness_beside(ours, {"twin": other}, groups)
    assert (found["network"], found["clean"], found["corrupted"], found["ours"], found["n"]) == ("twin", 0.75, 0.75, 0.875, 4)
    assert found["lead"] == pytest.approx(12.5) and found["low"] <= 12.5 <= found["high"]
    assert found["mce"] == pytest.approx(0.5)  # rotation: one error in four against two; contrast has none to divide by
    assert found["relative_mce"] == pytest.approx(1) and found["left_out"] == ["contrast"]


def test_beside_refuses_other_pictures_and_pictures_untouched_alone():
    ours = read_by({("none", 0): [True] * 4, ("rotation", 1): [True, True, True, False]})
    groups = pd.Series(range(4), index=[f"{k}.png" for k in range(4)])
    with pytest.raises(DataError, match="differ"):
        robustness_beside(ours, {"twin": read_by({("none", 0): [True] * 4, ("rotation", 2): [True] * 4})}, groups)
    clean = read_by({("none", 0): [True] * 4})
    with pytest.raises(DataError, match="one row 'none' for untouched images and one per corruption"):
        robustness_beside(clean, {"twin": clean}, groups)
    assert robustness_beside(ours, {}, groups) == []
