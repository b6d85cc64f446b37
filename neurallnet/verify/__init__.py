"""Do the published results follow from what is published with them? Recomputed without images and without training."""

from neurallnet.verify.check import Check
from neurallnet.verify.command import command, verify_results
from neurallnet.verify.registry import MEASURED, RECOMPUTE

__all__ = ["MEASURED", "RECOMPUTE", "Check", "command", "verify_results"]
