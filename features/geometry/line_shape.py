"""The shape of lines around cells: the side, the bend, and the gap between two stretches."""

from itertools import pairwise

import numba
import numpy as np

from features.base import Floats, Grid, Integers
from features.geometry.distances import Nearest
from features.geometry.layers import Layer, segments_near

# A stretch further away than this does not face the cell across no man's land.
OPPOSITE_REACH_M = 3000.0
MOST_WIDTH_M = 2 * OPPOSITE_REACH_M
# Cosine of 120 degrees: directions at least so far apart have the cell between them.
OPPOSITE = -0.5
# Length of the chords whose angle is the bend of a line: a salient that a battalion holds.
CHORD_M = 2000.0
# Cells to a side of the windows that share one list of stretches in reach.
WINDOW = 16


def side_of_line(tile: Grid, layer: Layer, found: Nearest, share: Floats) -> Floats:
    """+1 to the left of the nearest line in its direction, -1 to the right (tile.shape); 0 where there is no line.

    At a corner both segments are equally near, and each alone can give the wrong side: the sum of their unit normals
    decides (Baerentzen & Aanaes 2005). Segments must be in the order of their line.
    """
    along = layer.end - layer.start
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-12)
    normal = np.column_stack([-along[:, 1], along[:, 0]]) / length[:, None]
    joined = (layer.owner[1:] == layer.owner[:-1]) & (layer.end[:-1] == layer.start[1:]).all(axis=1)
    at_end, at_start = normal.copy(), normal.copy()
    at_end[:-1][joined] += normal[1:][joined]
    at_start[1:][joined] += normal[:-1][joined]
    rows, columns = np.nonzero(found.segment >= 0)
    segment, part = found.segment[rows, columns], share[rows, columns][:, None]
    direction = np.where(part <= 0, at_start[segment], np.where(part >= 1, at_end[segment], normal[segment]))
    place = layer.start[segment] + part * along[segment]
    offset = np.column_stack([tile.eastings_m[columns], tile.northings_m[rows]]) - place
    side = np.zeros(tile.shape)
    side[rows, columns] = np.where((offset * direction).sum(axis=1) >= 0, 1.0, -1.0)
    return side


def bends_deg(layer: Layer) -> Floats:
    """Angle (n_segments,) in degrees by which a line turns at the middle of each segment; 0 is straight.

    It is the angle between the chord that ends there and the one that begins there, CHORD_M along the line or to its
    end.

    >>> import shapely
    >>> from features.geometry.layers import layer_of, split_segments
    >>> corner = shapely.LineString([(0, 0), (10_000, 0), (10_000, 10_000)])
    >>> bends = bends_deg(split_segments(layer_of(np.array([corner])), 100.0))
    >>> round(float(bends[0])), round(float(bends[100]) / 10)
    (0, 9)
    """
    bends = np.zeros(len(layer.owner))
    if not len(bends):
        return bends
    broken = (layer.owner[1:] != layer.owner[:-1]) | (layer.end[:-1] != layer.start[1:]).any(axis=1)
    firsts = np.concatenate([[0], np.flatnonzero(broken) + 1, [len(layer.owner)]])
    length = layer.length_m
    for first, last in pairwise(firsts):
        vertices = np.vstack([layer.start[first:last], layer.end[last - 1 : last]])
        measure = np.concatenate([[0.0], np.cumsum(length[first:last])])
        middle = (measure[:-1] + measure[1:]) / 2
        before, here, after = (_at(vertices, measure, middle + step) for step in (-CHORD_M, 0.0, CHORD_M))
        back, ahead = here - before, after - here
        cross = back[:, 0] * ahead[:, 1] - back[:, 1] * ahead[:, 0]
        bends[first:last] = np.degrees(np.abs(np.arctan2(cross, (back * ahead).sum(axis=1))))
    return bends


def _at(vertices: Floats, measure: Floats, wanted: Floats) -> Floats:
    return np.column_stack([np.interp(wanted, measure, vertices[:, axis]) for axis in (0, 1)])


def gap_between_lines_m(tile: Grid, layer: Layer, found: Nearest) -> Floats:
    """Distance to the nearest line plus that to the nearest stretch in the opposite direction (tile.shape).

    MOST_WIDTH_M where no stretch within OPPOSITE_REACH_M lies more than 120 degrees away from the nearest one, and
    where the nearest is further than that; NaN outside the area. Within a salient both stretches are of one line.
    """
    width = np.full(tile.shape, MOST_WIDTH_M)
    near = segments_near(tile, layer, OPPOSITE_REACH_M)
    if len(near):
        _gaps(
            tile.eastings_m, tile.northings_m, layer.start, layer.end, near, found.segment, found.distance_m, width
        )  # fmt: skip
    width[~tile.mask] = np.nan
    return width


