"""Weights that ship with the package: byte for byte those of the published run, under a card that tells the truth about them."""

from pathlib import Path

from neurallnet.arms import SHIPPED_RUN
from neurallnet.errors import RunError
from neurallnet.evidence import canonical_json
from neurallnet.ood.model import OOD_FILE, load_ood
from neurallnet.pretrained.bundle import run_card
from neurallnet.pretrained.loading import NAMES, load_pretrained, sha256
from neurallnet.verify.check import Check, attempt, first_difference
from neurallnet.verify.published import PublishedStudy


def check_pretrained(results: Path, study: PublishedStudy, name: str = NAMES[0]) -> list[Check]:
    """One check of what ships in the checkout of the folder `results`; none where results/ lies outside a checkout."""
    package = results.parent / "neurallnet"
    if not package.is_dir():
        return []
    folder = package / "pretrained"
    return [attempt("shipped", f"neurallnet/pretrained/{name}.json", lambda: _compared(folder, study, name))]


def _compared(folder: Path, study: PublishedStudy, name: str) -> str:
    """What was found; raises RunError for a file that is damaged or not the published run's."""
    shipped, run = load_pretrained(name, folder), study.run(SHIPPED_RUN)
    again = "ship it again: python -m neurallnet.publish work/full"
    if shipped.card["sha256"][f"{name}.safetensors"] != sha256(run.weights):
        raise RunError(f"{name}.safetensors is not the weights.safetensors of run {run.address}; {again}")
    published, ood = run.folder / OOD_FILE, folder / f"{name}-ood.safetensors"
    if published.exists() and sha256(published) != sha256(ood):
        raise RunError(f"{ood.name} is not the {OOD_FILE} of run {run.address}; {again}")
    wanted = {"name": name, **run_card(run, load_ood(ood)), "sha256": shipped.card["sha256"]}
    text = (folder / f"{name}.json").read_text(encoding="utf-8")
    if problem := first_difference(text, canonical_json(wanted)):
        raise RunError(f"{name}.json: {problem}; {again}")
    return f"weights, temperature and card are those of run {run.address}"
