"""Networks under other conditions: other embargoes and cuts, the scale bar in view, no SE, other training.

Each condition changes one thing (the pictures as they are given, three) and is trained with the same seeds and read on the same
test images, so that the difference is paired. Colour alone goes through the same folds.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from neurallnet.arms import (
    AS_GIVEN,
    AS_GIVEN_MASKED,
    BAR_VISIBLE,
    CHOSEN_REFIT,
    COMMITTEE,
    COMMITTEE_AS_GIVEN,
    ELSEWHERE,
    ELSEWHERE_TINTED,
    EMBARGOES,
    EVERY_BLOCK,
    EVERY_BLOCK_REFIT,
    FEWER,
    LENGTHENED,
    LENGTHENED_HELD_OUT,
    NO_SE,
    REFIT,
    SHIFTED,
    SHIPPED,
    TINTED,
    TRIO,
    TRIO_REFIT,
    VIEWS,
    alone,
    longer,
    shifted,
)
from neurallnet.interval_rows import interval_row
from neurallnet.leak import BASE, RANDOM, SESSION, held_out, lead, network_arms, points_ahead, probe_held_out, scores, summary
from neurallnet.study import Study
from neurallnet.titles import title

SEEN = dict(zip(VIEWS, ("light and contrast as they are", "one brightness and contrast"), strict=True))
WIDELY = "colours of other laboratories"

# condition -> protocol, arm, what a reader is told, and the network that it changes
CONDITIONS = [
    *((SESSION, f"embargo-{embargo}", f"embargo {embargo}, session", BASE) for embargo in EMBARGOES),
    *((SESSION, f"few-{embargo}", f"as few training images as embargo {embargo}, session", BASE) for embargo in FEWER),
    *((protocol, BAR_VISIBLE, f"scale bar visible, {protocol}", BASE) for protocol in (RANDOM, SESSION)),
    (SESSION, NO_SE, "without SE, session", BASE),
    (SESSION, REFIT, "validation block learned from too, session", NO_SE),
    (SESSION, TRIO_REFIT, "validation block learned from too, three alike, session", TRIO),
    *((SESSION, alone(view), f"one column of the committee alone, {seen}, session", COMMITTEE) for view, seen in SEEN.items()),
    *((SESSION, shifted(name), f"cut half a block later, {title(name)}", name) for name in SHIFTED),
    *((protocol, TINTED, f"hues as stored, committee, {protocol}", COMMITTEE) for protocol in (RANDOM, SESSION)),
    *((protocol, AS_GIVEN, f"224 pixels, stored hues, scale bar visible, {protocol}", BASE) for protocol in (RANDOM, SESSION)),
    (RANDOM, AS_GIVEN_MASKED, "224 pixels, stored hues, scale bar removed against visible, random", AS_GIVEN),
    (RANDOM, COMMITTEE_AS_GIVEN, "224 pixels, stored hues, scale bar visible, committee, random", COMMITTEE),
    *((protocol, ELSEWHERE, f"{WIDELY}, committee, {protocol}", COMMITTEE) for protocol in (RANDOM, SESSION)),
    *((protocol, ELSEWHERE_TINTED, f"{WIDELY}, stored hues in a column, {protocol}", ELSEWHERE) for protocol in (RANDOM, SESSION)),
    *((RANDOM, longer(name), f"{title(longer(name))}, random", name) for name in LENGTHENED),
    *((SESSION, longer(name), f"{title(longer(name))}, session", name) for name in LENGTHENED_HELD_OUT),
    (RANDOM, SHIPPED, "trained as it ships, committee, random", COMMITTEE),
    (SESSION, SHIPPED, "as chosen for each block, committee, session", COMMITTEE),
    (SESSION, EVERY_BLOCK, "trained as it ships, every block, committee, session", COMMITTEE),
    (SESSION, CHOSEN_REFIT, "validation block learned from too, as chosen for each block, session", SHIPPED),
    (SESSION, EVERY_BLOCK_REFIT, "validation block learned from too, trained as it ships, every block, session", EVERY_BLOCK),
]
RUN = ["split_fold", "seed"]
WITHOUT_SE = {NO_SE, COMMITTEE, ELSEWHERE, SHIPPED, EVERY_BLOCK, "small-cnn"}


def conditions_report(study: Study, seed: int = 0) -> dict[str, Any]:
    """Evidence of chapter 03: a row per condition that shares a fold and a seed with what it is compared with in the profile."""
    trained = [each for each in CONDITIONS if _runs(study, each[0], each[1]) & _runs(study, each[0], each[3])]
    return {"rows": [_row(study, *condition, seed) for condition in trained], "manifest": study.dataset().digest}


def _runs(study: Study, protocol: str, arm: str) -> set[tuple[int, int]]:
    """(fold, seed) of the runs of an arm."""
    return {(config.split.fold, config.seed) for _, config in network_arms(study.profile, protocol, arm)}


def _row(study: Study, protocol: str, arm: str, title: str, reference: str, seed: int) -> dict[str, Any]:
    groups, table, published = study.dataset().groups(), held_out(study, protocol, arm), held_out(study, protocol, reference)
    published = of_runs(published, table)
    table = of_runs(table, published)
    found, colour = summary(table, groups, seed), probe_held_out(study, protocol, network=arm)
    ends, paired = found["balanced_accuracy_interval"], gain(table, published, groups, seed)
    return {
        "condition": title,
        "protocol": protocol,
        "arm": arm,
        "reference": reference,
        "balanced_accuracy": found["balanced_accuracy"],
        "low": ends["low"],
        "high": ends["high"],
        "unit": ends["unit"],
        "accuracy": found["accuracy"],
        "accuracy_interval": found["accuracy_interval"],
        "lowest_accuracy": found["lowest_accuracy"],
        "n": found["images"],
        "folds": sorted({int(fold) for fold in table["split_fold"]}),
        "seeds": sorted({int(number) for number in table["seed"]}),
        "published": float(scores(published)["balanced_accuracy"].mean()),
        "gain": paired,
        "colour": float(scores(colour)["balanced_accuracy"].mean()),
        "lead_over_colour": lead(table, colour, groups, seed),
    }


def of_runs(table: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """The rows of a `held_out` table whose fold and seed `other` has too."""
    return table.merge(other[RUN].drop_duplicates(), on=RUN)


def gain(table: pd.DataFrame, published: pd.DataFrame, groups: pd.Series, seed: int = 0) -> dict[str, Any]:
    """Balanced accuracy of `table` minus that of `published`, both `held_out` tables of the same seeds: `points_ahead`.

    An image is in the test block of one fold at most, so that it is paired with itself wherever the order was cut.
    """
    found = points_ahead(table, published, ["path", "seed"], groups, seed)
    return {key: found[key] for key in ("points", "low", "high")}


def conditions_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows of `conditions_report` to be read at a glance."""
    return pd.DataFrame(
        {
            "condition": row["condition"],
            "SE": "no" if WITHOUT_SE & {row["arm"], row["reference"]} else "yes",
            "folds": ", ".join(map(str, row["folds"])),
            "seeds": len(row["seeds"]),
            "balanced accuracy": f"{row['balanced_accuracy']:.2%} [{row['low']:.2%}, {row['high']:.2%}]",
            "without the change, same folds and seeds": f"{row['published']:.2%}",
            "gain, points": f"{row['gain']['points']:.2f} [{row['gain']['low']:.2f}, {row['gain']['high']:.2f}]",
            "colour alone": f"{row['colour']:.2%}",
        }
        for row in rows
    )


def conditions_intervals(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows for `interval_figure`: what each condition gains over the protocol as published, in points."""
    return pd.DataFrame(interval_row(row["condition"], row["gain"]["points"], row["gain"], row["n"]) for row in rows)
