"""One claim beside the evidence, and the rules by which it is judged."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["reproduced", "exceeded", "not reproduced", "not testable here"]


@dataclass(frozen=True)
class Claim:
    """A row of the claims table.

    paper, ours: the number (shares as fractions of one, sizes in bytes, times in ms), None where there is
    none. interval: (low, high) of ours at 95%, or None for a count. n: what `protocol` counts. evidence: path
    in the repository.
    """

    id: str
    claim: str
    paper: float | int | None
    ours: float | int | None
    interval: tuple[float, float] | None
    n: int | None
    protocol: str
    verdict: Verdict
    evidence: str

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "interval": None if self.interval is None else list(self.interval)}


def verdict_at_least(ours: float | None, interval: tuple[float, float] | None, paper: float) -> Verdict:
    """For figures where more is better (accuracy), against the point the paper reports.

    exceeded: our whole interval lies above it; better by a hair is not enough. reproduced: our interval
    reaches or contains it. not reproduced: our whole interval lies below it. It compares two published
    numbers, not two networks on the same images: the paper's predictions are not available.
    """
    if ours is None or interval is None:
        return "not testable here"
    if interval[0] > paper:
        return "exceeded"
    return "reproduced" if interval[1] >= paper else "not reproduced"


def verdict_within(ours: float | None, low: float, high: float) -> Verdict:
    """For figures the paper rounds ("~0.3 M"): reproduced when ours lies in the range its words allow."""
    if ours is None:
        return "not testable here"
    return "reproduced" if low <= ours <= high else "not reproduced"


def verdict_at_most(ours: float | None, paper: float) -> Verdict:
    """For sizes without sampling error, where less is better: reproduced when ours is no larger than the
    paper's.
    """
    if ours is None:
        return "not testable here"
    return "reproduced" if ours <= paper else "not reproduced"
