"""What the evidence files hold, as pure functions of predictions and counts."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from neurallnet.evaluation import (
    bootstrap_interval,
    calibration,
    cluster_interval,
    correctness,
    groups_of,
    metrics,
    predictions_digest,
    select_fold,
    wilson_interval,
)


def model_evidence(size: tuple[int, int], single: tuple[int, int], provenance: Mapping[str, Any]) -> dict[str, Any]:
    """`model.json`: trainable parameters of the network, and bytes of the weight file, which holds all that inference needs; the
    same of the single network, with which the paper's claims are tested.
    """
    each = [{"parameters": int(parameters), "footprint_bytes": int(size)} for parameters, size in (size, single)]
    return {**each[0], "single": each[1], "provenance": dict(provenance)}


def primary_evidence(
    predictions: pd.DataFrame,
    groups: pd.Series,
    *,
    protocol: str,
    provenance: Mapping[str, Any],
    test_read: Mapping[str, Any],
    fold: str = "test",
    seed: int = 0,
) -> dict[str, Any]:
    """`primary_<protocol>.json`: accuracy of one fold with its intervals.

    groups: Series path -> near-duplicate group, for at least the images of the fold. protocol: one line a
    reader understands ("random 80/10/10 split, 326 test images"). test_read: the entry of the log of test-set
    readings. seed: of the bootstrap. `interval` is the headline, over near-duplicate groups; those over
    images are in `intervals`.
    """
    rows = select_fold(predictions, fold)
    right, label, group = correctness(rows), rows["label"].to_numpy(str), groups_of(rows, groups)
    found = metrics(rows)
    headline = cluster_interval(right, group, seed=seed)
    return {
        **found,
        "fold": fold,
        "protocol": protocol,
        "groups": len(set(group)),
        "interval": headline.to_dict(),
        "intervals": {
            "near_duplicate_groups": headline.to_dict(),
            "wilson": wilson_interval(found["correct"], found["n"]).to_dict(),
            "bca": bootstrap_interval(right, seed=seed).to_dict(),
            "percentile": bootstrap_interval(right, method="percentile", seed=seed).to_dict(),
        },
        "balanced_accuracy_interval": cluster_interval(right, group, label, seed=seed).to_dict(),
        "calibration": calibration(rows),
        "predictions": predictions_digest(predictions),
        "test_read": dict(test_read),
        "provenance": dict(provenance),
    }
