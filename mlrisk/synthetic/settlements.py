"""Where people live: settlements, land use and districts."""

from dataclasses import dataclass

import numpy as np
from rasterio.features import shapes, sieve
from scipy import ndimage
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree
from shapely.geometry import MultiPolygon, Polygon, shape
from shapely.ops import unary_union

from features.base import Floats, Integers
from mlrisk.synthetic.grid_graph import edges, graph, smooth_noise
from mlrisk.synthetic.scenario import Kind, stage_rng
from mlrisk.synthetic.terrain import FINE, Terrain

LAND_USES = ("meadow", "farmland", "orchard", "vineyard", "forest", "bare_rock", "residential")
SYLLABLES = ("ar", "bel", "dar", "gor", "ka", "lev", "mir", "nor", "o", "sal", "tav", "ur", "vel", "zan", "lu", "shen")


@dataclass(frozen=True, eq=False, kw_only=True)
class Settlements:
    """One entry a settlement: its cell, position, people before the war, and whether it is a town."""

    cell: Integers
    points: Floats
    people: Floats
    town: np.ndarray
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Districts:
    """`label` numbers the district of each cell; one name and polygon a district."""

    label: Integers
    names: tuple[str, ...]
    polygons: tuple[Polygon | MultiPolygon, ...]


def place_settlements(seed: int, kind: Kind, land: Terrain) -> Settlements:
    """Settlements on low flat ground, near rivers, at a distance from each other; the best places are towns."""
    rng = stage_rng(seed, "settlements")
    grid = land.grid
    to_river_m = ndimage.distance_transform_edt(~land.river_mask) * grid.cell_size_m
    pull = {"strings": 1.6, "scattered": 0.4, "clustered": 0.8}[kind.settlement_pattern]
    wish = -((land.slope_deg / 7) ** 1.5) - pull * np.minimum(to_river_m / 900, 4) - 0.5 * land.position
    if kind.settlement_pattern == "clustered":
        wish = wish + 2.2 * smooth_noise(rng, grid.shape, 7000 / grid.cell_size_m)
    wish = wish + rng.gumbel(0, 0.9, grid.shape)
    wish[ndimage.binary_dilation(~land.inside, iterations=2)] = -np.inf
    # Even a small country has several villages, because roads and districts need them.
    cells = _spaced(wish, land, min(kind.settlement_spacing_m, 0.3 * np.sqrt(land.area.area)))
    rank = np.argsort(np.argsort(-wish.ravel()[cells]))
    people = np.exp(rng.normal(6.0, 0.8, cells.size)) + 30
    towns = max(2, round(cells.size / 14))
    town = np.isin(np.arange(cells.size), _far_apart(land.centres()[cells], rank, towns))
    people[town] = np.exp(rng.normal(9.2, 0.7, town.sum())) + 3000
    points = land.centres()[cells] + rng.uniform(-0.4, 0.4, (cells.size, 2)) * grid.cell_size_m
    return Settlements(
        cell=cells, points=np.round(points, 1), people=np.round(people), town=town, names=_names(rng, cells.size)
    )


def use_land(seed: int, kind: Kind, land: Terrain, settlements: Settlements) -> Integers:
    """Index into LAND_USES at the fine resolution."""
    rng = stage_rng(seed, "land")
    shape_ = (land.fine_slope_deg.shape[0], land.fine_slope_deg.shape[1])
    pixel_m = land.grid.cell_size_m / FINE
    marks = np.ones(shape_, dtype=bool)
    row, column = land.fine_index(settlements.points[:, 0], settlements.points[:, 1])
    marks[row, column] = False
    people = np.zeros(shape_)
    people[row, column] = settlements.people
    away, (near_row, near_column) = ndimage.distance_transform_edt(marks, return_indices=True)
    away_m = away * pixel_m
    slope = ndimage.gaussian_filter(land.fine_slope_deg, 1.5)
    height = (land.fine_elevation_m - land.fine_elevation_m.min()) / np.ptp(land.fine_elevation_m)
    patches = [smooth_noise(rng, shape_, 450 / pixel_m) for _ in range(4)]
    use = np.zeros(shape_, dtype=np.uint8)
    wood = 1.6 * height + 0.05 * slope + away_m / 3500 + 0.8 * patches[0]
    use[wood > np.quantile(wood, 1 - kind.forest_share)] = LAND_USES.index("forest")
    use[(slope < 7) & (away_m < 2600 + 900 * patches[1])] = LAND_USES.index("farmland")
    grove = (slope < 13) & (away_m < 2300 + 500 * patches[1])
    use[grove & (patches[2] > kind.orchard_threshold)] = LAND_USES.index("orchard")
    use[grove & (slope > 1) & (patches[3] > kind.orchard_threshold + 0.5)] = LAND_USES.index("vineyard")
    use[slope > 36] = LAND_USES.index("bare_rock")
    radius_m = 60 + 5.5 * np.sqrt(people[near_row, near_column])
    use[away_m < radius_m * (1 + 0.15 * patches[0])] = LAND_USES.index("residential")
    return np.asarray(sieve(use, size=6).astype(np.int64))


