"""How much the benchmark measures: minutes in full, seconds when `quick`."""

from dataclasses import dataclass

from neurallnet.profiling import latency
from neurallnet.profiling.memory import CASES


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
    every_thread_count: bool = True  # latency on one thread and on all, or on one only
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
    peers=("efficientnet_b0",),
    peer_sizes=(latency.PAPER_SIZE,),
    training_size=32,
    every_thread_count=False,
    products=(512,),
    copy_mebibytes=16,
    peak_rounds=3,
    energy_images=8,
)
