"""Which corruptions a network met in training: none of them as such, but some of what they vary."""

from neurallnet.errors import ConfigError
from neurallnet.robustness.corruptions import get_corruption


def seen_in_training(name: str, augmentation: str) -> str:
    """What training with `augmentation` (TrainConfig) showed of the corruption `name`; "" for nothing.

    Raises ConfigError.

    >>> seen_in_training("rotation", "geometry")
    'right angles and mirror images only'
    """
    seen = _seen()
    if augmentation not in seen:
        raise ConfigError(f"augmentation {augmentation!r} is unknown; choose one of {', '.join(seen)}")
    return seen[augmentation].get(get_corruption(name).name, "")


def _seen() -> dict[str, dict[str, str]]:
    from neurallnet.augment import BRIGHTNESS, CONTRAST, HUE  # here: it needs torch, robustness tables do not

    geometry = {"rotation": "right angles and mirror images only"}
    colour = {
        "illumination": f"brightness within {BRIGHTNESS:.0%}, the same over the whole picture",
        "contrast": f"contrast within {CONTRAST:.0%}",
        "hue_shift": f"hue turned about the grey axis within {360 * HUE:.0f} degrees",
        "stain_shift": "the same colour changes, none of them in optical density",
    }
    return {"none": {}, "geometry": geometry, "full": geometry | colour}
