"""Speed, memory and energy: what the network costs, measured beside what a user would pick instead."""

from neurallnet.profiling.bench import Plan, run_bench
from neurallnet.profiling.counting import LayerCount, count_operations, layer_table
from neurallnet.profiling.energy import energy_report, who_wins
from neurallnet.profiling.timing import Case, Ratio, alternate, ratio, summary

__all__ = [
    "Case",
    "LayerCount",
    "Plan",
    "Ratio",
    "alternate",
    "count_operations",
    "energy_report",
    "layer_table",
    "ratio",
    "run_bench",
    "summary",
    "who_wins",
]
