"""Training speed: our engine against the same network written as people write it, and how the cost grows.

The same layers, time steps, batch, optimizer and images; one step is forward, loss, backward and optimizer. Augmentation is
left out: it would be the same for all.
"""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neurallnet.augment import augment
from neurallnet.config import AugmentConfig, ModelConfig
from neurallnet.errors import ConfigError
from neurallnet.profiling.floor import ConvolutionsAlone
from neurallnet.profiling.rows import comparison, lacking, measured, not_measured
from neurallnet.profiling.spikingjelly_twin import SpikingJellyTwin
from neurallnet.profiling.steps import fresh, random_images, training_step, without_engine
from neurallnet.profiling.timing import alternate
from neurallnet.training import Examples

OURS, OURS_BF16 = "ours, float32", "ours, bfloat16"
OURS_TORCH = "ours, torch alone, float32"  # without the compiled neuron
SNNTORCH, SNNTORCH_BF16 = "snntorch.Leaky loop, float32", "snntorch.Leaky loop, bfloat16"
SPIKINGJELLY = "SpikingJelly, float32"  # in multi-step mode
FLOOR = "the convolutions alone, float32"  # what no engine can leave out


def training_throughput(
    config: ModelConfig, size: int, batch: int, repeats: int, budget: float | None = None, progress: bool | None = None
) -> dict[str, Any]:
    """Images per second in training of each implementation, and ours against each with the spread over rounds."""
    images = random_images(batch, size)
    cases: dict[str, Callable[[], None]] = {
        OURS: training_step(fresh(config), images),
        OURS_BF16: training_step(fresh(config), images, "bfloat16"),
        OURS_TORCH: without_engine(training_step(fresh(config), images)),
        FLOOR: training_step(ConvolutionsAlone(fresh(config)), images),
    }
    missing = []
    if reason := lacking("snntorch"):
        missing += [not_measured(case, reason) for case in (SNNTORCH, SNNTORCH_BF16)]
    else:
        cases[SNNTORCH] = training_step(snntorch_network(config), images)
        cases[SNNTORCH_BF16] = training_step(snntorch_network(config), images, "bfloat16")
    try:
        cases[SPIKINGJELLY] = training_step(SpikingJellyTwin(fresh(config)), images)
    except ConfigError as error:
        missing.append(not_measured(SPIKINGJELLY, str(error)))
    table = alternate(cases, repeats, warmup=2, progress=progress, budget=budget)
    pairs = [(slow, fast) for fast in (OURS, OURS_BF16) for slow in (SNNTORCH, SNNTORCH_BF16, SPIKINGJELLY, OURS_TORCH, OURS)]
    pairs.append((SNNTORCH, FLOOR))
    return {
        "image_size": size,
        "batch": batch,
        "threads": torch.get_num_threads(),
        "rows": measured(table, batch) + missing,
        "ratios": [comparison(table, slow, fast) for slow, fast in pairs if slow in table and slow != fast],
    }


def growth(
    config: ModelConfig,
    size: int,
    batch: int,
    *,
    steps: Iterable[int] = (1, 2, 4, 8),
    sizes: Iterable[int] = (32, 64, 96, 128, 192),
    batches: Iterable[int] = (4, 16, 64, 128),
    repeats: int = 7,
    budget: float | None = None,
    progress: bool | None = None,
) -> list[dict[str, Any]]:
    """Rows (axis, value, case, time per step, images per second): training cost along time steps, image size and batch.

    The values of one axis take turns in one run; the loop over snntorch.Leaky is grown along the time steps only.
    """
    rows: list[dict[str, Any]] = []
    axes = {
        "time steps": {t: (with_steps(config, t), size, batch) for t in steps},
        "pixels a side": {s: (config, s, batch) for s in sizes},
        "batch": {b: (config, size, b) for b in batches},
    }
    for axis, values in axes.items():
        cases, meaning = {}, {}
        for value, (changed, side, count) in values.items():
            networks = {OURS: fresh}
            if axis == "time steps" and not lacking("snntorch"):
                networks[SNNTORCH] = snntorch_network
            for name, build in networks.items():
                cases[f"{name} {value}"] = training_step(build(changed), random_images(count, side))
                meaning[f"{name} {value}"] = (name, value, count)
        table = alternate(cases, repeats, warmup=1, progress=progress, budget=budget)
        for row in measured(table):
            name, value, count = meaning[row["case"]]
            rows.append({**row, "case": name, "axis": axis, "value": value, "images_per_second": count / row["p50_ms"] * 1e3})
    return rows


def pipeline_growth(
    size: int, batch: int, counts: Iterable[int] = (1000, 4000, 16000), repeats: int = 15, progress: bool | None = None
) -> list[dict[str, Any]]:
    """Rows (axis "images in the set"): reading a random batch from a memory-mapped cache of N images and augmenting it.

    The files are written here, so they lie in the system's page cache, as those of a second epoch do.
    """
    with tempfile.TemporaryDirectory(prefix="neurallnet-bench-") as folder:
        tables = {count: _memory_map(Path(folder) / f"{count}.npy", count, size) for count in counts}
        cases = {str(count): _batch_reader(images, batch) for count, images in tables.items()}
        table = alternate(cases, repeats, warmup=2, progress=progress)
        rows = [
            {**row, "case": "read and augment a batch", "axis": "images in the set", "value": int(row["case"])}
            for row in measured(table, batch)
        ]
        del cases, tables  # Windows removes no file that is still mapped
    return rows


def snntorch_network(config: ModelConfig) -> torch.nn.Module:
    """The same network as a plain loop over snntorch.Leaky."""
    from neurallnet.peers import snntorch_twin

    return snntorch_twin(fresh(config))


def with_steps(config: ModelConfig, steps: int) -> ModelConfig:
    """`config` with another number of time steps."""
    return replace(config, time_steps=steps)


def _memory_map(path: Path, count: int, size: int) -> np.ndarray:
    random = np.random.default_rng(0)
    block = random.integers(0, 256, (min(count, 256), size, size, 3), dtype=np.uint8)
    images = np.lib.format.open_memmap(path, "w+", np.uint8, (count, size, size, 3))
    for start in range(0, count, len(block)):
        images[start : start + len(block)] = block[: min(len(block), count - start)]
    images.flush()
    return np.load(path, mmap_mode="r")


def _batch_reader(images: np.ndarray, batch: int) -> Callable[[], None]:
    examples = Examples(images, np.zeros(len(images), np.int64))
    random, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)

    def read() -> None:
        chosen = np.sort(random.choice(len(images), min(batch, len(images)), replace=False))
        augment(*examples.batch(chosen), AugmentConfig(), generator)

    return read
