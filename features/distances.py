"""Exact distance from cell centres to points, lines and polygons.

The nearest of many segments is found by branch and bound on the tile: a window of cells with centre c and half
diagonal h has all its nearest segments within d(c) + 2 h of c, so each quarter of a window inherits only those. No
halo is needed, and what is compared in the end is the plain point-to-segment formula, so a value does not depend on
the tile's borders.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from features.grid import Grid
from features.info import LONGEST_DISTANCE_M
from features.records import Owned

# Cell-segment pairs that are compared at once: 0.5 MB an array, which stays in the cache.
PAIRS_AT_ONCE = 1 << 16
# Bounds are kept this much wider than they need be, so that rounding never drops the nearest segment.
SLACK_M = 1e-3
# Neighbours asked for at once before a cell's own group gets a tree of everything else.
MOST_NEIGHBOURS = 32

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Segments:
    """`start` and `end` (n, 2) in metres; a point is a segment without length. `owner` is the geometry's index."""

    start: Floats
    end: Floats
    owner: NDArray[np.int64]


@dataclass(frozen=True)
class Nearest:
    """For each cell (tile.shape): distance to the nearest geometry, its index, and the place (..., 2) on it.

    Beyond the longest distance: the longest distance, -1 and NaN. Outside the area: NaN, -1 and NaN.
    """

    distance_m: Floats
    owner: NDArray[np.int64]
    place_m: Floats


def segments_of(geometries: NDArray[Any]) -> Segments:
    """The segments of lines, the borders of polygons and the points, in the order of the geometries."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    while np.any(shapely.get_type_id(parts) > shapely.GeometryType.POLYGON):
        parts, index = shapely.get_parts(parts, return_index=True)
        owner = owner[index]
    rings, ring_owner = _rings(parts)
    coordinates, line = shapely.get_coordinates(rings, return_index=True)
    joined = line[1:] == line[:-1]
    alone = shapely.get_type_id(rings) == shapely.GeometryType.POINT
    single = coordinates[alone[line]]
    start = np.concatenate([coordinates[:-1][joined], single])
    end = np.concatenate([coordinates[1:][joined], single])
    owners = owner[ring_owner[np.concatenate([line[1:][joined], line[alone[line]]])]]
    order = np.argsort(owners, kind="stable")
    return Segments(start[order], end[order], owners[order].astype(np.int64))


def distance_m(tile: Grid, geometries: NDArray[Any]) -> Floats:
    """Distance to the nearest geometry, 0 inside a polygon, at most the longest distance; NaN outside the area."""
    return nearest(tile, geometries).distance_m


def nearest(tile: Grid, geometries: NDArray[Any]) -> Nearest:
    """The nearest geometry of every cell; among equals the first in the table."""
    found = Nearest(
        np.full(tile.shape, np.nan), np.full(tile.shape, -1, dtype=np.int64), np.full((*tile.shape, 2), np.nan)
    )
    _descend(tile, segments_of(geometries), found)
    within = first_inside(tile, geometries)
    inside = (within >= 0) & tile.mask
    found.distance_m[inside] = 0.0
    found.owner[inside] = within[inside]
    found.place_m[inside] = _centres(tile)[inside]
    return found


def first_inside(tile: Grid, geometries: NDArray[Any]) -> NDArray[np.int64]:
    """Index of the first polygon that holds or touches the cell centre, -1 where none does (tile.shape)."""
    inside = np.full(tile.shape, -1, dtype=np.int64)
    areal = np.flatnonzero(shapely.get_dimensions(geometries) == 2)
    if not len(areal):
        return inside
    west, south, east, north = shapely.bounds(geometries[areal]).T
    columns = np.column_stack([np.searchsorted(tile.eastings_m, west), np.searchsorted(tile.eastings_m, east, "right")])
    rows = np.column_stack(
        [np.searchsorted(-tile.northings_m, -north), np.searchsorted(-tile.northings_m, -south, "right")]
    )
    hit = np.flatnonzero((columns[:, 0] < columns[:, 1]) & (rows[:, 0] < rows[:, 1]))
    for index in hit:
        window = inside[slice(*rows[index]), slice(*columns[index])]
        easting, northing = np.meshgrid(tile.eastings_m[slice(*columns[index])], tile.northings_m[slice(*rows[index])])
        shape = geometries[areal[index]]
        shapely.prepare(shape)
        window[(window < 0) & shapely.intersects_xy(shape, easting, northing)] = areal[index]
    return inside


def nearest_other(
    centres: Floats, groups_of_cells: NDArray[np.int64], points: Floats, groups_of_points: NDArray[np.int64]
) -> Floats:
    """Distance (n_cells,) from each centre to the nearest point of another group, at most the longest distance.

    This is the own-event rule: a record that makes the label of a cell must not shorten that cell's distance. Only
    the cells whose nearest point is their own ask further.
    """
    found = np.full(len(centres), np.inf)
    if len(points):
        tree, count = cKDTree(points), min(1, len(points))
        left = np.arange(len(centres))
        while len(left) and count <= MOST_NEIGHBOURS:
            distance, index = tree.query(centres[left], k=np.arange(1, count + 1))
            there = index < len(points)
            group = groups_of_points[np.where(there, index, 0)]
            other = there & (group != groups_of_cells[left, None])
            found[left] = np.where(other, distance, np.inf).min(axis=1)
            # A cell has its answer when it met another group's point, or every point there is.
            left = left[~other.any(axis=1) & there.all(axis=1)]
            count *= 4
        for group in np.unique(groups_of_cells[left]):
            asking = left[groups_of_cells[left] == group]
            others = points[groups_of_points != group]
            if len(others):
                found[asking] = cKDTree(others).query(centres[asking])[0]
    return np.asarray(np.minimum(found, LONGEST_DISTANCE_M))


def event_distance_m(tile: Grid, places: Floats, ownership: list[tuple[NDArray[np.int64], Owned | None]]) -> Floats:
    """Distance (tile.shape) to the nearest record that a cell does not own; NaN outside the area."""
    centres = tile.centres_m()
    least = np.full(len(centres), LONGEST_DISTANCE_M)
    for rows, own in ownership:
        if own is None:
            of_cells, of_points = np.zeros(len(centres), np.int64), np.ones(len(rows), np.int64)
        else:
            of_cells, of_points = own.cell_groups[tile.mask], own.record_groups
        least = np.minimum(least, nearest_other(centres, of_cells, places[rows], of_points))
    out = np.full(tile.shape, np.nan)
    out[tile.mask] = least
    return out


def _rings(parts: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Points and lines as they are, polygons as their rings, each with the index of its part."""
    areal = np.flatnonzero(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON)
    plain = np.flatnonzero(shapely.get_type_id(parts) != shapely.GeometryType.POLYGON)
    rings, index = shapely.get_rings(parts[areal], return_index=True)
    return np.concatenate([parts[plain], rings]), np.concatenate([plain, areal[index]]).astype(np.int64)


