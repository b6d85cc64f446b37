"""Peak memory of a training step or an inference, each in a process of its own (`memory_task.py`).

Within one process it could not be told from what other cases have allocated before.
"""

import json
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from neurallnet.config import ModelConfig
from neurallnet.profiling.rows import lacking

CASES = (
    ("training, ours, float32", "train", "ours", "float32"),
    ("training, ours, bfloat16", "train", "ours", "bfloat16"),
    ("training, snntorch.Leaky loop, float32", "train", "snntorch", "float32"),
    ("inference of one image, ours, float32", "predict", "ours", "float32"),
)


def peak_memory(config: ModelConfig, size: int, batch: int, names: tuple[str, ...] | None = None) -> list[dict[str, Any]]:
    """Rows: case, peak_mib (of the process), above_start_mib (above the process with the network built), not_measured."""
    rows = []
    for name, action, network, precision in CASES:
        if names is not None and name not in names:
            continue
        reason = lacking("snntorch") if network == "snntorch" else None
        found = {"peak_mib": None, "above_start_mib": None}
        if reason is None:
            task = {"action": action, "network": network, "precision": precision, "size": size, "model": asdict(config)}
            reason, found = _measure({**task, "batch": 1 if action == "predict" else batch}, found)
        rows.append({"case": name, **found, "not_measured": reason})
    return rows


def _measure(task: dict[str, Any], empty: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    command = [sys.executable, "-m", "neurallnet.profiling.memory_task", json.dumps(task)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        return f"the measuring process failed: {done.stderr.strip().splitlines()[-1:]}", empty
    return None, json.loads(done.stdout)
