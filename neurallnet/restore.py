"""The published runs as a start: what was trained for the committed results need not be trained again to rerun the notebooks.

A run is addressed by its settings and its images, so that a restored one is used only where both are the same.
"""

import shutil
from pathlib import Path

from tqdm import tqdm

from neurallnet.errors import RunError
from neurallnet.paths import Workspace
from neurallnet.runs import TEST_READS

KEPT_EVIDENCE = (TEST_READS, "probe-*.csv")  # readings that have happened; JSON files are computed again


def restore(published: Path, work: Workspace) -> int:
    """Copy into `work` what it lacks of the runs and the log of readings in `published` (results/full); returns how many runs.

    Nothing that is there is touched. Raises RunError when nothing is published there, or `work` has readings of its own.
    """
    folders = [path.parent for path in sorted((published / "runs").glob("*/run.json"))]
    if not folders:
        raise RunError(f"{published}: holds no published runs; train them: leave out --published")
    log = work.evidence / TEST_READS
    missing = [folder for folder in folders if not (work.runs / folder.name / "run.json").is_file()]
    if missing and log.is_file() and not log.read_bytes().startswith((published / "evidence" / TEST_READS).read_bytes()):
        raise RunError(f"{log}: is another log than that of the published runs; name an empty folder with --work")
    for pattern in KEPT_EVIDENCE:
        for path in sorted((published / "evidence").glob(pattern)):
            if not (work.evidence / path.name).exists():
                work.evidence.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, work.evidence / path.name)
    for folder in tqdm(missing, desc="restoring", unit="run", leave=False, disable=None):
        partial = work.runs / f".{folder.name}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(folder, partial)
        shutil.rmtree(work.runs / folder.name, ignore_errors=True)  # an unfinished training of it
        partial.rename(work.runs / folder.name)
    return len(missing)
