"""What a network is worth after it has been exported: every form's predictions of the validation images, kept in the run's folder.

Validation images only: the form a user ships is a choice, and test images choose nothing.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from neurallnet.ablation import compare
from neurallnet.arms import SHIPPED_RUN
from neurallnet.errors import RunError
from neurallnet.evaluation import correctness, wilson_interval
from neurallnet.evaluation.predictions import build_predictions, logits_of, read_predictions, write_predictions
from neurallnet.exporting import FORMATS, Exported, export_model
from neurallnet.exporting_calibration import Calibration, evenly
from neurallnet.nir_check import check_layers, compare_traces, run_torch
from neurallnet.nir_graph import nir_input
from neurallnet.nir_run import read_nir, run_in_snntorch, run_nir
from neurallnet.onnx_runtime import onnx_session, run_onnx
from neurallnet.runs import Run, run_fold
from neurallnet.study import Study
from neurallnet.training import predict_logits

TORCH = "torch"
FORMS: dict[str, tuple[str, ...]] = {SHIPPED_RUN: (TORCH, "onnx", "onnx-int8"), "base-0": (TORCH,), "nir-0": (TORCH, "onnx", "nir")}


def export_form(study: Study, arm: str, form: str) -> Exported:
    """The arm's network as `form`, in the folder exported/ of the workspace; 8-bit ranges from training images of the run."""
    run, calibration = study.run(arm), None
    size = run.config.data.image_size
    if form == "onnx-int8":
        dataset, train = run_fold(run, "train", study.work, study.data)
        chosen = evenly(train)
        kind = "SYNTHETIC " if study.synthetic else ""
        calibration = Calibration(dataset.images(run.config.data, study.work)[chosen], f"{len(chosen)} {kind}training images")
    classes = study.dataset().classes
    return export_model(run.model(), exported_path(study, run, form), form, size, classes=classes, calibration=calibration)


def exported_path(study: Study, run: Run, form: str) -> Path:
    """Where the form of a run lies: named by the run's address, so that no file is taken for another network's."""
    return study.work.root / "exported" / f"{run.address}-{form}{FORMATS[form]}"


def export_forms(study: Study) -> dict[tuple[str, str], Exported]:
    """(arm, form) -> the file written, for every form of FORMS that is a file of its own."""
    return {(arm, form): export_form(study, arm, form) for arm, forms in FORMS.items() for form in forms if form != TORCH}


def exported_predictions(study: Study, arm: str, form: str) -> pd.DataFrame:
    """Validation predictions of one form of the arm's network, computed once and kept as predictions-exported-<form>.csv.

    "torch" is evaluation in float32, which every form is compared with.
    """
    run = study.run(arm)
    path = predictions_path(run, form)
    if not path.exists():
        dataset, rows = run_fold(run, "val", study.work, study.data)
        frame = dataset.frame.iloc[rows]
        logits = _logits(study, run, arm, form, dataset.images(run.config.data, study.work)[rows])
        write_predictions(path, build_predictions(frame["path"].tolist(), frame["label"].tolist(), "val", logits, dataset.classes))
    return read_predictions(path)


def predictions_path(run: Run, form: str) -> Path:
    """Where the predictions of one form lie; published with the run."""
    return run.folder / f"predictions-exported-{form}.csv"


def form_table(study: Study) -> pd.DataFrame:
    """A row per arm and form: validation accuracy with Wilson ends, share of images with torch's class, and the median and largest
    deviation of a logit from torch's, of numbers kept to six digits.
    """
    rows = []
    for arm, forms in FORMS.items():
        whole = exported_predictions(study, arm, TORCH)
        for form in forms:
            table = exported_predictions(study, arm, form)
            right = correctness(table)
            interval = wilson_interval(int(right.sum()), right.size)
            deviation = np.abs(logits_of(table) - logits_of(whole)).max(1)
            row = {"arm": arm, "form": form, "val_accuracy": float(right.mean()), "low": interval.low, "high": interval.high}
            row |= {"n": right.size, "torchs_class": float((table["predicted"] == whole["predicted"]).mean())}
            rows.append({**row, "median_deviation": float(np.median(deviation)), "largest_deviation": float(deviation.max())})
    return pd.DataFrame(rows)


