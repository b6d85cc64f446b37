"""The claims table of the README, between two markers; everything else in the file stays as it was
written.
"""

from neurallnet.claims.claim import Claim
from neurallnet.errors import DataError

BEGIN, END = "<!-- claims:begin -->", "<!-- claims:end -->"

HEADER = ["Claim", "Paper", "Ours", "95% interval", "n", "Verdict", "Protocol"]
SHARES = ("primary_accuracy_",)  # ids of claims shown as percentages begin like this


def render_readme(text: str, claims: list[Claim]) -> str:
    """`text` with the block between the markers replaced by the table of `claims`; raises DataError without
    the two markers.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise DataError(f"README.md: needs one line {BEGIN} and, below it, one line {END}, for the claims table")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return f"{before}{BEGIN}\n{claims_table(claims)}\n{END}{after}"


def claims_table(claims: list[Claim]) -> str:
    """Markdown table, one row per claim, the verdict linked to its evidence."""
    rows = [HEADER, ["---", "---:", "---:", "---:", "---:", "---", "---"]]
    for claim in claims:
        show = _share if claim.id.startswith(SHARES) else _number
        rows.append(
            [
                claim.claim,
                "not stated" if claim.paper is None else show(claim.paper),
                "not measured" if claim.ours is None else show(claim.ours),
                "" if claim.interval is None else f"{show(claim.interval[0])} to {show(claim.interval[1])}",
                "" if claim.n is None else f"{claim.n:,}",
                f"[{claim.verdict}]({claim.evidence})",
                claim.protocol,
            ]
        )
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def _share(value: float) -> str:
    return f"{value:.2%}"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
