"""From a finished workspace of profile full to the committed results: evidence, runs, manifests, executed notebooks, claims, the
hashes by which `neurallnet verify` knows them, and the weights that ship with the package.

    python -m neurallnet.publish work/full

Nothing that shows a real image may be published: notebooks are refused when an output is a raster picture.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from neurallnet.arms import COMMITTEE, EVERY_BLOCK, GROUPS, SHIPPED, arms, longer, make_arm, session_arm
from neurallnet.claims import build_claims, render_readme, write_claims
from neurallnet.crate import write_crate
from neurallnet.data.manifest import manifest_digest, read_manifest
from neurallnet.data.sessions import SESSION_FOLDS
from neurallnet.data.tables import write_text
from neurallnet.errors import NeurallnetError, RunError
from neurallnet.evidence import write_hashes
from neurallnet.ood.study import run_ood
from neurallnet.paths import Workspace, repository
from neurallnet.pretrained.shipping import ship
from neurallnet.runs import Run, open_run

EVIDENCE_KINDS = (".json", ".jsonl", ".csv")
RUN_FILES = (
    *("config.json", "run.json", "split.csv", "history.csv", "predictions-*.csv", "activity.csv"),
    *("ood.safetensors", "ood-scores-*.csv"),
)
# Arms whose weights somebody may want to load; of the others, trained for a comparison, the predictions say all that is claimed.
WITH_WEIGHTS = (
    *("base", *(f"session-{fold}" for fold in range(SESSION_FOLDS)), "group"),
    *("no-se", "nir", "dense", "small-cnn", "tiles", *(name for name in GROUPS["sweep"] if name != COMMITTEE)),
)
# Of the committee, the runs of its first seed: as it ships, trained short, and trained longer with the usual dyes.
WITH_WEIGHTS_ONCE = (
    *(SHIPPED, COMMITTEE, longer(COMMITTEE), f"{SHIPPED}-group"),
    *(session_arm(name, fold) for name in (EVERY_BLOCK, COMMITTEE, longer(COMMITTEE)) for fold in range(SESSION_FOLDS)),
)


def keeps_weights(name: str) -> bool:
    """Whether the weights of the run `<arm>-<seed>` are published."""
    arm, seed = name.rsplit("-", 1)
    return arm in WITH_WEIGHTS or (arm in WITH_WEIGHTS_ONCE and seed == "0")


def publish(work: Path, top: Path) -> list[Path]:
    """Copy what `work` holds into `top`/results/full, rebuild claims.json and the README's table; returns what was written.

    Raises RunError when the workspace is not of profile full or a notebook shows a raster picture. A checkout of the package gets
    the weights of the published network too, with an out-of-distribution model that needs the images when the run has none yet.
    """
    results = top / "results" / "full"
    notebooks, evidence = sorted((work / "notebooks").glob("[0-9]*.ipynb")), sorted((work / "evidence").glob("[!.]*"))
    notebooks = [path for path in notebooks if ".partial" not in path.name]
    evidence = [path for path in evidence if path.suffix in EVIDENCE_KINDS]
    if not evidence:
        raise RunError(f"{work}: holds no evidence; run: neurallnet reproduce --profile full")
    for path in notebooks:
        check_notebook(path)
    for path in evidence:
        if path.suffix == ".json" and json.loads(path.read_text(encoding="utf-8")).get("profile", "full") != "full":
            raise RunError(f"{path}: not of profile full; only real images are published as results")
    shipped = top / "neurallnet" / "pretrained"
    headline = headline_run(work) if shipped.parent.is_dir() else None  # fails, if it must, before anything is removed
    published = {arm.config.digest(): arm.name for arm in arms("full")}
    shutil.rmtree(results, ignore_errors=True)  # nothing of an earlier publication stays
    written = [copy(path, results / "notebooks" / path.name) for path in notebooks]
    written += [copy(path, results / "evidence" / path.name) for path in evidence]
    for record in sorted((work / "runs").glob("*/run.json")):
        if name := published.get(record.parent.name.split("-")[0]):
            for pattern in (*RUN_FILES, *(["weights.safetensors"] if keeps_weights(name) else [])):
                written += [copy(path, results / "runs" / record.parent.name / path.name) for path in record.parent.glob(pattern)]
    written += publish_manifests(work, results, written)
    written.append(write_hashes(results))
    claims = build_claims(results / "evidence", top)
    write_claims(top / "results" / "claims.json", claims)
    readme = top / "README.md"
    write_text(render_readme(readme.read_text(encoding="utf-8"), claims), readme)
    written += ship(results / "runs" / headline.address, shipped) if headline else []
    if (top / "CITATION.cff").is_file():  # names the authors; every checkout has it
        written.append(write_crate(top))
    return [*written, top / "results" / "claims.json", readme]


def headline_run(work: Path) -> Run:
    """The run whose network ships, its out-of-distribution model beside its weights. Raises RunError, DataError."""
    digest = make_arm("full", SHIPPED, 0).config.digest()
    found = sorted(path.parent for path in (work / "runs").glob(f"{digest}-*/run.json"))
    if len(found) != 1:
        raise RunError(f"{work / 'runs'}: {len(found)} runs {digest}-*, not one; run: neurallnet reproduce --profile full")
    run = open_run(found[0])
    run_ood(run, Workspace(work.resolve()))
    return run


def publish_manifests(work: Path, results: Path, published: list[Path]) -> list[Path]:
    """Copy the manifests (names, labels and hashes of images) that a published file names by their digest: without them no split
    and no group of near-duplicates can be made again.
    """
    named = "".join(path.read_text(encoding="utf-8") for path in published if path.suffix in (".json", ".jsonl"))
    kept = [path.parent for path in sorted((work / "manifests").glob("[!.]*/manifest.csv"))]
    kept = [folder for folder in kept if manifest_digest(read_manifest(folder).frame) in named]
    return [
        copy(folder / name, results / "manifests" / folder.name / name)
        for folder in kept
        for name in ("manifest.csv", "rejected.csv")
    ]


def check_notebook(path: Path) -> None:
    """Raise RunError when an output of the executed notebook could show pixels, a cell failed or did not run, or the profile
    is another.
    """
    notebook = json.loads(path.read_text(encoding="utf-8"))
    if notebook["metadata"].get("neurallnet", {}).get("profile") != "full":
        raise RunError(f"{path}: was not executed with profile full; run: neurallnet reproduce --profile full")
    for number, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] == "code" and cell["execution_count"] is None:
            raise RunError(f"{path}: cell {number} was not run")
        for output in cell.get("outputs", ()):
            if output["output_type"] == "error":
                raise RunError(f"{path}: cell {number} failed")
            data = output.get("data", {})
            raster = [kind for kind in data if kind.startswith("image/") and kind != "image/svg+xml"]
            text = "".join("".join(data.get(kind, "")) for kind in ("image/svg+xml", "text/html"))
            if raster or "<image" in text or "data:image" in text:
                raise RunError(f"{path}: cell {number} shows a raster picture; published pages hold plots of numbers only")


def copy(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return target


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Publish a finished workspace of profile full into results/.")
    parser.add_argument("work", type=Path, help="the workspace, usually work/full")
    chosen = parser.parse_args(arguments)
    top = repository()
    try:
        if top is None:
            raise RunError("publishing needs the repository; run it in a checkout")
        written = publish(chosen.work, top)
    except NeurallnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"published {len(written)} files to {top / 'results'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
