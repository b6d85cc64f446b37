"""An audit's findings for people: one line each, with what it is counted over and by which threshold."""

from typing import Any

import pandas as pd


def summary(report: dict[str, Any]) -> pd.DataFrame:
    """Columns finding, value, of (n and unit), by (threshold or method), from `run_audit`'s dictionary."""
    rows = _within(report) + _sessions(report) + _leak(report)
    for name, found in report["overlap"].items():
        rows += _overlap(name, found, report["settings"])
    return pd.DataFrame(rows, columns=["finding", "value", "of", "by"])


def _within(report: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    n, settings = f"{report['set']['n']:,} images", report["settings"]
    exact, near, fields = report["duplicates"]["exact"], report["duplicates"]["near"], report["fields"]
    same, hashed = fields["same_field"], f"pHash distance <= {settings['max_distance']} of 64 bits"
    geometry = f">= {settings['min_inliers']} inliers on one affine map"
    rows = [
        ("exact duplicate pairs", f"{exact['pairs']:,}", n, "sha256"),
        ("near-duplicate pairs", f"{near['pairs']:,} ({near['images_not_alone']:,} images)", n, hashed),
        ("near-duplicate pairs across classes", f"{near['pairs_across_classes']:,}", f"{near['pairs']:,} pairs", hashed),
        ("same-field pairs", f"{same['pairs']:,} ({same['images_not_alone']:,} images)", f"{fields['compared']:,} pairs", geometry),
        ("same-field pairs across classes", f"{same['pairs_across_classes']:,}", f"{same['pairs']:,} pairs", geometry),
        ("distinct fields", f"{fields['distinct_fields']:,}", n, "connected same-field and near-duplicate pairs"),
    ]
    gap = same["gaps"]
    if gap["n"]:
        value = f"median {gap['median']:g}, 95% <= {gap['p95']:g}, most {gap['max']:,}"
        rows.append(("file-number gap of same-field pairs", value, f"{gap['n']:,} pairs", "within a class"))
        rows.append(("same-field pairs more than 37 files apart", f"{gap['above_37']:,}", f"{gap['n']:,} pairs", "within a class"))
    for kind, what in (("mirrored", "mirror images taken for one field"), ("classes", "classes taken for one field")):
        found = fields["chance"][kind]
        if found["pairs"]:
            rows.append((what, f"{found['verified']:,} (at most {found['rate_high']:.2g})", f"{found['pairs']:,} pairs", geometry))
    return rows


def _sessions(report: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    rows = []
    for label, found in report["sessions"]["classes"].items():
        value = (
            f"{found['streams']}; neighbours differ {found['changes']:,} times, in bar form {found['form_changes']:,} "
            f"({found['changes_if_contiguous']} if contiguous, {found['changes_if_shuffled']:.0f} if shuffled)"
        )
        rows.append((f"streams of {label or 'the set'}", value, f"{found['n']:,} images", "scale-bar form and background tint"))
    return rows


def _leak(report: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    words = {"near_duplicate": "near-duplicate", "field": "field", "stream": "stream"}
    rows = []
    for row in report["leak"] or []:
        known = {words[kind]: share for kind, share in row["shares"].items() if share is not None}
        value = ", ".join(f"{kind} {share:.1%}" for kind, share in known.items()) or f"not possible: {row['why']}"
        rows.append(
            (
                f"in training too, {row['protocol']}",
                value,
                f"{row['n']:,} test images, {row['folds']} folds",
                "group mate in training",
            )
        )
    return rows


def _overlap(name: str, found: dict[str, Any], settings: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    verdicts = found["verdicts"]
    value = f"{found['found']:,} found again ({verdicts['same image']:,} same image, {verdicts['same field']:,} same field)"
    interval = f"{found['images']:,} images, 95% {found['share_low']:.1%}-{found['share_high']:.1%}"
    rows = [(f"overlap with {name}", value, interval, f">= {settings['min_inliers']} inliers on one affine map")]
    if verdicts["hash only"]:
        rows.append((f"hash alone says overlap with {name}", f"{verdicts['hash only']:,}", f"{found['images']:,} images", "pHash"))
    if found["labels_compared"]:
        rows.append((f"labels that differ in {name}", str(found["labels_differ"]), f"{found['labels_compared']:,} images", "label"))
    return rows
