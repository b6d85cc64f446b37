"""How far a network's word can be relied on: pure functions of predictions tables, behind `evidence/trust.json`.

A `Part` is one trained network: predictions of its validation images, on which temperature, screening threshold and conformal
thresholds are fitted, and of images held out from it (a test fold, a session), on which they are measured. Intervals are over
near-duplicate groups where `groups` (path -> group) is given, else over images; each table's column `unit` says which.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from neurallnet.errors import DataError
from neurallnet.evaluation.calibration import BINS, calibration, fit_temperature
from neurallnet.evaluation.conformal import conformal_report, fit_conformal, share_interval
from neurallnet.evaluation.intervals import Interval, group_sums
from neurallnet.evaluation.metrics import malignancy_score, screening, screening_threshold
from neurallnet.evaluation.predictions import (
    build_predictions,
    class_order,
    correctness,
    groups_of,
    logits_of,
    predictions_digest,
    probabilities,
)
from neurallnet.evaluation.resampling import resample_groups
from neurallnet.evaluation.selective import aurc, risk_coverage
from neurallnet.robustness.tables import CLEAN, each_corruption

POOLED = "all together"
COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.5)  # shares of images answered, for the table


class Part(NamedTuple):
    """Predictions of one network: `validation`, and `test` images that had no say in it."""

    validation: pd.DataFrame
    test: pd.DataFrame


Parts = Mapping[str, Part]


def tempered(predictions: pd.DataFrame, temperature: float) -> pd.DataFrame:
    """The predictions table with logits divided by `temperature`: the same answers with other confidence."""
    logits = logits_of(predictions) / temperature
    columns = (predictions[c].tolist() for c in ("path", "label", "fold"))
    return build_predictions(*columns, logits, class_order(predictions))


def part_tables(parts: Parts) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Test predictions of all parts one below the other, as they are and each at its own network's fitted temperature."""
    scaled = [tempered(part.test, fit_temperature(part.validation)) for part in parts.values()]
    return pd.concat([part.test for part in parts.values()], ignore_index=True), pd.concat(scaled, ignore_index=True)


def calibration_table(parts: Parts, groups: pd.Series | None = None, seed: int = 0) -> pd.DataFrame:
    """ECE, Brier score and log-loss (nats) of each part's test images, at temperature 1 and at the one fitted on validation.

    Columns part, n, temperature; ece, low, high (95% interval of the ECE at temperature 1), unit; brier, nll; ece_scaled,
    low_scaled, high_scaled, brier_scaled, nll_scaled. With several parts that share no image, a row POOLED has all images,
    each at its own network's temperature (`temperature` None).
    """
    temperatures = {name: fit_temperature(part.validation) for name, part in parts.items()}
    before = {name: part.test for name, part in parts.items()}
    after = {name: tempered(part.test, temperatures[name]) for name, part in parts.items()}
    if disjoint(before.values()):
        before[POOLED], after[POOLED] = part_tables(parts)
    rows = []
    for name in before:
        raw, scaled = calibration(before[name]), calibration(after[name])
        ends, ends_scaled = (ece_interval(table, groups, seed=seed) for table in (before[name], after[name]))
        rows.append(
            {
                "part": name,
                "n": raw["n"],
                "temperature": temperatures.get(name),
                "ece": raw["ece"],
                "low": ends.low,
                "high": ends.high,
                "unit": ends.unit,
                "brier": raw["brier"],
                "nll": raw["nll"],
                "ece_scaled": scaled["ece"],
                "low_scaled": ends_scaled.low,
                "high_scaled": ends_scaled.high,
                "brier_scaled": scaled["brier"],
                "nll_scaled": scaled["nll"],
            }
        )
    return pd.DataFrame(rows)


def ece_interval(
    predictions: pd.DataFrame, groups: pd.Series | None = None, bins: int = BINS, level: float = 0.95, seed: int = 0
) -> Interval:
    """Percentile bootstrap of the expected calibration error over `groups` (path -> group), or over images without them.

    The ECE of a resample lies above that of the images on average, so a low end at 0 is not to be expected and an interval of
    few images lies high.
    """
    confidence = probabilities(predictions).max(axis=1)
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)
    unit = "image" if groups is None else "near-duplicate group"
    group = np.arange(len(place)) if groups is None else groups_of(predictions, groups)
    sums, sizes = group_sums(correctness(predictions) - confidence, group, place)
    if len(sums) < 2:
        raise DataError(f"interval: {len(sums)} {unit} cannot say how {unit}s differ; two or more are needed")

    def ece(times: np.ndarray) -> np.ndarray:
        return np.abs(times @ sums).sum(-1) / (times @ sizes).sum(-1)

    low, high, used = resample_groups(ece, len(sums), "percentile", level, 1999, seed)
    return Interval(low, high, level, f"{used} bootstrap", unit)


def corruption_calibration(corrupted: pd.DataFrame, temperature: float) -> pd.DataFrame:
    """Calibration under each corruption and severity, before and after `temperature`.

    `corrupted`: a table of `robustness.corrupted_predictions`. Columns corruption, severity, n, accuracy, confidence (mean top
    probability), ece, ece_scaled, brier, brier_scaled, nll, nll_scaled; the untouched images come first, as corruption "none".
    """
    rows = []
    for (name, severity), part in each_corruption(corrupted):
        raw, scaled = calibration(part), calibration(tempered(part, temperature))
        row = {"corruption": name, "severity": int(severity), "n": raw["n"], "accuracy": float(correctness(part).mean())}
        row["confidence"] = float(probabilities(part).max(axis=1).mean())
        for measure in ("ece", "brier", "nll"):
            row |= {measure: raw[measure], f"{measure}_scaled": scaled[measure]}
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.sort_values("corruption", key=lambda c: c != CLEAN, kind="stable", ignore_index=True)


