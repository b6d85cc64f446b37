"""Every choice of a run, as frozen dataclasses with a reason beside each default.

The paper publishes the task, the parameter count and the results, not the layers, time steps, decay, surrogate, optimizer or
augmentation; what is not published is ours, and the comment says why. A run's folder is addressed by `RunConfig.digest`, so
two runs with one address were asked for the same thing.
"""

import hashlib
import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from neurallnet.errors import ConfigError

CLASSES = ("Benign", "Early", "Pre", "Pro")

TENTHS = 10  # parts of a random or group split: one tests, one validates, eight train

_strict = ConfigDict(extra="forbid", allow_inf_nan=False)
Fraction = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Hue = Literal["balanced", "normalized", "standardized", "stored", "grey"]
Seed = Annotated[int, Field(ge=0, lt=2**31)]


@dataclass(frozen=True, config=_strict)
class DataConfig:
    """Which images, and how large the network sees them."""

    source: str = "synthetic"  # works everywhere, without a download
    image_size: Annotated[int, Field(ge=16, le=512)] = 96  # pixels a side; chosen on validation images, see chapter "Speed"
    # the burned-in scale bar gives the class away (chapter "The images"); it is painted out unless an arm asks what it is worth
    scale_bar: Literal["removed", "visible"] = "removed"


@dataclass(frozen=True, config=_strict)
class SplitConfig:
    """How images become training, validation and test."""

    protocol: Literal["random", "group", "session"] = "random"  # the paper's protocol; the others measure its leak
    fold: Annotated[int, Field(ge=0, lt=TENTHS)] = 0  # which part is the test set
    embargo: Annotated[int, Field(ge=0)] = 37  # session only: images left out on either side of the test block
    seed: Seed = 0
    # session only: train on as many images of a class as this embargo would leave, taken evenly from those that are there: what a
    # wider embargo costs by taking images, and not by taking neighbours
    as_few_as: Annotated[int, Field(ge=0)] | None = None
    offset: Amount = 0.0  # session only: how much later the order is cut, in blocks; figures depend on it
    # session only: a later block that is held out with block `fold`. Both validate and none tests: a setting can be chosen for
    # one block by what networks that have not seen it make of the others
    other: Annotated[int, Field(ge=0, lt=TENTHS)] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "SplitConfig":
        if self.other is not None and (self.protocol != "session" or self.other <= self.fold):
            given = f"{self.other} after {self.fold} of {self.protocol!r}"
            raise ValueError(f"other names a block after fold of protocol 'session', not {given}")
        if self.other is not None and (self.offset or self.as_few_as is not None):
            raise ValueError("other goes with neither offset nor as_few_as")
        if self.as_few_as is not None and self.as_few_as <= self.embargo:
            raise ValueError(f"as_few_as names a wider embargo than the split's own, {self.embargo}; not {self.as_few_as}")
        return self


