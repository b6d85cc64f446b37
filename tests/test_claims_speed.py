"""Claims of speed, energy and size follow their evidence; what was not measured is not testable."""

import json

import pytest

from neurallnet.claims import build_claims


@pytest.fixture
def claims(tmp_path):
    def build(fair_twin: float = 0.8, **headline):
        values = {
            "cpu_latency_ms": 0.9,
            "gpu_latency_ms": None,
            "speedup_vs_snntorch_float32": 2.5,
            "bound_vs_snntorch_float32": 3.75,
            "energy_ratio_optimistic": 4.0,
        } | headline
        ratios_of_energy = {"fair_twin": fair_twin, "fair_twin_skips_zeros": 0.3}
        rows = [{"p50_ms": 0.9, "n": 50}]
        ratios = [{"fast": "ours, float32", "median": 2.5, "low": 2.0, "high": 3.0, "rounds": 7}]
        found = {
            "headline": values,
            "machine": {"cpu": "Abacus"},
            "latency": {"tables": [{"rows": rows}]},
            "training": {"ratios": ratios},
            "energy": {"models": [{"id": name, "ratio": ratio} for name, ratio in ratios_of_energy.items()]},
        }
        (tmp_path / "latency.json").write_text(json.dumps(found))
        arms = [
            {"arm": "narrow-0", "parameters": 60_000, "val_accuracy": 0.991, "n": 326},
            {"arm": "tiny-0", "parameters": 30_000, "val_accuracy": 0.97, "n": 326},
            {"arm": "base-0", "parameters": 290_000, "val_accuracy": 0.997, "n": 326},
        ]
        (tmp_path / "sweep.json").write_text(json.dumps({"arms": arms}))
        return {c.id: c for c in build_claims(tmp_path, tmp_path)}

    return build


def test_verdicts_follow_the_numbers(claims):
    found = claims()
    assert found["cpu_latency_ms"].verdict == "exceeded" and found["cpu_latency_ms"].n == 50
    assert "Abacus" in found["cpu_latency_ms"].protocol
    assert found["gpu_latency_ms"].ours is None and found["gpu_latency_ms"].verdict == "not testable here"
    speedup = found["training_speedup_vs_snntorch"]
    assert speedup.interval == (2.0, 3.0) and speedup.verdict == "not reproduced"
    assert "convolutions alone are 3.8 times as fast" in speedup.protocol
    assert found["energy_ratio_optimistic"].verdict == "reproduced"
    assert found["energy_ratio_fair_twin"].verdict == "not reproduced"
    skips, reuses = found["energy_ratio_fair_twin_skips_zeros"], found["energy_ratio_fair_twin_dense_reuse"]
    assert (skips.ours, skips.verdict) == (0.3, "not reproduced") and "that skips zeros" in skips.claim
    assert (reuses.ours, reuses.verdict) == (None, "not testable here"), "not measured"
    assert (found["smallest_model_99"].ours, found["smallest_model_99"].verdict) == (60_000, "reproduced")


def test_better_numbers_change_them(claims):
    found = claims(speedup_vs_snntorch_float32=6.0, fair_twin=1.2, cpu_latency_ms=500.0)
    assert found["training_speedup_vs_snntorch"].verdict == "reproduced"
    assert found["energy_ratio_fair_twin"].verdict == "reproduced"
    assert found["cpu_latency_ms"].verdict == "not reproduced"


def test_no_bound_is_named_where_none_was_measured(claims):
    assert "convolutions" not in claims(bound_vs_snntorch_float32=None)["training_speedup_vs_snntorch"].protocol
