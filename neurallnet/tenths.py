"""The random split cut into tenths, each of which tests once: every image is read by a network that did not learn from it.

The published random figure is of one tenth, the same for all networks. What a network reaches in the other nine says how much of
that figure is owed to which images were drawn; and the images that no network reads in any tenth bound what any could reach.
Near-duplicates of an image are among those learned from here as there: this is the paper's protocol, with its leak.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from neurallnet.arms import COMMITTEE, CROSSED, arms, tenth
from neurallnet.config import TENTHS
from neurallnet.evaluation import cluster_interval, correctness, paired_cluster_difference
from neurallnet.interval_rows import interval_row
from neurallnet.leak import pooled, probe_test, scores
from neurallnet.misread import misread
from neurallnet.study import Study
from neurallnet.titles import COLOUR, TITLES

SEED = 0  # of every run: tenths differ in their images alone


def tenths_report(study: Study) -> dict[str, Any]:
    """Evidence of chapter 06: a row per network, and for colour alone, with its accuracy in each tenth and the lead of ours over
    it, and the images that all networks misread.

    Intervals are of the images' shares of right answers, all tenths together, and resample near-duplicate groups; a lead, in
    points, is paired by image. `misread` counts the images of the tenths that every network was tested on.
    """
    dataset = study.dataset()
    tables = {name: tenth_tests(study, name) for name in CROSSED if _trained(study, tenth(name, 1))}
    groups, ours = dataset.groups(), tables[COMMITTEE]
    rows = [_row(name, table, ours, groups) for name, table in (tables | {COLOUR: colour_tests(study)}).items()]
    found = misread(tables, dataset.frame.set_index("path")["order"])
    return {"rows": rows, "misread": found, "seed": SEED, "manifest": dataset.digest}


def tenth_tests(study: Study, network: str) -> pd.DataFrame:
    """Test predictions of `network` in every tenth that the profile trains, as `leak.held_out` has them."""
    names = {fold: tenth(network, fold) for fold in range(TENTHS) if _trained(study, tenth(network, fold))}
    tables = [study.test(f"{name}-{SEED}", _why(fold)).assign(split_fold=fold, seed=SEED) for fold, name in names.items()]
    return pd.concat(tables, ignore_index=True)


def colour_tests(study: Study) -> pd.DataFrame:
    """Test predictions of colour alone in the tenths of the committee, as `tenth_tests`."""
    tables = []
    for fold in range(TENTHS):
        if _trained(study, name := tenth(COMMITTEE, fold)):
            table = probe_test(study, study.arm(f"{name}-{SEED}"), _why(fold))
            tables.append(table.assign(split_fold=fold, seed=SEED))
    return pd.concat(tables, ignore_index=True)


def _trained(study: Study, name: str) -> bool:
    return f"{name}-{SEED}" in {arm.name for arm in arms(study.profile)}


def _why(fold: int) -> str:
    return f"tenth {fold} of the random split"


def _row(network: str, table: pd.DataFrame, ours: pd.DataFrame, groups: pd.Series) -> dict[str, Any]:
    each = scores(table)
    return {
        "network": network,
        **_accuracy(table, groups),
        "published": _accuracy(table[table["split_fold"] == 0], groups),
        "lowest": float(each["accuracy"].min()),
        "highest": float(each["accuracy"].max()),
        "tenths": each[["split_fold", "n", "accuracy"]].to_dict("records"),
        "lead_of_ours": None if network == COMMITTEE else _lead(ours, table, groups),
    }


def _lead(ours: pd.DataFrame, other: pd.DataFrame, groups: pd.Series) -> dict[str, float]:
    """Accuracy of `ours` minus that of `other` in points, on the images of both."""
    right, others = (pd.Series(correctness(table).astype(float), index=table["path"]) for table in (ours, other))
    paths = right.index.intersection(others.index)
    group = groups.loc[paths].to_numpy()
    found = paired_cluster_difference(right.loc[paths].to_numpy(np.float64), others.loc[paths].to_numpy(np.float64), group)
    ends = found.interval
    return {"points": 100 * found.value, "low": 100 * ends.low, "high": 100 * ends.high, "n": len(paths)}


def _accuracy(table: pd.DataFrame, groups: pd.Series) -> dict[str, Any]:
    right, _, group = pooled(table, groups)
    ends = cluster_interval(right, group)
    return {"accuracy": float(right.mean()), "low": ends.low, "high": ends.high, "unit": ends.unit, "n": len(right)}


def tenths_table(found: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of `tenths_report` to be read at a glance: the published tenth beside all of them."""
    return pd.DataFrame(
        {
            "network": TITLES[row["network"]],
            "published tenth": f"{row['published']['accuracy']:.2%}",
            "all tenths": f"{row['accuracy']:.2%} [{row['low']:.2%}, {row['high']:.2%}]",
            "lowest, highest": f"{row['lowest']:.2%}, {row['highest']:.2%}",
            "lead of ours, points": _in_points(row["lead_of_ours"]),
            "tenths": len(row["tenths"]),
            "images": row["n"],
        }
        for row in found["rows"]
    )


def _in_points(lead: Mapping[str, float] | None) -> str:
    return f"{lead['points']:.2f} [{lead['low']:.2f}, {lead['high']:.2f}]" if lead else ""


def tenths_intervals(found: Mapping[str, Any]) -> pd.DataFrame:
    """Rows for `interval_figure`: each network in the published tenth and in all of them."""
    return pd.DataFrame(
        interval_row(f"{TITLES[row['network']]}, {where}", part["accuracy"], part, part["n"])
        for row in found["rows"]
        for where, part in (("published tenth", row["published"]), ("all tenths", row))
    )


def tenths_in_words(found: Mapping[str, Any]) -> str:
    """What the images that no network reads leave room for, in two sentences."""
    part = found["misread"]
    names = ", ".join(TITLES[row["network"]] for row in found["rows"] if row["network"] != COLOUR)
    return (
        f"Of {part['n']:,} images, each tested once by {names}, {part['wrong_in_some']:,} are misread by some network and "
        f"{part['wrong_in_all']} by all. Whoever knew which of them to believe for each image would have "
        f"{1 - part['wrong_in_all'] / part['n']:.2%}."
    )
