"""The own-event rule: a record that gives a cell its label stays out of that cell's features.

A cell leaves out dated points in the cell, undated points in its block, and the whole of polygons that reach into its
block. Blocks are squares aligned to the CRS origin.
"""

import geopandas as gpd
import numpy as np
import shapely

from features.as_of.snapshot import Snapshot
from features.base import Flags, Floats, Grid, Integers, is_dated, places_m
from features.geometry import Layer, OwnRecords, OwnRecordsByRule, point_layer


def own_points(tile: Grid, snapshot: Snapshot, source: str) -> OwnRecordsByRule:
    """The records of a source of points with the cells that own them; without owners unless the source makes labels."""
    places, dated, block_m = snapshot.cached(_points, source)
    return own_points_by_rule(tile, places, dated, block_m)


def point_layers(snapshot: Snapshot, source: str) -> list[Layer]:
    """The points of a source in the order of `own_points`, the same for every tile."""
    return point_layers_by_rule(*snapshot.cached(_points, source))


def own_points_by_rule(tile: Grid, places: Floats, dated: Flags, block_m: float | None) -> OwnRecordsByRule:
    """Dated points with their own cell, undated ones with their own block; parts without a point are left out.

    A point belongs to the block of its cell's centre, so a cell always owns the points that lie in it.
    """
    if block_m is None:
        return [(np.arange(len(places)), None)]
    found: OwnRecordsByRule = []
    for rows, width_m in _rules(dated, block_m):
        cells = np.floor(places[rows] / tile.cell_size_m).astype(np.int64)
        groups = cells if width_m is None else _block_of_cells(cells, tile.cell_size_m, width_m)
        found.append((rows, _own_windows(tile, groups, np.arange(len(rows)), width_m)))
    return found


def point_layers_by_rule(places: Floats, dated: Flags, block_m: float | None) -> list[Layer]:
    """The points by the rule that applies to them, in the order of `own_points_by_rule`."""
    if block_m is None:
        return [point_layer(places)]
    return [point_layer(places[rows]) for rows, _ in _rules(dated, block_m)]


def _rules(dated: Flags, block_m: float) -> list[tuple[Integers, float | None]]:
    """Rows of the dated points, and of the undated ones with the width of their block; empty parts are left out."""
    both: list[tuple[Integers, float | None]] = [(np.flatnonzero(dated), None), (np.flatnonzero(~dated), block_m)]
    return [(rows, width_m) for rows, width_m in both if len(rows)]


def own_polygons(tile: Grid, snapshot: Snapshot, source: str) -> OwnRecords | None:
    """The polygons (and points) of a source with the blocks that they reach into; None unless it makes labels."""
    if source not in snapshot.context.own_event_sources:
        return None
    blocks, members = snapshot.cached(_blocks_reached, source, tile.cell_size_m)
    return _own_windows(tile, blocks, members, snapshot.context.own_block_m)


def _points(snapshot: Snapshot, source: str) -> tuple[Floats, Flags, float | None]:
    table = snapshot.table(source)
    block_m = snapshot.context.own_block_m if source in snapshot.context.own_event_sources else None
    return places_m(table), is_dated(table), block_m


def _blocks_reached(snapshot: Snapshot, source: str, cell_size_m: float) -> tuple[Integers, Integers]:
    """(k, 2) block column and row, and the record that reaches into it, sorted by record.

    A block holds whole cells: those whose centre lies in it. A polygon that cuts such a cell reaches into the block.
    """
    return blocks_reached(snapshot.table(source), cell_size_m, snapshot.context.own_block_m)


def blocks_reached(table: gpd.GeoDataFrame, cell_size_m: float, block_m: float) -> tuple[Integers, Integers]:
    """(k, 2) block column and row, and the index of the record that reaches into it."""
    shapes = np.asarray(table.geometry.array)
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    low, high = np.floor((bounds[:, :2] - cell_size_m) / block_m), np.floor((bounds[:, 2:] + cell_size_m) / block_m)
    wide, tall = (high - low + 1).astype(np.int64).T
    record = np.repeat(np.arange(len(shapes)), wide * tall)
    number = np.arange(len(record)) - np.repeat(np.cumsum(wide * tall) - wide * tall, wide * tall)
    blocks = low[record].astype(np.int64) + np.column_stack([number % wide[record], number // wide[record]])
    # From the first cell whose centre lies in the block to the first of the next block.
    west, south = (np.ceil(blocks * (block_m / cell_size_m) - 0.5) * cell_size_m).T
    east, north = (np.ceil((blocks + 1) * (block_m / cell_size_m) - 0.5) * cell_size_m).T
    reaches = shapely.intersects(shapes[record], shapely.box(west, south, east, north))
    return blocks[reaches], record[reaches]


def _block_of_cells(cells: Integers, cell_size_m: float, block_m: float) -> Integers:
    """Block index of cells from their index: that of the cell's centre."""
    blocks: Integers = np.floor((cells + 0.5) * (cell_size_m / block_m)).astype(np.int64)
    return blocks


def _own_windows(tile: Grid, groups: Integers, members: Integers, block_m: float | None) -> OwnRecords:
    """Windows of the groups (k, 2; column and row of a cell or block) that lie in the tile, with their members."""
    columns = tile.column_min + np.arange(tile.shape[1])
    rows = tile.row_min + tile.shape[0] - 1 - np.arange(tile.shape[0])
    if block_m is not None:
        columns = _block_of_cells(columns, tile.cell_size_m, block_m)
        rows = _block_of_cells(rows, tile.cell_size_m, block_m)
    here = (groups[:, 0] >= columns[0]) & (groups[:, 0] <= columns[-1])
    here &= (groups[:, 1] <= rows[0]) & (groups[:, 1] >= rows[-1])
    distinct, group = np.unique(groups[here], axis=0, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=len(distinct)))]).astype(np.int64)
    windows = np.column_stack([_span(-rows, -distinct[:, 1]), _span(columns, distinct[:, 0])])
    return OwnRecords(windows, starts, members[here][order], block_m is None)


def _span(ascending: Integers, wanted: Integers) -> Integers:
    """(n, 2) start and stop of the run of each wanted value."""
    return np.column_stack([np.searchsorted(ascending, wanted, side) for side in ("left", "right")])
