"""Which corruptions a network met in training: few of them as such, but some of what they vary."""

from neurallnet.config import AugmentConfig, ModelConfig
from neurallnet.robustness.corruptions import get_corruption


def seen_in_training(name: str, augment: AugmentConfig, model: ModelConfig | None = None) -> str:
    """What training with `augment` showed of the corruption `name`, or what takes it away; "" for nothing.

    Raises ConfigError.

    >>> seen_in_training("rotation", AugmentConfig())
    'right angles and mirror images only'
    """
    hue = f"hue turned about the grey axis within {360 * augment.hue:.0f} degrees"
    if model is not None and model.hue == "grey":
        hue = "the network sees no colours"
    elif model is not None and model.hue != "stored":
        hue = "every image's hues are normalized, so that the network cannot see a shift of all of them"
    even = model is not None and model.hue == "standardized"
    alike = "every image's contrast is made the same, so that the network cannot see a change of it"
    seen = {
        "rotation": "right angles and mirror images only" if augment.symmetries else "",
        "gaussian_noise": f"Gaussian noise up to {augment.noise:g} on half of the images" if augment.noise else "",
        "illumination": _within("brightness", augment.brightness, ", the same over the whole picture"),
        "contrast": alike if even else _within("contrast", augment.contrast),
        "hue_shift": hue if augment.hue or (model is not None and model.hue != "stored") else "",
        "stain_shift": f"optical density of each channel times exp(+-{augment.stain:g})" if augment.stain else "",
    }
    return seen.get(get_corruption(name).name, "")


def _within(what: str, amount: float, how: str = "") -> str:
    return f"{what} within {amount:.0%}{how}" if amount else ""
