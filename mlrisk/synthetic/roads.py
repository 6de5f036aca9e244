"""Roads by least cost between settlements, their classes by traffic, bridges and tracks."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from shapely import LineString, STRtree
from shapely.ops import substring

from features.base import Flags, Floats, Integers
from mlrisk.synthetic.grid_graph import edges, follow, graph, relax, unused_stretches
from mlrisk.synthetic.scenario import stage_rng
from mlrisk.synthetic.settlements import Settlements
from mlrisk.synthetic.terrain import Terrain

CLASSES = ("primary", "secondary", "tertiary", "unclassified", "track")
CLASS_SHARES = (0.18, 0.4, 0.7)  # of the links between settlements, by falling traffic
BRIDGE_HALF_M = 35.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Roads:
    """`lines` with their class and whether they are a bridge; `nodes` has the position of every cell on a road.

    `start` and `stop` are the cells at the ends of each road step, `step_class` indexes CLASSES. `class_of_cell` is
    the best class in a cell, -1 without road. `bridges` (n, 2) are positions, `bridge_class` their classes.
    """

    lines: tuple[LineString, ...]
    road_class: tuple[str, ...]
    is_bridge: Flags
    nodes: Floats
    start: Integers
    stop: Integers
    step_class: Integers
    class_of_cell: Integers
    bridges: Floats
    bridge_class: Integers


@dataclass(frozen=True, eq=False)
class _Links:
    first: Integers
    second: Integers
    cost: Floats
    meets: Integers  # (n, 2) cells where the two halves of the way meet


def build_roads(seed: int, land: Terrain, settlements: Settlements) -> Roads:
    """The network: a spanning tree of cheapest ways, short cuts where the detour is long, tracks into the fields."""
    rng = stage_rng(seed, "roads")
    a, b, length = edges(land.grid.shape)
    cost = _step_cost(land, a, b, length)
    ways = graph(a, b, cost, land.slope_deg.size)
    reach, before, source = dijkstra(ways, indices=settlements.cell, min_only=True, return_predecessors=True)
    links = _links(settlements, a, b, cost, reach, source.astype(np.int64))
    links = _network(links, settlements.cell.size)
    traffic = _traffic(links, settlements)
    order = np.argsort(-traffic, kind="stable")
    shares = np.searchsorted(CLASS_SHARES, np.arange(order.size) / order.size, side="right")
    runs: list[Integers] = []
    classes: list[int] = []
    used: set[tuple[int, int]] = set()
    for link, road_class in zip(order, shares, strict=True):
        halves = [follow(before, int(node)) for node in links.meets[link]]
        for run in unused_stretches(np.concatenate([halves[0][::-1], halves[1]]), used):
            runs.append(run)
            classes.append(int(road_class))
    for node in _track_ends(rng, land, settlements, reach):
        for run in unused_stretches(follow(before, node), used):
            runs.append(run)
            classes.append(CLASSES.index("track"))
    return _assemble(land, settlements, runs, np.array(classes, dtype=np.int64))


def _step_cost(land: Terrain, a: Integers, b: Integers, length: Floats) -> Floats:
    """Cost in metres of level road: grades over 8 % and river beds are expensive."""
    height, wet = land.elevation_m.ravel(), land.river_mask.ravel()
    run_m = length * land.grid.cell_size_m
    grade = np.abs(height[a] - height[b]) / run_m
    steep = (land.slope_deg.ravel()[a] + land.slope_deg.ravel()[b]) / 2
    along_river = wet[a] & wet[b]
    return np.asarray(
        run_m * (1 + (grade / 0.08) ** 2 + (steep / 25) ** 2) * np.where(along_river, 4.0, 1.0)
        + 500.0 * (wet[a] != wet[b]),
        dtype=np.float64,
    )


def _links(settlements: Settlements, a: Integers, b: Integers, cost: Floats, reach: Floats, source: Integers) -> _Links:
    """The cheapest way between each pair of neighbouring settlements, from one run over all of them.

    If the areas of two settlements adjoin, their link crosses the border at the cheapest place; the spanning tree of
    these links is that of all pairs (Mehlhorn 1988).
    """
    number = np.full(source.max() + 1, -1, dtype=np.int64)
    number[settlements.cell] = np.arange(settlements.cell.size)
    border = (source[a] != source[b]) & (source[a] >= 0) & (source[b] >= 0)
    a, b = a[border], b[border]
    total = reach[a] + cost[border] + reach[b]
    one, two = number[source[a]], number[source[b]]
    swap = one > two
    one, two, a, b = np.where(swap, two, one), np.where(swap, one, two), np.where(swap, b, a), np.where(swap, a, b)
    key = one * settlements.cell.size + two
    order = np.lexsort((total, key))
    first = order[np.unique(key[order], return_index=True)[1]]
    return _Links(one[first], two[first], total[first], np.column_stack([a[first], b[first]]))


def _network(links: _Links, count: int) -> _Links:
    """The spanning tree of the links, and short cuts where the way along the tree is over twice as long."""
    tree = minimum_spanning_tree(graph(links.first, links.second, links.cost, count)).tocoo()
    pairs = {(int(min(i, j)), int(max(i, j))) for i, j in zip(tree.row, tree.col, strict=True)}
    in_tree = np.array([pair in pairs for pair in zip(links.first.tolist(), links.second.tolist(), strict=True)])
    distance = dijkstra(tree.tocsr(), directed=False)
    detour = distance[links.first, links.second] / links.cost
    detour[in_tree] = 0
    extra = np.argsort(-detour, kind="stable")[: int(0.3 * count)]
    kept = in_tree.copy()
    kept[extra[detour[extra] > 2.0]] = True
    return _Links(links.first[kept], links.second[kept], links.cost[kept], links.meets[kept])


def _traffic(links: _Links, settlements: Settlements) -> Floats:
    """People that pass each link on their way from every settlement to every town, by gravity."""
    count = settlements.cell.size
    ways = graph(links.first, links.second, links.cost, count)
    towns = np.flatnonzero(settlements.town)
    distance, before = dijkstra(ways, indices=towns, return_predecessors=True)
    index = np.full((count, count), -1, dtype=np.int64)
    index[links.first, links.second] = index[links.second, links.first] = np.arange(links.first.size)
    traffic = np.zeros(links.first.size)
    for i, town in enumerate(towns):
        people = settlements.people * settlements.people[town] / (distance[i] + 5000.0) ** 1.5
        for node in np.argsort(-distance[i], kind="stable"):
            parent = before[i, node]
            if parent >= 0:
                people[parent] += people[node]
                traffic[index[node, parent]] += people[node]
    return traffic


def _track_ends(rng: np.random.Generator, land: Terrain, settlements: Settlements, reach: Floats) -> list[int]:
    """Cells to which a track leads: two to three for each settlement, on ground that a cart can reach."""
    near = np.flatnonzero((reach > 1200) & (reach < 5000) & (land.slope_deg.ravel() < 18) & land.inside.ravel())
    count = min(near.size, round(2.5 * settlements.cell.size))
    return [int(cell) for cell in rng.choice(near, size=count, replace=False)]


def _assemble(land: Terrain, settlements: Settlements, runs: list[Integers], classes: Integers) -> Roads:
    start = np.concatenate([run[:-1] for run in runs])
    stop = np.concatenate([run[1:] for run in runs])
    step_class = np.repeat(classes, [len(run) - 1 for run in runs])
    nodes = land.centres()
    nodes[settlements.cell] = settlements.points
    fixed = np.zeros(len(nodes), dtype=bool)
    fixed[settlements.cell] = True
    nodes = np.round(relax(nodes, start, stop, fixed), 1)
    best = np.full(len(nodes), len(CLASSES), dtype=np.int64)
    np.minimum.at(best, start, step_class)
    np.minimum.at(best, stop, step_class)
    whole = [LineString(nodes[run]) for run in runs]
    lines, owner, is_bridge, bridges = _cut_bridges(whole, land)
    return Roads(
        lines=tuple(lines),
        road_class=tuple(CLASSES[classes[i]] for i in owner),
        is_bridge=is_bridge,
        nodes=nodes,
        start=start,
        stop=stop,
        step_class=step_class,
        class_of_cell=np.where(best < len(CLASSES), best, -1).reshape(land.grid.shape),
        bridges=bridges,
        bridge_class=classes[owner[is_bridge]],
    )


def _cut_bridges(whole: list[LineString], land: Terrain) -> tuple[list[LineString], Integers, Flags, Floats]:
    """Roads cut where they cross a river, with the stretch over the water as a separate line."""
    crossings: dict[int, list[float]] = {}
    if land.rivers:
        roads, rivers = STRtree(land.rivers).query(whole, predicate="crosses")
        for road, river in zip(roads.tolist(), rivers.tolist(), strict=True):
            met = whole[road].intersection(land.rivers[river])
            for part in getattr(met, "geoms", [met]):
                crossings.setdefault(road, []).append(whole[road].project(part.representative_point()))
    lines: list[LineString] = []
    owner: list[int] = []
    bridge: list[bool] = []
    centres: list[tuple[float, float]] = []
    for road, line in enumerate(whole):
        done = 0.0
        for at in sorted(crossings.get(road, [])):
            low, high = max(at - BRIDGE_HALF_M, done), min(at + BRIDGE_HALF_M, line.length)
            if high - low < BRIDGE_HALF_M:
                continue
            if low > done:
                lines.append(substring(line, done, low))
                owner.append(road)
                bridge.append(False)
            lines.append(substring(line, low, high))
            owner.append(road)
            bridge.append(True)
            centre = line.interpolate(at)
            centres.append((centre.x, centre.y))
            done = high
        if line.length > done:
            lines.append(substring(line, done, line.length))
            owner.append(road)
            bridge.append(False)
    points = np.array(centres, dtype=np.float64).reshape(-1, 2)
    return lines, np.array(owner, dtype=np.int64), np.array(bridge, dtype=bool), points


def distance_to_roads_m(land: Terrain, roads: Roads) -> Floats:
    """Metres from each cell to the nearest cell with a road."""
    away = ndimage.distance_transform_edt(roads.class_of_cell < 0)
    return np.asarray(away * land.grid.cell_size_m, dtype=np.float64)
