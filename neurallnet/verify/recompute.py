"""What each evidence file should hold, computed again by the same functions as in its notebook.

A function takes the published study, the committed payload (for what was asked, never for what was found) and the named parts of
the file's name; it returns the payload, or as much of it as tables can give. See registry.py.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from neurallnet.ablation import compare
from neurallnet.ablation_report import whole_report
from neurallnet.alarms import alarm_report
from neurallnet.arms import SHIPPED, SHIPPED_RUN
from neurallnet.audit.duplicates import duplicate_pairs, duplicate_report
from neurallnet.audit.overlap import overlap_report
from neurallnet.audit.report import described, records
from neurallnet.external import external_report
from neurallnet.model import parameter_count
from neurallnet.payloads import model_evidence, primary_evidence
from neurallnet.peer_comparison import peer_report
from neurallnet.protocols import protocol_splits, protocol_table
from neurallnet.robustness.report import robustness_report
from neurallnet.verify.published import PublishedStudy

Payload = Mapping[str, Any]
BASE = "base-0"


def data(study: PublishedStudy, committed: Payload) -> Payload:
    """00: the protocols' leak, from the manifest."""
    dataset = study.dataset()
    splits = protocol_splits(dataset, study.config.split.embargo)
    return {"protocols": protocol_table(dataset, splits).to_dict("index"), "manifest": dataset.digest}


def audit(study: PublishedStudy, committed: Payload) -> Payload:
    """00: duplicates, from the manifest; what an overlap comes to, from its rows."""
    dataset, most = study.dataset(), committed["settings"]["max_distance"]
    others = {name: study.dataset(name) for name in committed["overlap"]}
    counts = {name: overlap_report(pd.DataFrame(found["rows"])) for name, found in committed["overlap"].items()}
    return {
        "set": described(dataset),
        "rejected": records(dataset.manifest.rejected),
        "duplicates": duplicate_report(dataset.frame, most),
        "overlap": {name: {"set": described(others[name]), **counts[name]} for name in others},
        "rows": {"near_pairs": records(duplicate_pairs(dataset.frame, most))},
    }


def model(study: PublishedStudy, committed: Payload, arm: str | None = None) -> Payload:
    """01: parameters and size, counted on the published weights."""
    run = study.run(arm or SHIPPED_RUN)
    sizes = [(parameter_count(each.model()), each.weights.stat().st_size) for each in (run, study.run(BASE))]
    return model_evidence(*sizes, run.record)


def primary(study: PublishedStudy, committed: Payload, protocol: str, arm: str | None = None) -> Payload:
    """01: accuracy of one run on its test fold."""
    run, test = study.run(arm or SHIPPED_RUN), study.test(arm or SHIPPED_RUN)
    described = f"{protocol} split, {len(test)} test images"
    groups, read = study.dataset().groups(), study.test_read(run)
    return primary_evidence(test, groups, protocol=described, provenance=run.record, test_read=read)


def ablation_se(study: PublishedStudy, committed: Payload) -> Payload:
    """02: with and without squeeze-and-excitation, paired."""
    whole, ablated = BASE, "no-se-0"
    found = compare(study.test(whole), study.test(ablated), study.dataset().groups())
    return {**found, "runs": {name: study.run(name).address for name in (whole, ablated)}}


def ablation(study: PublishedStudy, committed: Payload) -> Payload:
    """02: every arm against the base; what their neurons do is kept with the runs."""
    return whole_report(study)


def peers(study: PublishedStudy, committed: Payload) -> Payload:
    """06: other networks on the same images, and colour alone."""
    return peer_report(study)


def external(study: PublishedStudy, committed: Payload, source: str, arm: str | None = None) -> Payload:
    """03: another laboratory."""
    return external_report(study, study.dataset(source), arm or SHIPPED_RUN)["evidence"]


def false_alarms(study: PublishedStudy, committed: Payload, source: str | None = None) -> Payload:
    """03: what each seed calls malignant of a healthy laboratory."""
    networks: dict[str, list[str]] = {row["network"]: [] for row in committed["rows"]}
    for run in committed["by_run"]:
        networks[run["network"]].append(run["run"])
    return alarm_report(study, networks, source)


def robustness(study: PublishedStudy, committed: Payload, network: str | None = None) -> Payload:
    """04: accuracy under the corruptions and severities that were asked for."""
    asked = [row for row in committed["rows"] if row["severity"]]
    names, severities = ([*dict.fromkeys(row[key] for row in asked)] for key in ("corruption", "severity"))
    networks = {part["network"]: list(part["runs"]) for part in (committed, *committed["beside"])}
    if next(iter(networks)) != (network or SHIPPED):
        return {"network": network or SHIPPED}
    return robustness_report(study, networks, names, severities)
