"""Drainage: height above and distance to the nearest channel, upslope area, wetness; from the DEM alone.

Computed on coarse cells of at least 100 m, in blocks of 20 km with a margin of 11.5 km
(`features.as_of.coarse_blocks`): a catchment that reaches beyond the margin is cut, so large rivers carry the area
within it alone.
"""

from heapq import heapify, heappop, heappush
from math import ceil

import numpy as np
from numba import njit
from scipy.ndimage import distance_transform_edt

from features.as_of import MARGIN_M, Block, Snapshot, assemble, block_heights
from features.base import Columns, FeatureInfo, Flags, Floats, Floats32, Grid, Integers

FAMILY = "drainage"
# A stream begins where about 1 km2 drains (Renno et al. 2008 and others take 0.5 to 5 km2 on 30 to 90 m cells).
DRAINAGE_KM2 = 1.0
# If one cell is already about as large, a stream needs several cells to begin, or every cell would be a stream.
FEWEST_CELLS = 8
# Rise per cell that lets water leave filled pits and flats; 400 cells of it stay below the centimetre.
FLAT_RISE_M = 1e-5
# The slope of flats, tan b: below it ln(a / tan b) depends on the rounding of the DEM.
LEAST_SLOPE = 0.001
# Lower than any land: missing elevation is a pit without a floor, filled if enclosed and the sea if it meets the edge.
ABYSS_M = -1e5

WHERE = "on cells of at least 100 m in blocks of 20 km; catchments beyond a margin of 11.5 km are cut"
FLOW = "pits filled by priority flood (Barnes, Lehman & Mulla 2014), steepest of 8 directions (O'Callaghan & Mark 1984)"
FEATURES = (
    FeatureInfo(
        name="height_above_drainage_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="height above the nearest drainage",
        sources=("dem",),
        formula=f"height above the first cell downstream that drains {DRAINAGE_KM2:g} km2 and {FEWEST_CELLS} cells, "
        f"or above "
        f"the outlet where none does (HAND, Renno et al. 2008); {FLOW}; {WHERE}; bilinear",
    ),
    FeatureInfo(
        name="drainage_distance_m",
        unit="m",
        family=FAMILY,
        trend=0,
        text="distance to the nearest drainage",
        sources=("dem",),
        formula=f"straight distance to the centre of the nearest drainage cell, at most {MARGIN_M:g} m; "
        f"{FLOW}; {WHERE}; "
        "bilinear",
    ),
    FeatureInfo(
        name="wetness_index",
        unit="ln(m)",
        family=FAMILY,
        trend=0,
        text="topographic wetness",
        sources=("dem",),
        formula=f"ln(a / tan b), a = upslope area per contour length, tan b at least {LEAST_SLOPE:g} "
        f"(Beven & Kirkby 1979); "
        f"{FLOW}; {WHERE}; value of the coarse cell",
    ),
    FeatureInfo(
        name="upslope_area_log10_km2",
        unit="log10(km2)",
        family=FAMILY,
        trend=0,
        text="upslope area",
        sources=("dem",),
        formula=f"log10 of the area that drains through the cell, itself included; {FLOW}; {WHERE}; "
        f"value of the coarse cell",
    ),
)
# Heights and distances change slowly; a flow line is one cell wide and would be smeared over its banks.
SMOOTH = frozenset({"height_above_drainage_m", "drainage_distance_m"})


def build(tile: Grid, snapshot: Snapshot) -> Columns:
    """Drainage features of the tile; NaN only where the coarse cell has no elevation.

    Enclosed holes of the DEM are crossed like lakes; holes that meet the edge of block and margin swallow water like
    the sea.
    """
    if "dem" not in snapshot.sources.rasters:
        return {}
    return assemble(tile, snapshot, drainage_block, SMOOTH)


def drainage_block(snapshot: Snapshot, block: Block) -> dict[str, Floats32]:
    """The features of one block, each (side + 2, side + 2)."""
    heights = snapshot.cached_block(block_heights, block)
    missing = np.isnan(heights)
    filled, order, receiver = flow(heights)
    count = upslope_cells(order, receiver).reshape(heights.shape)
    drains = count >= drainage_cells(block.coarse_m)
    above = height_above_drainage(filled, order, receiver, drains.ravel()).reshape(heights.shape)
    area_m2 = count * block.coarse_m**2
    slope = np.maximum(slopes(filled, receiver, block.coarse_m), LEAST_SLOPE).reshape(heights.shape)
    drains &= filled.reshape(heights.shape) > ABYSS_M / 2
    fields = {
        "height_above_drainage_m": above,
        "drainage_distance_m": _distance_m(drains, block.coarse_m),
        "wetness_index": np.log(area_m2 / block.coarse_m / slope),
        "upslope_area_log10_km2": np.log10(area_m2 / 1e6),
    }
    return {name: block.kept(np.where(missing, np.nan, field)) for name, field in fields.items()}


