"""Statistics of a predictions table: pure functions, no network, no images."""

from neurallnet.evaluation.calibration import (
    calibration,
    expected_calibration_error,
    fit_temperature,
    reliability,
)
from neurallnet.evaluation.intervals import (
    Interval,
    bootstrap_interval,
    cluster_interval,
    wilson_interval,
)
from neurallnet.evaluation.metrics import metrics, screening, screening_threshold
from neurallnet.evaluation.paired import (
    Difference,
    McNemar,
    holm,
    mcnemar_exact,
    paired_cluster_difference,
    paired_correctness,
)
from neurallnet.evaluation.predictions import (
    build_predictions,
    check_predictions,
    correctness,
    groups_of,
    predictions_digest,
    probabilities,
    read_predictions,
    select_fold,
    write_predictions,
)
from neurallnet.evaluation.selective import aurc, risk_coverage

__all__ = [
    "Difference",
    "Interval",
    "McNemar",
    "aurc",
    "bootstrap_interval",
    "build_predictions",
    "calibration",
    "check_predictions",
    "cluster_interval",
    "correctness",
    "expected_calibration_error",
    "fit_temperature",
    "groups_of",
    "holm",
    "mcnemar_exact",
    "metrics",
    "paired_cluster_difference",
    "paired_correctness",
    "predictions_digest",
    "probabilities",
    "read_predictions",
    "reliability",
    "risk_coverage",
    "screening",
    "screening_threshold",
    "select_fold",
    "wilson_interval",
    "write_predictions",
]
