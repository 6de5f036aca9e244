"""The map of a printed sheet: classes, context and tasks on matplotlib axes, with scale bar and north arrow."""

from math import ceil, floor, log10
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

from mlrisk.outputs.cell_rasters import coarsen, coarsening, on_grid, polygons_of
from mlrisk.outputs.map_page_overlays import HATCHED, OVERLAYS, OverlayStyle, layer_of
from mlrisk.outputs.wording import Say
from mlrisk.risk_map import CLASSES, MOST_URGENT_FIRST, NO_BASIS, OUTSIDE, RELEASED, Package

# The class of lower priority.
LOWER = 5
INK, CHOSEN, HATCH = "#1f2430", "#0b57d0", "#ffffff"
# Patterns for classes that look like others in grey print. The ranked ones go from dark to light.
HATCHES = {NO_BASIS: ("////", HATCH), RELEASED: ("||||", INK), LOWER: ("....", INK)}
MOST_PIXELS = 600_000
MOST_HATCH_VERTICES = 20_000
MOST_NAMES = 15
DASHES: dict[str, Any] = {"solid": "-", "dashed": (0, (4, 2)), "dotted": (0, (1, 2))}

Box = tuple[float, float, float, float]
# What texts stand on, so that they are readable over every class.
PLATE: dict[str, Any] = {"boxstyle": "circle,pad=0.2", "facecolor": "#ffffff", "linewidth": 0.6}
BACK: dict[str, Any] = {"facecolor": "#ffffff", "edgecolor": "none", "alpha": 0.8, "pad": 1}


def class_codes(package: Package) -> NDArray[np.uint8]:
    """Class of every cell on the grid, row 0 in the north, 0 outside the area."""
    return np.asarray(on_grid(package.grid, package.classes.astype(np.uint8), OUTSIDE))


def draw_map(axes: Axes, package: Package, codes: NDArray[np.uint8], box: Box, say: Say) -> list[Any]:
    """Draw the land inside `box` (west, south, east, north in the grid) and return the entries of its legend."""
    axes.set(xlim=(box[0], box[2]), ylim=(box[1], box[3]), facecolor="#f7f5f0", aspect="equal")
    axes.tick_params(labelsize=5.5, colors="#6b6459", length=2, pad=1)
    axes.ticklabel_format(style="plain", useOffset=False)
    axes.locator_params(nbins=4)
    for spine in axes.spines.values():
        spine.set(edgecolor="#cfc9bd", linewidth=0.6)
    entries = _draw_classes(axes, package, codes, box, say)
    for style in OVERLAYS:
        frame = layer_of(package, style.key) if style.shown else None
        entries += [] if frame is None else _draw_layer(axes, frame, style, box, say)
    _draw_scale(axes, box)
    _draw_north(axes, say)
    return entries


def draw_tasks(
    axes: Axes, tasks: gpd.GeoDataFrame, box: Box, say: Say, *, chosen: int = 0, numbered: int = 0
) -> list[Any]:
    """Draw outlines of the tasks, the one with the task_id `chosen` in blue, with numbers up to `numbered`."""
    inside = tasks[tasks.geometry.intersects(shapely.box(*box))]
    for task_id, number, shape in zip(inside["task_id"], inside["number"], inside.geometry, strict=True):
        mine = task_id == chosen
        colour, width = (CHOSEN, 1.8) if mine else (INK, 0.7)
        axes.add_collection(_polygons(shape, edgecolor=colour, linewidth=width, zorder=6 + mine))
        if number is not None and (number <= numbered or (mine and number > 0)):
            point = shape.representative_point()
            plate = {**PLATE, "edgecolor": colour}
            axes.text(point.x, point.y, f"{number:.0f}", size=5.5, ha="center", va="center", bbox=plate, zorder=9)
    entries: list[Any] = [Patch(facecolor="none", edgecolor=INK, label=say("survey task"))]
    return [Patch(facecolor="none", edgecolor=CHOSEN, label=say("this task")), *entries] if chosen else entries


def printable(text: str) -> str:
    r"""Text without control characters, for which fonts have no glyphs.

    >>> printable("Ağdam\x0c\nTərtər")
    'Ağdam\nTərtər'
    """
    return "".join(sign for sign in text if sign.isprintable() or sign == "\n")


def around(package: Package, bounds: Box, aspect: float) -> Box:
    """A box of the given width / height around a task, with at least eight cells of land on each side."""
    west, south, east, north = bounds
    margin = 8 * package.grid.cell_size_m
    height = max(north - south + 2 * margin, (east - west + 2 * margin) / aspect)
    middle_east, middle_north = (west + east) / 2, (south + north) / 2
    half = height / 2
    return middle_east - half * aspect, middle_north - half, middle_east + half * aspect, middle_north + half


