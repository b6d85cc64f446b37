"""What to draw: the settings of the synthetic smear generator, and its seeded random streams."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from neurallnet.errors import ConfigError

VERSION = 1  # raise it when any pixel or truth column changes: trees of another version are drawn again
LABS = ("A", "B")

# Kinds of random stream. A stream is addressed, never shared, so that any image can be drawn alone.
BATCH, PATIENT, SESSION, ORDER, FIELD, TAKE = range(6)

_LIMITS: dict[str, tuple[float, float]] = {
    "images_per_class": (1, 9999),
    "patients_per_class": (1, 999),
    "sessions_per_patient": (1, 99),
    "size": (64, 1024),
    "seed": (0, 2**32 - 1),
    "near_duplicates": (0, 0.5),
    "exact_duplicates": (0, 0.2),
    "scale_bar_bias": (0, 1),
    "stain_spread": (0, 2),
}


@dataclass(frozen=True)
class SyntheticConfig:
    """Settings of one synthetic laboratory; raises ConfigError for a bad value.

    >>> SyntheticConfig(lab="B", images_per_class=24).shape
    (224, 280)
    """

    lab: str = "A"  # "B" is the external domain: another stain, microscope and scale bar
    images_per_class: int = 60  # 240 images: seconds to draw, enough for a small network
    patients_per_class: int = 6  # a patient has one class, as in the real set
    sessions_per_patient: int = 2  # each with its own staining, lamp and focus
    size: int = 224  # height in pixels; lab A is square like the primary set, lab B a quarter wider
    seed: int = 0
    near_duplicates: float = 0.12  # chance that a frame shows the field before it again
    exact_duplicates: float = 0.03  # chance that a frame is the one before it, byte for byte
    scale_bar_bias: float = 0.75  # chance that a session of lab A burns in its class's own form of bar
    stain_spread: float = 1.0  # how far sessions differ in colour; 0 removes that leak

    def __post_init__(self) -> None:
        if self.lab not in LABS:
            raise ConfigError(f"synthetic lab {self.lab!r} is unknown; choose one of {', '.join(LABS)}")
        for field in fields(self):
            if field.name in _LIMITS:
                _check(field.name, getattr(self, field.name), whole=field.type in (int, "int"))
        sessions = self.patients_per_class * self.sessions_per_patient
        if self.images_per_class < sessions:
            raise ConfigError(
                f"synthetic images_per_class={self.images_per_class} is fewer than the "
                f"{sessions} sessions of a class; "
                "give each session at least one image or lower patients_per_class or sessions_per_patient"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the images in pixels."""
        return self.size, self.size if self.lab == "A" else self.size * 5 // 4

    def to_dict(self) -> dict[str, Any]:
        """Plain dict, ready for JSON."""
        return json.loads(json.dumps(asdict(self)))


def _check(name: str, value: object, whole: bool) -> None:
    """Raise ConfigError unless `value` is a number of the right kind within its limits."""
    low, high = _LIMITS[name]
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise ConfigError(f"synthetic {name} must be {kind} from {low:g} to {high:g}, not {value!r}")


def stream(config: SyntheticConfig, kind: int, *address: int) -> np.random.Generator:
    """The random stream of one thing (a session, a field, ...), the same on every machine."""
    entropy = [config.seed, LABS.index(config.lab), kind, *address]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))
