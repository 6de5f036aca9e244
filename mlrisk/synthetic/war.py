"""The war: lines held along ridges or rivers, their shifts, the trenches, the withdrawal."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from scipy import ndimage
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from features.base import Flags, Floats, Integers
from mlrisk.synthetic.grid_graph import cheapest_way, follow, graph, smooth_series
from mlrisk.synthetic.roads import Roads
from mlrisk.synthetic.scenario import Kind, stage_rng
from mlrisk.synthetic.settlements import Settlements
from mlrisk.synthetic.terrain import Terrain

STEP_M = 50.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Line:
    """A line with points every STEP_M; `left` are unit vectors to its left; `held_to` None: still held."""

    kind: str
    held_from: date
    held_to: date | None
    points: Floats
    left: Floats

    @property
    def held_years(self) -> float:
        """Years held, ten for a line that still is."""
        return (self.held_to - self.held_from).days / 365.25 if self.held_to else 10.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Trenches:
    """Trench points every STEP_M, `row` numbers the stretches, `order` is 1 for a trench behind the first.

    `facing` is the unit vector to the enemy, `depth_m` the ground between the trench and the enemy's.
    """

    points: Floats
    facing: Floats
    depth_m: Floats
    held_years: Floats
    row: Integers
    order: Integers
    laid: Integers  # year in which mines were laid before it


@dataclass(frozen=True, eq=False, kw_only=True)
class War:
    """Lines, trenches and roads of withdrawal (`retreats`: nodes, front end first).

    `depth_m` is the signed distance of each cell from the nearest line held for years, positive on the side that
    lost; `to_line_m` the distance of each cell from any line.
    """

    lines: tuple[Line, ...]
    trenches: Trenches
    retreats: tuple[Integers, ...]
    depth_m: Floats
    to_line_m: Floats
    evacuated: Flags  # per settlement


def make_war(seed: int, kind: Kind, land: Terrain, settlements: Settlements, roads: Roads) -> War:
    """Fronts across the country, each with early shifts, and the line at which the war ended."""
    rng = stage_rng(seed, "front")
    cost = _line_cost(kind, land)
    mains: list[Line] = []
    lines: list[Line] = []
    ended = date(kind.war_ended, 11, 10)
    for waypoints in _front_waypoints(rng, kind, land):
        points, left = _larger_side_left(land, *_route(land, cost, waypoints))
        held_to = ended - timedelta(days=int(rng.integers(30, 50)))
        mains.append(
            Line(
                kind="line_of_contact",
                held_from=date(kind.front_started, 5, 12),
                held_to=held_to,
                points=points,
                left=left,
            )
        )
        lines.append(mains[-1])
        lines += [_shift(rng, kind, land, cost, mains[-1]) for _ in range(kind.shifts_per_front)]
        lines.append(_ceasefire(rng, kind, land, cost, mains[-1], ended))
    trenches, mapped = _dig(stage_rng(seed, "trenches"), lines)
    depth_m = _depth(land, mains)
    to_line_m = _distance(land, lines)
    nodes_depth = depth_m.ravel()[settlements.cell]
    evacuated = (np.abs(nodes_depth) < 1800) | ((nodes_depth > 0) & (nodes_depth < kind.evacuated_m))
    retreats = _retreats(rng, kind, land, settlements, roads, depth_m) if kind.withdrawal else ()
    routes = [_resample(roads.nodes[way]) for way in retreats]
    withdrawn = [
        Line(kind="withdrawal_route", held_from=held_to, held_to=ended, points=points, left=_left(points))
        for points in routes
    ]
    return War(
        lines=(*lines, *mapped, *withdrawn),
        trenches=trenches,
        retreats=retreats,
        depth_m=depth_m,
        to_line_m=to_line_m,
        evacuated=evacuated,
    )


def _line_cost(kind: Kind, land: Terrain) -> Floats:
    if kind.front_follows == "rivers":
        away = ndimage.distance_transform_edt(~land.river_mask) * land.grid.cell_size_m
        return np.asarray(0.4 + np.minimum(away / 700, 3), dtype=np.float64)
    return np.asarray(0.3 + np.exp(-1.1 * land.position), dtype=np.float64)


def _front_waypoints(rng: np.random.Generator, kind: Kind, land: Terrain) -> list[Floats]:
    """Way points of every front: side by side across the country, on winding courses, more in a larger country."""
    left, bottom, right, top = land.area.bounds
    centre, half = np.array([(left + right) / 2, (bottom + top) / 2]), np.array([right - left, top - bottom]) / 2
    count = kind.fronts * max(1, round(np.sqrt(land.inside.sum() / 40_000) * 0.9))
    found = []
    for number in range(count):
        angle = np.radians(kind.front_bearing_deg + rng.normal(0, 14))
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        reach, width = np.abs(along) @ half, np.abs(across) @ half
        offset = ((number + 0.5) / count * 2 - 1) * width * 0.75 + rng.normal(0, 0.08) * width
        steps = max(2, round(2 * reach / 13_000))
        wander = np.cumsum(rng.normal(0, min(2800.0, width / 6), steps + 1))
        wander -= wander.mean()
        distance = np.linspace(-reach, reach, steps + 1)
        found.append(centre + distance[:, None] * along + (offset + wander)[:, None] * across)
    return found


def _route(land: Terrain, cost: Floats, waypoints: Floats) -> tuple[Floats, Floats]:
    """The cheapest line through the way points, each moved to the best ground within 1.5 km."""
    cells = [_best_cell(land, cost, point) for point in waypoints]
    ways = [
        cheapest_way(cost, a, b, margin=max(10, round(4000 / land.grid.cell_size_m)))[:-1]
        for a, b in pairwise(cells)
        if a != b
    ]
    way = np.concatenate([*ways, np.array([cells[-1]])])
    points = np.column_stack([land.grid.eastings_m[way[:, 1]], land.grid.northings_m[way[:, 0]]])
    points = _resample(ndimage.gaussian_filter1d(points, 1.6, axis=0, mode="nearest"))
    return points, _left(points)


def _larger_side_left(land: Terrain, points: Floats, left: Floats) -> tuple[Floats, Floats]:
    """The line, reversed if needed so that most of the country lies to its left, the side that lost."""
    centres = land.centres()[land.inside.ravel()]
    nearest = cKDTree(points).query(centres)[1]
    if (((centres - points[nearest]) * left[nearest]).sum(axis=1) > 0).mean() < 0.5:
        return points[::-1].copy(), -left[::-1]
    return points, left


def _best_cell(land: Terrain, cost: Floats, point: Floats) -> tuple[int, int]:
    size = land.grid.cell_size_m
    left, _, _, top = land.grid.bounds
    rows, columns = land.grid.shape
    row = int(np.clip((top - point[1]) // size, 1, rows - 2))
    column = int(np.clip((point[0] - left) // size, 1, columns - 2))
    reach = max(1, round(1500 / size))
    low_row, low_column = max(row - reach, 0), max(column - reach, 0)
    window = cost[low_row : row + reach + 1, low_column : column + reach + 1]
    best = np.unravel_index(int(np.argmin(window)), window.shape)
    return int(best[0]) + low_row, int(best[1]) + low_column


def _shift(rng: np.random.Generator, kind: Kind, land: Terrain, cost: Floats, main: Line) -> Line:
    """A line held for some months of the first year: a stretch of the front bulged to one side."""
    count = len(main.points)
    length = int(count * rng.uniform(0.25, 0.5))
    begin = int(rng.integers(0, max(1, count - length)))
    bulge = rng.choice([-1.0, 1.0]) * rng.uniform(2500, 5500)
    at = np.linspace(begin, begin + length - 1, 4).astype(np.int64)
    waypoints = main.points[at] + (bulge * np.array([0.2, 1, 0.8, 0.2]))[:, None] * main.left[at]
    points, left = _route(land, cost, waypoints)
    first = date(kind.front_started - 1, 6, 1) + timedelta(days=int(rng.integers(0, 200)))
    last = min(first + timedelta(days=int(rng.integers(90, 330))), date(kind.front_started, 12, 31))
    return Line(kind="line_of_contact", held_from=first, held_to=last, points=points, left=left)


def _ceasefire(rng: np.random.Generator, kind: Kind, land: Terrain, cost: Floats, main: Line, ended: date) -> Line:
    """Where the war stopped: to the left of the front (the side that lost), farther off in the middle."""
    at = np.linspace(0, len(main.points) - 1, max(4, len(main.points) // 200)).astype(np.int64)
    taper = np.sin(np.linspace(0.25, np.pi - 0.25, at.size))
    offset = kind.ceasefire_offset_m * taper * rng.uniform(0.75, 1.25, at.size)
    limit = 0.3 * min(land.grid.shape) * land.grid.cell_size_m
    points, left = _route(land, cost, main.points[at] + np.minimum(offset, limit)[:, None] * main.left[at])
    return Line(kind="ceasefire_line", held_from=ended, held_to=None, points=points, left=left)


def _dig(rng: np.random.Generator, lines: list[Line]) -> tuple[Trenches, list[Line]]:
    """Trenches on both sides of every line; where the front held for years, some have a second one behind.

    Returns the trenches, and the stretches that are on the maps as defence lines.
    """
    parts: list[tuple[Floats, Floats, Floats, Line, int]] = []
    for line in lines:
        count = len(line.points)
        width = {s: np.clip(np.exp(5.5 + 0.6 * smooth_series(rng, count, 30)), 100, 1100) for s in (-1, 1)}
        between = width[-1] + width[1]
        for side in (-1, 1):
            manned = smooth_series(rng, count, 25) > (-1.3 if line.held_years > 2 else -0.4)
            first = line.points + side * width[side][:, None] * line.left
            parts += [
                (first[run], -side * line.left[run], between[run], line, 0)
                for run in np.split(np.arange(count), np.flatnonzero(np.diff(manned.astype(int))) + 1)
                if manned[run[0]] and run.size > 8
            ]
            if line.held_years < 4 or line.held_to is None:
                continue
            behind = (width[side] + 2600 + 500 * smooth_series(rng, count, 60))[:, None]
            second = smooth_series(rng, count, 60) > 0.5
            parts += [
                (
                    (line.points + side * behind * line.left)[run],
                    -side * line.left[run],
                    between[run] * 0 + 1500,
                    line,
                    1,
                )
                for run in np.split(np.arange(count), np.flatnonzero(np.diff(second.astype(int))) + 1)
                if second[run[0]] and run.size > 20
            ]
    sizes = [len(part[0]) for part in parts]
    trenches = Trenches(
        points=np.concatenate([part[0] for part in parts]),
        facing=np.concatenate([part[1] for part in parts]),
        depth_m=np.concatenate([part[2] for part in parts]),
        held_years=np.repeat([part[3].held_years for part in parts], sizes),
        row=np.repeat(np.arange(len(parts)), sizes),
        order=np.repeat([part[4] for part in parts], sizes),
        laid=np.repeat([part[3].held_from.year for part in parts], sizes),
    )
    mapped = [
        Line(kind="defence_line", held_from=part[3].held_from, held_to=part[3].held_to, points=part[0], left=-part[1])
        for part in parts
        if part[3].held_years > 2 and part[3].held_to is not None and rng.random() < 0.6
    ]
    return trenches, mapped


def _retreats(
    rng: np.random.Generator, kind: Kind, land: Terrain, settlements: Settlements, roads: Roads, depth_m: Floats
) -> tuple[Integers, ...]:
    """Roads taken from settlements behind the lost front to towns and villages well behind the last line."""
    depth = depth_m.ravel()[settlements.cell]
    from_here = np.flatnonzero((depth > 200) & (depth < 5000))
    deep = np.flatnonzero(depth > min(1.4 * kind.ceasefire_offset_m, np.quantile(depth, 0.85)))
    if from_here.size == 0 or deep.size == 0:
        return ()
    count = min(from_here.size, max(2, round(land.inside.sum() / 40_000 * 14)))
    dear = np.array([1.0, 1.3, 1.8, 2.5, 6.0])[roads.step_class]
    run = np.hypot(*(roads.nodes[roads.start] - roads.nodes[roads.stop]).T) + 1.0
    ways = graph(roads.start, roads.stop, run * dear, len(roads.nodes))
    found = []
    _, before, _ = dijkstra(ways, indices=settlements.cell[deep], min_only=True, return_predecessors=True)
    for settlement in rng.choice(from_here, size=count, replace=False):
        way = follow(before, int(settlements.cell[settlement]))
        if len(way) * land.grid.cell_size_m > 4000:
            found.append(way)
    return tuple(found)


def _depth(land: Terrain, mains: list[Line]) -> Floats:
    points, left = np.concatenate([m.points for m in mains]), np.concatenate([m.left for m in mains])
    centres = land.centres()
    away, nearest = cKDTree(points).query(centres)
    side = np.sign(((centres - points[nearest]) * left[nearest]).sum(axis=1))
    return np.asarray((away * side).reshape(land.grid.shape), dtype=np.float64)


def _distance(land: Terrain, lines: list[Line]) -> Floats:
    away, _ = cKDTree(np.concatenate([line.points for line in lines])).query(land.centres())
    return np.asarray(away.reshape(land.grid.shape), dtype=np.float64)


def _resample(points: Floats) -> Floats:
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.linspace(0, along[-1], max(2, round(along[-1] / STEP_M) + 1))
    return np.column_stack([np.interp(at, along, points[:, 0]), np.interp(at, along, points[:, 1])])


def _left(points: Floats) -> Floats:
    smooth = ndimage.gaussian_filter1d(points, 12, axis=0, mode="nearest")
    tangent = np.gradient(smooth, axis=0)
    tangent /= np.hypot(*tangent.T)[:, None] + 1e-9
    return np.column_stack([-tangent[:, 1], tangent[:, 0]])
