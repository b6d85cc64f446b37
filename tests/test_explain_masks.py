"""Masks find the cells that were drawn; areas and shares worked by hand; chance gives a ratio of one."""

import numpy as np
import pytest
from PIL import Image
from scipy.stats import bootstrap

from neurallnet.data.synthetic import SyntheticConfig, cell_mask, draw_image
from neurallnet.errors import DataError
from neurallnet.evaluation import cluster_interval
from neurallnet.explain import attention_inside, share_inside
from neurallnet.explain.attention import mean_over, ratio_over
from neurallnet.explain.masks import agreement, cell_masks, corner_coverage, coverage, published_mask, stain_mask
from neurallnet.paths import workspace

PATHS = [f"{label}/LabA-{label}-{number:03}.png" for label, number in (("Benign", 1), ("Early", 8), ("Pre", 31), ("Pro", 9))]


def test_stain_rule_finds_the_cells_the_generator_drew():
    config = SyntheticConfig()
    found = [agreement(stain_mask(draw_image(config, path)), cell_mask(config, path)) for path in PATHS]
    assert np.mean(found) > 0.8, found
    assert not stain_mask(np.full((20, 20, 3), 200, np.uint8)).any()


def test_published_mask_ignores_what_jpeg_leaves_of_black():
    image = np.zeros((4, 6, 3), np.uint8)
    image[:, :3] = (12, 30, 3)
    image[1:3, 4:] = (180, 60, 120)
    assert published_mask(image).sum() == 4 and published_mask(image)[1:3, 4:].all()


def test_masks_of_the_primary_set_come_from_equal_paths(tmp_path):
    for folder in ("Original", "Segmented"):
        for label in ("Benign", "Pro"):
            (tmp_path / "taleqani" / folder / label).mkdir(parents=True)
    draw = np.random.default_rng(0)
    paths = ["Benign/a-1.jpg", "Pro/a-1.jpg"]
    for number, path in enumerate(paths):
        image = draw.integers(150, 255, (40, 40, 3), dtype=np.uint8)
        segmented = np.zeros_like(image)
        segmented[:20, 20 * number : 20 * number + 20] = 200
        Image.fromarray(image).save(tmp_path / "taleqani" / "Original" / path, quality=95)
        Image.fromarray(segmented).save(tmp_path / "taleqani" / "Segmented" / path, quality=95)
    place = tmp_path / "taleqani" / "Original", paths, workspace(tmp_path / "work"), tmp_path
    found = cell_masks("taleqani", *place)
    assert sorted(found) == ["published", "stain"]
    assert [mask[:20, :20].mean() > 0.9 for mask in found["published"]] == [True, False]
    assert [mask[:20, 20:].mean() > 0.9 for mask in found["published"]] == [False, True]
    (tmp_path / "taleqani" / "Segmented").rename(tmp_path / "elsewhere")
    assert sorted(cell_masks("taleqani", *place)) == ["stain"]


def test_synthetic_masks_are_the_truth(tmp_path):
    path = PATHS[2]
    (tmp_path / path).parent.mkdir()
    Image.fromarray(draw_image(SyntheticConfig(), path)).save(tmp_path / path)
    found = cell_masks("synthetic", tmp_path, [path], workspace(tmp_path / "work"), None)
    assert (found["generator"][0] == cell_mask(SyntheticConfig(), path)).all()
    assert found["stain"][0].shape == found["generator"][0].shape


