"""Claims about calibration, screening, other laboratories and attention: trust.json, false_alarms.json, explanations.json."""

from collections.abc import Iterable, Mapping
from typing import Any

from neurallnet.arms import SHIPPED
from neurallnet.claims.claim import Claim, verdict_at_least
from neurallnet.claims.speed import Evidence

POOLED, SCORE = "all together", "mahalanobis"
ALARM_AIM, AUROC_AIM = 0.01, 0.99
FILE, ALARMS = "trust.json", "false_alarms.json"


def ece_session(evidence: Evidence) -> Claim:
    row = _row(evidence[FILE]["calibration"], part=POOLED)
    return Claim(
        id="ece_session",
        claim="Expected calibration error on held-out blocks, temperature 1",
        paper=None,
        ours=row["ece"],
        interval=(row["low"], row["high"]),
        n=row["n"],
        protocol=f"{evidence[FILE]['protocol']}, all folds, seed 0, 15 bins; after temperature scaling {row['ece_scaled']:.3g}",
        verdict="not testable here",
        evidence=evidence.path(FILE),
    )


def sensitivity(evidence: Evidence) -> Claim:
    found = evidence[FILE]
    row, asked = _row(found["screening"], part=POOLED), found["screening_specificity"]
    return Claim(
        id="binary_sensitivity_at_95_specificity_session",
        claim=f"Malignant images found on held-out blocks, thresholds for a specificity of {asked:g}",
        paper=None,
        ours=row["sensitivity"],
        interval=(row["low"], row["high"]),
        n=row["n_malignant"],
        protocol=f"{found['protocol']}, all folds, seed 0; thresholds from validation, the specificity that came of them "
        f"{row['specificity']:.3f} [{row['specificity_low']:.3f}, {row['specificity_high']:.3f}]",
        verdict="not testable here",
        evidence=evidence.path(FILE),
    )


def ood_auroc(evidence: Evidence) -> Claim:
    row = _bccd(evidence)
    return Claim(
        id="ood_auroc_bccd",
        claim=f"Area under the ROC curve of the flag, BCCD against held-out blocks (our aim: {AUROC_AIM})",
        paper=None,
        ours=row["auroc"],
        interval=None,
        n=row["n"],
        protocol="mean over the networks of all session folds, seed 0; n counts an image once per network",
        verdict="reproduced" if row["auroc"] >= AUROC_AIM else "not reproduced",
        evidence=evidence.path(FILE),
    )


def unflagged(evidence: Evidence) -> Claim:
    row = _bccd(evidence)
    return Claim(
        id="bccd_unflagged_malignant_rate",
        claim=f"Healthy images of BCCD called malignant and not flagged (our aim: at most {ALARM_AIM:.0%})",
        paper=None,
        ours=row["unflagged_alarms"],
        interval=(row["unflagged_low"], row["unflagged_high"]),
        n=row["n_healthy"],
        protocol=f"networks of all session folds, seed 0; without the flag {row['false_alarms']:.1%}; interval over {row['unit']}s",
        verdict="reproduced" if row["unflagged_alarms"] <= ALARM_AIM else "not reproduced",
        evidence=evidence.path(FILE),
    )


def false_alarms(evidence: Evidence) -> Claim:
    found = evidence[ALARMS]
    row = next(row for row in found["rows"] if row["network"] == SHIPPED)
    seeds = f"{row['seeds']} seeds from {row['lowest']:.1%} to {row['highest']:.1%}" if row["seeds"] > 1 else "one seed"
    return Claim(
        id="bccd_false_alarm_rate",
        claim="Healthy images of another laboratory called malignant, without any flag",
        paper=None,
        ours=row["rate"],
        interval=(row["low"], row["high"]),
        n=row["n"],
        protocol=f"BCCD, the network that ships, no retraining; {seeds}; interval over {row['unit']}s",
        verdict="not testable here",
        evidence=evidence.path(ALARMS),
    )


def attention(evidence: Evidence) -> Claim:
    found = evidence["explanations.json"]["attention_inside_cells"]
    interval = (found["low"], found["high"])
    return Claim(
        id="attention_inside_cells",
        claim="Grad-CAM on clinically relevant morphology: share of attention inside nucleated cells",
        paper=None,
        ours=found["value"],
        interval=interval,
        n=found["n"],
        protocol=f"single network, validation images; chance: share of area, {found['chance']:.3g}; the verdict: above it?",
        verdict=verdict_at_least(found["value"], interval, found["chance"]),
        evidence=evidence.path("explanations.json"),
    )


def _bccd(evidence: Evidence) -> Mapping[str, Any]:
    return _row(evidence[FILE]["out_of_distribution"], part=POOLED, score=SCORE, set="bccd")


def _row(rows: Iterable[Mapping[str, Any]], **wanted: str) -> Mapping[str, Any]:
    """The row with these values; raises FileNotFoundError, as for evidence that is not there yet, when there is none."""
    for row in rows:
        if all(row[key] == value for key, value in wanted.items()):
            return row
    raise FileNotFoundError(f"no row {wanted}")


BUILDERS = {
    "ece_session": ece_session,
    "binary_sensitivity_at_95_specificity_session": sensitivity,
    "ood_auroc_bccd": ood_auroc,
    "bccd_unflagged_malignant_rate": unflagged,
    "bccd_false_alarm_rate": false_alarms,
    "attention_inside_cells": attention,
}
