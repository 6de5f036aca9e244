"""Pictures of a validation report as PNG bytes; no green, and colours that also differ in grey print."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from features.base import Flags, Floats, Integers
from training.validation import prediction_rate, reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, SOFT, PAPER = "#1f2430", "#675f54", "#ffffff"
MODEL_COLOUR, MISSED_COLOUR, LAND = "#0b3c8c", "#c4321c", "#d9d5cf"
# After Okabe and Ito (2008) without its green.
COLOURS = ("#d55e00", "#8a63a8", "#56a0d3", "#e69f00", "#7a4b2a", "#cc79a7", "#6a6470", "#2f2b52")
DASHES = ("--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (7, 2)), (0, (3, 3)))
# Narrow, so that its letters remain legible when a phone reduces the picture.
WIDTH_IN, DPI = 4.6, 220
FONT: dict[Any, Any] = {"font.family": ["DejaVu Sans"], "font.size": 9}


def rate_curves(rankings: Mapping[str, Floats], positive: Flags, area: Floats, model: str) -> bytes:
    """Recall against the share of area surveyed, of the model and every rule: the first fifth, then all of it."""
    figure = _figure(6.9)
    points = 1001
    share = np.linspace(0, 100, points)
    rules = [name for name in rankings if name != model]
    first, whole = figure.subplots(2, 1)
    for axes, end in ((first, 20), (whole, 100)):
        top = 0.0
        for number, name in enumerate([*rules, model]):
            if name == model:
                style: dict[str, Any] = {"color": MODEL_COLOUR, "linewidth": 2.6, "zorder": 5}
            else:
                dash = DASHES[number % len(DASHES)]
                style = {"color": COLOURS[number % len(COLOURS)], "linewidth": 1.6, "linestyle": dash}
            curve = 100 * prediction_rate(rankings[name], positive, area, points)
            axes.plot(share, curve, label=name, **style)
            top = max(top, float(curve[share <= end].max()))
        axes.set(xlim=(0, end), ylim=(0, min(100, top * 1.05)), ylabel="% of found land reached")
        axes.set_xlabel("% of the area surveyed, best-ranked first")
        _plain(axes)
    first.set_title("The first fifth, the part that is surveyed", loc="left", fontsize=10)
    whole.set_title("All of the area", loc="left", fontsize=10)
    handles, labels = whole.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside lower center", ncols=2, frameon=False)
    return png_of(figure)


def reliability_diagram(probability: Floats, positive: Flags, area: Floats) -> bytes:
    """Observed against stated frequency in ten bins, and how many cells and found cells each bin has."""
    table = reliability(probability, positive, area)
    figure = _figure(5.4)
    above, below = figure.subplots(2, 1, height_ratios=(3, 1))
    top = 1.08 * max(float(table[["stated", "observed"]].to_numpy().max()), 1e-3)
    above.plot([0, top], [0, top], color=SOFT, linewidth=1, linestyle="--", label="stated as observed")
    above.plot(table["stated"], table["observed"], "o-", color=MODEL_COLOUR, label="tenths of the cells")
    above.set(xlim=(0, top), ylim=(0, top), ylabel="observed frequency", xlabel="stated probability")
    above.legend(frameon=False, loc="upper left")
    bins = np.arange(1, len(table) + 1)
    below.bar(bins, table["cells"], color=LAND, label="cells")
    below.bar(bins, table["found"], color=MODEL_COLOUR, width=0.45, label="found")
    for place, cells, found in zip(bins, table["cells"], table["found"], strict=True):
        below.text(place, cells, f"{found}", ha="center", va="bottom", fontsize=8, color=INK)
    below.set(xticks=bins, xlabel="bin, lowest probability first (number: found cells)", ylabel="cells")
    below.margins(y=0.2)
    _plain(above, below)
    return png_of(figure)


def region_calibration(table: Sequence[Mapping[str, Any]]) -> bytes:
    """Stated and observed frequency of each region side by side; rows with fold, stated, observed, cells."""
    figure = _figure(1.2 + 0.42 * len(table))
    axes = figure.subplots()
    for place, row in enumerate(reversed(table)):
        axes.plot([row["stated"], row["observed"]], [place, place], color=LAND, linewidth=3, zorder=1)
        axes.scatter(row["stated"], place, s=46, color=MODEL_COLOUR, zorder=3)
        axes.scatter(row["observed"], place, s=46, marker="D", color=COLOURS[0], zorder=2)
    axes.scatter([], [], s=46, color=MODEL_COLOUR, label="stated")
    axes.scatter([], [], s=46, marker="D", color=COLOURS[0], label="observed")
    labels = [f"{_short(row['fold'])}\n{row['cells']:,} cells" for row in reversed(table)]
    axes.set_yticks(range(len(table)), labels, parse_math=False)
    axes.set(xlabel="mean probability, frequency of found cells", ylim=(-0.7, len(table) - 0.3))
    axes.set_xlim(left=0)
    figure.legend(loc="outside upper right", ncols=2, frameon=False)
    _plain(axes)
    return png_of(figure)


def fold_map(easting_m: Floats, northing_m: Floats, fold: Integers, names: Sequence[str], cell_size_m: float) -> bytes:
    """The fold of each judged cell; folds carry their numbers, because colours repeat."""
    from matplotlib.colors import ListedColormap

    figure, axes, place = _map(easting_m, northing_m, cell_size_m)
    values = np.full(place.shape, np.nan)
    values[place.row, place.column] = fold % len(COLOURS)
    colours = ListedColormap(list(COLOURS))
    axes.imshow(values, cmap=colours, vmin=-0.5, vmax=len(COLOURS) - 0.5, extent=place.extent, interpolation="nearest")
    several = len(names) <= 24
    for number in range(len(names)) if several else ():
        here = fold == number
        if here.any():
            middle = float(np.median(easting_m[here])) / 1000, float(np.median(northing_m[here])) / 1000
            box = {"boxstyle": "round,pad=0.2", "facecolor": PAPER, "edgecolor": INK, "linewidth": 0.6}
            axes.text(*middle, str(number + 1), fontsize=9, ha="center", va="center", bbox=box)
    return png_of(figure)


def error_map(
    easting_m: Floats, northing_m: Floats, positive: Flags, before: Floats, missed: Flags, cell_size_m: float
) -> bytes:
    """Found cells by the share of area surveyed before them, on the judged land; missed ones are marked by crosses."""
    figure, axes = land_map(easting_m, northing_m, cell_size_m)
    groups = (
        ("in the first fifth", positive & (before <= 0.2), "o", MODEL_COLOUR, 9),
        ("later, in the upper half", positive & (before > 0.2) & ~missed, "s", COLOURS[3], 11),
        ("missed: in the lower half", missed, "X", MISSED_COLOUR, 42),
    )
    for text, rows, marker, colour, size in groups:
        label = f"{text} ({int(rows.sum()):,})"
        axes.scatter(
            easting_m[rows] / 1000, northing_m[rows] / 1000, s=size, marker=marker, color=colour, label=label,
            edgecolors=PAPER if marker == "X" else "none", linewidths=0.5,
        )  # fmt: skip
    figure.legend(loc="outside lower center", ncols=1, frameon=False, title="Found cells")
    return png_of(figure)


def land_map(easting_m: Floats, northing_m: Floats, cell_size_m: float) -> "tuple[Figure, Any]":
    """A map of the judged land in grey, in kilometres, to draw on."""
    from matplotlib.colors import ListedColormap

    figure, axes, place = _map(easting_m, northing_m, cell_size_m)
    land = np.full(place.shape, np.nan)
    land[place.row, place.column] = 0.0
    axes.imshow(land, cmap=ListedColormap([LAND]), extent=place.extent, interpolation="nearest")
    return figure, axes


def distance_ecdfs(facts: Mapping[str, Any]) -> bytes:
    """Distances to the nearest training cell, from the land to predict and between folds."""
    figure = _figure(3.2)
    axes = figure.subplots()
    share = np.asarray(facts["quantiles"])
    lines = (
        ("land to be predicted", "to_predict_m", COLOURS[0], "--"),
        ("folds", "between_folds_m", MODEL_COLOUR, "-"),
    )
    for text, name, colour, dash in lines:
        axes.plot(np.asarray(facts[name]) / 1000, 100 * share, color=colour, linestyle=dash, linewidth=2, label=text)
    axes.set(xlabel="km to the nearest cell learned from", ylabel="% of cells within", ylim=(0, 100))
    axes.set_xlim(left=0)
    axes.legend(frameon=False, loc="lower right")
    _plain(axes)
    return png_of(figure)


class _Place:
    """Places of cells in a picture with one pixel for each cell, or fewer if a screen could not show as many."""

    MOST_PIXELS = 1600

    def __init__(self, easting_m: Floats, northing_m: Floats, cell_size_m: float) -> None:
        west, north = easting_m.min() - cell_size_m / 2, northing_m.max() + cell_size_m / 2
        size = max(float(np.ptp(easting_m)), float(np.ptp(northing_m))) + cell_size_m
        step = cell_size_m * max(1, int(np.ceil(size / cell_size_m / self.MOST_PIXELS)))
        self.column = np.floor((easting_m - west) / step).astype(np.int64)
        self.row = np.floor((north - northing_m) / step).astype(np.int64)
        self.shape = int(self.row.max()) + 1, int(self.column.max()) + 1
        east, south = west + self.shape[1] * step, north - self.shape[0] * step
        self.extent = (west / 1000, east / 1000, south / 1000, north / 1000)


def _map(easting_m: Floats, northing_m: Floats, cell_size_m: float) -> "tuple[Figure, Any, _Place]":
    place = _Place(easting_m, northing_m, cell_size_m)
    figure = _figure(float(np.clip(WIDTH_IN * place.shape[0] / place.shape[1], 2.5, 6.5)) + 0.5)
    axes = figure.subplots()
    axes.set(xlabel="easting, km", ylabel="northing, km", aspect="equal")
    axes.ticklabel_format(useOffset=False, style="plain")
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes, place


def _figure(height_in: float) -> "Figure":
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # The figure is made without pyplot, which would keep it and look for a display.
    with rc_context(FONT):
        return Figure(figsize=(WIDTH_IN, height_in), dpi=DPI, layout="constrained", facecolor=PAPER)


def _plain(*many: Any) -> None:
    for axes in many:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#ece8e0", linewidth=0.8)
        axes.set_axisbelow(True)


def png_of(figure: "Figure") -> bytes:
    """The picture as a file; the same picture gives the same bytes."""
    buffer = io.BytesIO()
    # Without matplotlib's version in the file the bytes depend on the picture alone.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _short(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:19]}…"
