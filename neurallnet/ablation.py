"""One part changed, everything else equal: paired comparison of arms on the same test images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import permutation_test

from neurallnet.errors import DataError
from neurallnet.evaluation import groups_of, holm, mcnemar_exact, metrics, paired_cluster_difference, paired_correctness

Seeds = Mapping[int, pd.DataFrame]  # seed -> predictions table

COLUMNS = (
    *("arm", "seeds", "n", "groups", "reference_accuracy", "accuracy", "drop", "low", "high", "p", "p_holm"),
    *("only_reference", "only_arm", "mcnemar_p", "mcnemar_holm"),
)


def compare(whole: pd.DataFrame, ablated: pd.DataFrame, groups: pd.Series, seed: int = 0) -> dict[str, Any]:
    """Accuracy of both predictions tables, the difference with its cluster-bootstrap interval, and exact McNemar.

    `drop` is in points of accuracy (1 point = 0.01), positive when the whole model is better.
    """
    pairs = paired_correctness(whole, ablated)
    first, second = pairs["first"].to_numpy(), pairs["second"].to_numpy()
    group = groups_of(pairs, groups)
    difference = paired_cluster_difference(first, second, group, seed=seed)
    test = mcnemar_exact(first, second)
    return {
        "n": len(pairs),
        "whole": metrics(whole)["accuracy"],
        "ablated": metrics(ablated)["accuracy"],
        "drop": 100 * difference.value,
        "drop_interval": [100 * difference.interval.low, 100 * difference.interval.high],
        "interval_unit": difference.interval.unit,
        "only_whole_right": test.only_first,
        "only_ablated_right": test.only_second,
        "mcnemar_p": test.p_value,
    }


def comparison_table(found: dict[str, Any]) -> pd.DataFrame:
    """`compare`'s numbers as a table with one column."""
    low, high = found["drop_interval"]
    return pd.Series(
        {
            "test images": f"{found['n']:,}",
            "accuracy, whole model": f"{found['whole']:.2%}",
            "accuracy, part removed": f"{found['ablated']:.2%}",
            "drop, points": f"{found['drop']:.2f}",
            f"95% interval ({found['interval_unit']})": f"{low:.2f} to {high:.2f}",
            "only the whole model right": found["only_whole_right"],
            "only the ablated model right": found["only_ablated_right"],
            "exact McNemar p": f"{found['mcnemar_p']:.3g}",
        },
        name="value",
    ).to_frame()


def sign_flip_p(first: np.ndarray, second: np.ndarray, groups: np.ndarray, resamples: int = 9999, seed: int = 0) -> float:
    """Two-sided p-value of "the two networks are exchangeable", by swapping them within whole groups.

    Exact when 2^(groups that differ) is no more than `resamples`, else from that many random swaps. The counterpart of McNemar's
    test for images that are not independent: near-duplicates are swapped together. Arrays have shape (images,).
    """
    lead = pd.Series(first.astype(float) - second.astype(float)).groupby(groups).sum().to_numpy()
    lead = lead[lead != 0]
    if lead.size < 2:  # one group that differs is as extreme either way
        return 1.0
    found = permutation_test(
        (lead, np.zeros_like(lead)),
        lambda a, b, axis: (a - b).sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def compare_arms(tables: Mapping[str, Seeds], groups: pd.Series, reference: str = "base", seed: int = 0) -> pd.DataFrame:
    """Each arm against the reference on the same images: a row per arm of `tables` (arm -> seed -> predictions).

    An arm is paired with the reference seed by seed, over the seeds that both have; the mean difference over seeds is
    bootstrapped over `groups` (path -> group), so that seeds are taken as given and images as drawn. Columns: arm, seeds, n
    (images), groups, reference_accuracy, accuracy, drop with low and high (points, positive when the reference is better), p
    (`sign_flip_p`) and p_holm over all arms, then exact McNemar of the first common seed with its own Holm column. Pure: needs
    no network and no images. Raises DataError when the reference or a common seed is missing, or images differ.
    """
    if reference not in tables:
        raise DataError(f"ablation: no predictions of the reference {reference!r}; there are {', '.join(tables)}")
    rows = [_row(name, tables[reference], arm, groups, reference, seed) for name, arm in tables.items() if name != reference]
    table = pd.DataFrame(rows, columns=COLUMNS)
    for given, adjusted in (("p", "p_holm"), ("mcnemar_p", "mcnemar_holm")):
        table[adjusted] = table["arm"].map(holm(dict(zip(table["arm"], table[given], strict=True)))).astype(float)
    return table


def _row(name: str, whole: Seeds, arm: Seeds, groups: pd.Series, reference: str, seed: int) -> dict[str, Any]:
    common = sorted(whole.keys() & arm.keys())
    if not common:
        raise DataError(f"ablation: arm {name} and {reference} have no seed in common; train both with one seed")
    pairs = [paired_correctness(whole[s], arm[s]) for s in common]
    stacked = pd.concat(pairs, ignore_index=True)
    first, second = stacked["first"].to_numpy(bool), stacked["second"].to_numpy(bool)
    group = groups_of(stacked, groups)
    difference = paired_cluster_difference(first, second, group, seed=seed)
    test = mcnemar_exact(pairs[0]["first"].to_numpy(bool), pairs[0]["second"].to_numpy(bool))
    return {
        "arm": name,
        "seeds": len(common),
        "n": stacked["path"].nunique(),
        "groups": len(np.unique(group)),
        "reference_accuracy": float(first.mean()),
        "accuracy": float(second.mean()),
        "drop": 100 * difference.value,
        "low": 100 * difference.interval.low,
        "high": 100 * difference.interval.high,
        "p": sign_flip_p(first, second, group, seed=seed),
        "only_reference": test.only_first,
        "only_arm": test.only_second,
        "mcnemar_p": test.p_value,
    }
