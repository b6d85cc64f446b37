"""The whole audit on drawn pictures whose truth is known: end to end, killed and resumed, with a broken file among them."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from neurallnet.audit import matching
from neurallnet.audit.command import audit
from neurallnet.audit.report import groups_of_report, run_audit, versions
from neurallnet.audit.settings import AuditConfig
from neurallnet.audit.study import audit_study, match_table
from neurallnet.audit.summary import summary
from neurallnet.config import CLASSES, profile_config
from neurallnet.data.synthetic import SyntheticConfig, draw_image, generate, read_truth
from neurallnet.dataset import open_dataset
from neurallnet.errors import DataError
from neurallnet.evidence import canonical_json
from neurallnet.paths import Workspace
from neurallnet.study import Study
from neurallnet.verify import recompute
from neurallnet.verify.compare import compare_payloads
from neurallnet.verify.registry import MEASURED

DRAWN = SyntheticConfig(
    images_per_class=12, patients_per_class=1, sessions_per_patient=1, size=512, near_duplicates=0, exact_duplicates=0
)
SMALL = AuditConfig(window=6, shortlist=6, words=32, controls=10)


def field(label: str, number: int) -> np.ndarray:
    """One large field; its left lower quarter and so on are windows on it. uint8 (512, 512, 3)."""
    return draw_image(DRAWN, f"{label}/LabA-{label}-{number:03}.png")


def save(path: Path, picture: np.ndarray, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, **options)


def shrunk(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, (224, 224), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """`taleqani`: 6 fields a class, squeezed to 224 px, and in Early: 7 = 1 again byte for byte, 8 = 2 compressed anew,
    9 = 3 shifted, 10 = 4 turned, and 12 = 5 shifted, the last far from it in file order. `external_probe`: full-size originals of
    Benign 2 and Pre 3, a part of Pro 4, and two fields of nobody.
    """
    root = tmp_path_factory.mktemp("data")
    primary, probe = root / "taleqani" / "Original", root / "external_probe"
    for label in CLASSES:
        for number in range(1, 7):
            whole = field(label, number)[:384, :512]
            save(primary / label / f"{label}-{number:03}.png", shrunk(whole))
    early = primary / "Early"
    shutil.copy(early / "Early-001.png", early / "Early-007.png")
    with Image.open(early / "Early-002.png") as again:
        again.save(early / "Early-008.jpg", quality=80)
    save(early / "Early-009.png", shrunk(field("Early", 3)[60:444, :512]))
    turn = cv2.getRotationMatrix2D((256, 192), 15, 1)
    save(early / "Early-010.png", shrunk(cv2.warpAffine(field("Early", 4)[:384], turn, (512, 384), borderMode=cv2.BORDER_REFLECT)))
    save(early / "Early-011.png", shrunk(field("Early", 11)[:384]))
    save(early / "Early-012.png", shrunk(field("Early", 5)[90:474, :512]))
    save(probe / "a.jpg", field("Benign", 2)[:384, :512], quality=95)
    save(probe / "b.png", cv2.resize(field("Pre", 3)[:384, :512], (1024, 768)))
    save(probe / "c.png", field("Pro", 4)[40:340, 60:460])
    save(probe / "d.png", field("Pro", 11)[:384, :512])
    save(probe / "e.png", field("Pre", 12)[:384, :512])
    (early / "Early-013.jpg").write_bytes((early / "Early-008.jpg").read_bytes()[:2000])
    return root


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("work"))


def sets(data: Path, place: Workspace):
    return [open_dataset(name, place, data, progress=False) for name in ("taleqani", "external_probe")]


@pytest.fixture(scope="module")
def report(data, place) -> dict:
    primary, probe = sets(data, place)
    return run_audit(primary, [probe], place, SMALL, progress=False)


def names(rows: list[dict]) -> set[tuple[str, str]]:
    return {tuple(sorted((row["a"], row["b"]))) for row in rows}


def early(*numbers: int) -> tuple[str, ...]:
    return tuple(f"Early/Early-{n:03}.{'jpg' if n == 8 else 'png'}" for n in numbers)


def test_exact_and_near_duplicates_are_found(report):
    pairs = report["rows"]["near_pairs"]
    assert names(row for row in pairs if row["exact"]) == {early(1, 7)}
    assert names(pairs) == {early(1, 7), early(2, 8)}
    assert report["duplicates"]["exact"]["pairs"] == 1
    assert report["duplicates"]["near"]["classes"]["Early"]["gaps"]["median"] == 6


def test_every_shifted_turned_and_copied_field_is_found_and_no_other(report):
    expected = {early(1, 7), early(2, 8), early(3, 9), early(4, 10), early(5, 12)}
    assert names(report["rows"]["field_pairs"]) == expected
    found = report["fields"]
    assert found["same_field"]["pairs"] == 5 and found["same_field"]["pairs_across_classes"] == 0
    assert found["distinct_fields"] == 30 - 5
    assert found["same_field"]["classes"]["Early"]["images_not_alone"] == 10
    assert {frozenset(group) for group in report["rows"]["field_groups"]} == {frozenset(pair) for pair in expected}
    assert found["near_not_verified"] == {"of": 2, "pairs": []}
    assert found["agreement"]["n"] == 5 and found["agreement"]["below_half"] == 0


def test_groups_can_be_taken_from_the_report(report):
    groups = groups_of_report(json.loads(canonical_json(report)))
    assert len(groups) == 30 and groups.nunique() == 25 and groups.index.is_monotonic_increasing
    shared = groups[groups.duplicated(keep=False)]
    members = {frozenset(own.index) for _, own in shared.groupby(shared)}
    assert members == {frozenset(early(*pair)) for pair in ((1, 7), (2, 8), (3, 9), (4, 10), (5, 12))}


def test_shifts_are_measured_in_pixels_of_the_audit(report):
    moved = {row["b"]: row["moved"] for row in report["rows"]["field_pairs"]}
    assert moved["Early/Early-007.png"] == pytest.approx(0, abs=0.1)
    assert moved["Early/Early-009.png"] == pytest.approx(60 * 224 / 384, abs=1)


def test_chance_gives_no_field(report):
    chance = report["fields"]["chance"]
    assert chance["mirrored"]["pairs"] > 50 and chance["mirrored"]["verified"] == 0
    assert chance["classes"]["pairs"] >= 180 and chance["classes"]["verified"] == 0  # 18 to 24 pictures of other classes each
    n = chance["classes"]["pairs"]
    assert chance["classes"]["rate_high"] == pytest.approx(1 - 0.025 ** (1 / n))  # Clopper and Pearson's bound at none of n


def test_originals_are_recognized_at_any_resolution(report):
    found = report["overlap"]["external_probe"]
    best = {row["file"]: row for row in reversed(found["rows"])}
    assert {file: row["verdict"] for file, row in best.items()} == {
        "a.jpg": "same image",
        "b.png": "same image",
        "c.png": "same field",
        "d.png": "none",
        "e.png": "none",
    }
    matches = {file: best[file]["match"] for file in ("a.jpg", "b.png", "c.png")}
    assert matches == {"a.jpg": "Benign/Benign-002.png", "b.png": "Pre/Pre-003.png", "c.png": "Pro/Pro-004.png"}
    assert best["a.jpg"]["distance"] <= 4 < best["c.png"]["distance"]
    assert min(best[file]["inliers"] for file in matches) >= SMALL.min_inliers
    assert (found["images"], found["found"], found["verdicts"]["same image"]) == (5, 3, 2)
    assert found["labels_compared"] == 0  # the other set has no labels


def test_the_broken_file_is_named_and_left_out(report):
    (refused,) = report["rejected"]
    assert refused["path"] == "Early/Early-013.jpg" and "truncated" in refused["reason"]
    assert (report["set"]["n"], report["set"]["rejected"]) == (30, 1)


def test_a_label_that_differs_from_its_original_is_counted(data, place, report):
    primary, _ = sets(data, place)
    frame = primary.frame.copy()
    frame.loc[frame["path"] == "Pro/Pro-002.png", "label"] = "Benign"
    other = type(primary)(primary.root, type(primary.manifest)(frame, primary.manifest.rejected), primary.classes)
    found = run_audit(primary, [other], place, SMALL, progress=False)["overlap"]["taleqani"]
    assert (found["found"], found["labels_compared"], found["labels_differ"]) == (30, 30, 1)


def test_the_report_is_evidence_and_the_summary_says_its_n_and_threshold(report):
    assert json.loads(canonical_json(report))["fields"]["distinct_fields"] == 25
    assert report["versions"] == versions() and report["versions"]["opencv"] == cv2.__version__
    assert report["settings"]["min_inliers"] == 8
    table = summary(report).set_index("finding")
    assert table.loc["exact duplicate pairs"].tolist() == ["1", "30 images", "sha256"]
    assert table.loc["distinct fields", "value"] == "25"
    assert table.loc["overlap with external_probe", "value"] == "3 found again (2 same image, 1 same field)"
    assert ">= 8 inliers" in table.loc["same-field pairs", "by"]
    assert (table != "").all().all()


def test_a_killed_audit_goes_on_where_it_was_and_finds_the_same(data, tmp_path, monkeypatch, report):
    work = Workspace(tmp_path)
    primary, probe = sets(data, work)
    monkeypatch.setattr(matching, "BLOCK", 6)
    seen: list[int] = []
    true_compare = matching._compare

    def killed(features, others, pairs, config):
        if len(seen) == 3:
            raise KeyboardInterrupt
        seen.extend({*pairs[:, 0].tolist()} and [len(pairs)])
        return true_compare(features, others, pairs, config)

    monkeypatch.setattr(matching, "_compare", killed)
    with pytest.raises(KeyboardInterrupt):
        run_audit(primary, [probe], work, SMALL, progress=False)
    kept = sorted(work.root.glob("audit/*/within/pairs-*.npz"))
    assert len(kept) == 3
    kept[1].write_bytes(kept[1].read_bytes()[:100])  # as if the disk had been full
    redone: list[int] = []

    def counted(features, others, pairs, config):
        redone.append(len(pairs))
        return true_compare(features, others, pairs, config)

    monkeypatch.setattr(matching, "_compare", counted)
    again = run_audit(primary, [probe], work, SMALL, progress=False)
    assert canonical_json(again) == canonical_json(report)
    total = again["fields"]["compared"]
    assert sum(redone[:3]) == total - seen[0] - seen[2]  # of the five blocks within the set, the first and third were kept
    redone.clear()
    assert canonical_json(run_audit(primary, [probe], work, SMALL, progress=False)) == canonical_json(report)
    assert redone == []


def test_the_command_prints_the_findings_and_writes_them(data, place, report, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("neurallnet.audit.command.AuditConfig", lambda: SMALL)
    target = tmp_path / "audit.json"
    audit("taleqani", ["external_probe"], data, place.root, target)
    shown = capsys.readouterr()
    assert "Early-013.jpg: is truncated" in shown.err
    assert "distinct fields" in shown.out and "Benign/Benign-002.png" in shown.out and "d.png" not in shown.out
    assert target.read_text(encoding="utf-8") == canonical_json(report)


def test_an_unknown_set_is_an_error_that_names_the_known_ones(place):
    with pytest.raises(DataError, match="taleqani"):
        audit("nothing", [], None, place.root, None)


def test_the_generators_repeated_fields_are_found(tmp_path):
    """Against truth.csv: the generator moves a field by a few pixels and lights it anew."""
    root = tmp_path / "data"
    config = SyntheticConfig(
        images_per_class=10, patients_per_class=2, sessions_per_patient=1, near_duplicates=0.5, exact_duplicates=0.1
    )
    generate(root / "taleqani" / "Original", config, progress=False)
    work = Workspace(tmp_path / "work")
    truth = read_truth(root / "taleqani" / "Original").set_index("path")["field"]
    for stray in ("truth.csv", "generator.json"):
        (root / "taleqani" / "Original" / stray).unlink()
    found = run_audit(open_dataset("taleqani", work, root, progress=False), [], work, SMALL, progress=False)
    groups = pd.Series({path: k for k, group in enumerate(found["rows"]["field_groups"]) for path in group})
    repeated = truth[truth.duplicated(keep=False)]
    assert len(repeated) >= 10
    assert set(groups.index) == set(repeated.index)
    assert (pd.crosstab(groups, truth[groups.index]) > 0).sum(axis=1).eq(1).all()  # no group holds two fields
    assert found["fields"]["distinct_fields"] == truth.nunique()
    assert found["leak"] is not None and found["overlap"] == {}


@pytest.fixture
def studied(data, place) -> tuple[Study, dict]:
    study = Study("full", place, data, profile_config("full"))
    return study, json.loads(canonical_json(audit_study(study)))


def test_a_study_names_what_it_found_again_and_what_was_not_there(studied):
    _, found = studied
    assert set(found["overlap"]) == {"external_probe"} and found["absent"] == ["bccd"]
    matches = match_table(found, "external_probe").set_index("file")
    assert list(matches.index) == [f"{name}.{'jpg' if name == 'a' else 'png'}" for name in "abcde"]
    assert matches.loc["a.jpg", "match"] == "Benign/Benign-002.png" and matches.loc["a.jpg", "verdict"] == "same image"
    assert matches.loc["e.png", "verdict"] == "none" and match_table(found, "bccd").empty
    rows = found["overlap"]["external_probe"]["rows"]
    rows.insert(1, {**rows[0], "match": "Pro/Pro-001.png", "inliers": 9, "verdict": "same field"})  # a second finding for a.jpg
    assert match_table(found, "external_probe").equals(matches.reset_index())


def test_published_counts_follow_from_names_hashes_and_rows(studied):
    study, found = studied
    assert compare_payloads(found, recompute.audit(study, found), MEASURED["audit"]).problem is None
    found["overlap"]["external_probe"]["verdicts"]["same image"] += 1
    assert "same image" in compare_payloads(found, recompute.audit(study, found), MEASURED["audit"]).problem
