"""Published files as files: none changed, missing or added since publication; claims.json and the README as the evidence has it."""

import json
from pathlib import Path

from neurallnet.claims import build_claims, claims_text, render_readme
from neurallnet.errors import DataError
from neurallnet.evidence import HASHES, hash_files
from neurallnet.verify.check import Check, attempt, first_difference, said


def check_hashes(results: Path) -> list[Check]:
    """A failed check per file that is changed, missing, unlisted, or lies where nothing is published; or one that all is well."""
    full = results / "full"
    where = f"{results.name}/full/{HASHES}"
    try:
        listed = dict(json.loads((full / HASHES).read_text(encoding="utf-8"))["sha256"])
        found = hash_files(full)
    except FileNotFoundError:
        return [Check("hashes", where, False, "not there; publish the results again: make publish")]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [Check("hashes", where, False, f"not readable ({said(error)}); restore it")]
    wrong = [_wrong(results, f"full/{name}", "is listed, but not there") for name in sorted(listed.keys() - found)]
    wrong += [_wrong(results, f"full/{name}", "is not in the list of published files") for name in sorted(found.keys() - listed)]
    wrong += [
        _wrong(results, f"full/{name}", f"sha256 is {found[name][:12]}..., published was {str(listed[name])[:12]}...")
        for name in sorted(found.keys() & listed)
        if found[name] != listed[name]
    ]
    known = {"full", "claims.json", "ro-crate-metadata.json"}
    strange = [path for path in sorted(results.iterdir()) if path.name not in known and not path.name.startswith(".")]
    wrong += [_wrong(results, path.name, "is not part of the published results") for path in strange]
    return wrong or [attempt("hashes", where, lambda: f"{len(found)} files, none changed, missing or added")]


def check_claims(results: Path) -> list[Check]:
    """One check of claims.json, one of the README beside the folder `results`."""
    top = results.resolve().parent

    def compared(path: Path, readme: bool) -> str:
        claims = build_claims(results / "full" / "evidence", top)
        text = path.read_bytes().decode()
        wanted = render_readme(text, claims) if readme else claims_text(claims)
        if problem := first_difference(text, wanted):
            raise DataError(f"{problem}; run: python -m neurallnet.claims --write")
        return f"{len(claims)} claims, as the evidence gives them"

    return [
        attempt("claims", f"{results.name}/claims.json", lambda: compared(results / "claims.json", False)),
        attempt("claims", "README.md", lambda: compared(top / "README.md", True)),
    ]


def _wrong(results: Path, name: str, problem: str) -> Check:
    return Check("hashes", f"{results.name}/{name}", False, problem)
