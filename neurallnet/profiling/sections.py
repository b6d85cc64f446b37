"""The sections of the benchmark: each takes the subject and returns its part of the evidence."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from neurallnet.config import ModelConfig
from neurallnet.model import NeurALLNet
from neurallnet.profiling import latency, peak, throughput
from neurallnet.profiling.energy import energy_report
from neurallnet.profiling.memory import peak_memory
from neurallnet.profiling.plan import Plan
from neurallnet.profiling.verdict import who_wins


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
        for threads in latency.thread_counts()[: None if p.every_thread_count else 1]
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


SECTIONS: dict[str, Callable[[Subject], dict[str, Any]]] = {
    "training": _training,
    "growth": _growth,
    "memory": _memory,
    "latency": _latency,
    "peak": _peak,
    "energy": _energy,
}
