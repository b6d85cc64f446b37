"""Timing: cases take turns, burn-in is dropped, threads come back, ratios are taken within a round."""

import time

import pandas as pd
import pytest
import torch

from neurallnet.errors import ConfigError
from neurallnet.profiling import Case, alternate, ratio, summary
from neurallnet.profiling.timing import MIN_ROUNDS, all_threads, torch_threads


def test_cases_take_turns_and_burn_in_is_dropped():
    calls = []
    cases = {name: lambda name=name: calls.append(name) for name in "abc"}
    table = alternate(cases, repeats=4, warmup=2, progress=False)
    assert calls == list("abc") * 6
    assert list(table.columns) == list("abc") and len(table) == 4
    assert (table >= 0).all().all()


def test_lead_in_calls_are_not_timed():
    pauses = iter([0.02, 0.0])
    table = alternate({"a": Case(lambda: time.sleep(next(pauses)), lead_in=1)}, repeats=1, warmup=0, progress=False)
    assert table["a"].item() < 0.015


def test_budget_stops_after_the_least_number_of_rounds():
    table = alternate({"a": lambda: time.sleep(0.002)}, repeats=1000, warmup=0, budget=0.0, progress=False)
    assert len(table) == MIN_ROUNDS
    assert len(alternate({"a": lambda: None}, repeats=2, warmup=0, budget=0.0, progress=False)) == 2


def test_threads_are_set_per_case_and_restored_even_after_an_error():
    before, seen = torch.get_num_threads(), {}
    cases = {
        "one": Case(lambda: seen.update(one=torch.get_num_threads()), 1),
        "two": Case(lambda: seen.update(two=torch.get_num_threads()), 2),
        "as it is": lambda: seen.update(same=torch.get_num_threads()),
    }
    alternate(cases, repeats=1, warmup=0, progress=False)
    assert seen == {"one": 1, "two": 2, "same": before}
    with pytest.raises(ZeroDivisionError), torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        1 / 0  # noqa: B018
    assert torch.get_num_threads() == before


def test_summary_and_ratio_of_known_times():
    table = pd.DataFrame({"slow": [2.0, 4.0, 6.0], "fast": [1.0, 1.0, 1.0]})
    rows = summary(table).set_index("case")
    assert rows.loc["slow", "p50_ms"] == 4000 and rows.loc["slow", "min_ms"] == 2000 and rows.loc["slow", "n"] == 3
    assert rows.loc["slow", "p95_ms"] == pytest.approx(5800)
    found = ratio(table, "slow", "fast")
    assert (found.median, found.rounds) == (4.0, 3)
    assert (found.low, found.high) == pytest.approx((2.2, 5.8))


def test_ratio_is_of_rounds_not_of_medians():
    """A neighbour that slows one whole round down does not touch the ratio."""
    table = pd.DataFrame({"slow": [2.0, 20.0, 2.0], "fast": [1.0, 10.0, 1.0]})
    found = ratio(table, "slow", "fast")
    assert found.low == found.median == found.high == 2.0


def test_what_cannot_be_timed_is_refused():
    with pytest.raises(ConfigError, match="0 cases"):
        alternate({})
    with pytest.raises(ConfigError, match="0 rounds"):
        alternate({"a": lambda: None}, repeats=0)
    with pytest.raises(ConfigError, match="no case 'b'; there are a"):
        ratio(pd.DataFrame({"a": [1.0]}), "a", "b")


def test_threads_follow_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert all_threads() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert all_threads() >= 1
