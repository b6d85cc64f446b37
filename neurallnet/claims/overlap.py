"""Is the paper's external set another set? audit.json."""

from neurallnet.claims.claim import Claim
from neurallnet.claims.speed import Evidence

FILE = "audit.json"
PROBE = "external_probe"


def external_overlap(evidence: Evidence) -> Claim:
    found = evidence[FILE]["overlap"][PROBE]
    return Claim(
        id="external_overlap_found",
        claim="Pictures of the paper's external set that are pictures of the primary set at another resolution",
        paper=None,
        ours=found["verdicts"]["same image"],
        interval=None,
        n=found["images"],
        protocol=f"local features on one affine map, {found['fewest_inliers']} or more inliers; share 95% "
        f"[{found['share_low']:.3f}, {found['share_high']:.3f}] over images, which were not drawn at random",
        verdict="not testable here",
        evidence=evidence.path(FILE),
    )


BUILDERS = {"external_overlap_found": external_overlap}
