"""What exported networks are worth, computed again from the published predictions of each form."""

from collections.abc import Mapping
from typing import Any

from neurallnet.errors import DataError
from neurallnet.exporting_study import FORMS, export_evidence, predictions_path
from neurallnet.verify.published import PublishedStudy

Payload = Mapping[str, Any]


def export(study: PublishedStudy, committed: Payload) -> Payload:
    """10: accuracy and agreement of each form; sizes of exported files and spikes are measured."""
    for arm, forms in FORMS.items():
        for path in (predictions_path(study.run(arm), form) for form in forms):
            if not path.exists():  # or it would be made, from images that verification does not read
                raise DataError(f"{path}: not published with its run; run notebook 10 and publish again")
    return export_evidence(study)
