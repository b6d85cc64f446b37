"""How a network holds up when pictures get worse: corruptions in five severities, accuracy curves, mCE."""

from neurallnet.robustness.beside import robustness_beside
from neurallnet.robustness.corruptions import (
    CORRUPTIONS,
    PAPER_SIX,
    SEVERITIES,
    Corruption,
    corrupt,
    severity_table,
)
from neurallnet.robustness.drops import corruption_drops
from neurallnet.robustness.mce import MeanCorruptionError, mean_corruption_error
from neurallnet.robustness.seen import seen_in_training
from neurallnet.robustness.tables import (
    corrupted_predictions,
    each_corruption,
    read_corrupted,
    robustness_curves,
    robustness_table,
    summarize_corrupted,
    write_corrupted,
)

__all__ = [
    "CORRUPTIONS",
    "PAPER_SIX",
    "SEVERITIES",
    "Corruption",
    "MeanCorruptionError",
    "corrupt",
    "corrupted_predictions",
    "corruption_drops",
    "each_corruption",
    "mean_corruption_error",
    "read_corrupted",
    "robustness_beside",
    "robustness_curves",
    "robustness_table",
    "seen_in_training",
    "severity_table",
    "summarize_corrupted",
    "write_corrupted",
]
