"""Timing that compares like with like: the cases take turns within one run, so that a busy neighbour slows all of them.

    for each round:  case 1, case 2, ..., case n,  each timed once

A number from one run and a number from another differ by the weather of the machine; a ratio within a round does not.

>>> table = alternate({"fast": lambda: None, "slow": lambda: sum(range(1000))}, repeats=5, warmup=1, progress=False)
>>> list(table.columns), len(table)
(['fast', 'slow'], 5)
>>> ratio(table, "slow", "fast").median > 1
True
"""

import contextlib
import gc
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from neurallnet.errors import ConfigError

MIN_ROUNDS = 5  # what a time budget never cuts below: a spread of fewer says nothing


@dataclass(frozen=True)
class Case:
    """What is timed: `run`, with torch on `threads` threads (None: as they are) and `lead_in` untimed calls before each
    timed one, which bring back its own data after another case had the caches.
    """

    run: Callable[[], Any]
    threads: int | None = None
    lead_in: int = 0


@dataclass(frozen=True)
class Ratio:
    """Time of one case over time of another, round by round: median, and the 5th and 95th percentile of the rounds."""

    median: float
    low: float
    high: float
    rounds: int

    def to_dict(self) -> dict[str, float | int]:
        return asdict(self)


@contextlib.contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Run torch (and the compiled neuron, which shares its OpenMP threads) on `count` threads; restores what was there."""
    before = torch.get_num_threads()
    if count is None or count == before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def alternate(
    cases: Mapping[str, Callable[[], Any] | Case],
    repeats: int = 20,
    warmup: int = 3,
    progress: bool | None = None,
    budget: float | None = None,
) -> pd.DataFrame:
    """Seconds of each case: a row per round, a column per case, the cases in turn within a round.

    warmup: rounds that burn in and are thrown away. budget: seconds after which no further round starts, once there are
    `MIN_ROUNDS`. Garbage is collected before a round, not in it. Raises ConfigError without a case or a round.
    """
    if not cases or repeats < 1 or warmup < 0:
        raise ConfigError(f"benchmark: {len(cases)} cases, {repeats} rounds, {warmup} burn-in rounds; give at least 1, 1 and 0")
    wanted = {name: case if isinstance(case, Case) else Case(case) for name, case in cases.items()}
    for _ in range(warmup):
        for case in wanted.values():
            _time(case)
    rows: list[dict[str, float]] = []
    began = time.perf_counter()
    collecting = gc.isenabled()
    for _ in tqdm(range(repeats), unit="round", leave=False, disable=None if progress is None else not progress):
        if budget is not None and len(rows) >= min(MIN_ROUNDS, repeats) and time.perf_counter() - began > budget:
            break
        gc.collect()
        gc.disable()
        try:
            rows.append({name: _time(case) for name, case in wanted.items()})
        finally:
            if collecting:
                gc.enable()
    return pd.DataFrame(rows, columns=list(wanted)).rename_axis("round")


def _time(case: Case) -> float:
    with torch_threads(case.threads):
        for _ in range(case.lead_in):
            case.run()
        began = time.perf_counter()
        case.run()
        return time.perf_counter() - began


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """A row per case: p50_ms, p95_ms, min_ms, and n, the number of rounds."""
    milliseconds = table * 1e3
    rows = {
        "p50_ms": milliseconds.median(),
        "p95_ms": milliseconds.quantile(0.95),
        "min_ms": milliseconds.min(),
        "n": milliseconds.count(),
    }
    return pd.DataFrame(rows).rename_axis("case").reset_index()


def ratio(table: pd.DataFrame, a: str, b: str) -> Ratio:
    """How many times longer `a` took than `b`, with the spread over rounds; raises ConfigError for an unknown case."""
    if missing := [name for name in (a, b) if name not in table.columns]:
        raise ConfigError(f"benchmark: no case {missing[0]!r}; there are {', '.join(table.columns)}")
    each = (table[a] / table[b]).to_numpy()
    low, median, high = np.percentile(each, [5, 50, 95])
    return Ratio(float(median), float(low), float(high), len(each))


def all_threads() -> int:
    """Processors this process may use; fewer when OMP_NUM_THREADS says so."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(there, int(asked)) if asked.isdigit() and int(asked) else there
