"""The whole verification: hashes, runs, shipped weights, evidence, claims, notebooks; a line per check, one sentence at the end."""

import time
from pathlib import Path

from joblib import Parallel, cpu_count, delayed
from tqdm import tqdm

from neurallnet.errors import DataError
from neurallnet.paths import repository
from neurallnet.verify.check import Check
from neurallnet.verify.evidence_checks import check_evidence, evidence_files
from neurallnet.verify.file_checks import check_claims, check_hashes
from neurallnet.verify.notebook_checks import check_notebooks
from neurallnet.verify.pretrained_checks import check_pretrained
from neurallnet.verify.published import open_published
from neurallnet.verify.run_checks import check_runs


def verify_results(results: Path, allow_stale: bool = False) -> list[Check]:
    """Every check of the folder `results` (with full/ and claims.json in it, README.md and notebooks/ beside it).

    Reads neither images nor the network's training, and writes nothing below `results`. `allow_stale`: accept notebooks that
    another state of the package executed. Raises DataError when nothing is published there.
    """
    results = Path(results).resolve()
    if not (results / "full" / "evidence").is_dir():
        raise DataError(f"{results}: holds no published results (full/evidence); publish them: make publish")
    checks = check_hashes(results)
    with open_published(results) as study:
        checks += check_runs(study)
        checks += check_pretrained(results, study)
        files = evidence_files(study)
        workers = Parallel(n_jobs=max(min(len(files), cpu_count()), 1), return_as="generator")
        found = workers(delayed(check_evidence)(study, path) for path in files)
        checks += tqdm(found, desc="recomputing", total=len(files), unit="file", leave=False, disable=None)
        scratch = str(study.work.root)
    checks += check_claims(results)
    checks += check_notebooks(results, results.parent / "notebooks", allow_stale)
    named = f"{results.name}/full"  # where the scratch folder of the study points to
    return [Check(**{**vars(check), "detail": check.detail.replace(scratch, named)}) for check in checks]


def command(results: Path | None = None, allow_stale: bool = False) -> int:
    """Print the report; 0 when everything follows, else 1. Raises DataError without published results."""
    top = repository()
    if results is None and top is None:
        raise DataError("verify: the package is not in a checkout; name the folder of the results with --results")
    began = time.perf_counter()
    checks = verify_results(results or top / "results", allow_stale)
    failed = [check for check in checks if not check.ok]
    for check in [*(check for check in checks if check.ok), *failed]:
        print(check)
    recomputed, measured = (sum(getattr(check, kind) for check in checks) for kind in ("recomputed", "measured"))
    seconds = time.perf_counter() - began
    print(f"{recomputed:,} numbers recomputed, {measured:,} measured only (covered by their hash); {seconds:.0f} s")
    print(f"FAILED: {len(failed)} of {len(checks)} checks" if failed else f"Verified: {len(checks)} checks, none failed.")
    return 1 if failed else 0
