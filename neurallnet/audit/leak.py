"""What each split protocol leaves in training of what it tests: twins, fields and streams on both sides."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from neurallnet.config import TENTHS, SplitConfig
from neurallnet.data.sessions import SESSION_FOLDS
from neurallnet.data.splits import make_split
from neurallnet.errors import DataError

EMBARGOES = (0, 37, 75, 150, 300)


def protocols(embargoes: Sequence[int] = EMBARGOES) -> dict[str, list[SplitConfig]]:
    """All folds of each protocol by name: every image is tested once in each."""
    found = {name: [SplitConfig(protocol=name, fold=fold) for fold in range(TENTHS)] for name in ("random", "group")}
    for embargo in embargoes:
        folds = [SplitConfig(protocol="session", fold=fold, embargo=embargo) for fold in range(SESSION_FOLDS)]
        found[f"session, embargo {embargo}"] = folds
    return found


def straddling(split: pd.DataFrame, groups: pd.Series) -> pd.Series:
    """Of each test image of `split` (path, fold): whether training holds an image of its group; bool, index path.

    `groups` gives the group of each path.
    """
    group = split["path"].map(groups)
    test = (split["fold"] == "test").to_numpy()
    trained = set(group[split["fold"] == "train"])
    return pd.Series(group[test].isin(trained).to_numpy(bool), index=pd.Index(split.loc[test, "path"], name="path"))


def leak_table(
    frame: pd.DataFrame, groupings: Mapping[str, pd.Series], embargoes: Sequence[int] = EMBARGOES
) -> list[dict[str, Any]]:
    """A row per protocol: n (test images over all folds), folds, and per grouping the share of them with group mates in training.

    A fold that the images do not allow is left out and the first reason given in `why`; shares are None when no fold is left.
    """
    rows = []
    for name, configs in protocols(embargoes).items():
        splits, why = _splits(frame, configs)
        shares: dict[str, float | None] = dict.fromkeys(groupings)
        tested = 0
        for kind, groups in groupings.items():
            mates = pd.concat([straddling(split, groups) for split in splits]) if splits else pd.Series(dtype=bool)
            tested = len(mates)
            shares[kind] = float(np.mean(mates)) if tested else None
        rows.append({"protocol": name, "n": tested, "folds": len(splits), "shares": shares, "why": why})
    return rows


def _splits(frame: pd.DataFrame, configs: Iterable[SplitConfig]) -> tuple[list[pd.DataFrame], str | None]:
    splits, why = [], None
    for config in configs:
        try:
            splits.append(make_split(frame, config))
        except DataError as error:
            why = why or str(error)
    return splits, why
