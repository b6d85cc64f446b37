"""A bench takes minutes and a quiet machine; what it measured of a network is kept as evidence until that network changes."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from neurallnet.evidence import read_evidence
from neurallnet.profiling.bench import run_bench
from neurallnet.profiling.latency import shipped_settings
from neurallnet.profiling.plan import QUICK, Plan
from neurallnet.profiling.sections import SECTIONS
from neurallnet.runs import Run
from neurallnet.study import Study

EVIDENCE = "latency.json"
OF_THE_STUDY = ("profile", "synthetic")  # what `Study.save` adds


def bench_once(
    study: Study, run: Run, subject: dict[str, Any], sections: Iterable[str] | None = None, quick: bool = False, fresh: bool = False
) -> dict[str, Any]:
    """`run_bench` of `subject` (see `subject_of_run`), or what the study's evidence/latency.json has of it.

    Kept figures are taken when they are of a network of the same settings and input size and of the one that ships today, were
    measured as thoroughly, have every section asked for, and are younger than the run's weights. They name the machine they were
    measured on, which may be another.
    """
    path = study.work.evidence / EVIDENCE
    wanted = list(SECTIONS if sections is None else sections)
    if not fresh and path.is_file() and path.stat().st_mtime >= run.weights.stat().st_mtime:
        kept = read_evidence(path)
        shipped = json.loads(json.dumps(asdict(shipped_settings())))
        network = json.loads(json.dumps(asdict(subject["model"].config))) | {"image_size": subject["image_size"]}
        same = kept.get("shipped") == shipped and all(kept.get("model", {}).get(key) == value for key, value in network.items())
        asked = json.loads(json.dumps(asdict(QUICK if quick else Plan())))
        if same and kept.get("quick") == quick and kept.get("plan") == asked and all(name in kept for name in wanted):
            return {key: value for key, value in kept.items() if key not in OF_THE_STUDY}
    return run_bench(sections=wanted, quick=quick, progress=False, **subject)
