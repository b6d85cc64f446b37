"""The ablation of a study: every arm against the base model, with what its neurons do."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from neurallnet.ablation import compare_arms
from neurallnet.activity import activity, read_activity
from neurallnet.arms import GROUPS, arms
from neurallnet.data.tables import write_table
from neurallnet.errors import ConfigError
from neurallnet.runs import Run, run_fold
from neurallnet.study import Study

ACTIVITY = "activity.csv"
ACTIVITY_IMAGES = 256  # of the validation fold: enough to call a channel dead, few enough to be read in seconds
WITHOUT_BLOCKS = ("small_cnn", "mobilenet_v2", "efficientnet_b0", "densenet121")
UNIT = "near-duplicate group"


def ablation_report(study: Study, names: Iterable[str], reference: str = "base") -> dict[str, Any]:
    """Test predictions of the arms `names` ("no-se", not "no-se-0") against those of `reference`, for every seed trained.

    Runs that are not there are trained, test folds not yet read are read and logged. Returns `rows` (those of `compare_arms`, each
    with parameters and `activity_summary`), the reference's own row, the unit that intervals resample, and run addresses.
    """
    wanted = [reference, *(name for name in names if name != reference)]
    seeds = {name: trained_seeds(study.profile, name) for name in wanted}
    runs = {name: {seed: study.run(f"{name}-{seed}") for seed in seeds[name]} for name in wanted}
    tables = {name: {seed: study.test(f"{name}-{seed}") for seed in seeds[name]} for name in wanted}
    table = compare_arms(tables, study.dataset().groups(), reference)
    about = {name: _about(study, found[min(found)]) for name, found in runs.items()}
    return {
        "reference": {"arm": reference, "seeds": len(runs[reference]), **about[reference]},
        "unit": UNIT,
        "rows": [{**row, **about[row["arm"]]} for row in table.to_dict("records")],
        "runs": {f"{name}-{seed}": run.address for name, found in runs.items() for seed, run in found.items()},
    }


def whole_report(study: Study) -> dict[str, Any]:
    """Every ablation arm that the profile trains against the base, and, where both are trained, SE removed from the network
    that has no normalization (`without_normalization`, else None): what evidence/ablation.json holds.
    """
    trained = dict.fromkeys(arm.name.rsplit("-", 1)[0] for arm in arms(study.profile))
    names = [name for name in trained if name in GROUPS["ablation"]]
    bare = ablation_report(study, ["no-norm-no-se"], "no-norm") if {"no-norm", "no-norm-no-se"} <= set(names) else None
    return {**ablation_report(study, names), "without_normalization": bare}


def removal_in_words(found: Mapping[str, Any]) -> str:
    """What `whole_report` says about the removal of SE, in a sentence: with normalization, and without where trained."""
    rows = [(row, "where batch normalization stays") for row in found["rows"] if row["arm"] == "no-se"]
    rows += [(row, "where nothing normalizes") for row in (found["without_normalization"] or {"rows": []})["rows"]]
    said = [f"by {0 - row['drop']:+.2f} points [{0 - row['high']:+.2f}, {0 - row['low']:+.2f}] {where}" for row, where in rows]
    return f"Removing SE changes accuracy {', and '.join(said)}." if said else "The removal of SE was not trained in this profile."


def trained_seeds(profile: str, name: str) -> list[int]:
    """Seeds with which `profile` trains an arm; raises ConfigError when it does not."""
    found = [arm.config.seed for arm in arms(profile) if arm.name == f"{name}-{arm.config.seed}"]
    if not found:
        raise ConfigError(f"profile {profile} does not train the arm {name!r}; add it to SEEDS in arms.py")
    return sorted(found)


def run_activity(study: Study, run: Run) -> pd.DataFrame | None:
    """`activity` of a run on validation images, kept as activity.csv in its folder; None for a network without blocks."""
    if run.config.model.family in WITHOUT_BLOCKS:
        return None
    path = run.folder / ACTIVITY
    if not path.exists():
        dataset, rows = run_fold(run, "val", study.work, study.data)
        rows = rows[np.linspace(0, len(rows) - 1, min(ACTIVITY_IMAGES, len(rows))).astype(int)]
        write_table(activity(run.model(), dataset.images(run.config.data, study.work)[rows]), path)
    return read_activity(path)


def activity_summary(table: pd.DataFrame | None) -> dict[str, Any]:
    """Of the whole network: spikes per neuron and step, share of dead channels and of dead neurons, blocks without a spike."""
    if table is None:
        return dict.fromkeys(("spike_rate", "dead_channels", "dead_units", "silent_blocks", "activity_n"))
    units, channels = table["units"] / table["units"].sum(), table["channels"] / table["channels"].sum()
    return {
        "spike_rate": float((table["rate"] * units).sum()),
        "dead_channels": float((table["dead_channels"] * channels).sum()),
        "dead_units": float((table["dead_units"] * units).sum()),
        "silent_blocks": int((table["dead_channels"] == 1).sum()),
        "activity_n": int(table["n"].iloc[0]),
    }


def report_table(found: Mapping[str, Any]) -> pd.DataFrame:
    """`ablation_report` to be read at a glance: a row per arm, in the order given."""
    return pd.DataFrame(
        {
            "arm": row["arm"],
            "seeds": row["seeds"],
            "accuracy": f"{row['accuracy']:.2%}",
            "drop, points": f"{row['drop']:.2f} [{row['low']:.2f}, {row['high']:.2f}]",
            "p (Holm)": f"{row['p_holm']:.3g}",
            "McNemar p (Holm)": f"{row['mcnemar_holm']:.3g}",
            "spike rate": _percent(row["spike_rate"]),
            "dead channels": _percent(row["dead_channels"]),
            "silent blocks": "" if row["silent_blocks"] is None else row["silent_blocks"],
            "parameters": f"{row['parameters']:,}",
        }
        for row in found["rows"]
    )


def _about(study: Study, run: Run) -> dict[str, Any]:
    return {"parameters": run.record["parameters"], **activity_summary(run_activity(study, run))}


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
