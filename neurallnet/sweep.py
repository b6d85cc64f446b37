"""Smaller is better: what each arm costs and what its exported forms are worth, on validation images only."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from neurallnet.arms import GROUPS, arms
from neurallnet.augment import to_float
from neurallnet.early_exit import early_exit_curve
from neurallnet.evaluation import correctness, wilson_interval
from neurallnet.runs import Run, run_fold
from neurallnet.study import Study
from neurallnet.training import predict_logits

CALIBRATION = 256  # training images that fix the ranges of the 8-bit form


def macs(model: nn.Module, size: int) -> int:
    """Multiply-accumulates of one image's convolutions and linear layers as the engine runs them, all time steps."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model.eval()(torch.zeros(1, 3, size, size))
    return counter.get_total_flops() // 2


def sweep_table(study: Study, names: list[str] | None = None) -> pd.DataFrame:
    """A row per arm: parameters, macs, time_steps, image_size, validation accuracy with Wilson ends, and `pareto`.

    An arm is on the front when no other is at least as accurate with fewer MACs and no more parameters. Arms default to the
    base and those of the group "sweep" that the profile trains, with seed 0.
    """
    known = [arm.name for arm in arms(study.profile) if arm.config.seed == 0]
    names = names or [name for name in known if name == "base-0" or name.rsplit("-", 1)[0] in GROUPS["sweep"]]
    rows = []
    for name in names:
        run = study.run(name)
        right = correctness(run.predictions("val"))
        interval = wilson_interval(int(right.sum()), right.size)
        config = run.config
        rows.append(
            {
                "arm": name,
                "parameters": run.record["parameters"],
                "macs": macs(run.model(), config.data.image_size),
                "time_steps": config.model.time_steps,
                "image_size": config.data.image_size,
                "val_accuracy": float(right.mean()),
                "low": interval.low,
                "high": interval.high,
                "n": right.size,
            }
        )
    table = pd.DataFrame(rows)
    return table.assign(pareto=pareto_front(table))


def pareto_front(table: pd.DataFrame) -> list[bool]:
    """Whether each row is beaten by none: columns val_accuracy (more is better), macs and parameters (less is better)."""
    cost, gain = table[["macs", "parameters"]].to_numpy(float), table["val_accuracy"].to_numpy()

    def beats(a: int, b: int) -> bool:
        better = gain[a] > gain[b] or (cost[a] < cost[b]).any()
        return bool(gain[a] >= gain[b] and (cost[a] <= cost[b]).all() and better)

    every = range(len(table))
    return [not any(beats(other, row) for other in every) for row in every]


def exported_accuracy(study: Study, run: Run, folder: Path) -> pd.DataFrame:
    """Validation accuracy with Wilson ends, and file size, of each form a user can run: torch in float32 and in the precision
    of training, ONNX in float32 and in 8 bits.

    Calibration uses training images. Needs the extra `export`; raises ConfigError or ImportError without it.
    """
    from neurallnet.export import export_onnx, onnx_session, quantize_static, run_onnx

    config = run.config
    dataset, validation = run_fold(run, "val", study.work, study.data)
    _, train = run_fold(run, "train", study.work, study.data)
    images = dataset.images(config.data, study.work)
    calibration = images[train[np.linspace(0, len(train) - 1, min(CALIBRATION, len(train))).astype(int)]]
    folder.mkdir(parents=True, exist_ok=True)
    exact = export_onnx(run.model(), folder / "float32.onnx", config.data.image_size, classes=dataset.classes)
    small = quantize_static(exact, calibration, folder / "int8.onnx")
    labels = dataset.labels[validation]
    trained = run.record["precision"]
    forms = {
        f"torch, {precision}": (predict_logits(run.model(), images, validation, precision), run.weights)
        for precision in dict.fromkeys(("float32", trained))
    }
    for form, path in (("ONNX, float32", exact), ("ONNX, int8", small)):
        forms[form] = (run_onnx(onnx_session(path), images[validation]), path)
    rows = []
    for form, (logits, path) in forms.items():
        right = int((logits.argmax(1) == labels).sum())
        interval = wilson_interval(right, len(labels))
        row = {"form": form, "accuracy": right / len(labels), "low": interval.low, "high": interval.high}
        rows.append({**row, "n": len(labels), "bytes": path.stat().st_size})
    return pd.DataFrame(rows)


@torch.inference_mode()
def exit_curve(study: Study, run: Run, thresholds: tuple[float, ...] = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.1)) -> pd.DataFrame:
    """Accuracy against mean time steps spent when an image leaves as soon as it is sure, on validation images."""
    dataset, rows = run_fold(run, "val", study.work, study.data)
    images, model = dataset.images(run.config.data, study.work), run.model()
    steps = [model(to_float(torch.from_numpy(images[part]))).step_logits for part in np.array_split(rows, max(len(rows) // 64, 1))]
    return early_exit_curve(torch.cat(steps, 1).numpy(), dataset.labels[rows], thresholds)


def compact_choice(table: pd.DataFrame, largest: int = 100_000) -> dict[str, Any] | None:
    """The most accurate arm below `largest` parameters (at equal accuracy, the one with fewer MACs), or None."""
    small = table[table["parameters"] < largest].sort_values(["val_accuracy", "macs"], ascending=[False, True])
    return None if small.empty else small.iloc[0].to_dict()
