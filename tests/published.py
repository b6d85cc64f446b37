"""A made-up workspace of profile full, published: two untrained networks, invented predictions, no image."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from neurallnet.ablation import compare
from neurallnet.arms import make_arm
from neurallnet.checkpoints import save_weights
from neurallnet.config import CLASSES
from neurallnet.data.manifest import Manifest, write_manifest
from neurallnet.data.sources import get_source
from neurallnet.data.splits import write_split
from neurallnet.data.tables import write_table, write_text
from neurallnet.dataset import Dataset, split_folds
from neurallnet.evaluation import build_predictions, read_predictions, write_predictions
from neurallnet.evidence import canonical_json, package_hash, write_evidence
from neurallnet.external import false_alarms
from neurallnet.model import NeurALLNet, parameter_count
from neurallnet.payloads import model_evidence, primary_evidence
from neurallnet.protocols import protocol_splits, protocol_table
from neurallnet.publish import publish
from neurallnet.readlog import append_test_read
from neurallnet.robustness import corruption_drops, summarize_corrupted, write_corrupted
from neurallnet.runs import HISTORY, describe_run

SOURCE = ["import pandas", "print(study)"]


def publish_made_up(top: Path) -> Path:
    """Make README.md, notebooks/ and results/ below `top`; returns results/."""
    work = top / "work"
    primary, other = made_up_set(work, "taleqani", 160), made_up_set(work, "bccd", 30)
    runs = {arm: made_up_run(work, arm, primary, seed) for seed, arm in enumerate(("base-0", "no-se-0", "committee-stained-0"))}
    made_up_evidence(work, runs, primary, other)
    (top / "README.md").write_text("# Made up\n<!-- claims:begin -->\n<!-- claims:end -->\n")
    made_up_notebook(top / "notebooks", work / "notebooks")
    publish(work, top)
    return top / "results"


def made_up_set(work: Path, name: str, each: int) -> Dataset:
    """`each` images per class (of one unnamed class for a set without labels), every fifth a near-duplicate of the one before."""
    source, rng, rows = get_source(name), np.random.default_rng(0), []
    for label in source.classes or ("",):
        for order in range(1, each + 1):
            path = f"{label}/{order:03}.jpg".lstrip("/")
            phash = rows[-1]["phash"] if order % 5 == 0 else rng.bytes(8).hex()
            sha256 = hashlib.sha256(f"{name} {path}".encode()).hexdigest()
            image = {"path": path, "label": label, "sha256": sha256, "width": 224, "height": 224}
            rows.append({**image, "phash": phash, "source": name, "order": order})
    manifest = Manifest(pd.DataFrame(rows), pd.DataFrame(columns=["path", "reason"], dtype=str))
    write_manifest(manifest, work / "manifests" / name)
    return Dataset(work, manifest, source.classes)


def guesses(frame: pd.DataFrame, fold: str, seed: int) -> pd.DataFrame:
    """Predictions that are right nine times in ten."""
    rng = np.random.default_rng(seed)
    wanted = frame["label"].map({name: i for i, name in enumerate(CLASSES)}).fillna(0).to_numpy(int)
    called = np.where(rng.random(len(frame)) < 0.9, wanted, rng.integers(0, 4, len(frame)))
    logits = rng.normal(0, 1, (len(frame), 4)) + 5 * np.eye(4)[called]
    return build_predictions(frame["path"].tolist(), frame["label"].tolist(), fold, logits)


def made_up_run(work: Path, arm: str, dataset: Dataset, seed: int) -> Path:
    """A run's folder as training and evaluation leave it."""
    config = make_arm("full", arm[:-2], 0).config
    folder = work / "runs" / f"{config.digest()}-{dataset.digest[:8]}"
    split = split_folds(dataset, config.split)
    write_text(canonical_json(config.to_dict()), folder / "config.json")
    write_split(split, folder / "split.csv")
    for fold in ("val", "test"):
        rows = dataset.frame[(split["fold"] == fold).to_numpy()]
        write_predictions(folder / f"predictions-{fold}.csv", guesses(rows, fold, seed + 1))
    val = read_predictions(folder / "predictions-val.csv")
    last = float((val["predicted"] == val["label"]).mean())
    epochs = [[1, 1.2, 0.5, 1.1, last / 2], [2, 0.4, 0.9, 0.5, 1.0], [3, 0.3, 0.95, 0.6, last]]
    write_table(pd.DataFrame(epochs, columns=HISTORY), folder / "history.csv")
    torch.manual_seed(seed)
    model = NeurALLNet(config.model)
    save_weights(folder / "weights.safetensors", model, {"config": config.to_dict(), "run": folder.name})
    record = describe_run(config, dataset) | {"parameters": parameter_count(model), "epochs": 3}
    record["weights_bytes"] = (folder / "weights.safetensors").stat().st_size
    record["images"] = {fold: int(n) for fold, n in split["fold"].value_counts().items()}
    write_text(canonical_json(record), folder / "run.json")
    append_test_read(work / "evidence" / "test_reads.jsonl", "test fold", folder.name, record["split"])
    return folder


