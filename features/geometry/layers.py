"""Geometries taken apart once for all tiles: segments for distances, rings for cells inside."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from features.base import Flags, Floats, Grid, Integers
from features.geometry.spatial_index import Squares, squares_of


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """The geometries of a table as plain arrays, in metres of the grid's CRS.

    `start` and `end` (n, 2) are the segments of lines, of the borders of polygons, and of points (without length), in
    the order of the geometries; `owner` (n,) is the geometry's index. `edge` (m,) are the numbers of the segments on
    borders of polygons, those of polygon p at `edge[edge_start[p]:edge_start[p + 1]]`, where p counts the polygons and
    `polygon_owner` gives their geometry's index. All records of a country are in memory, so data that a tile can derive
    for the few around it are not stored here.
    """

    start: Floats
    end: Floats
    owner: Integers
    edge: NDArray[np.int32]
    edge_start: Integers
    polygon_owner: Integers

    @cached_property
    def segment_squares(self) -> Squares:
        """Spatial index of the segments."""
        return squares_of(self.start, self.end)

    @cached_property
    def polygon_corners(self) -> tuple[Floats, Floats]:
        """The southwestern and the northeastern corner (n_polygons, 2) of the bounds of each polygon."""
        if not len(self.polygon_owner):
            return np.empty((0, 2)), np.empty((0, 2))
        # Borders are closed: every vertex is the start of an edge.
        vertices, first = self.start[self.edge], self.edge_start[:-1]
        return np.minimum.reduceat(vertices, first), np.maximum.reduceat(vertices, first)

    @cached_property
    def polygon_squares(self) -> Squares:
        """Spatial index of the polygons."""
        return squares_of(*self.polygon_corners)

    def borders(self, polygons: Integers) -> tuple[Floats, Integers]:
        """Easting and northing of start and end of the edges (m, 4) of k polygons, and where each begins (k + 1,)."""
        counts = np.diff(self.edge_start)[polygons]
        begins = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        place = np.arange(begins[-1]) + np.repeat(self.edge_start[polygons] - begins[:-1], counts)
        segment = self.edge[place]
        return np.concatenate([self.start[segment], self.end[segment]], axis=1), begins

    @cached_property
    def tree(self) -> cKDTree:
        """The starts of the segments for neighbour queries."""
        return cKDTree(self.start)

    @property
    def length_m(self) -> Floats:
        """Length (n,) of each segment."""
        return np.asarray(np.hypot(*(self.end - self.start).T))


def layer_of(geometries: NDArray[Any]) -> Layer:
    """The layer of points, lines and polygons, single or in collections of any depth.

    >>> layer = layer_of(np.array([shapely.LineString([(0, 0), (3, 4), (3, 10)]), shapely.Point(1, 1)]))
    >>> layer.owner.tolist(), layer.length_m.tolist()
    ([0, 0, 1], [5.0, 6.0, 0.0])
    """
    parts, owner = _single_parts(np.asarray(geometries, dtype=object))
    rings, ring_part = _rings(parts)
    coordinates, line = shapely.get_coordinates(rings, return_index=True)
    joined = line[1:] == line[:-1]
    alone = shapely.get_type_id(rings) == shapely.GeometryType.POINT
    single = coordinates[alone[line]]
    start = np.concatenate([coordinates[:-1][joined], single])
    end = np.concatenate([coordinates[1:][joined], single])
    part = ring_part[np.concatenate([line[1:][joined], line[alone[line]]])]
    order = np.argsort(owner[part], kind="stable")
    start, end, part = start[order], end[order], part[order]
    areal = shapely.get_type_id(parts)[part] == shapely.GeometryType.POLYGON
    polygon_owner, counts = np.unique(owner[part[areal]], return_counts=True)
    edge_start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    edge = np.flatnonzero(areal).astype(np.int32)
    return Layer(
        start=start,
        end=end,
        owner=owner[part].astype(np.int64),
        edge=edge,
        edge_start=edge_start,
        polygon_owner=polygon_owner,
    )


def part_of(layer: Layer, chosen: Flags) -> Layer:
    """The layer with only the chosen geometries (n_geometries,), which are renumbered.

    >>> layer = layer_of(np.array([shapely.Point(1, 1), shapely.LineString([(0, 0), (3, 4)])]))
    >>> part_of(layer, np.array([False, True])).owner.tolist()
    [0]
    """
    number = np.cumsum(chosen) - 1
    kept, polygons = chosen[layer.owner], chosen[layer.polygon_owner]
    segment = np.cumsum(kept) - 1
    edge = layer.edge[np.repeat(polygons, np.diff(layer.edge_start))]
    counts = np.diff(layer.edge_start)[polygons]
    return Layer(
        start=layer.start[kept],
        end=layer.end[kept],
        owner=number[layer.owner[kept]],
        edge=segment[edge].astype(np.int32),
        edge_start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        polygon_owner=number[layer.polygon_owner[polygons]],
    )


def point_layer(places: Floats) -> Layer:
    """The layer of points at places (n, 2)."""
    none = np.empty(0, dtype=np.int64)
    return Layer(
        start=places,
        end=places,
        owner=np.arange(len(places)),
        edge=none.astype(np.int32),
        edge_start=np.zeros(1, dtype=np.int64),
        polygon_owner=none,
    )


def segments_near(tile: Grid, layer: Layer, reach_m: float) -> Integers:
    """Indices, ascending, of the segments whose bounds come within `reach_m` of the bounds of the tile."""
    return layer.segment_squares.within(tile.bounds, reach_m, layer.start, layer.end)


def split_segments(layer: Layer, longest_m: float) -> Layer:
    """The same geometries with segments of at most `longest_m`, cut into equal parts."""
    pieces = np.maximum(np.ceil(layer.length_m / longest_m), 1).astype(np.int64)
    segment = np.repeat(np.arange(len(pieces)), pieces)
    number = np.arange(len(segment)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    along = layer.end[segment] - layer.start[segment]
    first, last = number / pieces[segment], (number + 1) / pieces[segment]
    end = np.where((number + 1 == pieces[segment])[:, None], layer.end[segment], 0.0)
    inner = number + 1 < pieces[segment]
    end[inner] = (layer.start[segment] + last[:, None] * along)[inner]
    on_border = np.zeros(len(pieces), dtype=bool)
    on_border[layer.edge] = True
    edge = np.flatnonzero(on_border[segment]).astype(np.int32)
    edge_start = np.concatenate([[0], np.cumsum(pieces[layer.edge])]).astype(np.int64)[layer.edge_start]
    start = layer.start[segment] + first[:, None] * along
    return Layer(
        start=start,
        end=end,
        owner=layer.owner[segment],
        edge=edge,
        edge_start=edge_start,
        polygon_owner=layer.polygon_owner,
    )


def _single_parts(geometries: NDArray[np.object_]) -> tuple[NDArray[np.object_], Integers]:
    """The parts of all collections, and the index of the geometry of each part."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    while np.any(shapely.get_type_id(parts) > shapely.GeometryType.POLYGON):
        parts, index = shapely.get_parts(parts, return_index=True)
        owner = owner[index]
    return parts, owner.astype(np.int64)


def _rings(parts: NDArray[np.object_]) -> tuple[NDArray[np.object_], Integers]:
    """Lines and points unchanged, polygons as their rings, each with the index of its part."""
    areal = np.flatnonzero(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON)
    plain = np.flatnonzero(shapely.get_type_id(parts) != shapely.GeometryType.POLYGON)
    rings, index = shapely.get_rings(parts[areal], return_index=True)
    return np.concatenate([parts[plain], rings]), np.concatenate([plain, areal[index]]).astype(np.int64)
