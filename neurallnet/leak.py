"""The leak: our network under the paper's random split and on held-out blocks of acquisition order, beside colour alone.

Images are numbered as they were taken, so a random split puts neighbours of nearly every test image into training. The session
protocol holds out a fifth of each class's order at a time. What a network loses between the two was never skill. Colour alone
(21 statistics of an image and a logistic regression) goes through the same folds: what it reaches needs no cell.
"""

import hashlib
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock

from neurallnet.arms import SHIPPED, Arm, arms, session_arm
from neurallnet.audit.shortcuts import PROBES, probe
from neurallnet.config import RunConfig
from neurallnet.data.sessions import SESSION_FOLDS
from neurallnet.errors import DataError
from neurallnet.evaluation import (
    cluster_interval,
    correctness,
    paired_cluster_difference,
    read_predictions,
    write_predictions,
)
from neurallnet.evidence import canonical_json
from neurallnet.interval_rows import interval_row
from neurallnet.readlog import append_test_read
from neurallnet.runs import TEST_READS, learned_folds, split_digest
from neurallnet.study import Study

RANDOM, GROUP, SESSION = "random", "group", "session"
PROTOCOLS = (RANDOM, GROUP, SESSION)
BASE = "base"


def network_arms(profile: str, protocol: str, network: str = BASE) -> list[Arm]:
    """The runs of `network`, a name that `arms.session_arm` knows, that `profile` trains under `protocol`, by fold and seed.

    Of the network that ships, a held-out block is that of the candidate which was taken for it: `arms.TAKEN`.
    """
    grouped, blocks = GROUP if network == BASE else f"{network}-{GROUP}", range(SESSION_FOLDS)
    names = {RANDOM: {network}, GROUP: {grouped}, SESSION: {session_arm(network, fold) for fold in blocks}}[protocol]
    found = [arm for arm in arms(profile) if arm.name.rsplit("-", 1)[0] in names]
    return sorted(found, key=lambda arm: (arm.config.split.fold, arm.config.seed))


def held_out(study: Study, protocol: str, network: str = BASE) -> pd.DataFrame:
    """Test predictions of every run of `network` under `protocol`, one below the other, with columns `split_fold` and `seed`.

    Raises DataError when the profile has no such run.
    """
    tables = []
    for name, config in network_arms(study.profile, protocol, network):
        table = study.test(name, f"{protocol} protocol, fold {config.split.fold}, seed {config.seed}")
        tables.append(table.assign(split_fold=config.split.fold, seed=config.seed))
    if not tables:
        what = f"run of {network} under the {protocol} protocol"
        raise DataError(f"profile {study.profile} trains no {what}; add one to SEEDS in arms.py")
    return pd.concat(tables, ignore_index=True)


def probe_held_out(study: Study, protocol: str, name: str = "colour", network: str = BASE) -> pd.DataFrame:
    """Test predictions of the probe `name` on the images and folds of `held_out`, fitted on the images that the network's
    weights learned from.
    """
    configs: dict[int, RunConfig] = {}
    for _, config in network_arms(study.profile, protocol, network):
        configs.setdefault(config.split.fold, config)  # seeds of a fold learn from the same images
    tables = [probe_test(study, config, f"{protocol} protocol", name).assign(split_fold=k, seed=0) for k, config in configs.items()]
    return pd.concat(tables, ignore_index=True)


def probe_test(study: Study, config: RunConfig, why: str, name: str = "colour") -> pd.DataFrame:
    """Test predictions of the probe `name` on the images that `config` tests on. They are read once for all runs that prepare
    images alike and learn from the same ones, and kept in evidence/.
    """
    dataset, folds = study.dataset(), study.split(config.split)
    address = probe_address(config, dataset.digest, split_digest(folds))
    path = study.work.evidence / f"probe-{name}-{config.split.protocol}-{config.split.fold}-{address}.csv"
    study.work.evidence.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.stem}.lock")):
        if not path.exists():
            features = PROBES[name].features(dataset.images(config.data, study.work))
            append_test_read(study.work.evidence / TEST_READS, "test fold", f"probe {name}", split_digest(folds), why)
            given = dataset.labels, dataset.frame["path"].tolist(), folds
            write_predictions(path, probe(name, features, *given, "test", dataset.classes, learned_folds(config)))
    return read_predictions(path)


def probe_address(config: RunConfig, images: str, split: str) -> str:
    """Address of what a probe is given: which images, by the digest of their manifest, prepared how, and which of a split it
    learns from.
    """
    given = {"images": images, "data": config.to_dict()["data"], "split": split, "learned": learned_folds(config)}
    return hashlib.sha256(canonical_json(given).encode()).hexdigest()[:12]


