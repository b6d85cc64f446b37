"""From evidence files to claims. A later claim is one function and one entry of `BUILDERS`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from neurallnet.claims import ablation, leak, overlap, paper, robustness, speed, tenths, trust
from neurallnet.claims.claim import Claim, verdict_at_least, verdict_at_most, verdict_within
from neurallnet.data.tables import write_text
from neurallnet.errors import DataError
from neurallnet.evidence import canonical_json, read_evidence


class EvidenceFolder:
    """Evidence files of one folder, each read once; `path(name)` is how a claim cites one."""

    def __init__(self, folder: Path, root: Path):
        self.folder, self.root = folder, root
        self._read: dict[str, dict[str, Any]] = {}

    def __getitem__(self, name: str) -> dict[str, Any]:
        """The payload of a file; raises FileNotFoundError when it has not been computed yet."""
        if name not in self._read:
            if not (self.folder / name).is_file():
                raise FileNotFoundError(self.folder / name)
            self._read[name] = read_evidence(self.folder / name)
        return self._read[name]

    def path(self, name: str) -> str:
        return (self.folder / name).relative_to(self.root).as_posix()


Builder = Callable[[EvidenceFolder], Claim]


def build_claims(evidence_dir: Path, root: Path | None = None) -> list[Claim]:
    """All claims whose evidence exists, in the order of the registry.

    `evidence` paths are relative to `root`, by default the checkout that has the folder as
    `results/<profile>/evidence`. Raises DataError when an evidence file is damaged or lacks a key.
    """
    evidence_dir = Path(evidence_dir).resolve()
    folder = EvidenceFolder(evidence_dir, Path(root).resolve() if root else _checkout(evidence_dir))
    claims = []
    for name, build in BUILDERS.items():
        try:
            claim = build(folder)
        except FileNotFoundError:
            continue
        except (KeyError, TypeError) as error:
            raise DataError(f"{evidence_dir}: evidence for {name!r} lacks or misstates {error}; write it again") from error
        if claim.id != name:
            raise DataError(f"claim {name!r}: its builder made {claim.id!r}")
        claims.append(claim)
    return claims


def claims_text(claims: list[Claim]) -> str:
    """The text of claims.json."""
    return canonical_json([claim.to_dict() for claim in claims], "claims.json")


def write_claims(path: Path, claims: list[Claim]) -> None:
    """Write claims.json: a list of objects with the fields of `Claim`."""
    write_text(claims_text(claims), Path(path))


def _checkout(evidence_dir: Path) -> Path:
    return evidence_dir.parents[min(2, len(evidence_dir.parents) - 1)]


def _parameters(evidence: EvidenceFolder) -> Claim:
    found = evidence["model.json"]
    ours = found["single"]["parameters"]
    return Claim(
        id="parameters",
        claim="Trainable parameters of the single network, ~0.3 M",
        paper=paper.PARAMETERS,
        ours=ours,
        interval=None,
        n=None,
        protocol=f"counted; the claim holds from 0.27 to 0.34 M; the committee that ships has {found['parameters']:,}",
        verdict=verdict_within(ours, 270_000, 340_000),
        evidence=evidence.path("model.json"),
    )


def _footprint_bytes(evidence: EvidenceFolder) -> Claim:
    found = evidence["model.json"]
    ours = found["single"]["footprint_bytes"]
    return Claim(
        id="footprint_bytes",
        claim="Memory footprint of the single network, 1.35 MB",
        paper=paper.FOOTPRINT_BYTES,
        ours=ours,
        interval=None,
        n=None,
        protocol="size of the float32 weight file, with all that inference needs; "
        f"that of the committee that ships, {found['footprint_bytes']:,}",
        verdict=verdict_at_most(ours, paper.FOOTPRINT_BYTES),
        evidence=evidence.path("model.json"),
    )


def _primary_accuracy_random(evidence: EvidenceFolder) -> Claim:
    """The mean over seeds once there are several; one seed, the only one of a first training, until then."""
    try:
        found = evidence["protocols.json"]["random"]["network"]
        file, ends, n = "protocols.json", found["accuracy_interval"], found["images"]
        how = f"random split, mean of {found['seeds']} seeds on the same test images, lowest {found['lowest_accuracy']:.2%}"
    except FileNotFoundError:
        found = evidence["primary_random.json"]
        file, ends, n, how = "primary_random.json", found["interval"], found["n"], found["protocol"]
    interval = (ends["low"], ends["high"])
    return Claim(
        id="primary_accuracy_random",
        claim="Accuracy on the primary test set, committee",
        paper=paper.PRIMARY_ACCURACY,
        ours=found["accuracy"],
        interval=interval,
        n=n,
        protocol=f"{how}; {ends['method']} over {found['groups']} {ends['unit']}s",
        verdict=verdict_at_least(found["accuracy"], interval, paper.PRIMARY_ACCURACY),
        evidence=evidence.path(file),
    )


BUILDERS: dict[str, Builder] = {
    "parameters": _parameters,
    "footprint_bytes": _footprint_bytes,
    "primary_accuracy_random": _primary_accuracy_random,
    **tenths.BUILDERS,
    **leak.BUILDERS,
    **overlap.BUILDERS,
    **ablation.BUILDERS,
    **robustness.BUILDERS,
    **trust.BUILDERS,
    **speed.BUILDERS,
}

# What the README and the front page of the book show; claims.json and the book's page of claims have all.
HEADLINE = (
    "parameters",
    "primary_accuracy_tenths",
    "colour_only_accuracy_tenths",
    "primary_accuracy_session",
    "se_ablation_drop",
    "bccd_false_alarm_rate",
)


def headline(claims: list[Claim]) -> list[Claim]:
    """Those of `claims` that HEADLINE names, in its order; one that has not been tested is left out."""
    known = {claim.id: claim for claim in claims}
    return [known[name] for name in HEADLINE if name in known]
