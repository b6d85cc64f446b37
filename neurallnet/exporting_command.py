"""`neurallnet export`: which network, to which file, and what is said about it."""

import sys
from pathlib import Path

from neurallnet.exporting import export_model, format_of
from neurallnet.exporting_calibration import calibration_images
from neurallnet.paths import workspace
from neurallnet.pretrained import NOTICE, load_pretrained, load_run_model
from neurallnet.runs import open_run


def export(
    out: Path,
    form: str | None = None,
    run: Path | None = None,
    details: bool = False,
    data: Path | None = None,
    work: Path | None = None,
) -> None:
    """Write the network of `run` (default: the weights shipped with the package) to `out` and print what was written.

    Raises ConfigError, DataError, RunError.
    """
    form = format_of(out, form)
    bundle = load_pretrained() if run is None else load_run_model(run)
    calibration = None
    if form == "onnx-int8":
        place = workspace(work, "full") if run is None else workspace(work or open_run(run).home)
        calibration = calibration_images(bundle.card, place, data)
        if calibration.warning:
            print(f"warning: {calibration.warning}", file=sys.stderr)
    written = export_model(
        bundle.model, out, form, bundle.image_size, classes=bundle.classes, calibration=calibration, details=details
    )
    print(f"file: {written.path} ({written.form}, {written.size:,} bytes)")
    print(f"network: {bundle.name}, {bundle.card['parameters']:,} parameters")
    print(f"outputs: {', '.join(written.outputs)}")
    if calibration is not None:
        print(f"calibration: {calibration.told}")
    print(f"agreement: {written.agreement}")
    print(NOTICE)
