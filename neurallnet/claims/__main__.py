"""`python -m neurallnet.claims --check | --write`: results/claims.json and the README's table against the
evidence.
"""

import argparse
import sys
from pathlib import Path

from neurallnet.claims.readme import render_readme
from neurallnet.claims.registry import build_claims, claims_text
from neurallnet.data.tables import write_text
from neurallnet.errors import DataError, NeurallnetError
from neurallnet.paths import repository


def stale_files(root: Path) -> dict[Path, str]:
    """Files of a checkout that differ from what its evidence gives, each with the text it should have."""
    claims = build_claims(root / "results" / "full" / "evidence", root)
    wanted = {
        root / "results" / "claims.json": claims_text(claims),
        root / "README.md": render_readme(_text(root / "README.md"), claims),
    }
    return {path: text for path, text in wanted.items() if not path.is_file() or _text(path) != text}


def main(arguments: list[str] | None = None) -> int:
    """0: in step, or written; 1: `--check` found a difference; 2: something cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m neurallnet.claims", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true", help="say which file differs; changes nothing")
    action.add_argument("--write", action="store_true", help="bring both files in step")
    parser.add_argument("--root", type=Path, default=None, help="the checkout (default: the one this package is in)")
    options = parser.parse_args(arguments)
    try:
        root = options.root or repository()
        if root is None:
            raise DataError("claims: the package is not in a checkout; name one with --root")
        stale = stale_files(root.resolve())
        for path, text in stale.items():
            if options.write:
                write_text(text, path)
            print(f"{path}: {'written' if options.write else 'differs from the evidence; run with --write'}")
    except NeurallnetError as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if stale and options.check else 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable ({error})") from None


if __name__ == "__main__":
    sys.exit(main())
