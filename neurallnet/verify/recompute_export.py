"""What exported networks are worth, computed again from the published predictions of each form."""

from collections.abc import Mapping
from typing import Any

from neurallnet.exporting_study import export_evidence
from neurallnet.verify.published import PublishedStudy

Payload = Mapping[str, Any]


def export(study: PublishedStudy, committed: Payload) -> Payload:
    """10: accuracy and agreement of each form; sizes of exported files and spikes are measured."""
    return export_evidence(study)