@dataclass(frozen=True, config=_strict)
class ModelConfig:
    """NeurALLNet's architecture; defaults make the `base` model of the paper's size."""

    classes: Annotated[int, Field(ge=2)] = len(CLASSES)
    # 0.30 M parameters as in the paper; most of them late, where maps are small and multiplications few
    channels: Annotated[tuple[Positive, ...], Field(min_length=1)] = (16, 32, 64, 128, 160)
    # networks side by side, `channels` wide each, whose logits are averaged: a deep ensemble (Lakshminarayanan et al. 2017,
    # arXiv 1612.01474) trained and run as one network. In training each is shown the images in an order and with changes of its own
    columns: Annotated[int, Field(ge=1, le=16)] = 1
    time_steps: Annotated[int, Field(ge=1, le=64)] = 2  # as good as four in short trials on held-out slides
    beta: Fraction = 0.9  # membrane decay per time step; snntorch's customary value
    threshold: Annotated[float, Field(gt=0)] = 1.0  # in units of the normalized current
    reset_mechanism: Literal["subtract", "zero"] = "subtract"  # keeps the charge above threshold
    reset_delay: bool = True  # snntorch's default: the reset acts one time step later
    surrogate: Literal["fast_sigmoid", "atan"] = "atan"  # snntorch's default; its derivative has the heavier middle
    surrogate_slope: Annotated[float, Field(gt=0)] = 2.0  # snntorch's alpha for atan
    # SE "across temporal spike steps": a gate per time step and channel. To find what SE does, the ablation has one gate per
    # image ("image"), a learned constant per channel ("gain") and "none"
    excitation: Literal["step", "image", "gain", "none"] = "step"
    excitation_ratio: Positive = 8  # squeeze to C/8: SE stays near 4% of the parameters
    # "balanced": the background is made white, so that lamp and camera tell no class, and then every image's hues are turned until
    # its dominant one is the same, so that a stain's tint tells none; "normalized": the latter alone; "standardized": then one
    # brightness and contrast for all images as well; "grey": no colour at all. Columns may each see the image in a way of their own
    hue: Hue | tuple[Hue, ...] = "normalized"
    normalization: Literal["batch", "none"] = "batch"  # over batch and time steps together
    # share of the first block's channels normalized by each image's own moments instead, so that a stain's strength and a lamp's
    # brightness are gone from them (IBN-a, Pan et al. 2018, arXiv 1807.09441); the others still see both. Direct encoding only
    own_norm: Fraction = 0.5
    # one decay per block learned from `beta` on, as in PLIF (Fang et al. 2021, arXiv 2007.05785); False: `beta` stays
    beta_learned: bool = False
    # a constant current is the accurate choice at few time steps (Kim et al. 2022, arXiv 2202.03133); else Bernoulli spikes
    # ("rate") or one spike, the brighter the earlier ("latency")
    encoding: Literal["direct", "rate", "latency"] = "direct"
    # "separable": depthwise and pointwise from the second block on, a sixth of the weights; an arm of the sweep
    convolution: Literal["full", "separable"] = "full"
    # how the last block's spikes become one rate per channel: their mean over the field, or one that weighs each tile by how much
    # is attended to it (`pooling.py`); an arm
    pooling: Literal["mean", "attention"] = "mean"
    # what is trained: the spiking network, the same with ReLU and without time ("dense"), or a published CNN with settings of its
    # own, for which only `classes` counts here
    family: Literal["spiking", "dense", "small_cnn", "mobilenet_v2", "efficientnet_b0", "densenet121"] = "spiking"

    @property
    def hues(self) -> tuple[Hue, ...]:
        """How each column sees an image."""
        return self.hue if isinstance(self.hue, tuple) else (self.hue,) * self.columns

    @model_validator(mode="after")
    def _consistent(self) -> "ModelConfig":
        if self.encoding == "latency" and self.time_steps < 2:
            raise ValueError("encoding 'latency' tells intensities by the step of their spike and needs time_steps of 2 or more")
        if self.columns > 1 and self.excitation == "image":
            raise ValueError("columns need excitation 'step', 'gain' or 'none'; 'image' is of a single network")
        if self.columns > 1 and self.convolution == "separable":
            raise ValueError("columns need full convolutions; separable ones are of a single network")
        if self.columns > 1 and self.encoding != "direct":
            raise ValueError(f"columns need encoding 'direct'; {self.encoding!r} is of a single network")
        if self.columns > 1 and self.family not in ("spiking", "dense"):
            raise ValueError(f"columns are of the families 'spiking' and 'dense'; {self.family!r} has none")
        if isinstance(self.hue, tuple) and len(self.hue) != self.columns:
            raise ValueError(f"hue names {len(self.hue)} ways to see an image for columns {self.columns}; give one or as many")
        if self.pooling == "attention" and (self.columns > 1 or self.family != "spiking"):
            raise ValueError("pooling 'attention' is of a single spiking network: columns 1, family 'spiking'")
        if self.beta_learned and not 0 < self.beta < 1:
            raise ValueError("beta_learned starts from a beta between 0 and 1, both excluded")
        return self


@dataclass(frozen=True, config=_strict)
class AugmentConfig:
    """Random changes of training images: each number is the largest change, 0 switches it off."""

    symmetries: bool = True  # quarter turns and mirror images: a smear has no up
    shift: Amount = 0.1  # of the field's width, each way: where a cell lies says nothing
    zoom: Amount = 0.1  # log factor on the magnification: two microscopes differ by that much
    stain: Amount = 0.2  # log factor on each channel's optical density: strength and balance of the dyes
    # Lamp and camera, relative. Twice as much was worse on held-out slides: hues are normalized already (chapter "Training")
    brightness: Amount = 0.1
    contrast: Amount = 0.1
    saturation: Amount = 0.1
    hue: Fraction = 0.02  # of a full turn; little is left to vary once hues are normalized
    noise: Fraction = 0.05  # standard deviation, of full scale, on half of the images: without it a little noise ruins all
    # share of images that lose their nucleated cells and are called benign, so that background alone proves nothing; an arm
    cell_free: Fraction = 0.0
    # share of images whose nucleated cells are put on another training image's field, so that the field goes with no class; an arm
    background: Fraction = 0.0
    # share of images whose colours vary as widely as those of laboratories do (`augment/elsewhere.py`); the others vary as above
    elsewhere: Fraction = 0.0

    @property
    def any_move(self) -> bool:
        return bool(self.shift or self.zoom)

    @property
    def any_colour(self) -> bool:
        return any((self.stain, self.brightness, self.contrast, self.saturation, self.hue))