def land_use_polygons(land: Terrain, use: Integers) -> list[tuple[str, Polygon]]:
    """Land use as polygons, the meadows between them left out as in most maps."""
    found = shapes(use.astype(np.uint8), mask=use > 0, transform=land.fine_transform)
    return [(LAND_USES[int(value)], shape(outline)) for outline, value in found]


def divide(seed: int, land: Terrain, settlements: Settlements) -> Districts:
    """Districts around seats: each cell belongs to the seat of easiest access, so that borders follow ridges."""
    rng = stage_rng(seed, "districts")
    count = max(4, round(land.inside.sum() / 3600))
    seats = _far_apart(settlements.points, rng.permutation(settlements.cell.size), min(count, settlements.cell.size))
    a, b, length = edges(land.grid.shape)
    steep = 1 + land.slope_deg.ravel() / 4
    ways = graph(a, b, length * (steep[a] + steep[b]), steep.size)
    _, _, source = dijkstra(ways, indices=settlements.cell[seats], min_only=True, return_predecessors=True)
    label = np.searchsorted(np.sort(settlements.cell[seats]), source).reshape(land.grid.shape)
    parts: dict[int, list[Polygon]] = {}
    for outline, value in shapes(label.astype(np.int32), transform=land.grid.transform):
        parts.setdefault(int(value), []).append(shape(outline))
    polygons = [unary_union(parts[i]).intersection(land.area) for i in sorted(parts)]
    return Districts(label.astype(np.int64), _names(rng, len(polygons)), tuple(polygons))


def _spaced(wish: Floats, land: Terrain, spacing_m: float) -> Integers:
    """Cells in the order of preference, none nearer than `spacing_m` to an earlier one."""
    flat = wish.ravel()
    order = np.argsort(-flat, kind="stable")[: int(np.isfinite(flat).sum() * 0.55)]
    points = land.centres()[order]
    blocked = np.zeros(order.size, dtype=bool)
    tree = cKDTree(points)
    taken = []
    for i in range(order.size):
        if not blocked[i]:
            taken.append(order[i])
            blocked[tree.query_ball_point(points[i], spacing_m)] = True
    return np.array(taken, dtype=np.int64)


def _far_apart(points: Floats, rank: Integers, count: int) -> Integers:
    """`count` indices: the first by rank, then always the one farthest from those taken (rank breaks ties)."""
    order = np.argsort(rank, kind="stable")
    taken = [int(order[0])]
    nearest = np.hypot(*(points - points[taken[0]]).T)
    while len(taken) < count:
        # The root keeps the choice away from the border, where the farthest points are.
        chosen = int(order[np.argmax(np.sqrt(nearest[order]) * (1 - 0.4 * np.arange(order.size) / order.size))])
        taken.append(chosen)
        nearest = np.minimum(nearest, np.hypot(*(points - points[chosen]).T))
    return np.array(taken, dtype=np.int64)


def _names(rng: np.random.Generator, count: int) -> tuple[str, ...]:
    names: dict[str, None] = {}
    while len(names) < count:
        parts = rng.choice(SYLLABLES, size=int(rng.integers(2, 4)))
        names["".join(parts).capitalize()] = None
    return tuple(names)
