"""Scale bars: what a microscope's software burns into the lower right corner.

In the real set the form of the bar goes with the class, so a network can read the corner instead of the
cells. These forms are of the same kind, so that the audit's corner probe has something to find.
"""

import numpy as np

from neurallnet.errors import ConfigError

_BLACK, _RED, _WHITE = (24, 24, 24), (196, 30, 40), (252, 252, 252)

# Three by five dots a sign, rows from top to bottom, one octal digit a row.
_SIGNS = {
    "0": "75557",
    "1": "26227",
    "2": "71747",
    "5": "74717",
    "p": "06564",
    "x": "05250",
    "u": "05557",
    "m": "07755",
    " ": "00000",
}


def _text(words: str, dot: int) -> np.ndarray:
    """A line of text as a bool array of 5 dot rows, 4 dot columns a sign."""
    rows = [
        [int(_SIGNS[sign][row]) << 1 >> (3 - column) & 1 for sign in words for column in range(4)]
        for row in range(5)
    ]
    return np.kron(np.array(rows, dtype=np.uint8), np.ones((dot, dot), dtype=np.uint8)).astype(bool)[:, :-dot]


def _box(image: np.ndarray, ink: tuple[int, int, int], unit: int) -> None:
    """A white label with a short rule and small print under it."""
    height, width = 12 * unit, 26 * unit
    top, left = image.shape[0] - height - 4 * unit, image.shape[1] - width - 4 * unit
    label = image[top : top + height, left : left + width]
    label[:] = _WHITE
    label[2 * unit : 3 * unit, 4 * unit : 22 * unit] = ink
    words = _text("10 um", unit)
    label[5 * unit : 5 * unit + words.shape[0], 4 * unit : 4 * unit + words.shape[1]][words] = ink


def _bracket(image: np.ndarray, words: str, length: int, unit: int) -> None:
    """A large white label flush with the corner: bold print above a bracket."""
    height, width = 24 * unit, (length + 6) * unit
    label = image[image.shape[0] - height :, image.shape[1] - width :]
    label[:] = _WHITE
    print_ = _text(words, max(1, 3 * unit // 2))[:, : width - 5 * unit]
    label[4 * unit : 4 * unit + print_.shape[0], 5 * unit : 5 * unit + print_.shape[1]][print_] = _BLACK
    label[17 * unit : 19 * unit, 3 * unit :] = _BLACK
    label[14 * unit : 22 * unit, 3 * unit : 5 * unit] = _BLACK


def _line(image: np.ndarray, unit: int) -> None:
    """A plain white rule, no label."""
    image[-9 * unit : -7 * unit, -52 * unit : -8 * unit] = _WHITE


def draw_bar(image: np.ndarray, form: str) -> None:
    """Burn a scale bar into uint8 (H, W, 3), in place; raises ConfigError for an unknown form."""
    unit = max(1, round(image.shape[0] / 224))
    if form == "box-black":
        _box(image, _BLACK, unit)
    elif form == "box-red":
        _box(image, _RED, unit)
    elif form == "bracket-200":
        _bracket(image, "200 px", 26, unit)
    elif form == "bracket-500":
        _bracket(image, "500 px", 38, unit)
    elif form == "line":
        _line(image, unit)
    elif form != "none":
        raise ConfigError(
            f"scale bar form {form!r} is unknown; "
            "choose box-black, box-red, bracket-200, bracket-500, line or none"
        )
