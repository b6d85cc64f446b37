"""White balance and one contrast for all (`light.py`) and hue normalization (`hue.py`) as nodes of an ONNX graph, line by line."""

from neurallnet.hue import DOMINANT, RADIANS, STRIDE, TINY
from neurallnet.light import FAINTEST, FLATTEST, MEAN, SPREAD, spot_side
from neurallnet.onnx_writer import Writer


def balanced_light(w: Writer, images: str, image_size: int) -> str:
    """`images` (B, 3, H, W) of `image_size` pixels a side -> name of the same with the brightest spot of each channel at 1."""
    side = spot_side(image_size)
    spots = _one(w, "AveragePool", images, name="light/spots", kernel_shape=[side, side], strides=[side, side])
    brightest = _one(w, "ReduceMax", spots, w.constant("light/axes", [2, 3]), name="light/brightest", keepdims=1)
    background = _one(w, "Max", brightest, w.number(FAINTEST), name="light/background")
    return _one(w, "Min", _one(w, "Div", images, background, name="light/divided"), w.number(1), name="light/image")


def standardized_light(w: Writer, images: str) -> str:
    """`images` (B, 3, H, W) -> name of the same with one mean and spread for each picture."""
    axes = w.constant("light/picture", [1, 2, 3])
    mean = _one(w, "ReduceMean", images, axes, name="light/mean", keepdims=1)
    centered = _one(w, "Sub", images, mean, name="light/centered")
    squares = _one(w, "Mul", centered, centered, name="light/squares")
    spread = _one(w, "Sqrt", _one(w, "ReduceMean", squares, axes, name="light/variance", keepdims=1), name="light/spread")
    factor = _one(w, "Div", w.number(SPREAD), _one(w, "Max", spread, w.number(FLATTEST), name="light/floor"), name="light/factor")
    return _one(w, "Add", _one(w, "Mul", centered, factor, name="light/scaled"), w.number(MEAN), name="light/standard")


def normalized_hue(w: Writer, images: str) -> str:
    """`images` (B, 3, H, W) -> name of the same with its dominant hue at DOMINANT."""
    red, green, blue = w.node("Split", images, name="hue/channels", outputs=3, num_outputs=3, axis=1)
    value = _one(w, "Max", red, green, blue, name="hue/value")
    chroma = _one(w, "Sub", value, _one(w, "Min", red, green, blue, name="hue/least"), name="hue/chroma")
    hue = _hue(w, red, green, blue, value, chroma)
    turned = _one(w, "Add", hue, _turn(w, hue, chroma), name="hue/turned")
    parts = []
    for offset in (5, 3, 1):
        place = _one(w, "Add", turned, w.number(offset), name=f"hue/place {offset}")
        circles = _one(w, "Floor", _one(w, "Mul", place, w.number(1 / 6), name=f"hue/sixth {offset}"), name=f"hue/floor {offset}")
        whole = _one(w, "Mul", circles, w.number(6), name=f"hue/whole {offset}")
        place = _one(w, "Sub", place, whole, name=f"hue/wrapped {offset}")
        down = _one(w, "Sub", w.number(4), place, name=f"hue/down {offset}")
        ramp = _one(w, "Min", place, down, w.number(1), name=f"hue/lower {offset}")
        ramp = _one(w, "Max", ramp, w.number(0), name=f"hue/ramp {offset}")
        parts.append(_one(w, "Sub", value, _one(w, "Mul", chroma, ramp, name=f"hue/taken {offset}"), name=f"hue/channel {offset}"))
    return _one(w, "Concat", *parts, name="hue/image", axis=1)


def _hue(w: Writer, red: str, green: str, blue: str, value: str, chroma: str) -> str:
    scale = _one(w, "Reciprocal", _one(w, "Max", chroma, w.number(TINY), name="hue/least chroma"), name="hue/scale")
    differences = {"red": (green, blue, 0), "green": (blue, red, 2), "blue": (red, green, 4)}
    sextant = {}
    for name, (first, second, base) in differences.items():
        ratio = _one(w, "Mul", _one(w, "Sub", first, second, name=f"hue/over {name}"), scale, name=f"hue/ratio {name}")
        sextant[name] = _one(w, "Add", ratio, w.number(base), name=f"hue/if {name}") if base else ratio
    is_green = _one(w, "Equal", value, green, name="hue/is green")
    other = _one(w, "Where", is_green, sextant["green"], sextant["blue"], name="hue/if not red")
    return _one(w, "Where", _one(w, "Equal", value, red, name="hue/is red"), sextant["red"], other, name="hue/hue")


def _turn(w: Writer, hue: str, chroma: str) -> str:
    """DOMINANT minus the dominant hue, (B, 1, 1, 1)."""
    ends, axes = w.constant("hue/ends", [2**31, 2**31]), w.constant("hue/axes", [2, 3])
    every = (w.constant("hue/starts", [0, 0]), ends, axes, w.constant("hue/strides", [STRIDE, STRIDE]))
    hue, chroma = (_one(w, "Slice", part, *every, name=f"{part} sampled") for part in (hue, chroma))
    weight = _one(w, "Mul", chroma, chroma, name="hue/weight")
    angle = _one(w, "Mul", hue, w.number(RADIANS), name="hue/angle")
    sums = {}
    for name, kind in (("x", "Cos"), ("y", "Sin")):
        weighted = _one(w, "Mul", weight, _one(w, kind, angle, name=f"hue/{kind.lower()}"), name=f"hue/weighted {name}")
        sums[name] = _one(w, "ReduceMean", weighted, axes, name=f"hue/{name}", keepdims=1)
    squares = [_one(w, "Mul", sums[name], sums[name], name=f"hue/{name} squared") for name in "xy"]
    length = _one(w, "Sqrt", _one(w, "Add", *squares, name="hue/squares"), name="hue/length")
    base = _one(w, "Max", _one(w, "Add", sums["x"], length, name="hue/base"), w.number(TINY**2), name="hue/least base")
    half = _one(w, "Atan", _one(w, "Div", sums["y"], base, name="hue/slope"), name="hue/half angle")
    return _one(w, "Sub", w.number(DOMINANT), _one(w, "Mul", half, w.number(2 / RADIANS), name="hue/dominant"), name="hue/turn")


def _one(w: Writer, kind: str, *inputs: str, name: str, **attributes: int) -> str:
    (output,) = w.node(kind, *inputs, name=name, **attributes)
    return output
