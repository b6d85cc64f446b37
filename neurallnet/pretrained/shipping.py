"""Put the network of a finished run among the files that ship with the package."""

import shutil
from pathlib import Path
from typing import Any

from neurallnet.data.tables import write_text
from neurallnet.errors import RunError
from neurallnet.evidence import canonical_json
from neurallnet.ood.model import OOD_FILE, load_ood
from neurallnet.pretrained.bundle import run_card
from neurallnet.pretrained.loading import FOLDER, NAMES, sha256
from neurallnet.runs import Run, open_run


def ship(run_folder: Path | str, target: Path | str = FOLDER, name: str = NAMES[0]) -> list[Path]:
    """Copy weights and out-of-distribution model of the run in `run_folder` to `target` and write their card.

    Returns the paths `<name>.safetensors`, `<name>-ood.safetensors`, `<name>.json`; the same run gives the same bytes. Raises
    RunError when the run is not finished, damaged, or has no out-of-distribution model.
    """
    run, target = open_run(run_folder), Path(target)
    card = shipped_card(run)  # before anything is written
    run.model()
    target.mkdir(parents=True, exist_ok=True)
    written = [target / file for file in card["sha256"]]
    for source, path in zip((run.weights, run.folder / OOD_FILE), written, strict=True):
        shutil.copyfile(source, path)
    write_text(canonical_json({"name": name, **card}), target / f"{name}.json")
    return [*written, target / f"{name}.json"]


def shipped_card(run: Run, name: str = NAMES[0]) -> dict[str, Any]:
    """The card of a run as it ships: `run_card` and the sha256 of both files. Raises RunError, DataError."""
    ood = run.folder / OOD_FILE
    if not ood.exists():
        raise RunError(f"{ood}: not there, and a network does not ship without it; make it with neurallnet.ood.study.run_ood")
    hashes = {f"{name}.safetensors": sha256(run.weights), f"{name}-ood.safetensors": sha256(ood)}
    return {**run_card(run, load_ood(ood)), "sha256": hashes}
