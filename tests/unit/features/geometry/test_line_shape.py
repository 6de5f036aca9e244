"""Sides, bends and gaps of lines, against closed forms and against slow definitions."""

import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, Polygon

from features.base.grid import Grid
from features.base.grid_checks import projected_crs
from features.geometry.distances import nearest, share_along
from features.geometry.layers import layer_of, split_segments
from features.geometry.line_shape import (
    CHORD_M,
    MOST_WIDTH_M,
    OPPOSITE_REACH_M,
    bends_deg,
    gap_between_lines_m,
    groups_within,
    side_of_line,
)

CRS = projected_crs("EPSG:32638")


def square_grid(cells, cell_size_m=100.0):
    return Grid(
        crs=CRS, cell_size_m=cell_size_m, column_min=5000, row_min=40_000, mask=np.ones((cells, cells), dtype=bool)
    )


def side(grid, line):
    layer = layer_of(np.array([line]))
    found = nearest(grid, layer)
    return side_of_line(grid, layer, found, share_along(grid, layer, found))


@pytest.mark.parametrize("seed", range(5))
def test_left_of_a_closed_ring_is_its_inside(seed):
    rng = np.random.default_rng(seed)
    grid = square_grid(60)
    middle = np.array(grid.bounds).reshape(2, 2).mean(axis=0)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 14))
    # A star with sharp corners: the wrong choice between two segments of a corner would show.
    ring = middle + rng.uniform(300, 2800, 14)[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    polygon = Polygon(ring)
    line = LineString([*ring, ring[0]])
    centres = grid.centres_m()
    expected = np.where(shapely.contains_xy(polygon, *centres.T), 1.0, -1.0)
    # The seam of the ring, where the line begins and ends, is no corner to it.
    seam = shapely.distance(shapely.points(centres), shapely.Point(ring[0])) < shapely.distance(
        shapely.points(centres), LineString(ring[1:])
    )
    found = side(grid, line).ravel()
    assert (found[~seam] == expected[~seam]).all()
    assert (side(grid, line.reverse()).ravel()[~seam] == -expected[~seam]).all()


def test_a_bend_is_the_turn_of_the_line_and_fades_away_from_it():
    half = np.radians(70.0)
    line = LineString([(-20_000, 0), (0, 0), (20_000 * np.cos(half), 20_000 * np.sin(half))])
    layer = split_segments(layer_of(np.array([line])), 10.0)
    bends = bends_deg(layer)
    assert bends.max() == pytest.approx(70.0, abs=0.5)
    assert bends[np.hypot(*layer.start.T) > CHORD_M + 20].max() == pytest.approx(0, abs=1e-4)
    assert bends_deg(layer_of(np.array([], dtype=object))).shape == (0,)


def test_a_bend_does_not_reach_into_the_next_line():
    lines = np.array([LineString([(0, 0), (5000, 0)]), LineString([(5000, 0), (5000, 5000)])])
    assert bends_deg(split_segments(layer_of(lines), 100.0)).max() == pytest.approx(0, abs=1e-9)


def test_land_between_two_straight_lines_is_as_wide_as_they_are_apart():
    grid = square_grid(80)
    west, south, east, _ = grid.bounds
    lines = [LineString([(west - 9e3, south + y), (east + 9e3, south + y)]) for y in (1000.0, 3500.0)]
    layer = split_segments(layer_of(np.array(lines)), 250.0)
    width = gap_between_lines_m(grid, layer, nearest(grid, layer))
    between = (grid.northings_m > south + 1000) & (grid.northings_m < south + 3500)
    np.testing.assert_allclose(width[between], 2500.0, rtol=0, atol=1e-6)
    assert (width[~between] == MOST_WIDTH_M).all()


@pytest.mark.slow
def test_the_gap_equals_its_definition_on_crooked_lines():
    rng = np.random.default_rng(2)
    grid = square_grid(50)
    middle = np.array(grid.bounds).reshape(2, 2).mean(axis=0)
    lines = [LineString(middle + rng.normal(0, 900, 2) + rng.normal(0, 500, (9, 2)).cumsum(0)) for _ in range(3)]
    layer = split_segments(layer_of(np.array(lines)), 250.0)
    found = nearest(grid, layer)
    width = gap_between_lines_m(grid, layer, found).ravel()
    centres = grid.centres_m()
    segments = shapely.linestrings(np.stack([layer.start, layer.end], axis=1))
    ways = shapely.shortest_line(shapely.points(centres)[:, None], segments[None])
    ways = shapely.get_coordinates(ways).reshape(len(centres), len(segments), 2, 2)
    ways = ways[:, :, 1] - ways[:, :, 0]
    length = np.hypot(ways[..., 0], ways[..., 1])
    first = length.argmin(axis=1)
    along = (ways * ways[np.arange(len(first)), first][:, None]).sum(axis=2) / (length * length.min(axis=1)[:, None])
    clear = (np.abs(along + 0.5) > 1e-6).all(axis=1)
    second = np.where((along <= -0.5) & (length < OPPOSITE_REACH_M), length, np.inf).min(axis=1)
    expected = np.where(np.isfinite(second), length.min(axis=1) + second, MOST_WIDTH_M)
    assert np.isfinite(second).sum() > 100
    np.testing.assert_allclose(width[clear], expected[clear], rtol=0, atol=1e-6)


def test_groups_within_a_radius_are_counted_once_each():
    rng = np.random.default_rng(3)
    grid = square_grid(50)
    middle = np.array(grid.bounds).reshape(2, 2).mean(axis=0)
    lines = np.array([LineString(middle + rng.normal(0, 1500, 2) + rng.normal(0, 300, (4, 2))) for _ in range(12)])
    groups = rng.integers(-1, 4, 12)
    layer = layer_of(lines)
    found = groups_within(grid, layer, groups[layer.owner], 1200.0).ravel()
    near = shapely.distance(shapely.points(grid.centres_m())[:, None], lines[None]) < 1200.0
    expected = sum((near & (groups == group)).any(axis=1) for group in range(4))
    np.testing.assert_array_equal(found, expected)
    assert set(found) >= {0, 1, 2}
