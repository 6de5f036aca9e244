"""Front lines: distance by kind and period, years held, density, bends, and height above or below the line."""

from functools import partial

import numpy as np
import shapely

from features.as_of import Snapshot
from features.base import (
    LONGEST_DISTANCE_M,
    Columns,
    FeatureInfo,
    Floats,
    Grid,
    Integers,
    dates_of,
    words,
    years_between,
)
from features.families.roads import crossings
from features.families.terrain import heights_at
from features.geometry import (
    MOST_WIDTH_M,
    Layer,
    Nearest,
    bends_deg,
    distance_m,
    gap_between_lines_m,
    groups_within,
    layer_of,
    line_density,
    nearest,
    part_of,
    share_along,
    side_of_line,
    split_segments,
)

FAMILY = "front_lines"
_info = partial(FeatureInfo, family=FAMILY)
KINDS = {
    "line_of_contact": "line of contact",
    "defence_line": "defence line",
    "ceasefire_line": "ceasefire line",
    "withdrawal_route": "withdrawal route",
}
DENSITY_KM = (1, 3, 10)
ROUTE_KM = 2
# Mines of a war that has just ended lie as they were laid; after twenty years many are lifted, moved or spent.
PERIODS_YEARS = (5, 20)
# A front that moved within this distance left more than one row of positions around the cell.
SHIFT_M = 5000.0
# Longer segments are cut: a place on a line has the height and the bend of the nearest 250 m of it.
PIECE_M = 250.0

LINES, WITH_DEM = ("front_lines",), ("front_lines", "dem")
FEATURES = (
    _info(
        name="front_line_distance_m",
        unit="m",
        trend=-1,
        text="distance to the front line",
        sources=LINES,
        formula="exact, at most 50 km",
    ),
    *(
        _info(
            name=f"{kind}_distance_m",
            unit="m",
            trend=-1,
            text=f"distance to the {text}",
            sources=LINES,
            formula=f"exact, lines of kind {kind}",
        )
        for kind, text in KINDS.items()
    ),
    *(
        _info(
            name=f"front_line_held_{years}y_distance_m",
            unit="m",
            trend=-1,
            text=f"distance to a front line held within the last {years} years",
            sources=LINES,
            formula="exact, lines whose held_to is not earlier or open",
        )
        for years in PERIODS_YEARS
    ),
    _info(
        name="front_line_side_distance_m",
        unit="m",
        trend=0,
        text="distance to the front line, in front of it positive, behind it negative",
        sources=LINES,
        formula="exact, lines with front_side; sign by the pseudo-normal (Baerentzen & Aanaes 2005)",
    ),
    _info(
        name="front_line_years_held",
        unit="years",
        trend=0,
        text="years that the nearest front line was held",
        sources=LINES,
        formula="held_from to held_to or as_of",
    ),
    _info(
        name="front_line_shifts_5km",
        unit="1",
        trend=0,
        text="number of different periods of front lines within 5 km",
        sources=LINES,
        formula="distinct (held_from, held_to) with a line within 5 km",
    ),
    *(
        _info(
            name=f"front_line_density_{km}km_km_per_km2",
            unit="km/km2",
            trend=1,
            text=f"length of front lines around {km} km",
            sources=LINES,
            formula="Gaussian kernel, Gauss-Legendre along the line",
        )
        for km in DENSITY_KM
    ),
    _info(
        name=f"withdrawal_route_density_{ROUTE_KM}km_km_per_km2",
        unit="km/km2",
        trend=1,
        text=f"length of withdrawal routes around {ROUTE_KM} km",
        sources=LINES,
        formula="Gaussian kernel, lines of kind withdrawal_route",
    ),
    _info(
        name="front_line_bend_deg",
        unit="degrees",
        trend=0,
        text="bend of the nearest front line",
        sources=LINES,
        formula="angle between the chords 2 km before and behind the nearest place",
    ),
    _info(
        name="no_mans_land_width_m",
        unit="m",
        trend=0,
        text="width of the land between two front lines",
        sources=LINES,
        formula=f"distances to the nearest places in opposite directions, summed; "
        f"{MOST_WIDTH_M:.0f} where there is no second",
    ),
    _info(
        name="river_front_line_crossing_distance_m",
        unit="m",
        trend=-1,
        text="distance to where a river crosses the front line",
        sources=("front_lines", "rivers"),
        formula="exact, to the intersections",
    ),
    _info(
        name="front_line_height_m",
        unit="m",
        trend=0,
        text="height above the nearest place on the front line",
        sources=WITH_DEM,
        formula="DEM at the cell minus DEM along the line, read every 250 m and interpolated",
    ),
)


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Front-line features of the tile.

    A kind, a side or a period has its columns only if a known line has that attribute. Years held and height are NaN
    beyond the longest distance, years held also where the nearest line has no `held_from`.
    """
    if "front_lines" not in snapshot.sources.vectors:
        return {}
    layer, close = snapshot.cached(_pieces), snapshot.cached_for_tile(closest, tile)
    columns: Columns = {"front_line_distance_m": close.distance_m}
    for name, part in snapshot.cached(_parts).items():
        columns[name] = distance_m(tile, part)
    columns |= _by_time(tile, snapshot, close) | _shape(tile, snapshot, layer, close)
    for km in DENSITY_KM:
        columns[f"front_line_density_{km}km_km_per_km2"] = line_density(tile, layer, km * 1000.0)
    if "withdrawal_route_distance_m" in columns:
        routes = snapshot.cached(_parts)["withdrawal_route_distance_m"]
        columns[f"withdrawal_route_density_{ROUTE_KM}km_km_per_km2"] = line_density(tile, routes, ROUTE_KM * 1000.0)
    if "rivers" in snapshot.sources.vectors:
        columns["river_front_line_crossing_distance_m"] = distance_m(tile, snapshot.cached(_river_crossings))
    if "dem" in snapshot.sources.rasters:
        columns["front_line_height_m"] = _height(tile, snapshot, layer, close)
    return columns


def years_held(snapshot: Snapshot) -> Floats:
    """Years from `held_from` to `held_to`, or to `as_of` where the line was held then or its end is unknown."""
    lines = snapshot.table("front_lines")
    end, today = dates_of(lines, "held_to"), np.datetime64(snapshot.context.as_of, "ns")
    # Comparisons with NaT are False, so that a line without an end counts as still held.
    return years_between(dates_of(lines, "held_from"), np.where(end < today, end, today))


def closest(snapshot: Snapshot, tile: Grid) -> Nearest:
    """The front line nearest to every cell of a tile, in segments of at most PIECE_M."""
    return nearest(tile, snapshot.cached(_pieces))


def _pieces(snapshot: Snapshot) -> Layer:
    return split_segments(snapshot.layer("front_lines"), PIECE_M)


def _parts(snapshot: Snapshot) -> dict[str, Layer]:
    """The lines of each kind and period, by the name of the distance to them; only those in the table."""
    lines = snapshot.table("front_lines")
    layer, kinds = snapshot.layer("front_lines"), words(lines, "kind")
    parts = {f"{kind}_distance_m": kinds == kind for kind in KINDS if (kinds == kind).any()}
    start, end = dates_of(lines, "held_from"), dates_of(lines, "held_to")
    dated = ~np.isnat(start) | ~np.isnat(end)
    if dated.any():
        for years in PERIODS_YEARS:
            since = years_between(end, np.datetime64(snapshot.context.as_of, "ns"))
            parts[f"front_line_held_{years}y_distance_m"] = dated & ~(since > years)
    return {name: part_of(layer, chosen) for name, chosen in parts.items()}


def _by_time(tile: Grid, snapshot: Snapshot, close: Nearest) -> dict[str, Floats]:
    held = snapshot.cached(years_held)
    if not np.isfinite(held).any():
        return {}
    return {
        "front_line_years_held": np.where(close.owner >= 0, held[close.owner], np.nan),
        "front_line_shifts_5km": groups_within(tile, snapshot.layer("front_lines"), snapshot.cached(_periods), SHIFT_M),
    }


def _periods(snapshot: Snapshot) -> Integers:
    """Number of the distinct pair of dates of each segment's line, -1 where the line has no `held_from`."""
    lines = snapshot.table("front_lines")
    dates = np.column_stack([dates_of(lines, "held_from"), dates_of(lines, "held_to")]).astype(np.int64)
    period = np.unique(dates, axis=0, return_inverse=True)[1].reshape(-1)
    period = np.where(np.isnat(dates_of(lines, "held_from")), -1, period)
    return np.asarray(period[snapshot.layer("front_lines").owner])


