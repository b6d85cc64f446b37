"""The whole benchmark as one piece of evidence: sections that run one after the other, machine and load beside them."""

import importlib.metadata
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from neurallnet.config import ModelConfig
from neurallnet.errors import ConfigError
from neurallnet.evidence import machine
from neurallnet.fused import engine
from neurallnet.machine import resolve_precision, set_up
from neurallnet.model import NeurALLNet, parameter_count
from neurallnet.profiling import latency, peak, throughput
from neurallnet.profiling.energy import energy_report, who_wins
from neurallnet.profiling.memory import CASES, peak_memory
from neurallnet.profiling.steps import fresh
from neurallnet.profiling.timing import all_threads, torch_threads

COMPARED = ("snntorch", "spikingjelly", "onnx", "onnxruntime", "monai")


@dataclass(frozen=True)
class Plan:
    """How much is measured. budgets in seconds: no further round starts after them, once there are five."""

    batch: int = 64
    training_rounds: int = 15
    training_budget: float = 60.0
    growth_batch: int = 32
    steps: tuple[int, ...] = (1, 2, 4, 8)
    sizes: tuple[int, ...] = (32, 64, 96, 128, 192)
    batches: tuple[int, ...] = (4, 16, 64, 128)
    counts: tuple[int, ...] = (1000, 4000, 16000)
    growth_rounds: int = 7
    growth_budget: float = 20.0
    memory: tuple[str, ...] = tuple(case[0] for case in CASES)
    single_rounds: int = 100
    batch_rounds: int = 9
    latency_budget: float = 25.0
    peers: tuple[str, ...] = latency.PEERS
    peer_sizes: tuple[int, ...] | None = None  # None: ours, and 224
    training_size: int | None = None  # None: the network's input size
    products: tuple[int, ...] = (1024, 2048)
    copy_mebibytes: int = 128
    peak_rounds: int = 8
    energy_images: int = 128


QUICK = Plan(
    batch=8,
    training_rounds=5,
    training_budget=3.0,
    growth_batch=4,
    steps=(1, 2),
    sizes=(32, 48),
    batches=(2, 4),
    counts=(100, 400),
    growth_rounds=3,
    growth_budget=0.5,
    memory=(CASES[0][0],),
    single_rounds=10,
    batch_rounds=3,
    latency_budget=0.5,
    peers=latency.PEERS[:1],
    peer_sizes=(latency.PAPER_SIZE,),
    training_size=32,
    products=(512,),
    copy_mebibytes=16,
    peak_rounds=3,
    energy_images=8,
)


@dataclass(frozen=True)
class Subject:
    """What is measured: the network, its input size, and images (N, 3, H, W) it was trained for, if any, to count spikes on."""

    model: NeurALLNet
    size: int
    images: Tensor | None
    folder: Path
    plan: Plan
    progress: bool | None

    @property
    def config(self) -> ModelConfig:
        return self.model.config


def run_bench(
    model: NeurALLNet | None = None,
    *,
    image_size: int = 96,
    images: Tensor | None = None,
    sections: Iterable[str] | None = None,
    quick: bool = False,
    plan: Plan | None = None,
    folder: Path | None = None,
    progress: bool | None = None,
) -> dict[str, Any]:
    """Measure and return evidence ready for JSON.

    model: default, an untrained `base`; speed does not depend on weights, energy does. images: float in [0, 1], real ones the
    network was trained for; without them no spikes are counted. quick: a few seconds a section, to see that it works. folder: where
    exported networks are kept between calls (default: a temporary one). Raises ConfigError for an unknown section.
    """
    wanted = list(SECTIONS if sections is None else sections)
    if unknown := [name for name in wanted if name not in SECTIONS]:
        raise ConfigError(f"bench: section {unknown[0]!r} is unknown; choose from {', '.join(SECTIONS)}")
    began, load = time.perf_counter(), load_average()
    plan = plan or (QUICK if quick else Plan())
    model = (fresh(ModelConfig()) if model is None else model).eval()
    deterministic = torch.are_deterministic_algorithms_enabled()
    set_up()  # as in training: the same memory reuse and determinism for everything compared
    found: dict[str, Any] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="neurallnet-bench-") as temporary, torch_threads(all_threads()):
            subject = Subject(model, image_size, images, folder or Path(temporary), plan, progress)
            bar = tqdm(wanted, unit="section", disable=None if progress is None else not progress)
            for name in bar:
                bar.set_description(name)
                found[name] = SECTIONS[name](subject)
            described = describe_machine(load)
    finally:
        torch.use_deterministic_algorithms(deterministic)
    return {
        "quick": quick,
        "plan": asdict(plan),
        "model": {**asdict(model.config), "parameters": parameter_count(model), "image_size": image_size},
        "machine": described,
        "headline": headline(found),
        **found,
        "seconds": time.perf_counter() - began,
    }