def test_coverage_is_a_share_of_area_also_where_places_cut_pixels():
    mask = np.zeros((4, 6), bool)
    mask[:2, 0] = True
    # places of 2 x 1.5 pixels: the first holds 2 of its 3; the others nothing
    expected = [[2 / 3, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_allclose(coverage([mask], (2, 4))[0], expected, atol=1e-6)
    np.testing.assert_array_equal(coverage([mask, ~mask], (4, 6)), [mask, ~mask])
    odd = np.random.default_rng(0).random((7, 11)) < 0.4
    assert coverage([odd], (3, 5)).mean() == pytest.approx(odd.mean())


@pytest.mark.parametrize("size", [(12, 12), (6, 6), (5, 7), (96, 96)])
def test_corner_has_its_share_of_the_area(size):
    corner = corner_coverage(size, 0.16)
    assert corner.mean() == pytest.approx(0.16**2, rel=1e-5)
    assert corner[-1, -1] == max(corner.ravel()) and corner[0].max() == corner[:, 0].max() == 0


def test_agreement_by_hand():
    first, second = np.array([[1, 1, 0, 0]], bool), np.array([[0, 1, 1, 1]], bool)
    assert agreement(first, second) == pytest.approx(2 / 5)
    assert agreement(first, first) == 1 and agreement(first, ~first) == 0
    assert agreement(first & ~first, first & ~first) is None


def test_share_by_hand_and_without_attention():
    attention = np.array([[[1.0, 3], [0, 0]], [[0, 0], [0, 0]]])
    covered = np.array([[[0.5, 0], [1, 1]]] * 2)
    share = share_inside(attention, covered)
    assert share[0] == pytest.approx(0.5 / 4) and np.isnan(share[1])
    np.testing.assert_array_equal(share_inside(attention, covered[0]), share)
    with pytest.raises(DataError, match="negative"):
        share_inside(-attention, covered)
    with pytest.raises(DataError, match="sizes"):
        share_inside(attention, covered[:, :1])


def example(count: int = 30):
    draw = np.random.default_rng(4)
    return draw.random((count, 6, 6)), (draw.random((count, 6, 6)) < 0.3).astype(float), np.arange(count) // 2


def test_even_attention_is_at_chance_and_attention_on_the_mask_is_all_inside():
    _, covered, groups = example()
    even = attention_inside(np.ones_like(covered), covered, groups)
    assert even.value == pytest.approx(even.chance) and even.ratio == pytest.approx(1)
    assert even.chance == pytest.approx(covered.mean()) and (even.n, even.groups) == (30, 15)
    whole = attention_inside(covered * 7, covered, groups)
    assert whole.value == pytest.approx(1) and whole.ratio == pytest.approx(1 / covered.mean())


def test_small_masks_and_empty_maps_are_left_out_and_counted():
    attention, covered, groups = example()
    covered[:3], attention[3:5] = 0, 0
    covered[0, 0, 0] = 0.3  # 0.8% of the area
    found = attention_inside(attention, covered, groups)
    assert (found.n, found.mask_too_small, found.no_attention) == (25, 3, 2)
    assert found.value == pytest.approx(np.mean([(a * m).sum() / a.sum() for a, m in zip(attention[5:], covered[5:], strict=True)]))
    assert found.chance == pytest.approx(covered[5:].mean())
    assert attention_inside(attention, covered * 0, groups) is None


def test_what_does_not_count_changes_neither_share_nor_chance():
    attention, covered, groups = example()
    counted = np.ones((6, 6))
    counted[4:, 3:] = 0
    found = attention_inside(attention, covered, groups, counted)
    attention[:, 4:, 3:], covered[:, 4:, 3:] = 99, 1
    assert attention_inside(attention, covered, groups, counted) == found
    even = attention_inside(np.ones_like(covered), covered, groups, counted)
    assert even.ratio == pytest.approx(1) and even.chance == pytest.approx(covered[:, counted > 0].mean())


def test_interval_of_a_mean_is_the_one_used_for_accuracy():
    values = np.random.default_rng(0).random(40)
    groups = np.arange(40) // 3
    ours, theirs = mean_over(values, groups), cluster_interval(values, groups)
    assert (ours.interval.low, ours.interval.high) == pytest.approx((theirs.low, theirs.high))
    assert ours.value == pytest.approx(values.mean()) and ours.interval.unit == theirs.unit


def test_interval_of_a_ratio_equals_scipys_on_group_sums():
    draw = np.random.default_rng(1)
    top, bottom, groups = draw.normal(1, 1, 60), draw.random(60) + 0.2, np.arange(60) // 2
    ours = ratio_over(top, bottom, groups)
    sums, draws = [np.add.reduceat(values, np.arange(0, 60, 2)) for values in (top, bottom)], np.random.default_rng(9)
    theirs = bootstrap(sums, lambda a, b, axis: a.sum(axis) / b.sum(axis), paired=True, rng=draws).confidence_interval
    assert ours.value == pytest.approx(top.sum() / bottom.sum())
    assert (ours.interval.low, ours.interval.high) == pytest.approx(tuple(theirs), abs=0.03)
    with pytest.raises(DataError, match="two or more"):
        ratio_over(top, bottom, np.zeros(60))
