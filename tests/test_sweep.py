"""The sweep: multiplications counted as by hand, and a front that leaves out what is beaten."""

import pandas as pd

from neurallnet.config import ModelConfig
from neurallnet.model import NeurALLNet
from neurallnet.sweep import compact_choice, macs, pareto_front


def test_macs_by_hand():
    """One block 3 -> 8 at 16 px, once; one 8 -> 12 at 8 px, at each of 3 steps; no SE; readout at each step."""
    model = NeurALLNet(ModelConfig(channels=(8, 12), time_steps=3, excitation="none"))
    first, second = 8 * 27 * 8 * 8, 12 * 72 * 4 * 4
    assert macs(model, 16) == first + 3 * second + 3 * 12 * 4


def test_front_and_compact_choice():
    table = pd.DataFrame(
        [("big", 300_000, 40, 0.997), ("slow", 300_000, 90, 0.997), ("small", 60_000, 9, 0.99), ("poor", 61_000, 9, 0.98)],
        columns=["arm", "parameters", "macs", "val_accuracy"],
    )
    assert pareto_front(table) == [True, False, True, False]
    assert compact_choice(table)["arm"] == "small"
    assert compact_choice(table.head(2)) is None