def groups_within(tile: Grid, layer: Layer, groups: Integers, radius_m: float) -> Floats:
    """Number of groups of segments with one within `radius_m` of each cell (tile.shape); NaN outside the area.

    `groups` (n_segments,) numbers the group of each segment; negative ones belong to none.
    """
    count = np.zeros(tile.shape)
    near = segments_near(tile, layer, radius_m)
    near = near[groups[near] >= 0]
    near = near[np.argsort(groups[near], kind="stable")]
    if len(near):
        start, end = layer.start[near], layer.end[near]
        _count_groups(tile.eastings_m, tile.northings_m, start, end, groups[near], radius_m, count)
    count[~tile.mask] = np.nan
    return count


@numba.njit(cache=True, nogil=True)
def _count_groups(
    eastings: Floats, northings: Floats, start: Floats, end: Floats, groups: Integers, radius: float, count: Floats
) -> None:
    """Counts by windows: a group that is near enough to the whole of a window counts for all of its cells at once."""
    n_rows, n_columns = count.shape
    for top in range(0, n_rows, WINDOW):
        for left in range(0, n_columns, WINDOW):
            bottom, right = min(top + WINDOW, n_rows), min(left + WINDOW, n_columns)
            east, north = (eastings[left] + eastings[right - 1]) / 2, (northings[top] + northings[bottom - 1]) / 2
            half = np.hypot(eastings[right - 1] - east, northings[top] - north) + 1e-3
            first = 0
            while first < len(groups):
                last, least = first, np.inf
                while last < len(groups) and groups[last] == groups[first]:
                    across, up = _to_segment(east, north, start, end, last)
                    least = min(least, across * across + up * up)
                    last += 1
                least = np.sqrt(least)
                if least + half < radius:
                    count[top:bottom, left:right] += 1
                elif least - half < radius:
                    for row in range(top, bottom):
                        for column in range(left, right):
                            here = eastings[column], northings[row]
                            if _any_nearer(here[0], here[1], start, end, first, last, radius):
                                count[row, column] += 1
                first = last


@numba.njit(cache=True, nogil=True)
def _any_nearer(east: float, north: float, start: Floats, end: Floats, first: int, last: int, radius: float) -> bool:
    for index in range(first, last):
        across, up = _to_segment(east, north, start, end, index)
        if across * across + up * up < radius * radius:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _gaps(
    eastings: Floats,
    northings: Floats,
    start: Floats,
    end: Floats,
    around: Integers,
    segment: Integers,
    distance: Floats,
    width: Floats,
) -> None:
    n_rows, n_columns = width.shape
    near = np.empty(len(around), np.int64)
    for top in range(0, n_rows, WINDOW):
        for left in range(0, n_columns, WINDOW):
            bottom, right = min(top + WINDOW, n_rows), min(left + WINDOW, n_columns)
            if not _any_within(distance, top, bottom, left, right):
                continue
            east, north = (eastings[left] + eastings[right - 1]) / 2, (northings[top] + northings[bottom - 1]) / 2
            reach = OPPOSITE_REACH_M + np.hypot(eastings[right - 1] - east, northings[top] - north) + 1.0
            count = 0
            for index in around:
                across, up = _to_segment(east, north, start, end, index)
                if across * across + up * up <= reach * reach:
                    near[count] = index
                    count += 1
            for row in range(top, bottom):
                for column in range(left, right):
                    if distance[row, column] < OPPOSITE_REACH_M:
                        width[row, column] = _gap(
                            eastings[column], northings[row], start, end, near[:count], segment[row, column]
                        )


@numba.njit(cache=True, nogil=True)
def _any_within(distance: Floats, top: int, bottom: int, left: int, right: int) -> bool:
    for row in range(top, bottom):
        for column in range(left, right):
            if distance[row, column] < OPPOSITE_REACH_M:
                return True
    return False


@numba.njit(cache=True, nogil=True)
def _gap(east: float, north: float, start: Floats, end: Floats, near: Integers, segment: int) -> float:
    """The least sum of distances to the nearest segment and to one that lies opposite to it."""
    across, up = _to_segment(east, north, start, end, segment)
    first = np.sqrt(across * across + up * up)
    best = OPPOSITE_REACH_M
    for index in near:
        other_across, other_up = _to_segment(east, north, start, end, index)
        squared = other_across * other_across + other_up * other_up
        if squared >= best * best:
            continue
        apart = np.sqrt(squared)
        if other_across * across + other_up * up <= OPPOSITE * apart * first:
            best = apart
    return first + best if best < OPPOSITE_REACH_M else MOST_WIDTH_M


@numba.njit(cache=True, nogil=True)
def _to_segment(east: float, north: float, start: Floats, end: Floats, index: int) -> tuple[float, float]:
    """The vector from a place to the nearest place on a segment."""
    along_east, along_north = end[index, 0] - start[index, 0], end[index, 1] - start[index, 1]
    length = along_east * along_east + along_north * along_north
    share = 0.0
    if length > 0:
        share = ((east - start[index, 0]) * along_east + (north - start[index, 1]) * along_north) / length
        share = min(max(share, 0.0), 1.0)
    return start[index, 0] + share * along_east - east, start[index, 1] + share * along_north - north
