"""How much of the machine is used: floating-point operations done, over the fastest matrix multiplication measured here.

Operations are counted as torch executes them (`FlopCounterMode`: convolutions and matrix products, forward and backward, two
per multiply-accumulate); elementwise work counts as none, so the rest of the share is what it and memory take.
"""

import os
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from neurallnet.config import ModelConfig
from neurallnet.machine import resolve_precision
from neurallnet.profiling.steps import fresh, inference, random_images, training_step
from neurallnet.profiling.timing import Case, all_threads, alternate

# Profiler events by what they do; the first group whose pattern an event's name contains takes it.
GROUPS = (
    ("convolution", ("convolution", "mkldnn_conv", "slow_conv")),
    ("neurons (LIF, all time steps)", ("_Lif",)),
    ("moments for normalization and SE", ("_Moments",)),
    ("optimizer", ("Optimizer", "_foreach")),
    ("copies and conversions", ("copy_", "clone", "contiguous", "_to_copy", "aten::to", "fill_", "zero_", "empty")),
    ("SE, read-out and loss", ("linear", "addmm", "aten::mm", "sigmoid", "softmax", "nll_loss", "relu", "threshold")),
)
REST = "other"


def native_precisions() -> tuple[str, ...]:
    """What this processor multiplies itself; bfloat16 elsewhere is emulated, takes minutes and is nobody's peak."""
    return tuple(dict.fromkeys(("float32", resolve_precision("auto"))))


def matmul_peak(
    sizes: tuple[int, ...] = (1024, 2048), repeats: int = 8, budget: float | None = None, progress: bool | None = None
) -> list[dict[str, Any]]:
    """Rows: precision, threads, gflops: the best of some square matrix products, and size that gave it."""
    rows = []
    for threads in sorted({1, all_threads()}):
        for name in native_precisions():
            dtype = getattr(torch, name)
            cases = {}
            for size in sizes:
                a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
                cases[str(size)] = Case(lambda a=a, b=b: torch.mm(a, b), threads)
            table = alternate(cases, repeats, warmup=1, progress=progress, budget=budget)
            speed = {size: 2 * size**3 / table[str(size)].min() / 1e9 for size in sizes}
            best = max(speed, key=lambda size: speed[size])
            rows.append({"precision": name, "threads": threads, "gflops": speed[best], "size": best})
    return rows


def copy_bandwidth(mebibytes: int = 128, repeats: int = 7) -> dict[str, float]:
    """GB/s read plus written by a copy far larger than the caches, on one thread and on all: the roof of elementwise work."""
    source = torch.zeros(mebibytes * 2**18)
    target = torch.empty_like(source)
    cases = {str(n): Case(lambda: target.copy_(source), n) for n in sorted({1, all_threads()})}
    table = alternate(cases, repeats, warmup=1, progress=False)
    return {threads: 2 * source.nbytes / table[threads].min() / 1e9 for threads in table}


