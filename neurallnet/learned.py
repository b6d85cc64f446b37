"""What a network makes of the images it learned from, beside images it did not: at two lengths of training, and as it ships.

Images of training that are misread were not learned. Where longer training reads more of them and no more of the images of other
slides, it has learned the slides that it has.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from neurallnet.arms import COMMITTEE, LENGTHENED, SHIPPED, arms, longer
from neurallnet.evaluation import cluster_interval, correctness, groups_of
from neurallnet.interval_rows import interval_row
from neurallnet.leak import RANDOM, SESSION, network_arms, points_ahead, scores
from neurallnet.study import Study
from neurallnet.titles import title

SEED = 0
# Of a network, how it is trained longer and how it is trained short.
COMPARED = (*((longer(name), name) for name in LENGTHENED), (SHIPPED, COMMITTEE))
TRAINING, VALIDATION, TEST = PARTS = ("training", "validation", "test")


def learned_report(study: Study) -> dict[str, Any]:
    """Evidence of chapter 01: a row per network, length of training and part of the random split.

    A row has the share of images read right, its interval over near-duplicate groups, and how many are misread (`wrong`) of `n`.
    Images are read as they are, by the weights that are kept. Networks are those of COMPARED of which the profile trains both.
    `validation` has `validation_gain` of each pair under each protocol.
    """
    trained, groups = {arm.name for arm in arms(study.profile)}, study.dataset().groups()
    pairs = [pair for pair in COMPARED if {f"{each}-{SEED}" for each in pair} <= trained]
    names = dict.fromkeys(name for pair in pairs for name in reversed(pair))
    rows = [row for name in names for row in _rows(study, name, groups)]
    gains = [validation_gain(study, *pair, protocol, groups) for pair in pairs for protocol in (RANDOM, SESSION)]
    return {"rows": rows, "validation": list(filter(None, gains)), "seed": SEED, "manifest": study.dataset().digest}


def validation_gain(study: Study, network: str, reference: str, protocol: str, groups: pd.Series) -> dict[str, Any] | None:
    """What `network` gains over `reference` on validation images of `protocol`, in points of balanced accuracy, paired by image and
    run; None where the profile has no fold and seed with a run of each.

    By this, and not by test images, a way of training may be chosen.
    """
    ours, others = (_validation(study, name, protocol) for name in (network, reference))
    both = sorted(run for run in ours.keys() & others.keys() if ours[run][0] != others[run][0])
    if not both:
        return None
    table, published = (pd.concat([found[run][1] for run in both], ignore_index=True) for found in (ours, others))
    return {
        "network": network,
        "reference": reference,
        "protocol": protocol,
        "balanced_accuracy": float(scores(table)["balanced_accuracy"].mean()),
        "published": float(scores(published)["balanced_accuracy"].mean()),
        "gain": points_ahead(table, published, ["path", "split_fold", "seed"], groups),
        "folds": sorted({fold for fold, _ in both}),
        "seeds": sorted({seed for _, seed in both}),
        "n": table["path"].nunique(),
    }


def _validation(study: Study, network: str, protocol: str) -> dict[tuple[int, int], tuple[str, pd.DataFrame]]:
    """(fold, seed) -> a run and its validation predictions, with fold and seed as columns, as `leak.held_out` has them."""
    found = {}
    for name, config in network_arms(study.profile, protocol, network):
        fold, seed = config.split.fold, config.seed
        found[fold, seed] = name, study.run(name).predictions("val").assign(split_fold=fold, seed=seed)
    return found


def _rows(study: Study, network: str, groups: pd.Series) -> list[dict[str, Any]]:
    name = f"{network}-{SEED}"
    run = study.run(name)
    tables = study.learned(name), run.predictions("val"), study.test(name, "random protocol")
    same = {"network": network, "epochs": run.record["epochs"]}
    return [{**same, "part": part, **_read(table, groups)} for part, table in zip(PARTS, tables, strict=True)]


def _read(table: pd.DataFrame, groups: pd.Series) -> dict[str, Any]:
    right = correctness(table)
    ends = cluster_interval(right, groups_of(table, groups))
    wrong = int((right == 0).sum())
    return {"accuracy": float(right.mean()), "low": ends.low, "high": ends.high, "unit": ends.unit, "wrong": wrong, "n": len(table)}


def learned_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of `learned_report` to be read at a glance: a row per network and length, what is misread of each part."""
    table = pd.DataFrame(rows)
    table["misread"] = [f"{wrong} of {n:,}" for wrong, n in zip(table["wrong"], table["n"], strict=True)]
    table = table.assign(network=table["network"].map(title))
    table = table.pivot(index=["network", "epochs"], columns="part", values="misread")[[*PARTS]]
    return table.rename_axis(columns=None).reset_index()


def validation_table(gains: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """`validation` of `learned_report` to be read at a glance."""
    return pd.DataFrame(
        {
            "network": title(row["network"]),
            "protocol": row["protocol"],
            "balanced accuracy": f"{row['balanced_accuracy']:.2%}",
            "trained short": f"{row['published']:.2%}",
            "gain, points": f"{row['gain']['points']:.2f} [{row['gain']['low']:.2f}, {row['gain']['high']:.2f}]",
            "folds": len(row["folds"]),
            "seeds": len(row["seeds"]),
            "images": row["n"],
        }
        for row in gains
    )


def learned_intervals(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of `learned_report` for `interval_figure`."""
    return pd.DataFrame(
        interval_row(f"{title(row['network'])}, {row['part']}", row["accuracy"], row, row["n"]) for row in rows
    )