def made_up_evidence(work: Path, runs: dict[str, Path], primary: Dataset, other: Dataset) -> None:
    """Evidence as the notebooks save it, from the runs' predictions."""
    base, log = runs["committee-stained-0"], work / "evidence" / "test_reads.jsonl"
    record = json.loads((base / "run.json").read_text())
    tests = {arm: read_predictions(folder / "predictions-test.csv") for arm, folder in runs.items()}
    test, groups = tests["committee-stained-0"], primary.groups()
    reads = [json.loads(line) for line in log.read_text().splitlines()]
    write_predictions(base / f"predictions-external-{other.digest[:12]}.csv", guesses(other.frame, "external", 5))
    append_test_read(log, "external set bccd", base.name, other.digest)
    asked = [("none", 0), ("gaussian_noise", 1), ("gaussian_noise", 5), ("hue_shift", 1), ("hue_shift", 5)]
    worse = [test, *(guesses(test[["path", "label"]], "test", 10 + place) for place in range(4))]
    keys = [{"corruption": name, "severity": severity} for name, severity in asked]
    corrupted = pd.concat([table.assign(**key)[[*key, *table]] for table, key in zip(worse, keys, strict=True)])
    name = hashlib.sha256(b"gaussian_noise hue_shift 1 5").hexdigest()[:12]
    write_corrupted(base / f"predictions-corrupted-{name}.csv", corrupted)
    append_test_read(log, "corrupted test fold", base.name, record["split"])
    protocol, found = f"random split, {len(test)} test images", false_alarms(guesses(other.frame, "external", 5))
    alarms = {"source": "bccd", "manifest": other.digest, "run": base.name, "measure": "False-alarm rate"}
    leak = protocol_table(primary, protocol_splits(primary, 37)).to_dict("index")
    single = json.loads((runs["base-0"] / "run.json").read_text())
    sizes = [(each["parameters"], each["weights_bytes"]) for each in (record, single)]
    payloads = {
        "data": {"protocols": leak, "probes": [{"probe": "colour", "accuracy": 0.9}], "manifest": primary.digest},
        "model": model_evidence(*sizes, record),
        "primary_random": primary_evidence(test, groups, protocol=protocol, provenance=record, test_read=reads[-1]),
        "ablation_se": {
            **compare(tests["base-0"], tests["no-se-0"], groups),
            "runs": {arm: runs[arm].name for arm in ("base-0", "no-se-0")},
        },
        "external_bccd": {**found, **alarms},
        "robustness": {
            "rows": summarize_corrupted(corrupted, groups).to_dict("records"),
            "drops": corruption_drops(corrupted, groups).to_dict("records"),
            "beside": [],
            "network": "committee-stained",
            "runs": {"committee-stained-0": base.name},
        },
    }
    for name, payload in payloads.items():
        write_evidence(work / "evidence" / f"{name}.json", {"profile": "full", "synthetic": False, **payload})
    seconds = {"00_data": 12.3, "book": 50.0}
    write_evidence(work / "evidence" / "times.json", {"profile": "full", "notebooks_seconds": 12.3, "seconds": seconds})


def made_up_notebook(sources: Path, executed: Path) -> None:
    """A source of two code cells, and its execution with profile full."""
    told = {"cell_type": "code", "id": "injected-parameters", "metadata": {"tags": ["injected-parameters"]}}
    told["source"] = ["# Parameters\n", 'profile = "full"\n']
    cells = [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# Data"]}]
    cells += [{"cell_type": "code", "id": f"b{i}", "metadata": {}, "source": [line]} for i, line in enumerate(SOURCE)]
    for folder, chosen, metadata in (
        (sources, cells, {}),
        (executed, [*cells[:2], told, cells[2]], {"neurallnet": {"package_hash": package_hash(), "profile": "full"}}),
    ):
        page, count = [], 0
        for cell in chosen:
            page.append(dict(cell))
            if cell["cell_type"] == "code":
                count += 1
                text = {"output_type": "stream", "name": "stdout", "text": [f"accuracy 0.98{count}\n"]}
                page[-1] |= {"execution_count": count, "outputs": [text]}
        notebook = {"cells": page, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        write_text(json.dumps(notebook, indent=1) + "\n", folder / "00_data.ipynb")
