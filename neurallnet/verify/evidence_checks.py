"""Evidence files: canonical, and number by number what predictions, manifests and weights give."""

from pathlib import Path

from neurallnet.errors import DataError
from neurallnet.evidence import canonical_json, read_evidence
from neurallnet.verify.check import Check, first_difference, said
from neurallnet.verify.compare import compare_payloads
from neurallnet.verify.published import PublishedStudy
from neurallnet.verify.registry import CLOSE, MEASURED, declared, recompute_function


def evidence_files(study: PublishedStudy) -> list[Path]:
    """The JSON files behind the book's numbers."""
    return sorted(study.work.evidence.glob("[!.]*.json"))


def check_evidence(study: PublishedStudy, path: Path) -> Check:
    """Recompute one evidence file and compare it value by value."""
    where = f"results/full/evidence/{path.name}"
    try:
        return _compared(study, path, where)
    except Exception as error:  # whatever a damaged or foreign table raises is this file's failure
        return Check("evidence", where, False, said(error))


def _compared(study: PublishedStudy, path: Path, where: str) -> Check:
    committed = read_evidence(path)
    if problem := first_difference(path.read_bytes().decode(), canonical_json(committed)):
        raise DataError(f"not written as evidence is: {problem}")
    function = recompute_function(path.stem)
    if function is None:
        raise DataError("no function recomputes it; add one to RECOMPUTE in neurallnet/verify/registry.py")
    stamp = {"profile": study.profile, "synthetic": study.synthetic}
    stamp = {key: value for key, value in stamp.items() if key == "profile" or key in committed}
    found = compare_payloads(
        committed,
        {**stamp, **function(study, committed)},
        declared(MEASURED, path.stem),
        declared(CLOSE, path.stem),
    )
    if found.problem:
        return Check("evidence", where, False, found.problem)
    detail = f"{found.recomputed} numbers recomputed" + (f", {found.measured} measured only" if found.measured else "")
    return Check("evidence", where, True, detail, found.recomputed, found.measured)
