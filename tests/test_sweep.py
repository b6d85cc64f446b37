"""The sweep: multiplications counted as by hand, and a front that leaves out what is beaten."""

from types import SimpleNamespace

import pandas as pd

from neurallnet import sweep
from neurallnet.arms import make_arm
from neurallnet.config import ModelConfig
from neurallnet.model import NeurALLNet
from neurallnet.sweep import compact_choice, macs, pareto_front, sweep_table


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


def test_every_arm_is_swept_once_whatever_its_seeds(monkeypatch):
    named = [("base", 0), ("base", 1), ("no-se", 0), ("steps-1", 0), ("steps-1", 1)]
    known = [make_arm("smoke", name, seed) for name, seed in named]
    monkeypatch.setattr(sweep, "arms", lambda profile: known)

    def run(name: str) -> SimpleNamespace:
        config = next(arm.config for arm in known if arm.name == name)
        right = pd.DataFrame({"label": ["Pre", "Pro"], "predicted": ["Pre", "Early"]})
        return SimpleNamespace(
            config=config, record={"parameters": 9}, predictions=lambda fold: right, model=lambda: NeurALLNet(config.model)
        )

    table = sweep_table(SimpleNamespace(profile="smoke", run=run))
    assert table["arm"].tolist() == ["base-0", "steps-1-0"] and (table["val_accuracy"] == 0.5).all()
    assert table["time_steps"].tolist() == [2, 1] and table["macs"].is_monotonic_decreasing
