"""Claims about speed, energy and size, from latency.json and sweep.json. Spreads are of rounds, not confidence intervals."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

from neurallnet.claims import paper
from neurallnet.claims.claim import Claim, Verdict, verdict_at_most

SPEEDUP_AIM = 5.0  # times as fast as the same network as a loop over snntorch.Leaky, both in float32
COMPACT_BELOW, COMPACT_ACCURACY = 100_000, 0.99


class Evidence(Protocol):
    def __getitem__(self, name: str) -> dict[str, Any]: ...

    def path(self, name: str) -> str: ...


def cpu_latency(evidence: Evidence) -> Claim:
    found = evidence["latency.json"]
    ours, stated = found["headline"]["cpu_latency_ms"], paper.CPU_LATENCY_MS
    row = _row(found["latency"]["tables"], ours)
    return Claim(
        id="cpu_latency_ms",
        claim="One image on a CPU, milliseconds",
        paper=stated,
        ours=ours,
        interval=None,
        n=row.get("n"),
        protocol=f"single network in onnxruntime, batch 1, one thread of {found['machine']['cpu']}, median; "
        "another machine than the paper's",
        verdict="not testable here" if ours is None else ("exceeded" if ours < stated else "not reproduced"),
        evidence=evidence.path("latency.json"),
    )


def gpu_latency(evidence: Evidence) -> Claim:
    ours = evidence["latency.json"]["headline"]["gpu_latency_ms"]
    return Claim(
        id="gpu_latency_ms",
        claim="One image on a GPU, milliseconds",
        paper=paper.GPU_LATENCY_MS,
        ours=ours,
        interval=None,
        n=None,
        protocol="not measured: no CUDA device" if ours is None else "batch 1, median",
        verdict=verdict_at_most(ours, paper.GPU_LATENCY_MS),
        evidence=evidence.path("latency.json"),
    )


def training_speedup(evidence: Evidence) -> Claim:
    found = evidence["latency.json"]
    ours = found["headline"]["speedup_vs_snntorch_float32"]
    ratios = found.get("training", {}).get("ratios", [])
    row: Mapping[str, Any] = next((r for r in ratios if r["median"] == ours), {})
    bound = found["headline"].get("bound_vs_snntorch_float32")
    said = "; torch's convolutions alone are {:.1f} times as fast as the loop, and no engine on them can be faster"
    limit = said.format(bound) if bound else ""
    return Claim(
        id="training_speedup_vs_snntorch",
        claim=f"Training speed against a loop over snntorch.Leaky (our aim: {SPEEDUP_AIM:g} times)",
        paper=None,
        ours=ours,
        interval=(row["low"], row["high"]) if row else None,
        n=row.get("rounds"),
        protocol=f"single network, same batch, float32, rounds alternated on {found['machine']['cpu']}; 5% to 95% of rounds{limit}",
        verdict=_at_least(ours, SPEEDUP_AIM),
        evidence=evidence.path("latency.json"),
    )


def energy_optimistic(evidence: Evidence) -> Claim:
    ours = evidence["latency.json"]["headline"]["energy_ratio_optimistic"]
    return Claim(
        id="energy_ratio_optimistic",
        claim="Energy of a dense twin over ours, arithmetic only (above 1: the spiking network saves)",
        paper=None,
        ours=ours,
        interval=None,
        n=None,
        protocol="single network; 45 nm arithmetic, float32 MAC 4.6 pJ, accumulate 0.9 pJ, no memory traffic; validation images",
        verdict=_at_least(ours, 1.0),
        evidence=evidence.path("latency.json"),
    )


# what the quantized dense twin does, by energy model: the claim's id ends alike
FAIR_TWINS = {
    "fair_twin": "neither skips zeros nor reuses data",
    "fair_twin_skips_zeros": "skips zeros as the spiking network does",
    "fair_twin_dense_reuse": "reuses weights and inputs",
}


def energy_fair_twin(evidence: Evidence, model: str) -> Claim:
    models = evidence["latency.json"]["energy"].get("models", ())  # none where energy was not measured
    ours = next((row["ratio"] for row in models if row["id"] == model), None)
    return Claim(
        id=f"energy_ratio_{model}",
        claim=f"Energy of a quantized dense twin that {FAIR_TWINS[model]} over ours, with memory (above 1: ours saves)",
        paper=None,
        ours=ours,
        interval=None,
        n=None,
        protocol="single network; dense twin with ceil(log2(T+1))-bit activations, memory traffic in both; validation images",
        verdict=_at_least(ours, 1.0),
        evidence=evidence.path("latency.json"),
    )


def smallest_model(evidence: Evidence) -> Claim:
    rows = [
        row
        for row in evidence["sweep.json"]["arms"]
        if row["parameters"] < COMPACT_BELOW and row["val_accuracy"] >= COMPACT_ACCURACY
    ]
    best: Mapping[str, Any] = min(rows, key=lambda row: row["parameters"], default={})
    name = f"arm {best['arm']}, " if best else "none of the arms; "
    return Claim(
        id="smallest_model_99",
        claim="Parameters of the smallest network that keeps 99% on validation images (our aim: below 100,000)",
        paper=None,
        ours=best.get("parameters"),
        interval=None,
        n=best.get("n"),
        protocol=f"{name}random split, one seed, chosen on validation images",
        verdict="reproduced" if best else "not reproduced",
        evidence=evidence.path("sweep.json"),
    )


def _at_least(ours: float | None, aim: float) -> Verdict:
    if ours is None:
        return "not testable here"
    return "reproduced" if ours >= aim else "not reproduced"


def _row(tables: list[dict[str, Any]], p50: float | None) -> Mapping[str, Any]:
    return next((row for table in tables for row in table["rows"] if row["p50_ms"] == p50), {})


BUILDERS = {
    "cpu_latency_ms": cpu_latency,
    "gpu_latency_ms": gpu_latency,
    "training_speedup_vs_snntorch": training_speedup,
    "energy_ratio_optimistic": energy_optimistic,
    **{f"energy_ratio_{model}": partial(energy_fair_twin, model=model) for model in FAIR_TWINS},
    "smallest_model_99": smallest_model,
}
