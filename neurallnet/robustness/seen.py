"""Which corruptions a network met in training: few of them as such, but some of what they vary."""

from neurallnet.config import AugmentConfig, ModelConfig
from neurallnet.robustness.corruptions import get_corruption


def seen_in_training(name: str, augment: AugmentConfig, model: ModelConfig | None = None) -> str:
    """What training with `augment` showed of the corruption `name`, or what takes it away; "" for nothing.

    Raises ConfigError.

    >>> seen_in_training("rotation", AugmentConfig())
    'right angles and mirror images only'
    """
    ways = {"stored"} if model is None else set(model.hues)
    hue = f"hue turned about the grey axis within {360 * augment.hue:.0f} degrees" if augment.hue else ""
    if ways == {"grey"}:
        hue = "the network sees no colours"
    elif "stored" not in ways:
        hue = "every image's hues are normalized, so that the network cannot see a shift of all of them"
    contrast = _within("contrast", augment.contrast)
    if ways == {"standardized"}:
        contrast = "every image's contrast is made the same, so that the network cannot see a change of it"
    elif "standardized" in ways:
        contrast = "; ".join(filter(None, (contrast, "a part of the network sees every image at the same contrast")))
    seen = {
        "rotation": "right angles and mirror images only" if augment.symmetries else "",
        "gaussian_noise": f"Gaussian noise up to {augment.noise:g} on half of the images" if augment.noise else "",
        "illumination": _within("brightness", augment.brightness, ", the same over the whole picture"),
        "contrast": contrast,
        "hue_shift": hue,
        "stain_shift": f"optical density of each channel times exp(+-{augment.stain:g})" if augment.stain else "",
    }
    return seen.get(get_corruption(name).name, "")


def _within(what: str, amount: float, how: str = "") -> str:
    return f"{what} within {amount:.0%}{how}" if amount else ""
