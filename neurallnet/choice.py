"""How the published recipe was chosen: each part of it taken away, judged on validation images of held-out slides alone.

An arm differs from the session runs in one setting. It is trained on the same folds and read on their validation images, as
they are and with hues, stains, light, contrast or noise changed; no test image plays a part. What each arm makes of healthy
fields of another laboratory is told beside it, and was read when the recipe was settled.
"""

from typing import Any

import pandas as pd

from neurallnet.alarms import healthy_elsewhere
from neurallnet.arms import CHOICE_FOLDS, CHOICES, SEEDS
from neurallnet.evaluation import cluster_interval, correctness, groups_of, metrics
from neurallnet.robustness import CORRUPTIONS
from neurallnet.robustness.study import corrupted_validation
from neurallnet.robustness.tables import CLEAN, each_corruption
from neurallnet.study import Study

SHIFTS, SEVERITY = ("hue_shift", "stain_shift", "illumination", "contrast", "gaussian_noise"), 3
AS_PUBLISHED = "as published"


def validation_names(choice: str, seed: int = 0) -> list[str]:
    """The runs of an arm of CHOICES, or of the published recipe, one per fold of CHOICE_FOLDS."""
    begin = "session" if choice == AS_PUBLISHED else f"choice-{choice}"
    return [f"{begin}-{fold}-{seed}" for fold in CHOICE_FOLDS]


def choice_table(study: Study) -> pd.DataFrame:
    """A row per arm that the profile trains: choice, balanced accuracy on validation images (mean of folds) untouched
    and under each shift, with the cluster interval of the untouched, n; and `false_alarms`, the share of healthy fields of another
    laboratory that is called malignant, flagged or not (mean of folds), of `fields`.
    """
    groups, rows, trained = study.dataset().groups(), [], SEEDS[study.profile].keys()
    choices = [choice for choice in CHOICES if f"choice-{choice}-{CHOICE_FOLDS[0]}" in trained]
    for choice in (AS_PUBLISHED, *choices):
        tables = [corrupted_validation(study, name, SHIFTS, (SEVERITY,)) for name in validation_names(choice)]
        alarms = [healthy_elsewhere(study, name) for name in validation_names(choice)]
        elsewhere = {"false_alarms": sum(found["rate"] for found in alarms) / len(alarms), "fields": alarms[0]["n"]}
        rows.append({"choice": choice, **_scores(tables, groups), **elsewhere})
    return pd.DataFrame(rows)


def _scores(tables: list[pd.DataFrame], groups: pd.Series) -> dict[str, Any]:
    parts: dict[str, list[pd.DataFrame]] = {}
    for table in tables:
        for (name, _), part in each_corruption(table):
            parts.setdefault(name, []).append(part)
    means = {name: sum(metrics(p)["balanced_accuracy"] for p in found) / len(found) for name, found in parts.items()}
    clean = pd.concat(parts[CLEAN], ignore_index=True)
    ends = cluster_interval(correctness(clean), groups_of(clean, groups), clean["label"].to_numpy(str))
    shifts = {name: means[name] for name in CORRUPTIONS if name in means}
    interval = {"low": ends.low, "high": ends.high, "unit": ends.unit, "n": len(clean), "folds": len(tables)}
    return {"balanced_accuracy": means[CLEAN], **interval, **shifts}