def _shape(tile: Grid, snapshot: Snapshot, layer: Layer, close: Nearest) -> dict[str, Floats]:
    bends = np.append(snapshot.cached(_bends), np.nan)
    columns = {
        "front_line_bend_deg": bends[close.segment],
        "no_mans_land_width_m": gap_between_lines_m(tile, layer, close),
    }
    sided = snapshot.cached(_sided)
    if sided is not None:
        side = nearest(tile, sided)
        sign = side_of_line(tile, sided, side, share_along(tile, sided, side))
        columns["front_line_side_distance_m"] = np.where(
            side.distance_m < LONGEST_DISTANCE_M, sign * side.distance_m, side.distance_m
        )
    return columns


def _bends(snapshot: Snapshot) -> Floats:
    return bends_deg(snapshot.cached(_pieces))


def _sided(snapshot: Snapshot) -> Layer | None:
    """The lines with a known side, turned so that their front lies to the left; None where no line has one."""
    lines = snapshot.table("front_lines")
    sides, shapes = words(lines, "front_side"), np.asarray(lines.geometry.array)
    if not np.isin(sides, ("left", "right")).any():
        return None
    turned = np.where(sides == "right", shapely.reverse(shapes), shapes)
    return layer_of(turned[np.isin(sides, ("left", "right"))])


def _river_crossings(snapshot: Snapshot) -> Layer:
    rivers, lines = snapshot.table("rivers"), snapshot.table("front_lines")
    return layer_of(crossings(np.asarray(rivers.geometry.array), np.asarray(lines.geometry.array)))


def _height(tile: Grid, snapshot: Snapshot, layer: Layer, close: Nearest) -> Floats:
    """Height of the cells above the nearest place on the line, NaN where the DEM has no height at either."""
    at_start, at_end = (np.append(heights, np.nan) for heights in snapshot.cached(_line_heights))
    share = share_along(tile, layer, close)
    there = at_start[close.segment] + share * (at_end[close.segment] - at_start[close.segment])
    halo = (snapshot.heights(tile).shape[0] - tile.shape[0]) // 2
    return np.asarray(snapshot.heights(tile)[halo:-halo, halo:-halo] - there)


def _line_heights(snapshot: Snapshot) -> tuple[Floats, Floats]:
    """Elevation at both ends of every piece of the lines."""
    layer, dem = snapshot.cached(_pieces), snapshot.sources.rasters["dem"]
    grid = snapshot.sources.grid
    # Both ends are read together, so that each square of the DEM is read once.
    heights = heights_at(dem, grid, np.concatenate([layer.start, layer.end]))
    return heights[: len(layer.start)], heights[len(layer.start) :]