def drainage_cells(coarse_m: float) -> int:
    """Cells that must drain through one before it is drainage.

    >>> drainage_cells(100.0), drainage_cells(500.0)
    (100, 8)
    """
    return max(FEWEST_CELLS, ceil(DRAINAGE_KM2 * 1e6 / coarse_m**2))


def _distance_m(drains: Flags, coarse_m: float) -> Floats:
    if not drains.any():
        return np.full(drains.shape, MARGIN_M)
    return np.asarray(np.minimum(distance_transform_edt(~drains) * coarse_m, MARGIN_M))


def flow(heights: Floats) -> tuple[Floats, Integers, Integers]:
    """Filled heights, cells from low to high and the cell that each one drains to, all flat; -1 at outlets.

    Outlets are the cells at the edge and those beside the sea: missing elevation that meets the edge.
    """
    land = np.where(np.isnan(heights), ABYSS_M, heights)
    filled, order = _flood(land)
    return filled, order, _receivers(filled, *heights.shape)


@njit(cache=True, nogil=True)
def _flood(land: Floats) -> tuple[Floats, Integers]:
    """Filled heights and the order of flooding, by priority flood with a tiny rise (Barnes, Lehman & Mulla 2014)."""
    rows, columns = land.shape
    z, n = land.ravel(), rows * columns
    filled, seen = z.copy(), np.zeros(n, dtype=np.bool_)
    order, done = np.empty(n, dtype=np.int64), 0
    for place in range(n):
        row, column = place // columns, place % columns
        seen[place] = row in (0, rows - 1) or column in (0, columns - 1)
    heap = [(z[rim], rim) for rim in np.flatnonzero(seen)]
    heapify(heap)
    while heap:
        level, cell = heappop(heap)
        order[done] = cell
        done += 1
        row, column = cell // columns, cell % columns
        for i in range(max(row - 1, 0), min(row + 2, rows)):
            for j in range(max(column - 1, 0), min(column + 2, columns)):
                other = i * columns + j
                if not seen[other]:
                    seen[other] = True
                    filled[other] = max(z[other], level + FLAT_RISE_M)
                    heappush(heap, (filled[other], other))
    return filled, order


@njit(cache=True, nogil=True)
def _receivers(filled: Floats, rows: int, columns: int) -> Integers:
    """The neighbour with the steepest descent, among equals the first from the north-west; -1 at outlets."""
    receiver = np.full(rows * columns, -1, dtype=np.int64)
    for row in range(1, rows - 1):
        for column in range(1, columns - 1):
            cell = row * columns + column
            steepest = 0.0
            for i in range(row - 1, row + 2):
                for j in range(column - 1, column + 2):
                    run = np.sqrt(2.0) if i != row and j != column else 1.0
                    descent = (filled[cell] - filled[i * columns + j]) / run
                    if descent > steepest:
                        steepest = descent
                        receiver[cell] = i * columns + j
            if receiver[cell] >= 0 and filled[receiver[cell]] < ABYSS_M / 2:
                receiver[cell] = -1
    return receiver


@njit(cache=True, nogil=True)
def upslope_cells(order: Integers, receiver: Integers) -> Integers:
    """Cells that drain through each cell, itself included."""
    count = np.ones(len(order), dtype=np.int64)
    for cell in order[::-1]:
        if receiver[cell] >= 0:
            count[receiver[cell]] += count[cell]
    return count


@njit(cache=True, nogil=True)
def height_above_drainage(filled: Floats, order: Integers, receiver: Integers, drains: Flags) -> Floats:
    """Height of each cell above the drainage cell or outlet that its water reaches first."""
    floor = filled.copy()
    for cell in order:
        if receiver[cell] >= 0 and not drains[cell]:
            floor[cell] = floor[receiver[cell]]
    return filled - floor


@njit(cache=True, nogil=True)
def slopes(filled: Floats, receiver: Integers, coarse_m: float) -> Floats:
    """Tangent of the slope towards the receiver, 0 at outlets."""
    columns = np.int64(np.sqrt(len(filled)))
    slope = np.zeros(len(filled))
    for cell in range(len(filled)):
        to = receiver[cell]
        if to >= 0:
            oblique = to // columns != cell // columns and to % columns != cell % columns
            slope[cell] = (filled[cell] - filled[to]) / (coarse_m * (np.sqrt(2.0) if oblique else 1.0))
    return slope
