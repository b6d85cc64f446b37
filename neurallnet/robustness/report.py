"""The evidence of the chapter on worse pictures: a network with all its seeds of the random split, and others beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from neurallnet.arms import COMMITTEE, ELSEWHERE, ONE_COLUMN, longer
from neurallnet.robustness.beside import robustness_beside
from neurallnet.robustness.drops import corruption_drops
from neurallnet.robustness.study import corrupted_test
from neurallnet.robustness.tables import summarize_corrupted
from neurallnet.study import Study
from neurallnet.titles import title

BESIDE = (COMMITTEE, ELSEWHERE, longer(COMMITTEE), ONE_COLUMN, "base", "dense", "small-cnn", "unaugmented")  # read what ours reads
UNDRAWN = (COMMITTEE, ONE_COLUMN, longer(COMMITTEE))  # there are six colours: beside others these stand in the tables only


def corrupted_seeds(study: Study, runs: Sequence[str], names: Sequence[str], severities: Sequence[int]) -> pd.DataFrame:
    """`corrupted_test` of each of `runs`, one below the other, with a column `seed`."""
    tables = [corrupted_test(study, run, names, severities).assign(seed=study.arm(run).seed) for run in runs]
    return pd.concat(tables, ignore_index=True)


def robustness_report(
    study: Study, networks: Mapping[str, Sequence[str]], names: Sequence[str], severities: Sequence[int]
) -> dict[str, Any]:
    """Payload for `Study.save`: network, its runs, `rows` and `drops`; `beside`, a row per other network with the same of its own.

    `networks`: name -> runs (`Study.seeds`), of which the first is held against the others. The corruptions `names` at
    `severities`, on test images; each reading is logged. Raises ConfigError, DataError, RunError.
    """
    groups = study.dataset().groups()
    read = {name: corrupted_seeds(study, runs, names, severities) for name, runs in networks.items()}
    parts = {name: _part(study, name, networks[name], table, groups) for name, table in read.items()}
    ours, *others = networks
    compared = robustness_beside(read[ours], {name: read[name] for name in others}, groups)
    return {**parts[ours], "beside": [{**row, **parts[row["network"]]} for row in compared]}


def _part(study: Study, network: str, runs: Sequence[str], predictions: pd.DataFrame, groups: pd.Series) -> dict[str, Any]:
    table, drops = summarize_corrupted(predictions, groups), corruption_drops(predictions, groups)
    addresses = {name: study.run(name).address for name in runs}
    return {"network": network, "runs": addresses, "rows": table.to_dict("records"), "drops": drops.to_dict("records")}


def drop_table(report: Mapping[str, Any]) -> pd.DataFrame:
    """Points that each corruption costs at the middle severity: a row per corruption, the dearest first, a column per network."""
    parts = (report, *report["beside"])
    columns = {title(part["network"]): pd.DataFrame(part["drops"]).set_index("corruption")["drop"] for part in parts}
    return pd.DataFrame(columns).sort_values(title(report["network"]), ascending=False)


def curve_tables(report: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """A network's title -> its `summarize_corrupted`, ours first, as `robustness_curves` takes them; none of UNDRAWN but ours."""
    parts = [report, *(part for part in report["beside"] if part["network"] not in UNDRAWN)]
    return {title(part["network"]): pd.DataFrame(part["rows"]) for part in parts}
