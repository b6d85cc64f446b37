"""What a network attends to that weighs its tiles: by hand, and on drawn smears."""

import numpy as np
import pytest

from neurallnet.config import with_changes
from neurallnet.explain.masks import cell_masks, coverage
from neurallnet.explain.rows import CORNER
from neurallnet.explain.tiles import effective_tiles, tile_report
from neurallnet.paths import workspace
from neurallnet.pooling import tile_weights
from neurallnet.runs import train_run
from neurallnet.study import Study, open_study


def test_even_weights_count_all_tiles_and_one_weight_counts_one():
    weights = np.zeros((3, 2, 2), np.float32)
    weights[0], weights[1, 1, 0], weights[2, 0] = 0.25, 1, 0.5
    assert effective_tiles(weights).tolist() == pytest.approx([4, 1, 2])


class Small(Study):
    """The smoke profile whose networks have two small blocks and one epoch."""

    def arm(self, name):
        small = {"image_size": 32}, {"channels": [6, 8]}, {"epochs": 1}
        return with_changes(super().arm(name), **dict(zip(("data", "model", "train"), small, strict=True)))


def test_report_is_of_the_weights_and_of_validation_images(tmp_path):
    pytest.importorskip("skimage")
    opened = open_study("smoke", work=tmp_path)
    study = Small(opened.profile, workspace(tmp_path), opened.data, opened.config)
    report = tile_report(study, n=None)
    assert report["fold"] == "val" and report["map"] == [8, 8] and 1 <= report["tiles"] <= 64
    assert not list(study.work.runs.glob("*/predictions-test.csv"))
    rows = {(row["region"], row["part"]): row for row in report["attention"]}
    assert {region for region, _ in rows} >= {"generator", "stain", "generator, another image", "corner"}
    run, data = train_run(study.arm("tiles-0"), study.work, progress=False), study.dataset()
    chosen = data.frame["path"].isin(run.predictions("val")["path"]).to_numpy()
    weights = tile_weights(run.model(), np.asarray(data.images(run.config.data, study.work)[chosen]))
    edge = np.array([0] * 6 + [1 - (8 * (1 - CORNER) - 6), 1])  # of the corner, in tiles: the last one and part of the one before
    corner = (weights * np.outer(edge, edge)).sum((1, 2)).mean()
    assert rows["corner", "all"]["value"] == pytest.approx(corner, rel=1e-4)
    drawn = cell_masks("synthetic", data.root, data.frame["path"][chosen].tolist(), study.work, None)["generator"]
    inside, counted = coverage(drawn, (8, 8)), 1 - np.outer(edge, edge)  # the corner counts neither as inside nor as outside
    large = (inside * counted).sum((1, 2)) / counted.sum() >= 0.01
    share = (weights * counted * inside).sum((1, 2)) / (weights * counted).sum((1, 2))
    assert rows["generator", "all"]["value"] == pytest.approx(share[large].mean(), rel=1e-4)
    known = run.predictions("val")
    right = (known["label"] == known["predicted"]).mean()
    assert report["validation_accuracy"]["tiles-0"] == pytest.approx(right)
    assert set(report["validation_accuracy"]) == {"tiles-0", "base-0"}
