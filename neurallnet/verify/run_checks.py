"""Published runs: addressed by what they are, with the split their images give, and weights, history and tables that agree."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from joblib import Parallel, cpu_count, delayed

from neurallnet.checkpoints import load_weights
from neurallnet.config import run_config
from neurallnet.errors import RunError
from neurallnet.evaluation import correctness
from neurallnet.evidence import canonical_json, read_evidence
from neurallnet.model import parameter_count
from neurallnet.readlog import read_test_reads
from neurallnet.runs import HISTORY, TEST_READS, Run, open_run, split_digest
from neurallnet.verify.check import Check, attempt, first_difference
from neurallnet.verify.published import PublishedStudy
from neurallnet.verify.tables import Reads, check_table

TOGETHER = 50  # runs that one process checks: a split is made once for all of them


def check_runs(study: PublishedStudy) -> list[Check]:
    """A check per published run, and one of the log of test-set readings."""
    log, reads = study.work.evidence / TEST_READS, []

    def look_at_log() -> str:
        reads.extend(read_test_reads(log))
        return f"{len(reads)} readings of held-out images, numbered without a gap"

    checks = [attempt("readings", f"results/full/evidence/{TEST_READS}", look_at_log)]
    folders = sorted(path for path in study.work.runs.iterdir() if path.is_dir())
    parts = [folders[start : start + TOGETHER] for start in range(0, len(folders), TOGETHER)]
    found = Parallel(n_jobs=max(min(len(parts), cpu_count()), 1))(delayed(_check_part)(study, part, reads) for part in parts)
    return checks + [check for part in found for check in part]


def _check_part(study: PublishedStudy, folders: Sequence[Path], reads: Reads) -> list[Check]:
    return [attempt("run", f"results/full/runs/{folder.name}", partial(check_run, study, folder, reads)) for folder in folders]


def check_run(study: PublishedStudy, folder: Path, reads: Reads) -> str:
    """What was found in a run's folder; raises RunError or DataError for the first thing that does not agree."""
    run = open_run(folder)
    _address(study, run)
    _split(study, run)
    tables = sorted(folder.glob("predictions-*.csv"))
    for path in tables:
        check_table(study, run, path, reads)
    _history(run)
    parameters = _weights(run)
    return f"{parameters}{run.record['epochs']} epochs, {len(tables)} tables of predictions"


def _address(study: PublishedStudy, run: Run) -> None:
    """The folder's name is <digest of the configuration>-<digest of the manifest>."""
    record, manifest = run.record, study.dataset_of(run.record["manifest"]).digest
    address = f"{run.config.digest()}-{manifest[:8]}"
    if address != run.address or record["run"] != run.config.digest():
        raise RunError(f"run.json: run is {record['run']!r} in {run.address}; by configuration and manifest it is {address}")
    for name in ("config.json", "run.json"):
        path = run.folder / name
        if problem := first_difference(path.read_text(encoding="utf-8"), canonical_json(read_evidence(path))):
            raise RunError(f"{name}: {problem}")
    if read_evidence(run.folder / "config.json") != record["config"]:
        raise RunError("config.json: not the configuration in run.json")


def _split(study: PublishedStudy, run: Run) -> None:
    """split.csv is what the configuration makes of the manifest, and what run.json names and counts."""
    split, record = run.split(), run.record
    wanted = study.split_of(study.dataset_of(record["manifest"]), run.config.split).set_index("path")["fold"]
    found = split.set_index("path")["fold"]
    if not found.sort_index().equals(wanted.sort_index()):
        both = found.reindex(wanted.index).compare(wanted)
        first = f"{both.index[0]} is {both.iloc[0, 0]}, not {both.iloc[0, 1]}" if len(both) else "it has other images"
        raise RunError(f"split.csv: not the {run.config.split.protocol} split of the manifest: {first}")
    if split_digest(split) != record["split"]:
        raise RunError(f"run.json: split is {record['split'][:12]}..., that of split.csv is {split_digest(split)[:12]}...")
    counted = {fold: int(n) for fold, n in split["fold"].value_counts().items()}
    if counted != record["images"]:
        raise RunError(f"run.json: images is {record['images']}, split.csv has {counted}")


def _history(run: Run) -> None:
    """A row per epoch, and the validation predictions have the accuracy of the last."""
    history, record = run.history(), run.record
    if list(history.columns) != HISTORY or history["epoch"].tolist() != list(range(1, record["epochs"] + 1)):
        raise RunError(f"history.csv: not {record['epochs']} epochs with the columns {', '.join(HISTORY)}")
    last = history["val_accuracy"].iloc[-1]
    accuracy = correctness(run.predictions("val")).mean()
    if abs(accuracy - last) > 1e-9:
        raise RunError(f"history.csv: the last val_accuracy is {last}, predictions-val.csv has {accuracy}")


def _weights(run: Run) -> str:
    """The weights, where published, fit the network of the configuration and are as many and as large as run.json says."""
    if not run.weights.exists():
        return "without weights, "
    model, record = run.model(), run.record
    parameters, size = parameter_count(model), run.weights.stat().st_size
    if (parameters, size) != (record["parameters"], record["weights_bytes"]):
        named = f"{record['parameters']} parameters, {record['weights_bytes']} bytes"
        raise RunError(f"run.json: {named}; weights.safetensors has {parameters} parameters, {size} bytes")
    metadata = load_weights(run.weights, model)
    if run_config(metadata.get("config")) != run.config or metadata.get("run") != run.address:
        raise RunError("weights.safetensors: its header names another run or configuration")
    return f"{parameters:,} parameters, "