def variant_costs(study: Study) -> dict[str, Any]:
    """What the variant that NIR can carry costs in validation accuracy, paired by image with the base (`ablation.compare`)."""
    base, variant = (exported_predictions(study, arm, TORCH) for arm in ("base-0", "nir-0"))
    found = compare(base, variant, study.dataset().groups())
    return {key.replace("whole", "base").replace("ablated", "nir"): value for key, value in found.items()}


def export_evidence(study: Study, written: dict[tuple[str, str], Exported] | None = None) -> dict[str, Any]:
    """What export.json holds; without the files `written` all but the sizes of those that are not published."""
    rows = form_table(study).to_dict("records")
    for row in rows:
        if row["form"] == TORCH:
            row["bytes"] = study.run(row["arm"]).weights.stat().st_size
        elif written is not None:
            row["bytes"] = written[row["arm"], row["form"]].size
    runs = {arm: study.run(arm).address for arm in FORMS}
    return {"rows": rows, "nir_against_base": variant_costs(study), "runs": runs, "fold": "val"}


def validation_images(study: Study, arm: str, count: int) -> torch.Tensor:
    """`count` of the arm's validation images, evenly spaced, float (count, 3, size, size) in [0, 1]."""
    run = study.run(arm)
    dataset, rows = run_fold(run, "val", study.work, study.data)
    images = dataset.images(run.config.data, study.work)[evenly(rows, count)]
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def _logits(study: Study, run: Run, arm: str, form: str, images: np.ndarray) -> np.ndarray:
    if form == TORCH:
        return predict_logits(run.model(), images)
    path = exported_path(study, run, form)
    written = path if path.exists() else export_form(study, arm, form).path
    return nir_logits(written, images, run) if form == "nir" else run_onnx(onnx_session(written), images)


def nir_logits(path: Path, images: np.ndarray, run: Run, batch_size: int = 32) -> np.ndarray:
    """Logits of the graph in `path`, by the reference interpreter in float64; `images` uint8 (N, H, W, 3)."""
    graph, model, rows = read_nir(path), run.config.model, []
    if int(graph.metadata["time_steps"]) != model.time_steps:
        raise RunError(f"{path}: written for {graph.metadata['time_steps']} time steps, not {model.time_steps}; export it again")
    for start in tqdm(range(0, len(images), batch_size), desc="reading NIR", unit="batch", leave=False, disable=None):
        current = nir_input(images[start : start + batch_size], model.time_steps, model.hue)
        rows.append(run_nir(graph, current).output.mean(0).numpy())
    return np.concatenate(rows)


def spike_check(study: Study, arm: str = "nir-0", count: int = 32) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The arm's NIR file, read back, against the torch network on `count` validation images.

    A row per layer: values compared, spikes, how many are unlike torch's given torch's input, how many of these rounding does not
    explain, the largest distance from the threshold among them (`nir_check.LayerCheck`), and the share of equal values when the
    whole graph runs by itself: `alone` in the reference interpreter (float64) and `snntorch` in that library (float32). The second
    answer holds the same and what whole images come to, for the evidence.
    """
    run, images = study.run(arm), validation_images(study, arm, count)
    path = exported_path(study, run, "nir")
    graph, model = read_nir(path if path.exists() else export_form(study, arm, "nir").path), run.model()
    wanted, current = run_torch(model, images), nir_input(images, model.config.time_steps, model.config.hue)
    readers = {"alone": run_nir, "snntorch": run_in_snntorch}
    found = {name: compare_traces(read(graph, current), wanted) for name, read in readers.items()}
    layers = pd.DataFrame([asdict(layer) for layer in check_layers(graph, model, images)])
    layers = layers.assign(**{name: list(comparison.equal_spikes.values()) for name, comparison in found.items()})
    whole = {name: {key: value for key, value in asdict(each).items() if key != "equal_spikes"} for name, each in found.items()}
    return layers, {"images": len(images), "layers": layers.to_dict("records"), "whole": whole}
