"""Every choice of a run, as frozen dataclasses with a reason beside each default.

The paper publishes the task, the parameter count and the results, not the layers, time steps, decay, surrogate, optimizer or
augmentation; what is not published is ours, and the comment says why. A run's folder is addressed by `RunConfig.digest`, so
two runs with one address were asked for the same thing.
"""

import hashlib
import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from neurallnet.errors import ConfigError

CLASSES = ("Benign", "Early", "Pre", "Pro")

_strict = ConfigDict(extra="forbid", allow_inf_nan=False)
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]


@dataclass(frozen=True, config=_strict)
class DataConfig:
    """Which images, and how large the network sees them."""

    source: str = "synthetic"  # works everywhere, without a download
    image_size: Annotated[int, Field(ge=16, le=512)] = 96  # pixels a side; chosen on validation images, see chapter "Speed"


@dataclass(frozen=True, config=_strict)
class SplitConfig:
    """How images become training, validation and test."""

    protocol: Literal["random", "group", "session"] = "random"  # the paper's protocol; the others measure its leak
    fold: Annotated[int, Field(ge=0, le=9)] = 0  # which part is the test set
    embargo: Annotated[int, Field(ge=0)] = 37  # session only: images left out on either side of the test block
    seed: Seed = 0


@dataclass(frozen=True, config=_strict)
class ModelConfig:
    """NeurALLNet's architecture; defaults make the `base` model of the paper's size."""

    classes: Annotated[int, Field(ge=2)] = len(CLASSES)
    # 0.30 M parameters as in the paper; most of them late, where maps are small and multiplications few
    channels: Annotated[tuple[Positive, ...], Field(min_length=1)] = (16, 32, 64, 128, 160)
    time_steps: Annotated[int, Field(ge=1, le=64)] = 4  # chosen by the sweep of chapter "Speed and energy"
    beta: Fraction = 0.9  # membrane decay per time step; snntorch's customary value
    threshold: Annotated[float, Field(gt=0)] = 1.0  # in units of the normalized current
    reset_mechanism: Literal["subtract", "zero"] = "subtract"  # keeps the charge above threshold
    reset_delay: bool = True  # snntorch's default: the reset acts one time step later
    surrogate: Literal["fast_sigmoid", "atan"] = "atan"  # snntorch's default; its derivative has the heavier middle
    surrogate_slope: Annotated[float, Field(gt=0)] = 2.0  # snntorch's alpha for atan
    excitation: Literal["step", "none"] = "step"  # SE "across temporal spike steps": one gate per time step and channel
    excitation_ratio: Positive = 8  # squeeze to C/8: SE stays near 4% of the parameters
    normalization: Literal["batch", "none"] = "batch"  # over batch and time steps together


@dataclass(frozen=True, config=_strict)
class TrainConfig:
    """Optimization; small enough for a laptop, fixed by validation accuracy."""

    epochs: Positive = 36  # three minutes for `base` on two cores; 24 left a little accuracy behind
    batch_size: Positive = 64
    learning_rate: Annotated[float, Field(gt=0)] = 4e-3  # peak of a one-cycle schedule
    weight_decay: Annotated[float, Field(ge=0)] = 0.02  # AdamW, on convolution and linear weights only
    label_smoothing: Fraction = 0.05  # keeps confidence below certainty on near-duplicates
    patience: Positive = 16  # epochs without better validation accuracy before stopping
    augmentation: Literal["full", "geometry", "none"] = "full"  # flips, quarter turns, and colour for `full`
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # bfloat16 where the processor has it; recorded in the run


@dataclass(frozen=True, config=_strict)
class RunConfig:
    """One training run: data, split, model, optimization, seed."""

    data: DataConfig = DataConfig()
    split: SplitConfig = SplitConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    seed: Seed = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain nested dict, ready for JSON."""
        return json.loads(json.dumps(asdict(self)))

    def digest(self) -> str:
        """Address of the run: first 12 hex digits of the sha256 of the canonical JSON."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def run_config(values: dict[str, Any] | None = None) -> RunConfig:
    """A RunConfig from nested plain values; raises ConfigError naming each unknown key or bad value.

    >>> run_config({"model": {"time_steps": 4}}).model.time_steps
    4
    """
    try:
        return TypeAdapter(RunConfig).validate_python(values or {})
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']} (got {e['input']!r})" for e in error.errors())
        raise ConfigError(f"run configuration: {problems}") from None


def with_changes(config: RunConfig, **sections: dict[str, Any]) -> RunConfig:
    """A copy of `config` with some fields changed, validated again.

    >>> with_changes(RunConfig(), model={"excitation": "none"}, seed=3).seed
    3
    """
    values = config.to_dict()
    for section, change in sections.items():
        if isinstance(change, dict) and isinstance(values.get(section), dict):
            values[section] = {**values[section], **change}
        else:
            values[section] = change
    return run_config(values)


SMOKE = run_config(
    {
        "data": {"source": "synthetic", "image_size": 48},
        "split": {"embargo": 4},
        "model": {"channels": (16, 32, 48, 64), "time_steps": 2},
        "train": {"epochs": 12, "batch_size": 32, "precision": "float32"},
    }
)  # minutes on two cores; says nothing about leukemia

FULL = run_config({"data": {"source": "taleqani"}})  # real images, from the user's disk

PROFILES = {"smoke": SMOKE, "full": FULL}


def profile_config(profile: str) -> RunConfig:
    """The run configuration a profile starts from; raises ConfigError for an unknown name."""
    try:
        return PROFILES[profile]
    except KeyError:
        raise ConfigError(f"profile {profile!r} is unknown; choose one of {', '.join(PROFILES)}") from None
