"""The paper's claims and ours beside the evidence, each with a verdict; a pure function of the evidence
files.
"""

from neurallnet.claims.claim import Claim, Verdict
from neurallnet.claims.readme import claims_table, headline_table, render_readme
from neurallnet.claims.registry import HEADLINE, build_claims, claims_text, headline, write_claims

__all__ = [
    "HEADLINE",
    "Claim",
    "Verdict",
    "build_claims",
    "claims_table",
    "claims_text",
    "headline",
    "headline_table",
    "render_readme",
    "write_claims",
]
