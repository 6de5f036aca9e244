"""Groups of cells: in one piece, apart from each other, and on their side of rivers and district borders."""

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label as pieces
from shapely.geometry import LineString, Point, box

from features.base.grid import Grid
from mlrisk.planning.region_growing import grow, line_barriers, no_barriers, region_barriers

GRID = Grid.from_area(box(0, 0, 3_000, 2_000), pyproj.CRS("EPSG:32638"), 100)
NUMBERS = st.integers(0, 100_000)


def an_order(seed: int, shape=(20, 30)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    order = rng.permutation(np.prod(shape)).reshape(shape) + 1.0
    order[rng.random(shape) < 0.15] = np.inf
    return order


def groups_of(order, *more):
    """The task of each cell, -1 for none, and the number of tasks."""
    found = grow(order, *more)
    label = np.full(order.size, -1)
    label[found.cell] = found.task
    return label.reshape(order.shape), found.count


@settings(max_examples=60, deadline=None)
@given(NUMBERS, st.integers(1, 6), st.integers(6, 20), st.integers(1, 40), st.floats(0, 3))
def test_groups_are_in_one_piece_on_ordered_land_and_within_their_limits(seed, least, most, number, compactness):
    order = an_order(seed)
    label, count = groups_of(order, no_barriers(order.shape), least, most, 150.0, number, compactness)
    assert count <= number
    assert np.isfinite(order[label >= 0]).all()
    for group in range(count):
        inside = label == group
        assert 1 <= inside.sum() <= most
        assert pieces(inside)[1] == 1
        if inside.sum() < least:
            # No free cell adjoins: every neighbour is masked or in a task without room.
            rim = pieces(inside)[0] == 0
            grown = np.zeros_like(inside)
            grown[1:] |= inside[:-1]
            grown[:-1] |= inside[1:]
            grown[:, 1:] |= inside[:, :-1]
            grown[:, :-1] |= inside[:, 1:]
            near = grown & rim & np.isfinite(order)
            assert (label[near] >= 0).all()


@settings(max_examples=40, deadline=None)
@given(NUMBERS)
def test_no_group_holds_cells_of_two_regions(seed):
    order = an_order(seed)
    regions = np.random.default_rng(seed).integers(0, 3, (4, 6)).repeat(5, axis=0).repeat(5, axis=1)
    label, count = groups_of(order, region_barriers(regions), 3, 12, 300.0, 60, 1.0)
    assert all(len(np.unique(regions[label == group])) == 1 for group in range(count))


def test_a_river_parts_its_banks_and_a_group_stays_on_its_own():
    river = np.array([LineString([(-10, 1_040), (3_010, 960)])], dtype=object)
    barriers = line_barriers(GRID, river)
    label, count = groups_of(an_order(3), barriers, 4, 30, 600.0, 50, 1.0)
    north = shapely.get_y(shapely.points(*GRID.centres_m().T)).reshape(GRID.shape) > np.interp(
        GRID.eastings_m, [-10, 3_010], [1_040, 960]
    )
    assert count > 5
    assert all(len(np.unique(north[label == group])) == 1 for group in range(count))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-200, 3_200), st.floats(-200, 2_200)), min_size=2, max_size=6))
def test_barriers_are_where_shapely_finds_a_crossing_between_centres(points):
    # Off the centres by an odd length, so that no line runs exactly through one.
    line = LineString([(east + 0.137, north + 0.071) for east, north in points])
    east, south = line_barriers(GRID, np.array([line], dtype=object))
    centres = GRID.centres_m().reshape(*GRID.shape, 2)
    ways = shapely.linestrings(np.stack([centres[:, :-1], centres[:, 1:]], axis=2))
    assert (east[:, :-1] == shapely.intersects(ways, line)).all()
    ways = shapely.linestrings(np.stack([centres[:-1], centres[1:]], axis=2))
    assert (south[:-1] == shapely.intersects(ways, line)).all()


def test_a_lake_is_its_rim():
    east, _ = line_barriers(GRID, np.array([Point(1_500, 1_000).buffer(340)], dtype=object))
    assert east[10].sum() == 2


@pytest.mark.parametrize(("compactness", "longer"), [(0.0, True), (3.0, False)])
def test_compactness_keeps_a_group_from_running_along_a_ridge(compactness, longer):
    order = np.arange(1.0, 601.0).reshape(20, 30)
    label, _ = groups_of(order, no_barriers(order.shape), 9, 9, 600.0, 1, compactness)
    rows, columns = np.nonzero(label == 0)
    assert (np.ptp(columns) >= 8) == longer
    assert (np.ptp(rows) == 0) == longer
