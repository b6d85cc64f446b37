"""The process whose memory is measured: `python -m neurallnet.profiling.memory_task JSON`, called by `memory.py`."""

import json
import sys
from pathlib import Path

from neurallnet.config import ModelConfig


def highest_memory() -> float:
    """Peak resident memory of this process so far, MiB.

    Linux: from /proc, since getrusage inherits the parent's peak through fork. Windows: psutil's peak working set.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    import psutil

    memory = psutil.Process().memory_info()
    if hasattr(memory, "peak_wset"):
        return memory.peak_wset / 1024**2
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024**2 if sys.platform == "darwin" else peak / 1024


def main(text: str) -> None:
    """Do three steps of the task in `text` and print the peak as JSON."""
    from neurallnet.profiling.steps import fresh, inference, random_images, training_step
    from neurallnet.profiling.throughput import snntorch_network

    task = json.loads(text)
    config = ModelConfig(**{**task["model"], "channels": tuple(task["model"]["channels"])})
    model = snntorch_network(config) if task["network"] == "snntorch" else fresh(config)
    make = training_step if task["action"] == "train" else inference
    step = make(model, random_images(task["batch"], task["size"]), task["precision"])
    start = highest_memory()
    for _ in range(3):
        step()
    peak = highest_memory()
    print(json.dumps({"peak_mib": peak, "above_start_mib": peak - start}))


if __name__ == "__main__":
    main(sys.argv[1])
