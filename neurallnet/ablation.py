"""One part removed, everything else equal: paired comparison of two arms on the same test images."""

from typing import Any

import pandas as pd

from neurallnet.evaluation import groups_of, mcnemar_exact, metrics, paired_cluster_difference, paired_correctness


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
