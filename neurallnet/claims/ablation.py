"""The claim about squeeze-and-excitation: ablation_se.json."""

from neurallnet.claims import paper
from neurallnet.claims.claim import Claim, verdict_at_least
from neurallnet.claims.speed import Evidence

FILE = "ablation_se.json"


def se_drop(evidence: Evidence) -> Claim:
    found = evidence[FILE]
    interval = (found["drop_interval"][0], found["drop_interval"][1])
    return Claim(
        id="se_ablation_drop",
        claim="Points of accuracy lost without squeeze-and-excitation (the paper: more than 30)",
        paper=paper.SE_DROP_POINTS,
        ours=found["drop"],
        interval=interval,
        n=found["n"],
        protocol=f"single network, random split, one seed, same test images; paired, interval over {found['interval_unit']}s",
        verdict=verdict_at_least(found["drop"], interval, paper.SE_DROP_POINTS),
        evidence=evidence.path(FILE),
    )


BUILDERS = {"se_ablation_drop": se_drop}
