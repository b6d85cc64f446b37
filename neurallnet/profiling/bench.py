"""The whole benchmark as one piece of evidence: sections that run one after the other, machine and load beside them."""

import importlib.metadata
import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
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
from neurallnet.profiling import latency, throughput
from neurallnet.profiling.plan import QUICK, Plan
from neurallnet.profiling.sections import SECTIONS, Subject
from neurallnet.profiling.steps import fresh
from neurallnet.profiling.timing import all_threads, torch_threads

COMPARED = ("snntorch", "spikingjelly", "onnx", "onnxruntime", "monai")


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
        "shipped": asdict(latency.shipped_settings()),
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
        "bound_vs_snntorch_float32": _value(ratios, "median", slow=throughput.SNNTORCH, fast=throughput.FLOOR),
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


def _value(rows: Iterable[Mapping[str, Any]], key: str, **match: Any) -> Any:
    return next((row[key] for row in rows if all(row.get(k) == v for k, v in match.items())), None)
