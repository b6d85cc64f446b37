"""Names beside points, each where it covers no other name, no point and no interval."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from neurallnet.plots.theme import INK

# Offsets in points from the marker, with the alignment they ask for: beside it first, then further up and down.
_PLACES = [
    (side * 8, height, "left" if side > 0 else "right") for height in (0, 9, -9, 18, -18, 27, -27, 36, -36) for side in (1, -1)
]


def name_points(axes: Axes, points: Sequence[tuple[float, float]], names: Sequence[str], bold: Sequence[bool]) -> None:
    """Write `names` beside `points` (data coordinates), in bold where `bold`; call it when all else of the figure is drawn.

    Lines already drawn in `axes` are not covered while there is room elsewhere.
    """
    figure = axes.figure
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()  # the layout decides where points lie
    taken = [line.get_window_extent(renderer).padded(3) for line in axes.lines]
    room = axes.get_window_extent(renderer)
    for point, name, heavy in sorted(zip(points, names, bold, strict=True), key=lambda entry: entry[0]):
        text = axes.annotate(
            name,
            point,
            xytext=(8, 0),
            textcoords="offset points",
            fontsize=10,
            va="center",
            color=INK,
            weight="bold" if heavy else "normal",
        )
        text.set_in_layout(False)

        def cost(place: tuple[int, int, str], text=text) -> float:
            text.set_position(place[:2])
            text.set_horizontalalignment(place[2])
            box = text.get_window_extent(renderer)
            outside = box.width - max(0, min(box.x1, room.x1) - max(box.x0, room.x0))
            return outside * box.height + sum(_shared(box, other) for other in taken) + 0.01 * abs(place[1])

        cost(min(_PLACES, key=cost))  # measuring a place also puts the text there
        taken.append(text.get_window_extent(renderer))


def _shared(one: Bbox, other: Bbox) -> float:
    both = Bbox.intersection(one, other)
    return both.width * both.height if both else 0.0
