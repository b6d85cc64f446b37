"""The claim about squeeze-and-excitation: ablation.json, or one seed's ablation_se.json until there is one."""

from collections.abc import Mapping
from typing import Any

from neurallnet.arms import NO_SE
from neurallnet.claims import paper
from neurallnet.claims.claim import Claim, verdict_at_least
from neurallnet.claims.speed import Evidence

FILE, FIRST = "ablation.json", "ablation_se.json"


def se_drop(evidence: Evidence) -> Claim:
    file, found = _found(evidence)
    interval, seeds = (found["low"], found["high"]), f"{found['seeds']} seeds" if found["seeds"] > 1 else "one seed"
    return Claim(
        id="se_ablation_drop",
        claim="Points of accuracy lost without squeeze-and-excitation (the paper: more than 30)",
        paper=paper.SE_DROP_POINTS,
        ours=found["drop"],
        interval=interval,
        n=found["n"],
        protocol=f"single network with {seeds}, random split, same test images; paired, interval over {found['unit']}s",
        verdict=verdict_at_least(found["drop"], interval, paper.SE_DROP_POINTS),
        evidence=evidence.path(file),
    )


def _found(evidence: Evidence) -> tuple[str, Mapping[str, Any]]:
    """The file and its drop, low, high, n, seeds and unit."""
    try:
        rows = evidence[FILE]["rows"]
        return FILE, {**next(row for row in rows if row["arm"] == NO_SE), "unit": evidence[FILE]["unit"]}
    except FileNotFoundError:
        found = evidence[FIRST]
        low, high = found["drop_interval"]
        return FIRST, {"drop": found["drop"], "low": low, "high": high, "n": found["n"], "seeds": 1, "unit": found["interval_unit"]}


BUILDERS = {"se_ablation_drop": se_drop}
