"""The audit of a study's own images and their overlap with other sets: what evidence/audit.json holds."""

from typing import Any

import pandas as pd

from neurallnet.audit.report import run_audit
from neurallnet.audit.settings import AuditConfig
from neurallnet.errors import DataError
from neurallnet.study import Study

QUICK = AuditConfig(window=4, shortlist=4, controls=40)  # of drawn images: enough to show how it works
AGAINST = ("external_probe", "bccd")  # pictures of the paper's external set, and another laboratory
SYNTHETIC_AGAINST = ("synthetic_external",)
MATCH_COLUMNS = ["file", "match", "distance", "inliers", "verdict"]


def audit_study(study: Study) -> dict[str, Any]:
    """`run_audit` of the study's images; other sets that are not on this machine are named under `absent`."""
    others, absent = [], []
    for name in SYNTHETIC_AGAINST if study.synthetic else AGAINST:
        try:
            others.append(study.dataset(name))
        except DataError:
            absent.append(name)
    report = run_audit(study.dataset(), others, study.work, QUICK if study.synthetic else AuditConfig())
    return {**report, "absent": absent}


def match_table(report: dict[str, Any], name: str) -> pd.DataFrame:
    """A row for each picture of the set `name` with its best finding, from `audit_study`; empty when the set was not there."""
    rows = report["overlap"].get(name, {"rows": []})["rows"]  # best finding first, as in `overlap`
    return pd.DataFrame(rows, columns=MATCH_COLUMNS).drop_duplicates("file", ignore_index=True)
