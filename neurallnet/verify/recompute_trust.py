"""Held-out slides, the choice of the recipe and how far a network can be trusted, computed again from published tables."""

from collections.abc import Mapping
from typing import Any

from neurallnet.choice import choice_table
from neurallnet.conditions import conditions_report
from neurallnet.explain.tiles import tile_scores
from neurallnet.leak import leak_report
from neurallnet.learned import learned_report
from neurallnet.misread import misread_report
from neurallnet.nested import nested_report
from neurallnet.ood.study import score_table
from neurallnet.ood.tables import flag_table
from neurallnet.robustness.study import corrupted_test
from neurallnet.robustness.tables import CLEAN
from neurallnet.tenths import tenths_report
from neurallnet.tints import tint_rows
from neurallnet.trust import Part, trust_payload
from neurallnet.verify.published import PublishedStudy

Payload = Mapping[str, Any]


def protocols(study: PublishedStudy, committed: Payload) -> Payload:
    """03: random split and held-out slides, the network and colour alone."""
    return leak_report(study)


def conditions(study: PublishedStudy, committed: Payload) -> Payload:
    """03: other embargoes, and the scale bar in view."""
    return conditions_report(study)


def tints(study: PublishedStudy, committed: Payload) -> Payload:
    """03: how many images of a class a block has; their tints need pixels, see MEASURED."""
    return {"rows": tint_rows(study.dataset().frame), "manifest": study.dataset().digest}


def misread(study: PublishedStudy, committed: Payload) -> Payload:
    """06: images that no network reads right."""
    return misread_report(study)


def tenths(study: PublishedStudy, committed: Payload) -> Payload:
    """06: each tenth of the random split tested once."""
    return tenths_report(study)


def choice(study: PublishedStudy, committed: Payload) -> Payload:
    """01: each part of the recipe taken away."""
    return {"rows": choice_table(study).to_dict("records")}


def learned(study: PublishedStudy, committed: Payload) -> Payload:
    """01: what networks make of images they learned from, and of others, at two lengths of training."""
    return learned_report(study)


def nested(study: PublishedStudy, committed: Payload) -> Payload:
    """01: a choice for each held-out block, made by networks that have not seen it."""
    return nested_report(study)


def trust(study: PublishedStudy, committed: Payload) -> Payload:
    """07: calibration, abstaining, sets, screening and the flag, of the networks that the payload names."""
    names = [row["part"] for row in committed["calibration"] if row["part"] in committed["runs"]]  # in the order they were asked
    parts = {name: Part(study.run(name).predictions("val"), study.test(name)) for name in names}
    asked = [row for row in committed["corruptions"] if row["corruption"] != CLEAN]
    kinds, severities = ([*dict.fromkeys(row[key] for row in asked)] for key in ("corruption", "severity"))
    others = [study.dataset(name) for name in committed["manifests"]]
    groups = study.dataset().groups()
    flags = flag_table({name: score_table(study.run(name), study.work, others) for name in names}, groups)
    payload = trust_payload(
        parts,
        protocol=committed["protocol"],
        groups=groups,
        corrupted=corrupted_test(study, names[0], kinds, severities),
        coverage=committed["conformal_coverage"],
        specificity=committed["screening_specificity"],
        flags=flags,
    )
    runs = {name: study.run(name).address for name in names}
    return {**payload, "runs": runs, "manifests": {name: study.dataset(name).digest for name in committed["manifests"]}}


def explanations(study: PublishedStudy, committed: Payload) -> Payload:
    """08: maps need pixels; see MEASURED."""
    return {}


def tiles(study: PublishedStudy, committed: Payload) -> Payload:
    """08: how well the network reads that says itself what it attends to; its maps need pixels, see MEASURED."""
    return tile_scores({name: study.run(name) for name in committed["validation_accuracy"]})