def flops(run: Callable[[], Any]) -> int:
    """Floating-point operations of convolutions and matrix products that `run` executes in torch."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def achieved(
    config: ModelConfig,
    size: int,
    batch: int,
    peak: list[dict[str, Any]],
    repeats: int = 7,
    budget: float | None = None,
    progress: bool | None = None,
) -> list[dict[str, Any]]:
    """Rows: work, precision, threads, p50_ms, gflop (of one call), gflops (a second), share of the peak of that precision."""
    images, one = random_images(batch, size), random_images(1, size)
    count = all_threads()
    work = {
        "training": (count, {p: training_step(fresh(config), images, p) for p in native_precisions()}),
        f"inference, batch {batch}": (count, {p: inference(fresh(config), images, p) for p in native_precisions()}),
        "inference, batch 1": (1, {p: inference(fresh(config), one, p) for p in native_precisions()}),
    }
    named = {(name, p): Case(run, n) for name, (n, runs) in work.items() for p, run in runs.items()}
    table = alternate({f"{name}|{p}": case for (name, p), case in named.items()}, repeats, 2, progress, budget)
    rows = []
    for (name, precision), case in named.items():
        seconds, done = table[f"{name}|{precision}"].median(), flops(case.run)
        roof = next(r["gflops"] for r in peak if r["precision"] == precision and r["threads"] == case.threads)
        rows.append(
            {
                "work": name,
                "precision": precision,
                "threads": case.threads,
                "p50_ms": seconds * 1e3,
                "gflop": done / 1e9,
                "gflops": done / seconds / 1e9,
                "peak_gflops": roof,
                "share": done / seconds / 1e9 / roof,
            }
        )
    return rows


def breakdown(run: Callable[[], Any], calls: int = 3) -> dict[str, float]:
    """Share of the processor's time that each group of operations takes in `run`, by torch's profiler; adds up to 1."""
    run()
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler's library writes to the terminal otherwise
    with torch.autograd.profiler.profile(use_kineto=False) as profile:
        for _ in range(calls):
            run()
    groups = {name: 0.0 for name, _ in GROUPS} | {REST: 0.0}
    for event in profile.key_averages():
        name = next((g for g, patterns in GROUPS if any(p in event.key for p in patterns)), REST)
        groups[name] += event.self_cpu_time_total
    total = sum(groups.values())
    return {name: spent / total for name, spent in groups.items()} if total else groups


def neuron_traffic(config: ModelConfig, size: int, batch: int, itemsize: int, training: bool) -> int:
    """Bytes the neurons' passes must move: currents in, spikes out; in training also backward, with the moments' passes."""
    total, side = 0, size
    for index, channels in enumerate(config.channels):
        side = (side + 1) // 2
        pixels = side * side * channels * batch
        current, spikes = (1 if index == 0 else config.time_steps) * pixels, config.time_steps * pixels
        forward = 2 * current + spikes  # the moments read the current once more
        backward = (2 * current + spikes) + 3 * current  # LIF: x, g_spikes, g_x; moments: x, and g_x read and written
        total += (forward + (backward if training else 0)) * itemsize
    return total


def limits(
    config: ModelConfig, size: int, batch: int, rows: list[dict[str, Any]], bandwidth: dict[str, float]
) -> list[dict[str, Any]]:
    """Where the time of training and of large-batch inference goes, and how near each part is to its roof.

    Rows: work, precision, shares (by group), convolution_share_of_peak (while convolving), neuron_gbs (bytes the neurons must
    move over the time they take), copy_gbs (roof), says: one sentence.
    """
    found = []
    for row in rows:
        if row["work"] == "inference, batch 1":
            continue
        training = row["work"] == "training"
        images = random_images(batch, size)
        run = (training_step if training else inference)(fresh(config), images, row["precision"])
        shares = breakdown(run)
        seconds = row["p50_ms"] / 1e3
        convolving = shares["convolution"]
        passes = shares[GROUPS[1][0]] + shares[GROUPS[2][0]]
        moved = neuron_traffic(config, size, batch, 2 if row["precision"] == "bfloat16" else 4, training)
        roof = bandwidth[str(row["threads"])]
        result = {
            "work": row["work"],
            "precision": row["precision"],
            "shares": shares,
            "convolution_share_of_peak": row["share"] / convolving if convolving else None,
            "neuron_gbs": moved / (passes * seconds) / 1e9 if passes else None,
            "copy_gbs": roof,
        }
        found.append({**result, "says": _sentence(result, row["share"])})
    return found


def _sentence(found: dict[str, Any], share: float) -> str:
    shares = found["shares"]
    rest = sorted(((s, name) for name, s in shares.items() if name != "convolution"), reverse=True)[:2]
    others = " and ".join(f"{name} {s:.0%}" for s, name in rest)
    inside, speed = found["convolution_share_of_peak"], found["neuron_gbs"]
    text = f"{found['work']} in {found['precision']} runs at {share:.0%} of the matrix-multiply peak: convolutions take "
    text += f"{shares['convolution']:.0%} of the time" + (f" and run at {inside:.0%} of it" if inside else "")
    text += f"; the largest other parts are {others}"
    if speed is not None:
        text += f"; the neurons' passes move {speed:.1f} GB/s where a plain copy moves {found['copy_gbs']:.1f}"
    return text + "."