def headline(found: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures the claims cite; None where they were not measured."""
    tables = found.get("latency", {}).get("tables", [])
    single = next((t for t in tables if t["batch"] == 1 and t["threads"] == 1), {"rows": [], "ratios": []})
    ratios = found.get("training", {}).get("ratios", [])
    models = {row["id"]: row["ratio"] for row in found.get("energy", {}).get("models", [])}
    gpu = found.get("latency", {}).get("gpu", [])
    return {
        "cpu_latency_ms": _value(single["rows"], "p50_ms", case=latency.ONNX),
        "gpu_latency_ms": _value(gpu, "p50_ms", batch=1),
        "speedup_vs_snntorch_float32": _value(ratios, "median", slow=throughput.SNNTORCH, fast=throughput.OURS),
        "speedup_vs_snntorch_bfloat16": _value(ratios, "median", slow=throughput.SNNTORCH, fast=throughput.OURS_BF16),
        "energy_ratio_optimistic": models.get("optimistic"),
        "energy_ratio_fair_twin": models.get("fair_twin"),
        "energy_ratio_fair_twin_skips_zeros": models.get("fair_twin_skips_zeros"),
    }


def describe_machine(load_before: list[float] | None) -> dict[str, Any]:
    """Processor, threads, precision, engine, versions, and the load average (1, 5, 15 minutes) before and now."""
    found = machine()
    found["versions"] |= {name: version_of(name) for name in COMPARED}
    return {
        **found,
        "engine": engine(),
        "precision_auto": resolve_precision("auto"),
        "load_before": load_before,
        "load_after": load_average(),
        "memory_reuse": "freed memory is kept by the process (as in training)",
        "deterministic": True,
    }


def version_of(package: str) -> str | None:
    """Installed version, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def load_average() -> list[float] | None:
    """Processes that wanted the processor in the last 1, 5 and 15 minutes, or None where the system does not say."""
    return list(os.getloadavg()) if hasattr(os, "getloadavg") else None


def _training(s: Subject) -> dict[str, Any]:
    p = s.plan
    size = p.training_size or s.size
    return throughput.training_throughput(s.config, size, p.batch, p.training_rounds, p.training_budget, s.progress)


def _growth(s: Subject) -> dict[str, Any]:
    p = s.plan
    size = p.training_size or s.size
    rows = throughput.growth(
        s.config,
        size,
        p.growth_batch,
        steps=p.steps,
        sizes=p.sizes,
        batches=p.batches,
        repeats=p.growth_rounds,
        budget=p.growth_budget,
        progress=s.progress,
    )
    rows += throughput.pipeline_growth(size, p.batch, p.counts, p.growth_rounds, s.progress)
    return {"image_size": size, "batch": p.growth_batch, "rows": rows}


def _memory(s: Subject) -> dict[str, Any]:
    return {"image_size": s.size, "batch": s.plan.batch, "rows": peak_memory(s.config, s.size, s.plan.batch, s.plan.memory)}


def _latency(s: Subject) -> dict[str, Any]:
    p = s.plan
    files, missing = latency.prepare(s.model, s.size, s.folder, p.peers, p.peer_sizes)
    tables = [
        latency.latency(
            s.model,
            s.size,
            files,
            missing,
            batch=batch,
            threads=threads,
            repeats=p.single_rounds if batch == 1 else p.batch_rounds,
            budget=p.latency_budget,
            progress=s.progress,
        )
        for batch in (1, p.batch)
        for threads in latency.thread_counts()
    ]
    return {"tables": tables, "gpu": latency.cuda_rows(s.model, s.size, (1, p.batch), p.single_rounds)}


def _peak(s: Subject) -> dict[str, Any]:
    p = s.plan
    products = peak.matmul_peak(p.products, p.peak_rounds, progress=s.progress)
    bandwidth = peak.copy_bandwidth(p.copy_mebibytes)
    rows = peak.achieved(s.config, s.size, p.batch, products, p.peak_rounds, p.training_budget, s.progress)
    return {
        "matmul": products,
        "copy_gbs": bandwidth,
        "achieved": rows,
        "limits": peak.limits(s.config, s.size, p.batch, rows, bandwidth),
    }


def _energy(s: Subject) -> dict[str, Any]:
    if s.images is None:
        return {"models": [], "not_measured": "spikes depend on weights and images: give a trained run (--run FOLDER)"}
    report = energy_report(s.model, s.images[: s.plan.energy_images])
    return {**report, "says": who_wins(report), "not_measured": None}


def _value(rows: Iterable[Mapping[str, Any]], key: str, **match: Any) -> Any:
    return next((row[key] for row in rows if all(row.get(k) == v for k, v in match.items())), None)


SECTIONS: dict[str, Callable[[Subject], dict[str, Any]]] = {
    "training": _training,
    "growth": _growth,
    "memory": _memory,
    "latency": _latency,
    "peak": _peak,
    "energy": _energy,
}
