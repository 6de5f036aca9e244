"""Fields of fire: how much of the front line within range sees a cell.

Mines are laid where they are covered by fire. Observers stand along the known front lines; from each a ray is cast
over the DEM to the centre of every cell within range. A ray uses differences of cell indices and heights alone, and
what it adds is whole centimetres of line, so neither tile borders nor the order of the observers can matter.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from features.grid import Grid
from features.info import Columns, FeatureInfo
from features.known import Known, height_halo

FAMILY = "visibility"
# Finer than the fields of fire of a platoon's position, coarse enough for a country's lines.
OBSERVER_SPACING_M = 500.0
# Mines are laid up to 2 km in front of a line, and machine guns reach somewhat further; within the halo of the DEM.
RANGE_M = 3000.0
# A standing soldier or a weapon on a parapet; the mine lies on the ground, so the target has no height.
EYE_HEIGHT_M = 2.0
EARTH_RADIUS_M = 6_371_000.0
# Light bends with the earth by 13 % of its curvature (Gauss 1823); what is left hides 0.6 m at 3 km.
DROP_PER_M2 = (1 - 0.13) / (2 * EARTH_RADIUS_M)

_HOW = (
    "one observer per 500 m of line, eye 2 m above the ground; rays between cell centres over linearly interpolated "
    "heights (R3, Franklin and Ray 1994), earth curvature with refraction 0.13"
)
FEATURES = (
    FeatureInfo(
        "front_line_visible_share_3km",
        "share",
        FAMILY,
        0,
        "share of the front line within 3 km that sees it",
        ("front_lines", "dem"),
        f"length of line that sees the cell / length within range, 0 without any; {_HOW}",
    ),
    FeatureInfo(
        "front_line_visible_km_3km",
        "km",
        FAMILY,
        0,
        "length of front line within 3 km that sees it",
        ("front_lines", "dem"),
        f"length of line that sees the cell; {_HOW}",
    ),
)


@dataclass(frozen=True)
class Observers:
    """Places (n, 2) in metres and the centimetres of line (n,) that each stands for."""

    places_m: NDArray[np.float64]
    length_cm: NDArray[np.int64]


def build(tile: Grid, known: Known) -> Columns:
    """Visibility features of the tile; none without both front lines and DEM.

    NaN outside the area and where the cell has no height. An observer on a cell without height is not counted, and a
    ray passes over unknown ground: it hides nothing.
    """
    if "front_lines" not in known.sources.vectors or "dem" not in known.sources.rasters:
        return {}
    heights, halo = known.heights(tile), height_halo(tile)
    inner = np.s_[halo : halo + tile.shape[0], halo : halo + tile.shape[1]]
    wanted = tile.mask & np.isfinite(heights[inner])
    rows, columns, length_cm = _observers_near(tile, known.once(_observers_of_run))
    within_cm, seen_cm = visible_cm(heights, halo, wanted, rows, columns, length_cm, tile.cell_size_m)
    share = np.divide(seen_cm, within_cm, out=np.zeros(tile.shape), where=within_cm > 0)
    columns_of = {"front_line_visible_share_3km": share, "front_line_visible_km_3km": seen_cm / 100_000}
    return {name: np.where(wanted, array, np.nan).astype(np.float32) for name, array in columns_of.items()}


def observers_along(geometries: NDArray[Any]) -> Observers:
    """Observers in the middle of equal pieces, at most 500 m long, of every line; the border stands for a polygon.

    >>> import numpy as np, shapely
    >>> found = observers_along(np.array([shapely.LineString([(0, 0), (0, 900)])]))
    >>> found.places_m.tolist(), found.length_cm.tolist()
    ([[0.0, 225.0], [0.0, 675.0]], [45000, 45000])
    """
    parts = shapely.get_parts(shapely.get_parts(geometries))
    areal = shapely.get_dimensions(parts) == 2
    parts = shapely.get_parts(np.concatenate([parts[~areal], shapely.boundary(parts[areal])]))
    parts = parts[shapely.length(parts) > 0]
    length = shapely.length(parts)
    pieces = np.ceil(length / OBSERVER_SPACING_M).astype(np.int64)
    line = np.repeat(np.arange(len(parts)), pieces)
    piece = np.arange(len(line)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    step = length[line] / pieces[line]
    places = shapely.get_coordinates(shapely.line_interpolate_point(parts[line], (piece + 0.5) * step))
    return Observers(places, np.rint(step * 100).astype(np.int64))


def visible_cm(
    heights: NDArray[np.float32],
    halo: int,
    wanted: NDArray[np.bool_],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    length_cm: NDArray[np.int64],
    cell_size_m: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Centimetres of line within range of each wanted cell, and those of them that see it; 0 elsewhere.

    `heights` is `halo` cells wider on every side than `wanted`; `rows` and `columns` of the observers count from the
    corner of `wanted` and may lie up to the range outside it.
    """
    within, seen = np.zeros(wanted.shape, np.int64), np.zeros(wanted.shape, np.int64)
    flat = np.ascontiguousarray(heights).ravel()
    for observer in zip(rows, columns, length_cm, strict=True):
        _look(flat, heights.shape[1], halo, wanted, observer, cell_size_m, within, seen)
    return within, seen


