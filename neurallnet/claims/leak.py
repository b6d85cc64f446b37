"""Claims about what is left when slides are not shared: protocols.json; and about the scale bar: conditions.json."""

from functools import partial
from typing import Any

from neurallnet.arms import BAR_VISIBLE, CHOSEN_REFIT, COMMITTEE, COMMITTEE_AS_GIVEN, EVERY_BLOCK, EVERY_BLOCK_REFIT, longer
from neurallnet.claims import paper
from neurallnet.claims.claim import Claim, Verdict, verdict_at_least
from neurallnet.claims.speed import Evidence

SESSION_AIM = 0.968  # balanced accuracy a public audit reports for a frozen 22 M-parameter foundation model on this protocol
LEAD_AIM = 3.0  # points over colour alone
FILE, CONDITIONS = "protocols.json", "conditions.json"
# Claims about held-out blocks beside the headline: of which arm, what a reader is told.
HELD_OUT = {
    "longer_accuracy_session": (longer(COMMITTEE), "committee trained for more epochs, usual dyes"),
    "every_block_accuracy_session": (EVERY_BLOCK, "committee trained as it ships on every block"),
    "every_block_refit_accuracy_session": (
        EVERY_BLOCK_REFIT,
        "committee trained as it ships on every block, validation images learned from too, as in the audit that set the aim",
    ),
    "chosen_refit_accuracy_session": (CHOSEN_REFIT, "committee as chosen for each block, validation images learned from too"),
}


def primary_accuracy(evidence: Evidence, protocol: str, title: str, who: str = "network") -> Claim:
    """Of the committee that ships ("network") or of the single network ("single")."""
    found = evidence[FILE][protocol][who]
    interval = _ends(found["accuracy_interval"])
    return _claim(
        evidence,
        f"primary_accuracy_{protocol}" + ("_single" if who == "single" else ""),
        title,
        found["accuracy"],
        interval,
        verdict_at_least(found["accuracy"], interval, paper.PRIMARY_ACCURACY),
        protocol,
        paper=paper.PRIMARY_ACCURACY,
        who=who,
    )


def condition_accuracy(evidence: Evidence, name: str, arm: str, title: str) -> Claim:
    """Of an arm of the random split that sees more of the pictures than ours do, or longer: the paper does not say what its did."""
    found = _condition(evidence, arm, "random")
    interval, groups = _ends(found["accuracy_interval"]), found["accuracy_interval"]["unit"]
    who = "committee" if found["reference"] == COMMITTEE else "single network"
    return Claim(
        name,
        f"Accuracy on the primary test set, {title}",
        paper.PRIMARY_ACCURACY,
        found["accuracy"],
        interval,
        found["n"],
        f"{who}, random protocol, {len(found['seeds'])} seeds, lowest {found['lowest_accuracy']:.2%}, interval over {groups}s",
        verdict_at_least(found["accuracy"], interval, paper.PRIMARY_ACCURACY),
        evidence.path(CONDITIONS),
    )


def _condition(evidence: Evidence, arm: str, protocol: str) -> dict[str, Any]:
    rows = {(row["arm"], row["protocol"]): row for row in evidence[CONDITIONS]["rows"]}
    return rows[arm, protocol]


def condition_session(evidence: Evidence, name: str, arm: str, title: str) -> Claim:
    """Of an arm other than the headline's, beside which it stands."""
    found = _condition(evidence, arm, "session")
    interval = found["low"], found["high"]
    return Claim(
        name,
        f"Balanced accuracy on held-out blocks, {title} (our aim: {SESSION_AIM:.1%})",
        None,
        found["balanced_accuracy"],
        interval,
        found["n"],
        f"session protocol, {len(found['folds'])} folds, seeds: {len(found['seeds'])}, interval over {found['unit']}s",
        verdict_at_least(found["balanced_accuracy"], interval, SESSION_AIM),
        evidence.path(CONDITIONS),
    )