@dataclass(frozen=True, config=_strict)
class TrainConfig:
    """Optimization; small enough for a laptop, fixed by validation accuracy."""

    epochs: Positive = 16  # in trials on held-out slides accuracy no longer rose after 10 to 16
    batch_size: Positive = 64
    learning_rate: Annotated[float, Field(gt=0)] = 3e-3  # peak of a one-cycle schedule
    weight_decay: Annotated[float, Field(ge=0)] = 0.02  # AdamW, on convolution and linear weights only
    label_smoothing: Fraction = 0.05  # keeps confidence below certainty on near-duplicates
    # decay of the weights' running average. The average after the last epoch is kept: an epoch chosen by the validation images of
    # other slides was often one from before the learning rate had fallen
    averaging: Annotated[float, Field(ge=0, lt=1)] = 0.99
    loss: Literal["mean_ce", "rate_ce", "tet", "count_ce"] = "mean_ce"  # cross-entropy of the time-mean logits; others are arms
    # "balanced": a class counts by its inverse frequency; a clear gain in short trials, none at full length with an earlier recipe
    class_weights: Literal["balanced", "none"] = "balanced"
    # once its answers to the validation images are kept (they set temperature and thresholds), the network is trained anew on them
    # as well: what `CalibratedClassifierCV(ensemble=False)` of scikit-learn does. For blocks held out of the file order, where
    # validation and its embargo take a fifth of the slides
    refit: bool = False
    # smears of our own generator that are learned from as well, as a share of the number of real ones; an arm
    synthetic: Fraction = 0.0
    spike_charge: Annotated[float, Field(ge=0)] = 0.0  # weight of a charge on spike rates above 0.05; an arm for energy
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # bfloat16 where the processor has it; recorded in the run


# Fields that came after runs were published, with what those runs did.
YOUNGER: dict[str, dict[str, Any]] = {
    "split": {"offset": 0.0, "as_few_as": None, "other": None},
    "model": {"columns": 1, "pooling": "mean"},
    "augment": {"background": 0.0, "elsewhere": 0.0},
    "train": {"refit": False, "synthetic": 0.0},
}


# Fields that are gone, with the value at which they changed nothing: some published runs have them in their records.
RETIRED: dict[str, dict[str, Any]] = {"train": {"column_share": 1.0}}


@dataclass(frozen=True, config=_strict)
class RunConfig:
    """One training run: data, split, model, augmentation, optimization, seed."""

    data: DataConfig = DataConfig()
    split: SplitConfig = SplitConfig()
    model: ModelConfig = ModelConfig()
    augment: AugmentConfig = AugmentConfig()
    train: TrainConfig = TrainConfig()
    seed: Seed = 0

    @model_validator(mode="after")
    def _consistent(self) -> "RunConfig":
        if self.model.columns > 1 and self.train.loss != "mean_ce":
            raise ValueError(f"columns need train.loss 'mean_ce', which teaches each by itself; not {self.train.loss!r}")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Plain nested dict, ready for JSON."""
        return json.loads(json.dumps(asdict(self)))

    def digest(self) -> str:
        """Address of the run: first 12 hex digits of the sha256 of the canonical JSON.

        A field of YOUNGER counts only when it is not as it was before there was such a field: older runs keep their address.
        """
        values = self.to_dict()
        for section, fields in YOUNGER.items():
            values[section] = {key: v for key, v in values[section].items() if key not in fields or v != fields[key]}
        canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def run_config(values: dict[str, Any] | None = None) -> RunConfig:
    """A RunConfig from nested plain values; raises ConfigError naming each unknown key or bad value.

    >>> run_config({"model": {"time_steps": 4}}).model.time_steps
    4
    """
    values = dict(values or {})
    for section, fields in RETIRED.items():
        if isinstance(given := values.get(section), dict):
            values[section] = {key: value for key, value in given.items() if key not in fields or value != fields[key]}
    try:
        return TypeAdapter(RunConfig).validate_python(values)
    except ValidationError as error:
        problems = "; ".join(f"{_place(e['loc'])}: {e['msg']} (got {e['input']!r})" for e in error.errors())
        raise ConfigError(f"run configuration: {problems}") from None


def _place(parts: tuple[int | str, ...]) -> str:
    """Where a bad value stands; which alternative of a field's type was tried (`literal[...]`) is left out."""
    return ".".join(str(part) for part in parts if "[" not in str(part))


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
