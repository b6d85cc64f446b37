"""How long each step took: Snakemake's own measurements, gathered into one evidence file.

    python -m neurallnet.times FOLDER evidence/times.json PROFILE
"""

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from neurallnet.evidence import machine, write_evidence


def collect(folder: Path, profile: str) -> dict[str, Any]:
    """Seconds of each step whose `<name>.tsv` Snakemake's benchmark wrote into `folder`, and what ran them."""
    seconds = {path.stem: round(float(pd.read_csv(path, sep="\t")["s"].iloc[0]), 1) for path in sorted(folder.glob("*.tsv"))}
    total = sum(value for name, value in seconds.items() if name[:2].isdigit())
    return {"profile": profile, "notebooks_seconds": round(total, 1), "seconds": seconds, "machine": machine()}


if __name__ == "__main__":
    write_evidence(Path(sys.argv[2]), collect(Path(sys.argv[1]), sys.argv[3]))
