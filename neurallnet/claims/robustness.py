"""Claims about corrupted test images, from robustness.json: accuracy at severity 3, and what hue and stain shifts cost."""

from functools import partial
from typing import Any

from neurallnet.claims.claim import Claim
from neurallnet.claims.speed import Evidence
from neurallnet.robustness.corruptions import CORRUPTIONS, PAPER_SIX

FILE = "robustness.json"
SEVERITY = 3
DROP_AIM = 5.0  # points


def accuracy_under(evidence: Evidence, name: str) -> Claim:
    found = evidence[FILE]
    row = _row([r for r in found["rows"] if r["severity"] == SEVERITY], name)
    corruption = CORRUPTIONS[name]
    level = f"{corruption.parameter} {corruption.levels[SEVERITY - 1]:g} {corruption.unit}"
    return Claim(
        id=f"robustness_{name}",
        claim=f"Accuracy under {corruption.title.lower()}" + (" (the paper: robust)" if name in PAPER_SIX else ""),
        paper=None,
        ours=row["accuracy"],
        interval=(row["low"], row["high"]),
        n=row["n"],
        protocol=f"random split, test images, severity {SEVERITY}: {level}; {_seeds(row)}; interval over {row['unit']}s",
        verdict="not testable here",  # the paper gives neither levels nor figures
        evidence=evidence.path(FILE),
    )


def drop(evidence: Evidence, name: str) -> Claim:
    row = _row(evidence[FILE].get("drops", []), name)
    return Claim(
        id=f"{name}_drop",
        claim=f"Points of accuracy a {CORRUPTIONS[name].title.lower()} costs (our aim: at most {DROP_AIM:g})",
        paper=None,
        ours=row["drop"],
        interval=(row["low"], row["high"]),
        n=row["n"],
        protocol=f"random split, test images, severity {row['severity']}, paired; {_seeds(row)}; interval over {row['unit']}s",
        verdict="reproduced" if row["drop"] <= DROP_AIM else "not reproduced",
        evidence=evidence.path(FILE),
    )


def _seeds(row: dict[str, Any]) -> str:
    return f"mean of {row['seeds']} seeds" if row["seeds"] > 1 else "one seed"


def _row(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The row of a corruption; raises FileNotFoundError, as for evidence that is not there yet, when it was not measured."""
    found = [row for row in rows if row["corruption"] == name]
    if not found:
        raise FileNotFoundError(f"{FILE}: {name} was not measured")
    return found[0]


BUILDERS = {
    **{f"robustness_{name}": partial(accuracy_under, name=name) for name in CORRUPTIONS},
    **{f"{name}_drop": partial(drop, name=name) for name in ("hue_shift", "stain_shift")},
}
