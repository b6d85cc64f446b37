"""Other networks on the same images, splits and budget, against ours: paired, on the random split and on held-out blocks."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from sklearn.metrics import balanced_accuracy_score

from neurallnet.ablation import compare_arms
from neurallnet.ablation_report import ablation_report
from neurallnet.arms import COMMITTEE, GROUPS, NO_SE, ONE_COLUMN, SESSION_PEERS, SHIPPED, TRIO, TRIO_REFIT, arms, longer
from neurallnet.claims.published import PUBLISHED, Published
from neurallnet.errors import DataError
from neurallnet.evaluation import cluster_interval, correctness
from neurallnet.leak import BASE, SESSION, held_out, network_arms, points_ahead, pooled_seeds, probe_held_out, summary, together
from neurallnet.study import Study
from neurallnet.titles import COLOUR, TITLES

# Those that are held against ours on held-out blocks.
HELD_OUT = (BASE, COMMITTEE, TRIO, ONE_COLUMN, *SESSION_PEERS, longer("small-cnn"), NO_SE)


def peer_report(study: Study) -> dict[str, Any]:
    """Every peer that the profile trains against the network that ships: what evidence/peers.json holds.

    `random`: `ablation_report`. `session`: a row per network with its mean balanced accuracy over runs and its interval, and the
    paired differences from ours on the folds that all were trained on, in accuracy (`compare_arms`) and in balanced accuracy;
    colour alone is one of them.
    `together`: `together_rows`, of three alike trained anew on the validation block as well.
    """
    trained = {arm.name.rsplit("-", 1)[0] for arm in arms(study.profile)}
    random = ablation_report(study, [name for name in (BASE, *GROUPS["peers"]) if name in trained], SHIPPED)
    names = [name for name in HELD_OUT if network_arms(study.profile, SESSION, name)]
    refit = [TRIO_REFIT] if network_arms(study.profile, SESSION, TRIO_REFIT) else []
    return {"random": random, SESSION: session_rows(study, names), "together": together_rows(study, [*names, *refit])}


def session_rows(study: Study, names: Iterable[str]) -> list[dict[str, Any]]:
    """The session protocol's rows of `peer_report`: ours, the peers `names`, and colour alone."""
    groups, names = study.dataset().groups(), list(names)
    each = [{config.split.fold for _, config in network_arms(study.profile, SESSION, name)} for name in (SHIPPED, *names)]
    folds = set.intersection(*each)
    if not folds:
        raise DataError(f"profile {study.profile}: no fold of the session protocol has runs of {', '.join((SHIPPED, *names))}")
    tables = {name: held_out(study, SESSION, name) for name in (SHIPPED, *names)}
    tables[COLOUR] = probe_held_out(study, SESSION)
    tables = {name: table[table["split_fold"].isin(folds)] for name, table in tables.items()}
    paired = compare_arms({name: pooled_seeds(table) for name, table in tables.items()}, groups, SHIPPED).set_index("arm")
    rows = []
    for name, table in tables.items():
        found = summary(table, groups)
        ends = found["balanced_accuracy_interval"]
        row = {"network": name, "balanced_accuracy": found["balanced_accuracy"], "low": ends["low"], "high": ends["high"]}
        row |= {"accuracy": found["accuracy"], "n": found["images"], "folds": found["folds"], "seeds": found["seeds"]}
        kept = ("seeds", "drop", "low", "high", "p_holm", "mcnemar_holm")
        difference = None if name == SHIPPED else {key: paired.loc[name, key].item() for key in kept}
        balanced = None if name == SHIPPED else _balanced_lead(tables[SHIPPED], table, groups, name != COLOUR)
        rows.append({**row, "unit": ends["unit"], "against_ours": difference, "balanced_lead_of_ours": balanced})
    return rows


def _balanced_lead(ours: pd.DataFrame, other: pd.DataFrame, groups: pd.Series, seeded: bool) -> dict[str, Any]:
    """`points_ahead` of ours: of the seeds that both have, each against its own; of all against a classifier without seeds."""
    return points_ahead(ours, other, ["path", "split_fold", "seed"] if seeded else ["path", "split_fold"], groups)


def together_rows(study: Study, names: Iterable[str]) -> list[dict[str, Any]]:
    """What the seeds of ours and of `names` reach when a fold's are read together on held-out blocks, where there are several.

    A row per network: mean balanced accuracy over folds, and the gain over the mean seed in points, paired by image. Intervals
    are pooled over folds and resampled by near-duplicate groups. Networks read together take as many times the work of one.
    """
    groups, rows = study.dataset().groups(), []
    for name in (SHIPPED, *names):
        table = held_out(study, SESSION, name)
        if table["seed"].nunique() < 2:
            continue
        found = together(table)
        folds = [balanced_accuracy_score(part["label"], part["predicted"]) for _, part in found.groupby("split_fold")]
        ends = cluster_interval(correctness(found), groups.loc[found["path"]].to_numpy(), found["label"].to_numpy(str))
        behind = points_ahead(table, found, ["path", "split_fold"], groups)
        rows.append(
            {
                "network": name,
                "seeds": int(table["seed"].nunique()),
                "balanced_accuracy": sum(folds) / len(folds),
                "low": ends.low,
                "high": ends.high,
                "gain": -behind["points"],
                "gain_low": -behind["high"],
                "gain_high": -behind["low"],
                "n": len(found),
                "unit": ends.unit,
            }
        )
    return rows


