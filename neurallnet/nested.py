"""A choice among networks for each held-out block, made by networks that have not seen it, on other blocks new to them.

Cross-validation within cross-validation (Varma & Simon 2006, doi 10.1186/1471-2105-7-91): every two blocks of the acquisition order
are held out together, and a candidate trained on the other three reads both. What it makes of block j without blocks j and k counts
towards the choice for block k, whose own images have no part in it. A figure of the chosen network on block k is then not of a
network that was picked because of block k.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from neurallnet.arms import CANDIDATES, PAIRS, arms, without
from neurallnet.config import SplitConfig
from neurallnet.data.sessions import SESSION_FOLDS
from neurallnet.interval_rows import interval_row
from neurallnet.leak import points_ahead, scores
from neurallnet.study import Study
from neurallnet.titles import title

SEED = 0  # of every run that a choice is made by
KEYS = ["path", "chosen_for"]


def nested_report(study: Study) -> dict[str, Any]:
    """Evidence of chapter 01: a row per block with the mean balanced accuracy of each candidate on the other blocks, what the first
    loses to the second in points with its interval, and which is `chosen` for the block: the higher, the first on a tie.

    The last row, whose `block` is None, is of all readings: by it the network that ships is chosen. A gain is of the images of all
    readings together, the means are of the readings' own figures. Pairs are those without which the profile trains each candidate.
    """
    trained = {arm.name for arm in arms(study.profile)}
    pairs = [pair for pair in PAIRS if {f"{without(name, *pair)}-{SEED}" for name in CANDIDATES} <= trained]
    tables, groups = readings(study, pairs), study.dataset().groups()
    return {
        "candidates": list(CANDIDATES),
        "rows": [_row(tables, block, groups) for block in (*sorted({block for pair in pairs for block in pair}), None)],
        "pairs": [list(pair) for pair in pairs],
        "seed": SEED,
        "manifest": study.dataset().digest,
    }


def readings(study: Study, pairs: Iterable[tuple[int, int]]) -> dict[str, pd.DataFrame]:
    """Candidate -> what its runs without two blocks make of both: predictions with `split_fold`, the block an image lies in,
    `chosen_for`, the other block of the pair, and `seed`.
    """
    block, found = _blocks(study), {}
    for network in CANDIDATES:
        tables = []
        for fold, other in pairs:
            table = study.run(f"{without(network, fold, other)}-{SEED}").predictions("val")
            inside = table["path"].map(block)
            tables.append(table.assign(split_fold=inside, chosen_for=fold + other - inside, seed=SEED))
        found[network] = pd.concat(tables, ignore_index=True)
    return found


def _blocks(study: Study) -> dict[str, int]:
    """Path -> the block of the acquisition order that it lies in."""
    found = {}
    for fold in range(SESSION_FOLDS):
        split = study.split(SplitConfig("session", fold, embargo=0))
        found |= dict.fromkeys(split.loc[split["fold"] == "test", "path"], fold)
    return found


def _row(tables: Mapping[str, pd.DataFrame], block: int | None, groups: pd.Series) -> dict[str, Any]:
    parts = {name: table if block is None else table[table["chosen_for"] == block] for name, table in tables.items()}
    means = {name: _mean(part) for name, part in parts.items()}
    first, second = CANDIDATES
    return {
        "block": block,
        "balanced_accuracy": means,
        "gain": points_ahead(parts[second], parts[first], KEYS, groups),
        "chosen": second if round(means[second] - means[first], 12) > 0 else first,
        "readings": int(parts[first][["split_fold", "chosen_for"]].drop_duplicates().shape[0]),
        "n": int(parts[first]["path"].nunique()),
    }


def _mean(part: pd.DataFrame) -> float:
    """Balanced accuracy, mean over the readings of blocks."""
    each = [scores(reading) for _, reading in part.groupby("chosen_for")]
    return float(pd.concat(each)["balanced_accuracy"].mean())


def nested_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows of `nested_report` to be read at a glance."""
    return pd.DataFrame(
        {
            "chosen for": _name(row["block"]),
            **{title(name): f"{value:.2%}" for name, value in row["balanced_accuracy"].items()},
            "gain, points": f"{row['gain']['points']:.2f} [{row['gain']['low']:.2f}, {row['gain']['high']:.2f}]",
            "chosen": ("the first", "the second")[CANDIDATES.index(row["chosen"])],
            "readings": row["readings"],
            "images": f"{row['n']:,}",
        }
        for row in rows
    )


def nested_intervals(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows of `nested_report` for `interval_figure`: what the second candidate gains over the first, in points."""
    return pd.DataFrame(interval_row(_name(row["block"]), row["gain"]["points"], row["gain"], row["n"]) for row in rows)


def _name(block: int | None) -> str:
    return "all blocks" if block is None else f"block {block}"
