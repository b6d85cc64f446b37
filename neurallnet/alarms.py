"""False alarms: healthy fields of another laboratory that are called malignant, flagged or not, by every seed of a network."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from neurallnet.data.source import BENIGN
from neurallnet.data.sources import get_source
from neurallnet.evaluation import cluster_interval
from neurallnet.external import TRUTH, external_predictions, external_source, false_alarms
from neurallnet.study import Study


def healthy_predictions(study: Study, name: str, source: str | None = None) -> pd.DataFrame:
    """Predictions of a run on the healthy fields of the profile's other laboratory, or of `source`; the reading is logged."""
    source = external_source(study, source)
    other = study.dataset(source)
    table = external_predictions(study.run(name), other, study.work, study.dataset().classes, f"another laboratory for {name}")
    if get_source(source).healthy:
        return table
    known = table[TRUTH] if TRUTH in table else table["label"]  # a set that only tells benign from malignant has no label
    return table[known == BENIGN]


def healthy_elsewhere(study: Study, name: str, source: str | None = None) -> dict[str, Any]:
    """`false_alarms` of `healthy_predictions`."""
    return false_alarms(healthy_predictions(study, name, source))


def alarm_report(study: Study, networks: Mapping[str, Sequence[str]], source: str | None = None) -> dict[str, Any]:
    """Payload for `Study.save`: `rows`, one per network with its mean rate of false alarms over runs, and `by_run`, one per run,
    whose addresses are in `runs`.

    `networks`: name -> its runs, the seeds of a network. The 95% interval is of the mean and resamples near-duplicate groups of
    fields: seeds are taken as given. A set in which no field is known to be healthy has rows of n 0.
    """
    source = external_source(study, source)
    other, rows, by_run = study.dataset(source), [], []
    groups = other.groups()
    for network, names in networks.items():
        tables = {name: healthy_predictions(study, name, source) for name in names}
        found = [{"network": network, "run": name, **_counted(table)} for name, table in tables.items()]
        by_run += found
        alarms = pd.concat([table.assign(alarm=table["predicted"] != BENIGN) for table in tables.values()])
        share = alarms.groupby("path")["alarm"].mean()
        row: dict[str, Any] = {"network": network, "seeds": len(names), "n": len(share)}
        if len(share):
            ends = cluster_interval(share.to_numpy(), groups.loc[share.index].to_numpy())
            rates = [run["rate"] for run in found]
            row |= {"rate": float(share.mean()), "low": ends.low, "high": ends.high, "unit": ends.unit}
            row |= {"lowest": min(rates), "highest": max(rates)}
        rows.append(row)
    addresses = {run["run"]: study.run(run["run"]).address for run in by_run}
    return {"source": source, "manifest": other.digest, "runs": addresses, "rows": rows, "by_run": by_run}


def _counted(table: pd.DataFrame) -> dict[str, Any]:
    alarms = int((table["predicted"] != BENIGN).sum())
    return {"n": len(table), "alarms": alarms, "rate": alarms / len(table) if len(table) else None}
