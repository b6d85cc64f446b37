"""Which corruptions a network met in training: few of them as such, but some of what they vary."""

import math

from neurallnet.augment.elsewhere import DYES, LAMP, WIDE
from neurallnet.config import AugmentConfig, ModelConfig
from neurallnet.robustness.corruptions import get_corruption


def seen_in_training(name: str, augment: AugmentConfig, model: ModelConfig | None = None) -> str:
    """What training with `augment` showed of the corruption `name`, or what takes it away; "" for nothing.

    Raises ConfigError.

    >>> seen_in_training("rotation", AugmentConfig())
    'right angles and mirror images only'
    """
    name, ways = get_corruption(name).name, {"stored"} if model is None else set(model.hues)
    always = {
        "rotation": "right angles and mirror images only" if augment.symmetries else "",
        "gaussian_noise": f"Gaussian noise up to {augment.noise:g} on half of the images" if augment.noise else "",
        "illumination": _within("brightness", augment.brightness, ", the same over the whole picture"),
        "contrast": _contrast(augment, ways),
        "hue_shift": _hue(augment, ways),
        "stain_shift": f"optical density of each channel times exp(+-{augment.stain:g})" if augment.stain else "",
    }
    elsewhere = {
        "illumination": f"a lamp that changes by up to {math.expm1(LAMP):.0%} across the picture",
        "contrast": f"contrast within {WIDE.contrast:.0%}",
        "hue_shift": f"hue turned within {360 * WIDE.hue:.0f} degrees",
        "stain_shift": f"the amount of either dye, each by itself, within {DYES:.0%}",
    }
    found = [always.get(name, "")]
    if augment.elsewhere and name in elsewhere:
        found.append(f"on {augment.elsewhere:.0%} of the images {elsewhere[name]}")
    return _joined(*found)


def _hue(augment: AugmentConfig, ways: set[str]) -> str:
    if ways == {"grey"}:
        return "the network sees no colours"
    if "stored" not in ways:
        return "every image's hues are normalized, so that the network cannot see a shift of all of them"
    turned = f"hue turned about the grey axis within {360 * augment.hue:.0f} degrees" if augment.hue else ""
    return _joined(turned, "a part of the network sees every image with normalized hues" if len(ways) > 1 else "")


def _contrast(augment: AugmentConfig, ways: set[str]) -> str:
    if ways == {"standardized"}:
        return "every image's contrast is made the same, so that the network cannot see a change of it"
    alike = "a part of the network sees every image at the same contrast" if "standardized" in ways else ""
    return _joined(_within("contrast", augment.contrast), alike)


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _within(what: str, amount: float, how: str = "") -> str:
    return f"{what} within {amount:.0%}{how}" if amount else ""
