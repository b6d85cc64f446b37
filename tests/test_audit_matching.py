"""Matching and geometry: equal to OpenCV's own matcher, right about known maps, and not fooled by mirrors or scale bars."""

import cv2
import numpy as np
import pandas as pd
import pytest

from neurallnet.audit.agreement import pixel_agreement
from neurallnet.audit.features import Features, detector
from neurallnet.audit.matching import MAP, common_map, matches, moved, plausible, verified
from neurallnet.audit.settings import BAR, AuditConfig
from neurallnet.data.synthetic import SyntheticConfig, draw_image
from neurallnet.errors import ConfigError

CONFIG = AuditConfig()
FIELDS = SyntheticConfig(
    images_per_class=4,
    patients_per_class=1,
    sessions_per_patient=1,
    size=320,
    near_duplicates=0,
    exact_duplicates=0,
    scale_bar_bias=0,
)


@pytest.fixture(scope="module")
def field() -> np.ndarray:
    return draw_image(FIELDS, "Early/LabA-Early-001.png")


def looked_at(*pictures: np.ndarray) -> Features:
    """Features of a few pictures of one size."""
    found = [detector(CONFIG)(np.ascontiguousarray(picture), False) for picture in pictures]
    points, descriptors = np.zeros((len(found), 256, 2), np.float32), np.zeros((len(found), 256, 128), np.uint8)
    for k, (where, what) in enumerate(found):
        points[k, : len(where)], descriptors[k, : len(what)] = where, what
    return Features(points, descriptors, np.array([len(where) for where, _ in found]))


def map_of(features: Features, i: int = 0, j: int = 1) -> pd.DataFrame:
    """One row as `compare` would give it."""
    (found,) = matches(features, i, features, np.array([j]), CONFIG.ratio)
    inliers, values = common_map(features.points[i, found[:, 0]], features.points[j, found[:, 1]], CONFIG.tolerance)
    return pd.DataFrame([{"i": i, "j": j, "matches": len(found), "inliers": inliers, **dict(zip(MAP, values, strict=True))}])


def test_matches_equal_opencvs_two_way_ratio_test(field):
    features = looked_at(field[:224, :224], field[40:264, 30:254], field[90:314, 90:314])
    for j, found in zip((1, 2), matches(features, 0, features, np.array([1, 2]), 0.8), strict=True):
        here, there = (features.words(k).astype(np.float32) for k in (0, j))
        matcher = cv2.BFMatcher(cv2.NORM_L2)
        back = {m.queryIdx: m.trainIdx for m in matcher.match(there, here)}
        expected = {
            (first.queryIdx, first.trainIdx)
            for first, second in matcher.knnMatch(here, there, 2)
            if first.distance < 0.8 * second.distance and back[first.trainIdx] == first.queryIdx
        }
        assert len(expected) > 20
        assert set(map(tuple, found.tolist())) == expected


def test_a_shifted_view_gives_back_its_shift(field):
    row = map_of(looked_at(field[:224, :224], field[40:264, 30:254]))
    assert verified(row, CONFIG)[0] and row["inliers"][0] > 30
    assert row[list(MAP)].iloc[0].tolist() == pytest.approx([1, 0, -30, 0, 1, -40], abs=0.5)
    assert moved(row, 224)[0] == pytest.approx(50, abs=1)
    assert pixel_agreement(np.stack([field[:224, :224]]), np.stack([field[40:264, 30:254]] * 2), row)[0] > 0.95


def test_a_turned_and_enlarged_view_gives_back_angle_and_scale(field):
    turn = cv2.getRotationMatrix2D((160, 160), 30, 1.15)
    turned = cv2.warpAffine(field, turn, (320, 320))[48:272, 48:272]
    row = map_of(looked_at(field[48:272, 48:272], turned))
    assert verified(row, CONFIG)[0]
    assert row[["xx", "xy", "yx", "yy"]].iloc[0].tolist() == pytest.approx(turn[:, :2].ravel().tolist(), abs=0.03)


def test_the_mirror_image_of_a_field_is_another_field(field):
    row = map_of(looked_at(field[:224, :224], field[:224, :224][:, ::-1]))
    assert not verified(row, CONFIG)[0]


def test_maps_that_mirror_or_stretch_are_chance():
    rows = [(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, 1, 0), (2, 0, 0, 0, 1, 0), (1, 0, 0, 0, 0.5, 0), (0, -4 / 3, 9, 3 / 4, 0, 9)]
    table = pd.DataFrame(rows, columns=list(MAP)).assign(inliers=100)
    assert plausible(table, 1.6).tolist() == [True, False, False, False, True]  # the last: a quarter turn of a squeezed 4:3 frame
    assert verified(table.assign(inliers=[8, 8, 8, 8, 7]), CONFIG).tolist() == [True, False, False, False, False]


def test_inliers_are_counted_by_place_and_outliers_do_not_count():
    rng = np.random.default_rng(0)
    here = rng.uniform(0, 224, (20, 2)).astype(np.float32)
    there = here @ np.float32([[0.9, 0.1], [-0.1, 0.9]]) + np.float32([5, -7])
    there[15:] += rng.uniform(30, 90, (5, 2)).astype(np.float32)
    thrice = [np.repeat(points, 3, axis=0) for points in (here, there)]
    assert common_map(*thrice, 3.0)[0] == 15
    assert common_map(here, there, 3.0)[1] == pytest.approx([0.9, -0.1, 5, 0.1, 0.9, -7], abs=1e-3)


def test_few_matches_are_no_map():
    points = np.zeros((3, 2), np.float32)
    assert common_map(points, points, 3.0)[0] == 0


def test_the_scale_bars_corner_holds_no_feature(field):
    picture = field[:224, :224].copy()
    noise = np.random.default_rng(1).integers(0, 256, (36, 56, 3), dtype=np.uint8)
    picture[-36:, -56:] = noise
    points, _ = detector(CONFIG)(picture, False)
    assert len(points) > 100
    assert not ((points[:, 0] > 224 * (1 - BAR[1]) + 1) & (points[:, 1] > 224 * (1 - BAR[0]) + 1)).any()


def test_a_blank_picture_has_no_features_and_matches_nothing(field):
    features = looked_at(np.full((224, 224, 3), 240, np.uint8), field[:224, :224])
    assert features.counts[0] == 0
    for i, j in ((0, 1), (1, 0), (0, 0)):
        assert [len(found) for found in matches(features, i, features, np.array([j]), 0.8)] == [0]


def test_agreement_is_near_zero_for_unrelated_pictures_and_absent_without_overlap(field):
    other = draw_image(FIELDS, "Pre/LabA-Pre-002.png")
    rows = pd.DataFrame([(0, 0, 1, 0, 0, 0, 1, 0), (0, 0, 1, 0, 223, 0, 1, 0)], columns=["i", "j", *MAP])
    values = pixel_agreement(field[None, :224, :224], other[None, :224, :224], rows)
    assert abs(values[0]) < 0.3
    assert np.isnan(values[1])


@pytest.mark.parametrize("wrong", [{"window": 0}, {"ratio": 1.2}, {"max_stretch": 1.0}, {"max_distance": 65}])
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(ConfigError, match="audit"):
        AuditConfig(**wrong)
