"""Fields of fire: how much of the front line within range sees a cell.

Mines are laid where they are covered by fire. Observers stand along the known front lines; from each a ray is cast over
the DEM to the centre of every cell within range. A ray uses only differences of cell indices and heights, and adds
whole centimetres of line, so that neither tile borders nor the order of the observers matter.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from features.as_of import Snapshot, height_halo
from features.base import Columns, FeatureInfo, Flags, Floats, Floats32, Grid, Integers
from features.relief import add_seen_lengths, sectors

FAMILY = "visibility"
# Spacing of observers: finer than the field of fire of a platoon's position, coarse enough for a country's lines.
OBSERVER_SPACING_M = 500.0
# Mines are laid up to 2 km in front of a line, and machine guns reach somewhat further; within the halo of the DEM.
RANGE_M = 3000.0

_HOW = (
    "one observer per 500 m of line, eye 2 m above the ground; rays between cell centres over linearly interpolated "
    "heights (R3, Franklin and Ray 1994), earth curvature with refraction 0.13"
)
FEATURES = (
    FeatureInfo(
        name="front_line_visible_share_3km",
        unit="share",
        family=FAMILY,
        trend=0,
        text="share of the front line within 3 km that sees it",
        sources=("front_lines", "dem"),
        formula=f"length of line that sees the cell / length within range, 0 without any; {_HOW}",
    ),
    FeatureInfo(
        name="front_line_visible_km_3km",
        unit="km",
        family=FAMILY,
        trend=0,
        text="length of front line within 3 km that sees it",
        sources=("front_lines", "dem"),
        formula=f"length of line that sees the cell; {_HOW}",
    ),
)


@dataclass(frozen=True)
class Observers:
    """Places (n, 2) in metres and the centimetres of line (n,) that each stands for."""

    places_m: Floats
    length_cm: Integers


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Visibility features of the tile; none without both front lines and DEM.

    NaN outside the area and where the cell has no height. An observer on a cell without height is not counted, and a
    ray passes over unknown ground: it hides nothing.
    """
    if "front_lines" not in snapshot.sources.vectors or "dem" not in snapshot.sources.rasters:
        return {}
    heights, halo = snapshot.heights(tile), height_halo(tile)
    inner = np.s_[halo : halo + tile.shape[0], halo : halo + tile.shape[1]]
    wanted = tile.mask & np.isfinite(heights[inner])
    rows, columns, length_cm = _observers_near(tile, snapshot.cached(_observers_of_run))
    within_cm, seen_cm = visible_cm(heights, halo, wanted, rows, columns, length_cm, tile.cell_size_m)
    share = np.divide(seen_cm, within_cm, out=np.zeros(tile.shape), where=within_cm > 0)
    columns_of = {"front_line_visible_share_3km": share, "front_line_visible_km_3km": seen_cm / 100_000}
    return {name: np.where(wanted, array, np.nan).astype(np.float32) for name, array in columns_of.items()}


def observers_along(geometries: NDArray[Any]) -> Observers:
    """Observers in the middle of equal pieces, at most 500 m long, of every line or border of a polygon.

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
    heights: Floats32,
    halo: int,
    wanted: Flags,
    rows: Integers,
    columns: Integers,
    length_cm: Integers,
    cell_size_m: float,
) -> tuple[Integers, Integers]:
    """Centimetres of line within range of each wanted cell, and the part of them that sees it; 0 elsewhere.

    `heights` is `halo` cells wider on every side than `wanted`; `rows` and `columns` of the observers count from the
    corner of `wanted` and may lie up to the range outside it.
    """
    within, seen = np.zeros(wanted.shape, np.int64), np.zeros(wanted.shape, np.int64)
    observers = np.column_stack([rows, columns, length_cm])
    add_seen_lengths(heights, halo, wanted, observers, sectors(RANGE_M, cell_size_m), within, seen)
    return within, seen


def _observers_of_run(snapshot: Snapshot) -> Observers:
    return observers_along(np.asarray(snapshot.table("front_lines").geometry.array))


def _observers_near(tile: Grid, observers: Observers) -> tuple[Integers, Integers, Integers]:
    """Array row, column and length of the observers whose range reaches the tile, those of one cell as one."""
    size, reach = tile.cell_size_m, int(RANGE_M // tile.cell_size_m)
    index = np.floor(observers.places_m / size).astype(np.int64)
    column, row = index[:, 0] - tile.column_min, tile.row_min + tile.shape[0] - 1 - index[:, 1]
    near = (row >= -reach) & (row < tile.shape[0] + reach) & (column >= -reach) & (column < tile.shape[1] + reach)
    cells, owner = np.unique(np.column_stack([row, column])[near], axis=0, return_inverse=True)
    length = np.zeros(len(cells), np.int64)
    np.add.at(length, owner.ravel(), observers.length_cm[near])
    return cells[:, 0], cells[:, 1], length