def _centres(tile: Grid) -> Floats:
    """(rows, columns, 2) easting and northing of every cell of the rectangle."""
    return np.stack(np.meshgrid(tile.eastings_m, tile.northings_m), axis=-1)


def _descend(tile: Grid, segments: Segments, found: Nearest) -> None:
    """Fill `found` window by window, from the whole tile down to windows with few pairs to compare."""
    rows, columns = tile.shape
    waiting = [(0, rows, 0, columns, np.arange(len(segments.owner)))]
    while waiting:
        top, bottom, left, right, candidates = waiting.pop()
        window = np.s_[top:bottom, left:right]
        if not tile.mask[window].any():
            continue
        easting, northing = tile.eastings_m[left:right], tile.northings_m[top:bottom]
        candidates = _may_be_nearest(easting, northing, segments, candidates)
        cells = (bottom - top) * (right - left)
        if not len(candidates):
            found.distance_m[window] = np.where(tile.mask[window], LONGEST_DISTANCE_M, np.nan)
        elif cells == 1 or cells * len(candidates) <= PAIRS_AT_ONCE:
            _compare(tile, segments, candidates, window, found)
        else:
            middle_row, middle_column = (top + bottom) // 2, (left + right) // 2
            for low, high in ((top, middle_row), (middle_row, bottom)):
                for start, stop in ((left, middle_column), (middle_column, right)):
                    if low < high and start < stop:
                        waiting.append((low, high, start, stop, candidates))


def _may_be_nearest(
    easting: Floats, northing: Floats, segments: Segments, candidates: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The candidates that may be nearest to some cell of the window and within the longest distance of it."""
    if not len(candidates):
        return candidates
    centre = np.array([[(easting[0] + easting[-1]) / 2, (northing[0] + northing[-1]) / 2]])
    half = float(np.hypot(easting[-1] - easting[0], northing[0] - northing[-1]) / 2)
    distance = np.sqrt(_squared(centre, segments.start[candidates], segments.end[candidates])[0][0])
    reach = min(float(distance.min()) + 2 * half, LONGEST_DISTANCE_M + half)
    return np.asarray(candidates[distance <= reach + SLACK_M])


def _squared(centres: Floats, start: Floats, end: Floats) -> tuple[Floats, Floats, Floats]:
    """Squared distance (cells, segments), and easting and northing of the place on the segment."""
    along = end - start
    length = (along**2).sum(axis=1)
    inverse = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    east, north = centres[:, :1], centres[:, 1:]
    share = ((east - start[:, 0]) * along[:, 0] + (north - start[:, 1]) * along[:, 1]) * inverse
    np.clip(share, 0.0, 1.0, out=share)
    place_east, place_north = start[:, 0] + share * along[:, 0], start[:, 1] + share * along[:, 1]
    return (east - place_east) ** 2 + (north - place_north) ** 2, place_east, place_north


def _compare(
    tile: Grid, segments: Segments, candidates: NDArray[np.int64], window: tuple[slice, slice], found: Nearest
) -> None:
    """The nearest of the candidates for each cell of the window that lies in the area."""
    row, column = np.nonzero(tile.mask[window])
    row, column = row + window[0].start, column + window[1].start
    centres = np.column_stack([tile.eastings_m[column], tile.northings_m[row]])
    squared, east, north = _squared(centres, segments.start[candidates], segments.end[candidates])
    best = squared.argmin(axis=1)
    pick = np.arange(len(best)), best
    distance = np.sqrt(squared[pick])
    near = distance <= LONGEST_DISTANCE_M
    found.distance_m[row, column] = np.minimum(distance, LONGEST_DISTANCE_M)
    found.owner[row[near], column[near]] = segments.owner[candidates[best[near]]]
    found.place_m[row[near], column[near], 0] = east[pick][near]
    found.place_m[row[near], column[near], 1] = north[pick][near]
