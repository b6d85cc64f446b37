"""The random split cut into tenths, each of which tests once: every image is read by a network that did not learn from it.

The published random figure is of one tenth, the same for all networks. What a network reaches in the other nine says how much of
that figure is owed to which images were drawn; and the images that no network reads in any tenth bound what any could reach.
Near-duplicates of an image are among those learned from here as there: this is the paper's protocol, with its leak.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from neurallnet.arms import CROSSED, arms, tenth
from neurallnet.config import TENTHS
from neurallnet.evaluation import cluster_interval
from neurallnet.leak import pooled, scores
from neurallnet.misread import misread
from neurallnet.peer_comparison import TITLES
from neurallnet.study import Study

SEED = 0  # of every run: tenths differ in their images alone


def tenth_tests(study: Study, network: str) -> pd.DataFrame:
    """Test predictions of `network` in every tenth that the profile trains, as `leak.held_out` has them."""
    trained = {arm.name for arm in arms(study.profile)}
    names = {fold: f"{tenth(network, fold)}-{SEED}" for fold in range(TENTHS)}
    tables = [
        study.test(name, f"tenth {fold} of the random split").assign(split_fold=fold, seed=SEED)
        for fold, name in names.items()
        if name in trained
    ]
    return pd.concat(tables, ignore_index=True)


def tenths_report(study: Study) -> dict[str, Any]:
    """Evidence of chapter 06: a row per network with its accuracy in each tenth, and the images that all of them misread.

    The interval is of the images' shares of right answers, all tenths together, and resamples near-duplicate groups. `misread`
    counts the images of the tenths that every network was tested on.
    """
    trained, dataset = {arm.name for arm in arms(study.profile)}, study.dataset()
    names = [name for name in CROSSED if f"{tenth(name, 1)}-{SEED}" in trained]
    tables, groups = {name: tenth_tests(study, name) for name in names}, dataset.groups()
    rows = [_row(name, table, groups) for name, table in tables.items()]
    found = misread(tables, dataset.frame.set_index("path")["order"])
    return {"rows": rows, "misread": found, "seed": SEED, "manifest": dataset.digest}


def _row(network: str, table: pd.DataFrame, groups: pd.Series) -> dict[str, Any]:
    each = scores(table)
    return {
        "network": network,
        **_accuracy(table, groups),
        "published": _accuracy(table[table["split_fold"] == 0], groups),
        "lowest": float(each["accuracy"].min()),
        "highest": float(each["accuracy"].max()),
        "tenths": each[["split_fold", "n", "accuracy"]].to_dict("records"),
    }


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
            "lowest": f"{row['lowest']:.2%}",
            "highest": f"{row['highest']:.2%}",
            "tenths": len(row["tenths"]),
            "images": row["n"],
        }
        for row in found["rows"]
    )


def tenths_intervals(found: Mapping[str, Any]) -> pd.DataFrame:
    """Rows for `interval_figure`: each network in the published tenth and in all of them."""
    return pd.DataFrame(
        {
            "label": f"{TITLES[row['network']]}, {where}",
            "value": part["accuracy"],
            "low": part["low"],
            "high": part["high"],
            "n": part["n"],
            "unit": "images",
        }
        for row in found["rows"]
        for where, part in (("published tenth", row["published"]), ("all tenths", row))
    )


def tenths_in_words(found: Mapping[str, Any]) -> str:
    """What the images that no network reads leave room for, in two sentences."""
    part = found["misread"]
    names = ", ".join(TITLES[row["network"]] for row in found["rows"])
    return (
        f"Of {part['n']:,} images, each tested once by {names}, {part['wrong_in_some']:,} are misread by some network and "
        f"{part['wrong_in_all']} by all. Whoever knew which of them to believe for each image would have "
        f"{1 - part['wrong_in_all'] / part['n']:.2%}."
    )
