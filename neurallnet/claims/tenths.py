"""Claims about the random split with every image among the test images of one run: tenths.json."""

from collections.abc import Mapping
from typing import Any

from neurallnet.arms import COMMITTEE
from neurallnet.claims import paper
from neurallnet.claims.claim import Claim, verdict_at_least
from neurallnet.claims.speed import Evidence

FILE, COLOUR = "tenths.json", "colour"


def primary_accuracy(evidence: Evidence) -> Claim:
    title = "Accuracy on all images, each tenth of the random split tested once, committee trained short"
    return _accuracy(evidence, COMMITTEE, "primary_accuracy_tenths", title, "one seed", paper.PRIMARY_ACCURACY)


def colour_only(evidence: Evidence) -> Claim:
    title = "Accuracy of colour alone, each tenth of the random split tested once (the verdict: does it reach the paper's network?)"
    return _accuracy(evidence, COLOUR, "colour_only_accuracy_tenths", title, "21 colour statistics", None)


def lead_over_colour(evidence: Evidence) -> Claim:
    found = _row(evidence, COLOUR)
    lead = found["lead_of_ours"]
    return Claim(
        id="tenths_lead_over_colour",
        claim="Points of accuracy over colour alone, each tenth of the random split tested once (the verdict: any?)",
        paper=None,
        ours=lead["points"],
        interval=(lead["low"], lead["high"]),
        n=lead["n"],
        protocol=f"committee trained short, {len(found['tenths'])} tenths, one seed, paired by image; "
        f"interval over {found['unit']}s",
        verdict=verdict_at_least(lead["points"], (lead["low"], lead["high"]), 0),
        evidence=evidence.path(FILE),
    )


def _accuracy(evidence: Evidence, network: str, name: str, title: str, how: str, stated: float | None) -> Claim:
    row = _row(evidence, network)
    interval = (row["low"], row["high"])
    return Claim(
        id=name,
        claim=title,
        paper=stated,
        ours=row["accuracy"],
        interval=interval,
        n=row["n"],
        protocol=f"random split, {len(row['tenths'])} tenths, {how}, lowest {row['lowest']:.2%}, highest {row['highest']:.2%}; "
        f"interval over {row['unit']}s",
        verdict=verdict_at_least(row["accuracy"], interval, paper.PRIMARY_ACCURACY),
        evidence=evidence.path(FILE),
    )


def _row(evidence: Evidence, network: str) -> Mapping[str, Any]:
    return next(row for row in evidence[FILE]["rows"] if row["network"] == network)


BUILDERS = {
    "primary_accuracy_tenths": primary_accuracy,
    "colour_only_accuracy_tenths": colour_only,
    "tenths_lead_over_colour": lead_over_colour,
}
