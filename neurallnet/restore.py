"""The published runs as a start: what was trained for the committed results need not be trained again to rerun the notebooks.

A run is addressed by its settings and its images, so that a published one stands in only where both are the same.
"""

import shutil
from pathlib import Path

from filelock import FileLock
from tqdm import tqdm

from neurallnet.arms import CHANGES
from neurallnet.errors import RunError
from neurallnet.paths import Workspace
from neurallnet.runs import TEST_READS

KEPT_EVIDENCE = (TEST_READS, "probe-*.csv")  # readings that have happened; most JSON files are computed again


def restore(published: Path, work: Workspace, digest: str) -> int:
    """Copy into `work` what it lacks of what `published` (results/full) has; returns how many runs.

    Runs, readings, colour probes, manifests of smears drawn, and the evidence that chapters run with another arm left.
    `digest` is that of the manifest of the user's images. A finished run in `work` is not touched, an unfinished one gives way.
    Raises RunError when nothing is published for these images, or `work` has readings of its own.
    """
    folders = [path.parent for path in sorted((published / "runs").glob("*/run.json"))]
    folders = [folder for folder in folders if folder.name.endswith(f"-{digest[:8]}")]
    first, log = published / "evidence" / TEST_READS, work.evidence / TEST_READS
    if not folders or not first.is_file():
        raise RunError(f"{published}: holds no runs of these images (manifest {digest[:8]}); train them: leave out --published")
    if log.is_file() and not log.read_bytes().startswith(first.read_bytes()):
        raise RunError(f"{log}: is another log than that of the published runs; name an empty folder with --work")
    kept = [path for pattern in KEPT_EVIDENCE for path in (published / "evidence").glob(pattern)]
    kept += [path for path in (published / "evidence").glob("*.json") if of_another_arm(path.stem)]
    kept += (published / "manifests").glob("synthetic*/*.csv")  # of smears drawn; a user's own images are looked at again
    for path in sorted(kept):
        target = work.root / path.relative_to(published)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    missing = [folder for folder in folders if not (work.runs / folder.name / "run.json").is_file()]
    for folder in tqdm(missing, desc="restoring", unit="run", leave=False, disable=None):
        work.runs.mkdir(parents=True, exist_ok=True)
        with FileLock(work.runs / f".{folder.name}.lock"):  # as `train_run` does
            if (work.runs / folder.name / "run.json").is_file():
                continue  # finished by another process in the meantime
            partial = work.runs / f".{folder.name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(folder, partial)
            shutil.rmtree(work.runs / folder.name, ignore_errors=True)
            partial.rename(work.runs / folder.name)
    return len(missing)


def of_another_arm(stem: str) -> bool:
    """Whether evidence of that name is of a chapter that was run with another arm than its default: the name ends with the arm's.

    >>> of_another_arm("external_bccd_no-se-0"), of_another_arm("robustness_no-se"), of_another_arm("external_bccd")
    (True, True, False)
    """
    last = stem.rpartition("_")[2]
    return last in CHANGES or last.rpartition("-")[0] in CHANGES
