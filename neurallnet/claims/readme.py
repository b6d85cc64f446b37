"""Claims as Markdown: the whole table, and the short one that stands in the README between two markers; everything else in
the file stays as it was written.
"""

import re

from neurallnet.claims.claim import Claim
from neurallnet.claims.registry import headline
from neurallnet.errors import DataError

BEGIN, END = "<!-- claims:begin -->", "<!-- claims:end -->"

SHORT = ["Claim", "Paper", "Ours", "95% interval", "n", "Verdict"]
SHARES = ("accuracy_", "robustness_", "bccd_", "sensitivity_", "ece_", "attention_")  # in ids of claims shown as percentages


def render_readme(text: str, claims: list[Claim]) -> str:
    """`text` with the block between the markers replaced by the short table of `claims`; raises DataError without
    the two markers.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise DataError(f"README.md: needs one line {BEGIN} and, below it, one line {END}, for the claims table")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    more = f"All {len(claims)} claims, with protocols: [results/claims.json](results/claims.json) and the book's page *All claims*."
    return f"{before}{BEGIN}\n{headline_table(claims)}\n\n{more}\n{END}{after}"


def headline_table(claims: list[Claim]) -> str:
    """Markdown table of the headline claims among `claims`; of the protocol only what it begins with."""
    return _markdown([[*SHORT, "Protocol"], *([*cells(claim), _begin(claim.protocol)] for claim in headline(claims))])


def claims_table(claims: list[Claim]) -> str:
    """Markdown table, one row per claim, the verdict linked to its evidence."""
    return _markdown([[*SHORT, "Protocol"], *([*cells(claim), claim.protocol] for claim in claims)])


def cells(claim: Claim) -> list[str]:
    """The cells of a claim's row, as in SHORT."""
    show = _share if any(part in claim.id for part in SHARES) else _number
    return [
        claim.claim,
        "not stated" if claim.paper is None else show(claim.paper),
        "not measured" if claim.ours is None else show(claim.ours),
        "" if claim.interval is None else f"{show(claim.interval[0])} to {show(claim.interval[1])}",
        "" if claim.n is None else f"{claim.n:,}",
        f"[{claim.verdict}]({claim.evidence})",
    ]


def _begin(protocol: str) -> str:
    return re.split("[,;]", protocol)[0]


def _markdown(rows: list[list[str]]) -> str:
    aligned = ["---" if name in ("Claim", "Verdict", "Protocol") else "---:" for name in rows[0]]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in [rows[0], aligned, *rows[1:]])


def _share(value: float) -> str:
    return f"{value:.2%}"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
