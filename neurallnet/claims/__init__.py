"""The paper's claims and ours beside the evidence, each with a verdict; a pure function of the evidence
files.
"""

from neurallnet.claims.claim import Claim, Verdict
from neurallnet.claims.readme import claims_table, render_readme
from neurallnet.claims.registry import build_claims, claims_text, write_claims

__all__ = ["Claim", "Verdict", "build_claims", "claims_table", "claims_text", "render_readme", "write_claims"]
