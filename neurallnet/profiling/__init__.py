"""Speed, memory and energy: what the network costs, measured beside what a user would pick instead."""

from neurallnet.profiling.bench import run_bench
from neurallnet.profiling.counting import count_operations
from neurallnet.profiling.energy import energy_report
from neurallnet.profiling.layers import LayerCount, layer_table
from neurallnet.profiling.plan import Plan
from neurallnet.profiling.timing import Case, Ratio, alternate, ratio, summary
from neurallnet.profiling.verdict import who_wins

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