def selective_table(parts: Parts, coverages: Sequence[float] = COVERAGES) -> pd.DataFrame:
    """What abstaining buys: share wrong among the most confident images, per coverage, and the area under that curve.

    Columns part, n, errors, aurc, and `risk_<coverage in per cent>`. Images of equal confidence are answered together, so a
    coverage is the smallest one the thresholds allow that is no less than the one asked for.
    """
    rows = []
    for name, part in parts.items():
        curve = risk_coverage(part.test)
        row = {"part": name, "n": len(part.test), "errors": int((~correctness(part.test)).sum()), "aurc": aurc(part.test)}
        for coverage in coverages:
            reached = curve["risk"][curve["coverage"] >= coverage - 1e-9]
            row[f"risk_{round(100 * coverage):d}"] = float(reached.iloc[0])
        rows.append(row)
    return pd.DataFrame(rows)


def conformal_table(parts: Parts, coverage: float = 0.95, groups: pd.Series | None = None, seed: int = 0) -> pd.DataFrame:
    """`conformal_report` of each part, thresholds from its validation images; column part first."""
    tables = [
        conformal_report(part.test, fit_conformal(part.validation, coverage), groups, seed).assign(part=name)
        for name, part in parts.items()
    ]
    table = pd.concat(tables, ignore_index=True)
    return table[["part", *table.columns.drop("part")]]


def screening_table(
    parts: Parts, specificity: float = 0.95, groups: pd.Series | None = None, benign: str = "Benign", seed: int = 0
) -> pd.DataFrame:
    """The benign/malignant reading: sensitivity and the specificity that came of the threshold fitted on validation.

    Columns part, n, n_malignant, auroc, threshold, sensitivity, low, high, specificity, specificity_low, specificity_high,
    unit. A part whose validation images give no threshold at that specificity calls nothing malignant (`threshold` None).
    POOLED as in `calibration_table`, each image at its own network's threshold; its AUROC is None, scores of networks being
    on different scales.
    """
    rows, hits = [], []
    for name, part in parts.items():
        threshold = screening_threshold(part.validation, specificity, benign)
        found = screening(part.test, np.inf if threshold is None else threshold, benign=benign)
        called = malignancy_score(part.test, benign) >= (np.inf if threshold is None else threshold)
        one = part.test[["path", "label"]].assign(called=called)
        rows.append({"part": name, **_screened(one, groups, benign, seed), "auroc": found["auroc"], "threshold": threshold})
        hits.append(one)
    if disjoint(hits):
        pooled = _screened(pd.concat(hits, ignore_index=True), groups, benign, seed)
        rows.append({"part": POOLED, **pooled, "auroc": None, "threshold": None})
    return pd.DataFrame(rows)


def _screened(called: pd.DataFrame, groups: pd.Series | None, benign: str, seed: int) -> dict[str, Any]:
    malignant = (called["label"] != benign).to_numpy()
    right = called["called"].to_numpy(bool) == malignant
    group = None if groups is None else groups_of(called, groups)
    ends = {
        side: share_interval(right[chosen], None if group is None else group[chosen], seed)
        for side, chosen in (("malignant", malignant), ("benign", ~malignant))
    }
    return {
        "n": len(called),
        "n_malignant": int(malignant.sum()),
        "sensitivity": float(right[malignant].mean()),
        "low": ends["malignant"].low,
        "high": ends["malignant"].high,
        "specificity": float(right[~malignant].mean()),
        "specificity_low": ends["benign"].low,
        "specificity_high": ends["benign"].high,
        "unit": ends["malignant"].unit,
    }


def disjoint(tables: Iterable[pd.DataFrame]) -> bool:
    """Whether there are several tables and no image is in two of them."""
    paths = [set(table["path"]) for table in tables]
    return len(paths) > 1 and len(set().union(*paths)) == sum(map(len, paths))


def trust_payload(
    parts: Parts,
    *,
    protocol: str,
    groups: pd.Series | None = None,
    corrupted: pd.DataFrame | None = None,
    corrupted_part: str | None = None,
    coverage: float = 0.95,
    specificity: float = 0.95,
    flags: pd.DataFrame | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """`trust.json`: every table above as rows, and digests of the predictions they were computed from.

    `corrupted`: corrupted test predictions of the network of `corrupted_part` (default: the first part). `flags`: a table of
    `neurallnet.ood.flag_table`.
    """
    first = corrupted_part or next(iter(parts))
    tables = {
        "calibration": calibration_table(parts, groups, seed),
        "selective": selective_table(parts),
        "conformal": conformal_table(parts, coverage, groups, seed),
        "screening": screening_table(parts, specificity, groups, seed=seed),
    }
    if corrupted is not None:
        tables["corruptions"] = corruption_calibration(corrupted, fit_temperature(parts[first].validation))
    if flags is not None:
        tables["out_of_distribution"] = flags
    digests = {
        name: {"validation": predictions_digest(part.validation), "test": predictions_digest(part.test)}
        for name, part in parts.items()
    }
    return {
        "protocol": protocol,
        "conformal_coverage": coverage,
        "screening_specificity": specificity,
        **{name: records(table) for name, table in tables.items()},
        "predictions": digests,
    }


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain dicts; NaN becomes None, as evidence files have it."""
    return table.astype(object).where(table.notna(), None).to_dict("records")