def session_accuracy_masked(evidence: Evidence) -> Claim:
    found = evidence[FILE]["session"]["network"]
    interval = _ends(found["balanced_accuracy_interval"])
    title = f"Balanced accuracy on held-out blocks, committee, scale bar {evidence[FILE]['scale_bar']} (our aim: {SESSION_AIM:.1%})"
    verdict = verdict_at_least(found["balanced_accuracy"], interval, SESSION_AIM)
    return _claim(evidence, "session_accuracy_masked", title, found["balanced_accuracy"], interval, verdict)


def leak_points(evidence: Evidence) -> Claim:
    title = "Points of accuracy that the random split adds: the leak"
    return _claim(evidence, "leak_points", title, evidence[FILE]["leak_points"], None, "not testable here")


def colour_only(evidence: Evidence, protocol: str) -> Claim:
    found = evidence[FILE][protocol]["colour"]
    interval = _ends(found["balanced_accuracy_interval"])
    verdict = verdict_at_least(found["accuracy"], _ends(found["accuracy_interval"]), paper.PRIMARY_ACCURACY)
    title = f"Balanced accuracy of colour alone, {protocol} protocol (the verdict: does its accuracy reach the paper's?)"
    return _claim(
        evidence, f"colour_only_accuracy_{protocol}", title, found["balanced_accuracy"], interval, verdict, protocol, who="colour"
    )


def lead_over_colour(evidence: Evidence) -> Claim:
    found = evidence[FILE]["session"]["lead_over_colour"]
    interval = (found["interval"][0], found["interval"][1])
    title = f"Points of balanced accuracy over colour alone, held-out blocks (our aim: {LEAD_AIM:g})"
    return _claim(
        evidence,
        "session_lead_over_colour",
        title,
        found["points"],
        interval,
        verdict_at_least(found["points"], interval, LEAD_AIM),
    )


def _claim(
    evidence: Evidence,
    name: str,
    title: str,
    ours: float,
    interval: tuple[float, float] | None,
    verdict: Verdict,
    protocol: str = "session",
    paper: float | None = None,
    who: str = "network",
) -> Claim:
    found = evidence[FILE]
    part = found[protocol][who]
    how = f"{protocol} protocol" + (f", embargo {found['embargo']}" if protocol == "session" else "")
    how += ", each block by the candidate taken without it" if (protocol, who) == ("session", "network") else ""
    runs = f"{part['folds']} folds, {part['seeds']} seeds, interval over {part['groups']} near-duplicate groups"
    return Claim(name, title, paper, ours, interval, part["images"], f"{how}, {runs}", verdict, evidence.path(FILE))


def _ends(interval: dict[str, Any]) -> tuple[float, float]:
    return interval["low"], interval["high"]


BUILDERS = {
    "bar_visible_accuracy_random": lambda evidence: condition_accuracy(
        evidence, "bar_visible_accuracy_random", BAR_VISIBLE, "scale bar in view"
    ),
    "as_given_accuracy_random": lambda evidence: condition_accuracy(
        evidence,
        "as_given_accuracy_random",
        COMMITTEE_AS_GIVEN,
        "committee, pictures as given: every pixel, stored hues, scale bar in view",
    ),
    "longer_accuracy_random": lambda evidence: condition_accuracy(
        evidence, "longer_accuracy_random", longer(COMMITTEE), "committee trained for more epochs, usual dyes"
    ),
    **{name: partial(condition_session, name=name, arm=arm, title=title) for name, (arm, title) in HELD_OUT.items()},
    "primary_accuracy_random_single": lambda evidence: primary_accuracy(
        evidence, "random", "Accuracy on the primary test set, single network of the paper's size", "single"
    ),
    "primary_accuracy_group": lambda evidence: primary_accuracy(evidence, "group", "Accuracy when near-duplicates stay together"),
    "primary_accuracy_session": lambda evidence: primary_accuracy(
        evidence, "session", "Accuracy when blocks of acquisition order are held out, committee as chosen for each"
    ),
    "session_accuracy_masked": session_accuracy_masked,
    "leak_points": leak_points,
    "colour_only_accuracy_random": lambda evidence: colour_only(evidence, "random"),
    "colour_only_accuracy_session": lambda evidence: colour_only(evidence, "session"),
    "session_lead_over_colour": lead_over_colour,
}