def _draw_classes(axes: Axes, package: Package, codes: NDArray[np.uint8], box: Box, say: Say) -> list[Any]:
    grid = package.grid
    cell, (west, north) = grid.cell_size_m, (grid.bounds[0], grid.bounds[3])
    rows = slice(max(0, floor((north - box[3]) / cell)), max(0, ceil((north - box[1]) / cell)))
    columns = slice(max(0, floor((box[0] - west) / cell)), max(0, ceil((box[2] - west) / cell)))
    part = codes[rows, columns]
    if part.size == 0:
        return []
    factor = coarsening(part.shape, MOST_PIXELS)
    part = coarsen(part, factor, MOST_URGENT_FIRST)
    side = cell * factor
    left, top = west + columns.start * cell, north - rows.start * cell
    extent = (left, left + part.shape[1] * side, top - part.shape[0] * side, top)
    colours = np.array(["#00000000", *(f"{cls.colour}ff" for cls in CLASSES)])
    palette = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5, 7)] for colour in colours], dtype=np.uint8)
    axes.imshow(palette[part], extent=extent, interpolation="none", zorder=1, aspect="equal")
    transform = grid.transform @ type(grid.transform).translation(columns.start, rows.start)
    transform = transform @ type(grid.transform).scale(factor)
    for code, (hatch, colour) in HATCHES.items():
        shapes = polygons_of(part == code, transform, MOST_HATCH_VERTICES)
        if shapes:
            hatched = shapely.multipolygons(shapely.get_parts(np.array(shapes, dtype=object)))
            axes.add_collection(_polygons(hatched, edgecolor=colour, linewidth=0, hatch=hatch, zorder=2))
    axes.set(xlim=(box[0], box[2]), ylim=(box[1], box[3]))
    return [
        Patch(facecolor=cls.colour, edgecolor=HATCHES.get(cls.code, ("", "none"))[1], linewidth=0,
              label=say(cls.text), hatch=HATCHES.get(cls.code, ("", ""))[0])
        for cls in CLASSES if (part == cls.code).any()
    ]  # fmt: skip


def _draw_layer(axes: Axes, frame: gpd.GeoDataFrame, style: OverlayStyle, box: Box, say: Say) -> list[Any]:
    found = frame.iloc[np.sort(frame.sindex.query(shapely.box(*box)))]
    shapes = shapely.get_parts(shapely.clip_by_rect(shapely.make_valid(np.asarray(found.geometry.values)), *box))
    kind = shapely.get_dimensions(shapes)
    shapes = shapely.simplify(shapes, (box[2] - box[0]) / 2000)
    if len(shapes) == 0:
        return []
    width, dash = style.width * 0.6, DASHES[style.dash]
    lines = [shapely.get_coordinates(shape) for shape in shapes[kind == 1]]
    if lines:
        axes.add_collection(LineCollection(lines, colors="#ffffff", linewidths=width + 1, alpha=0.7, zorder=3))
        axes.add_collection(LineCollection(lines, colors=style.colour, linewidths=width, linestyles=[dash], zorder=4))
    for shape in shapes[kind == 2]:
        hatch = {"hatch": "xxx"} if style.key in HATCHED else {}
        axes.add_collection(
            _polygons(shape, edgecolor=style.colour, linewidth=width, linestyle=dash, zorder=4, **hatch)
        )
    points = shapely.get_coordinates(shapes[kind == 0])
    axes.scatter(
        points[:, 0], points[:, 1], s=7, c=style.colour, marker="s", edgecolors="#ffffff", linewidths=0.4, zorder=5
    )
    if style.key == "settlements" and "name" in found.columns:
        _write_names(axes, found)
    title = say(style.title).lower()
    if (kind == 2).any() and not lines:
        return [Patch(facecolor="none", edgecolor=style.colour, linestyle=dash, label=title,
                      hatch="xxx" if style.key in HATCHED else "")]  # fmt: skip
    marker = {"marker": "s", "linestyle": "", "markersize": 3} if not lines else {"linestyle": dash}
    return [Line2D([], [], color=style.colour, linewidth=style.width, label=title, **marker)]


def _write_names(axes: Axes, frame: gpd.GeoDataFrame) -> None:
    named = frame[frame["name"].notna()].head(MOST_NAMES)
    for name, point in zip(named["name"], named.geometry.representative_point(), strict=True):
        text = printable(str(name)[:32])
        axes.annotate(text, (point.x, point.y), (3, 2), textcoords="offset points", size=5.5, zorder=8,
                      color=INK, bbox={**BACK, "pad": 0.4}, clip_on=True, annotation_clip=True)  # fmt: skip


def _draw_scale(axes: Axes, box: Box) -> None:
    """A bar of 1, 2 or 5 times a power of ten metres, at most a third of the map wide."""
    third = (box[2] - box[0]) / 3
    power = 10 ** floor(log10(third))
    metres = max(step * power for step in (1, 2, 5) if step * power <= third)
    left, low = box[0] + 0.04 * (box[2] - box[0]), box[1] + 0.04 * (box[3] - box[1])
    high = low + 0.012 * (box[3] - box[1])
    text = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
    axes.text(left + metres / 2, high * 1.0, text, size=6, ha="center", va="bottom", bbox=BACK, zorder=10)
    for start, colour in ((0, INK), (0.5, "#ffffff")):
        part = shapely.box(left + start * metres, low, left + (start + 0.5) * metres, high)
        axes.add_collection(_polygons(part, facecolor=colour, edgecolor=INK, linewidth=0.5, zorder=10))


def _draw_north(axes: Axes, say: Say) -> None:
    arrow = {"arrowstyle": "-|>", "color": INK, "lw": 1}
    axes.annotate("", (0.955, 0.97), (0.955, 0.89), xycoords="axes fraction", arrowprops=arrow, zorder=10)
    axes.text(
        0.955, 0.885, say("N (grid)"), size=5.5, ha="center", va="top", transform=axes.transAxes, bbox=BACK, zorder=10
    )


def _polygons(shape: Any, **style: Any) -> PathCollection:
    """One collection of the polygons of a shape, holes cut out; no fill unless a colour is given."""
    outlines = []
    for polygon in shapely.get_parts(shape):
        rings = [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]
        outlines.append(Outline.make_compound_path(*(Outline(ring, closed=True) for ring in rings)))
    return PathCollection(outlines, **{"facecolor": "none", **style})
