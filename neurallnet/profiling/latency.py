"""Latency of one image and of a batch: ours in torch and onnxruntime beside the networks a user would pick instead.

The peers have random weights: time does not depend on them. With one image a case is called once untimed before its timed call,
so that it finds its own data in the caches, as in a service that classifies one image after another.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neurallnet.arms import COMMITTEE, SHIPPED, make_arm
from neurallnet.config import CLASSES, ModelConfig
from neurallnet.errors import ConfigError
from neurallnet.machine import resolve_precision
from neurallnet.model import NeurALLNet
from neurallnet.profiling.rows import comparison, lacking, measured, not_measured
from neurallnet.profiling.steps import fresh, inference, random_images
from neurallnet.profiling.timing import Case, all_threads, alternate

TORCH, TORCH_BF16, UNROLLED = "ours, torch, float32", "ours, torch, bfloat16", "ours, torch written out, float32"
ONNX, INT8 = "ours, onnxruntime, float32", "ours, onnxruntime, int8"
# The committee has the same layers whichever way it was trained.
PEERS = (COMMITTEE, "efficientnet_b0", "mobilenet_v2", "densenet121", "dense_twin")
TITLES = {"efficientnet_b0": "EfficientNet-B0", "mobilenet_v2": "MobileNetV2", "densenet121": "DenseNet121"}
# at our image size only
OWN_TITLES = {
    COMMITTEE: "the committee that ships",
    "dense_twin": "ours with ReLU and no time steps",
    "small_cnn": "small CNN",
}
PAPER_SIZE = 224  # pixels a side; what the peers' papers use
CUDA_REASON = "no CUDA device on this machine"


def shipped_settings() -> ModelConfig:
    """Settings of the network that ships, whose latency is measured whatever the bench is of."""
    return make_arm("full", SHIPPED).config.model


def prepare(
    model: NeurALLNet, size: int, folder: Path, peers: tuple[str, ...] = PEERS, peer_sizes: tuple[int, ...] | None = None
) -> tuple[dict[str, tuple[Path, int]], list[dict[str, Any]]]:
    """ONNX files to time, as {case: (file, image size)}, and rows for those that cannot be made here.

    Files are written to `folder`; a peer's that is there is used again.
    """
    sizes = sorted({size, PAPER_SIZE} if peer_sizes is None else set(peer_sizes))
    wanted = [(name, side) for name in peers for side in ([size] if name in OWN_TITLES else sizes)]
    if reason := lacking("onnx", "onnxruntime"):
        return {}, [not_measured(case, reason) for case in [ONNX, INT8, *(peer_case(*w) for w in wanted)]]
    from neurallnet.export import export_onnx, quantize_static
    from neurallnet.peers import peer_onnx
    from neurallnet.twins import DenseTwin

    files, missing = {}, []
    folder.mkdir(parents=True, exist_ok=True)
    classes = CLASSES if model.config.classes == len(CLASSES) else [f"class {i}" for i in range(model.config.classes)]
    files[ONNX] = (export_onnx(model, folder / "ours.onnx", size, classes=classes), size)
    calibration = (random_images(32, size) * 255).byte().permute(0, 2, 3, 1).numpy()  # its values change no time
    files[INT8] = (quantize_static(folder / "ours.onnx", calibration, folder / "ours-int8.onnx"), size)
    for name, side in wanted:
        path, case = folder / f"{name}-{side}.onnx", peer_case(name, side)
        try:
            if name == COMMITTEE:
                export_onnx(fresh(shipped_settings()), path, side, classes=CLASSES)
            elif name == "dense_twin":
                peer_onnx(name, path, side, model=DenseTwin(model.config).eval())
            elif not path.exists():
                peer_onnx(name, path, side)
            files[case] = (path, side)
        except ConfigError as error:  # a library is missing
            missing.append(not_measured(case, str(error)))
    return files, missing


def peer_case(name: str, size: int) -> str:
    """How a peer at an image size is called in the tables."""
    if name in OWN_TITLES:
        return f"{OWN_TITLES[name]}, onnxruntime, float32"
    return f"{TITLES.get(name, name)} at {size} px, onnxruntime, float32"


def latency(
    model: NeurALLNet,
    size: int,
    files: dict[str, tuple[Path, int]],
    missing: list[dict[str, Any]],
    *,
    batch: int,
    threads: int,
    repeats: int,
    budget: float | None = None,
    progress: bool | None = None,
) -> dict[str, Any]:
    """One table: `batch` images a call on `threads` threads. Keys batch, threads, image_size, rows, ratios."""
    cases: dict[str, Callable[[], Any]] = torch_cases(model, random_images(batch, size))
    for case, (path, side) in files.items():
        cases[case] = session_call(path, threads, random_images(batch, side).numpy())
    lead_in = 1 if batch == 1 else 0  # a batch brings in its own data within the call
    table = alternate({name: Case(run, threads, lead_in) for name, run in cases.items()}, repeats, 1 + lead_in, progress, budget)
    more = {"batch": batch, "threads": threads}
    ours = ONNX if ONNX in table else TORCH
    return {
        **more,
        "image_size": size,
        "rows": measured(table, batch, **more) + [{**row, **more} for row in missing],
        "ratios": [comparison(table, other, ours, **more) for other in table if other != ours],
    }


def torch_cases(model: NeurALLNet, images: torch.Tensor) -> dict[str, Callable[[], Any]]:
    """Ours in torch: the engine, in bfloat16 where the processor has it, and the form written out over time."""
    from neurallnet.inference import Unrolled

    cases = {TORCH: inference(model, images), UNROLLED: inference(Unrolled(model), images)}
    if resolve_precision("auto") == "bfloat16":
        cases[TORCH_BF16] = inference(model, images, "bfloat16")
    return cases


def session_call(path: Path, threads: int, images: np.ndarray) -> Callable[[], Any]:
    """A call that runs an ONNX file on `images`."""
    from neurallnet.export import onnx_session

    session = onnx_session(path, threads)
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: images})


def cuda_rows(model: NeurALLNet, size: int, batches: tuple[int, ...], repeats: int) -> list[dict[str, Any]]:
    """Latency on the GPU, copy of the images included; rows that say not measured where there is none."""
    rows = []
    for batch in batches:
        case = "ours, torch, CUDA, float32"
        if not torch.cuda.is_available():
            rows.append(not_measured(case, CUDA_REASON, batch=batch, threads=None))
            continue
        on_gpu, images = NeurALLNet(model.config).cuda().eval(), random_images(batch, size)

        def run(on_gpu: NeurALLNet = on_gpu, images: torch.Tensor = images) -> None:
            with torch.inference_mode():
                on_gpu(images.cuda()).logits.cpu()

        rows += measured(alternate({case: Case(run, None, 1)}, repeats, warmup=5), batch, batch=batch, threads=None)
    return rows


def thread_counts() -> list[int]:
    """One thread, and all there are."""
    return sorted({1, all_threads()})