def _observers_of_run(known: Known) -> Observers:
    return observers_along(np.asarray(known.table("front_lines").geometry.array))


def _observers_near(tile: Grid, observers: Observers) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Array row, column and length of the observers whose range reaches the tile, those of one cell as one."""
    size, reach = tile.cell_size_m, int(RANGE_M // tile.cell_size_m)
    index = np.floor(observers.places_m / size).astype(np.int64)
    column, row = index[:, 0] - tile.column_min, tile.row_min + tile.shape[0] - 1 - index[:, 1]
    near = (row >= -reach) & (row < tile.shape[0] + reach) & (column >= -reach) & (column < tile.shape[1] + reach)
    cells, owner = np.unique(np.column_stack([row, column])[near], axis=0, return_inverse=True)
    length = np.zeros(len(cells), np.int64)
    np.add.at(length, owner.ravel(), observers.length_cm[near])
    return cells[:, 0], cells[:, 1], length


@njit(cache=True, nogil=True, error_model="numpy")
def _look(  # type: ignore[no-untyped-def]  # noqa: ANN202
    heights: Any, width: int, halo: int, wanted: Any, observer: Any, size: float, within: Any, seen: Any
):
    """Add the length of one observer (row, column, length) to the wanted cells within range, and to those it sees."""
    row, column, length = observer
    here = (row + halo) * width + column + halo
    eye = np.float64(heights[here]) + EYE_HEIGHT_M
    if np.isnan(eye):
        return
    reach = int(RANGE_M // size)
    for y in range(max(0, row - reach), min(wanted.shape[0], row + reach + 1)):
        hint = 0
        for x in range(max(0, column - reach), min(wanted.shape[1], column + reach + 1)):
            down, right = y - row, x - column
            squared = (down * down + right * right) * size * size
            if squared > RANGE_M * RANGE_M or not wanted[y, x]:
                continue
            within[y, x] += length
            along, across = abs(right), abs(down)
            step, side = (1 if right > 0 else -1), (width if down > 0 else -width)
            if across > along:
                along, across, step, side = across, along, side, step
            if along > 1:
                target = np.float64(heights[here + down * width + right])
                bend = DROP_PER_M2 * squared / (along * along)
                slope = (target - eye) / along - bend * along
                stop = _blocked_at(heights, here, (step, side, along, across), eye, slope, bend, hint)
                if stop > 0:
                    hint = stop
                    continue
            seen[y, x] += length


@njit(cache=True, nogil=True, error_model="numpy")
def _blocked_at(  # type: ignore[no-untyped-def]  # noqa: ANN202
    heights: Any, here: int, ray: Any, eye: float, slope: float, bend: float, hint: int
):
    """A step of the ray at which the ground rises above it, 0 where the target is seen; `hint` is tried first.

    The ray goes `along` steps, and `across` to the side over all. A neighbour is mostly hidden by the same ridge.
    """
    step, side, along, across = ray
    if 0 < hint < along:
        whole, rest = hint * across // along, hint * across % along
        first = here + hint * step + whole * side
        second = first + (side if rest > 0 else 0)
        ground = np.float64(heights[first]) * (along - rest) + np.float64(heights[second]) * rest
        if ground > along * (eye + hint * (slope + bend * hint)):
            return hint
    # Whole numbers as floats are exact, and spare a conversion at every step.
    full, more, part, distance = np.float64(along), np.float64(across), 0.0, 0.0
    first = here
    for k in range(1, along):
        first += step
        part += more
        distance += 1.0
        if part >= full:
            part -= full
            first += side
        second = first + (side if part > 0 else 0)
        ground = np.float64(heights[first]) * (full - part) + np.float64(heights[second]) * part
        # Unknown ground is NaN, which is never greater.
        if ground > full * (eye + distance * (slope + bend * distance)):
            return k
    return 0