def together_table(found: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of `together_rows` to be read at a glance."""
    rows = [
        (
            TITLES[row["network"]],
            row["seeds"],
            f"{row['balanced_accuracy']:.2%} [{row['low']:.2%}, {row['high']:.2%}]",
            f"{row['gain']:.2f} [{row['gain_low']:.2f}, {row['gain_high']:.2f}]",
        )
        for row in found["together"]
    ]
    return pd.DataFrame(rows, columns=["network", "networks read together", "balanced accuracy", "gain over one, points"])


def random_table(found: Mapping[str, Any]) -> pd.DataFrame:
    """`peer_report` on the random split, a row per network: parameters, accuracy, lead of ours in points, p-values."""
    random, ours = found["random"], found["random"]["reference"]
    rows = [{"network": TITLES[SHIPPED], "parameters": f"{ours['parameters']:,}", "seeds": ours["seeds"]}]
    for row in random["rows"]:
        rows.append(
            {
                "network": TITLES[row["arm"]],
                "parameters": f"{row['parameters']:,}",
                "seeds": row["seeds"],
                "n": f"{row['n']:,}",
                "accuracy": f"{row['accuracy']:.2%}",
                "ours, same seeds": f"{row['reference_accuracy']:.2%}",
                "ours is better by, points": f"{row['drop']:.2f} [{row['low']:.2f}, {row['high']:.2f}]",
                "p (Holm)": f"{row['p_holm']:.3g}",
                "McNemar p (Holm)": f"{row['mcnemar_holm']:.3g}",
            }
        )
    return pd.DataFrame(rows).fillna("")


def session_table(found: Mapping[str, Any]) -> pd.DataFrame:
    """`peer_report` on held-out blocks, a row per network."""
    rows = []
    for row in found[SESSION]:
        shown = {"network": TITLES[row["network"]], "seeds": row["seeds"]}
        shown["balanced accuracy"] = f"{row['balanced_accuracy']:.2%} [{row['low']:.2%}, {row['high']:.2%}]"
        if other := row["against_ours"]:
            lead = row["balanced_lead_of_ours"]
            shown["ours is better by, points, balanced"] = f"{lead['points']:.2f} [{lead['low']:.2f}, {lead['high']:.2f}]"
            shown["points of accuracy"] = f"{other['drop']:.2f} [{other['low']:.2f}, {other['high']:.2f}]"
            shown["p (Holm)"] = f"{other['p_holm']:.3g}"
            shown["McNemar p (Holm)"] = f"{other['mcnemar_holm']:.3g}"
        rows.append(shown)
    return pd.DataFrame(rows).fillna("")


def session_in_words(found: Mapping[str, Any]) -> str:
    """What `peer_report` says about held-out blocks, a line each: who is better than ours, who worse, of whom it cannot be told."""
    said: dict[str, list[str]] = {"better": [], "worse": [], "not told apart": []}
    for row in found[SESSION]:
        if other := row["balanced_lead_of_ours"]:
            verdict = "better" if other["high"] < 0 else "worse" if other["low"] > 0 else "not told apart"
            points = f"{other['points']:.2f} points [{other['low']:.2f}, {other['high']:.2f}]"
            said[verdict].append(f"{TITLES[row['network']]} ({points})")
    lines = [f"{verdict}: {name}" for verdict, names in said.items() for name in names]
    return "\n".join(("Against what ships, same blocks and seeds, balanced accuracy of ours minus theirs:", *lines))


def session_intervals(found: Mapping[str, Any]) -> pd.DataFrame:
    """Rows for `interval_figure`: balanced accuracy of each network on held-out blocks."""
    rows = pd.DataFrame(found[SESSION])
    rows["label"] = rows["network"].map(TITLES)
    return rows.rename(columns={"balanced_accuracy": "value"})[["label", "value", "low", "high", "n"]].assign(unit="images")


def published_table() -> pd.DataFrame:
    """What others report on these images, as they give it: columns model, parameters, accuracy, protocol, source."""
    table = pd.DataFrame(PUBLISHED, columns=Published._fields)
    table["parameters"] = table["parameters"].map(lambda millions: f"{millions:g} M")
    return table.assign(accuracy=table["accuracy"].map("{:.2%}".format))