def pooled_seeds(table: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """`held_out` as seed -> predictions of all folds together: no image is in the test block of two folds of a protocol."""
    return {int(seed): runs.drop(columns=["split_fold", "seed"]) for seed, runs in table.groupby("seed")}


def together(table: pd.DataFrame) -> pd.DataFrame:
    """`held_out` with the seeds of a fold read together: a row per image and fold, the class of the highest mean probability.

    Columns path, split_fold, label, predicted: a deep ensemble (Lakshminarayanan et al. 2017, arXiv 1612.01474).
    """
    shares = [name for name in table if name.startswith("p_")]
    found = table.groupby(["path", "split_fold"]).agg({"label": "first", **dict.fromkeys(shares, "mean")})
    predicted = found[shares].idxmax(axis=1).str.removeprefix("p_")
    return found[["label"]].assign(predicted=predicted).reset_index()


def scores(table: pd.DataFrame) -> pd.DataFrame:
    """Columns split_fold, seed, n, accuracy, balanced_accuracy: a row per run of `held_out`."""
    run, right = ["split_fold", "seed"], table.assign(right=correctness(table))
    found = right.groupby(run)["right"].agg(n="size", accuracy="mean")
    recalls = right.groupby([*run, "label"])["right"].mean()
    return found.assign(balanced_accuracy=recalls.groupby(run).mean()).reset_index()


def summary(table: pd.DataFrame, groups: pd.Series, seed: int = 0) -> dict[str, Any]:
    """Mean accuracy and balanced accuracy over the runs of `held_out`, and their cluster intervals.

    An interval is of the images' shares of right answers over runs, pooled over folds and resampled by `groups` (path -> group):
    seeds are taken as given, images as drawn.
    """
    each, (right, label, group) = scores(table), pooled(table, groups)
    return {
        "accuracy": float(each["accuracy"].mean()),
        "balanced_accuracy": float(each["balanced_accuracy"].mean()),
        "accuracy_interval": cluster_interval(right, group, seed=seed).to_dict(),
        "balanced_accuracy_interval": cluster_interval(right, group, label, seed=seed).to_dict(),
        "lowest_accuracy": float(each["accuracy"].min()),
        "lowest_balanced_accuracy": float(each["balanced_accuracy"].min()),
        "images": len(right),
        "groups": len(set(group)),
        "folds": int(each["split_fold"].nunique()),
        "seeds": int(each["seed"].nunique()),
        "runs": each.to_dict("records"),
    }


def pooled(table: pd.DataFrame, groups: pd.Series) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of runs that were right, label and group of each image of `held_out`."""
    right = table.assign(right=correctness(table).astype(float)).groupby("path").agg({"right": "mean", "label": "first"})
    return right["right"].to_numpy(), right["label"].to_numpy(str), groups.loc[right.index].to_numpy()


def lead(table: pd.DataFrame, probe_table: pd.DataFrame, groups: pd.Series, seed: int = 0) -> dict[str, Any]:
    """Balanced accuracy of the network minus that of a probe on the same images, as `points_ahead`."""
    found = points_ahead(table, probe_table, ["path", "split_fold"], groups, seed)
    return {"points": found["points"], "interval": [found["low"], found["high"]], "unit": found["unit"]}


def points_ahead(
    table: pd.DataFrame, other: pd.DataFrame, keys: list[str], groups: pd.Series, seed: int = 0
) -> dict[str, Any]:
    """Balanced accuracy of `table` minus that of `other`, in points: `held_out` tables, paired where `keys` agree.

    The interval is resampled by `groups` (path -> group). A row of `other` may stand against several of `table`.
    """
    answers = other.assign(other=correctness(other))[[*keys, "other"]]
    pairs = table.assign(right=correctness(table)).merge(answers, on=keys, validate="many_to_one")
    group, label = groups.loc[pairs["path"]].to_numpy(), pairs["label"].to_numpy(str)
    found = paired_cluster_difference(pairs["right"], pairs["other"], group, label, seed=seed)
    ends = found.interval
    return {"points": 100 * found.value, "low": 100 * ends.low, "high": 100 * ends.high, "unit": ends.unit}


def leak_report(study: Study, seed: int = 0) -> dict[str, Any]:
    """Evidence of chapter 03: the protocols, the network that ships, the single network and colour alone, the lead and the leak.

    The group protocol is there where the profile trains it.
    """
    groups, found = study.dataset().groups(), {}
    for protocol in [name for name in PROTOCOLS if name != GROUP or network_arms(study.profile, GROUP, SHIPPED)]:
        table, colour = held_out(study, protocol, SHIPPED), probe_held_out(study, protocol)
        found[protocol] = {
            "network": summary(table, groups, seed),
            "single": summary(held_out(study, protocol), groups, seed),
            "colour": summary(colour, groups, seed),
            "lead_over_colour": lead(table, colour, groups, seed),
        }
    random, session = (found[name]["network"] for name in (RANDOM, SESSION))
    return {
        **found,
        "embargo": next(c.split.embargo for n, c in arms(study.profile) if c.split.protocol == SESSION),
        "scale_bar": study.config.data.scale_bar,
        "leak_points": 100 * (random["accuracy"] - session["accuracy"]),
        "leak_points_balanced": 100 * (random["balanced_accuracy"] - session["balanced_accuracy"]),
        "manifest": study.dataset().digest,
    }


def reported(report: dict[str, Any]) -> list[str]:
    """The protocols that a `leak_report` has."""
    return [protocol for protocol in PROTOCOLS if protocol in report]


def leak_rows(report: dict[str, Any]) -> pd.DataFrame:
    """Rows for `interval_figure` and the table of chapter 03: balanced accuracy by protocol and by what looked."""
    rows = []
    for protocol in reported(report):
        for key, title in (("network", "Committee"), ("single", "Single network"), ("colour", "Colour alone")):
            part = report[protocol][key]
            ends = part["balanced_accuracy_interval"]
            rows.append(interval_row(f"{title}, {protocol}", part["balanced_accuracy"], ends, part["images"]))
    return pd.DataFrame(rows)


def run_rows(report: dict[str, Any]) -> pd.DataFrame:
    """Balanced accuracy of each run: a row per protocol and fold, a column per seed."""
    runs = pd.concat([pd.DataFrame(report[name]["network"]["runs"]).assign(protocol=name) for name in reported(report)])
    table = runs.pivot(index=["protocol", "split_fold"], columns="seed", values="balanced_accuracy")
    table = table.rename(columns=lambda seed: f"seed {seed}").round(4)
    return table.astype(object).where(table.notna(), "")
