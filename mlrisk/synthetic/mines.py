"""What was put into the ground: minefields of seven origins, row by row, and what shelling left."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from mlrisk.synthetic.front import War
from mlrisk.synthetic.kind import Kind, stage_rng
from mlrisk.synthetic.lattice import Floats, Ints, smooth_noise, smooth_series
from mlrisk.synthetic.places import LAND_USES, Settlements
from mlrisk.synthetic.roads import Roads, distance_to_roads_m
from mlrisk.synthetic.terrain import CLIFF_DEG, FINE, Terrain

ORIGINS = ("belt", "withdrawal", "bridge", "orchard", "village", "nuisance", "shelling")
TYPES = ("AP mine", "AT mine", "UXO")
BELT_DEPTH_M = 2000.0  # no belt lies farther in front of its trench
OPEN_LAND = np.array([0.3, 0.7, 0.5, 0.4, -0.9, -0.5, -0.3])  # by LAND_USES: where an attack is likely


@dataclass(frozen=True, eq=False)
class Fields:
    """Oriented rectangles; `score` is the log intensity with which each would be laid. `along` is a unit vector."""

    origin: Ints
    centre: Floats
    along: Floats
    length_m: Floats
    depth_m: Floats
    at_share: Floats
    spacing_m: Floats
    score: Floats
    year: Ints
    row: Ints  # trench stretch that it protects, -1 without

    def take(self, index: Ints) -> "Fields":
        """The fields at `index`, in that order."""
        return Fields(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class Items:
    """Every item laid or fired: position, index into TYPES, index into the fields, flat cell of the terrain grid."""

    points: Floats
    type: Ints
    field: Ints
    cell: Ints


@dataclass(frozen=True, eq=False)
class _Ground:
    land: Terrain
    use: Ints
    road_m: Floats
    war: War

    def at(self, points: Floats) -> dict[str, Floats]:
        """Slope (degrees), openness, height over surroundings, metres to roads, rivers and lines at points."""
        row, column = self.land.fine_index(points[:, 0], points[:, 1])
        cell = (row // FINE, column // FINE)
        return {
            "slope": self.land.fine_slope_deg[row, column],
            "open": OPEN_LAND[self.use[row, column]],
            "position": self.land.position[cell],
            "road_m": self.road_m[cell],
            "line_m": self.war.to_line_m[cell],
            "depth_m": self.war.depth_m[cell],
        }


def lay_mines(
    seed: int, kind: Kind, land: Terrain, settlements: Settlements, roads: Roads, use: Ints, war: War
) -> tuple[Fields, Items]:
    """Fields of every origin, taken from the likeliest down until each origin has its share of the cells."""
    rng = stage_rng(seed, "mines")
    ground = _Ground(land, use, distance_to_roads_m(land, roads), war)
    offers = (
        _belts(rng, kind, ground),
        _along_retreats(rng, ground, roads),
        _at_bridges(rng, ground, roads),
        _in_orchards(rng, ground),
        _in_villages(rng, ground, settlements),
        _nuisance(rng, ground, roads),
        _shelling(rng, kind, ground, settlements),
    )
    shares = _shares(kind, [offer.score.size > 0 for offer in offers])
    wanted = kind.contaminated_share * land.inside.sum()
    taken = np.zeros(land.inside.size, dtype=bool)
    fields: list[Fields] = []
    items: list[Items] = []
    done = 0
    missing = 0.0
    for origin, (offer, share) in enumerate(zip(offers, shares, strict=True)):
        if offer.score.size == 0:
            continue
        # What an origin could not fill (few orchards, short roads) is left to the origins after it.
        chosen, laid = _take_best(stage_rng(seed * 100 + origin, "items"), land, offer, taken, share * wanted + missing)
        gained = int((~taken[np.unique(laid.cell)]).sum())
        missing += share * wanted - gained
        taken[laid.cell] = True
        items.append(Items(laid.points, laid.type, laid.field + done, laid.cell))
        fields.append(chosen)
        done += chosen.score.size
    return _join(fields), Items(
        *(np.concatenate([getattr(part, name) for part in items]) for name in Items.__dataclass_fields__)
    )


def _shares(kind: Kind, offered: list[bool]) -> Floats:
    rest = np.array([0.0, 0.3, 0.09, 0.18, 0.2, 0.07, 0.38])
    rest = np.where(offered, rest, 0.0)
    rest *= (1 - kind.belt_share) / rest.sum()
    rest[0] = kind.belt_share
    return np.asarray(rest, dtype=np.float64)


def _take_best(
    rng: np.random.Generator, land: Terrain, offer: Fields, taken: np.ndarray, wanted: float
) -> tuple[Fields, Items]:
    """The fields with the highest score plus Gumbel noise (a draw by intensity) until `wanted` new cells are mined."""
    order = np.argsort(-(offer.score + rng.gumbel(0, 0.8, offer.score.size)), kind="stable")
    offer = offer.take(order[: int(1.5 * wanted) + 20])
    items = _items(rng, land, offer)
    fresh = ~taken[items.cell]
    first = np.unique(items.cell[fresh], return_index=True)[1]
    gained = np.cumsum(np.bincount(items.field[fresh][first], minlength=offer.score.size))
    count = int(np.searchsorted(gained, wanted)) + 1
    held = np.unique(items.field)
    held = held[held < count]
    number = np.full(offer.score.size, -1, dtype=np.int64)
    number[held] = np.arange(held.size)
    kept = number[items.field] >= 0
    chosen = Items(items.points[kept], items.type[kept], number[items.field[kept]], items.cell[kept])
    return offer.take(held), chosen


def _items(rng: np.random.Generator, land: Terrain, fields: Fields) -> Items:
    """Mines in rows along a field, shells and booby traps scattered in it; none outside the country or on cliffs."""
    scattered = np.isin(fields.origin, [ORIGINS.index(name) for name in ("orchard", "village", "shelling")])
    per_row = np.maximum(1, np.round(fields.length_m / fields.spacing_m)).astype(np.int64)
    rows = np.where(scattered, 1, np.clip(np.round(fields.depth_m / 30), 1, 3)).astype(np.int64)
    count = per_row * rows
    field = np.repeat(np.arange(count.size), count)
    place = np.arange(field.size) - np.repeat(np.cumsum(count) - count, count)
    along = ((place % per_row[field]) + 0.5) / per_row[field] - 0.5
    across = (place // per_row[field] + 0.5) / rows[field] - 0.5
    loose = scattered[field]
    along = np.where(loose, rng.uniform(-0.5, 0.5, field.size), along + rng.normal(0, 0.1, field.size) / per_row[field])
    across = np.where(loose, rng.uniform(-0.5, 0.5, field.size), across + rng.normal(0, 0.04, field.size))
    vector = fields.along[field]
    normal = np.column_stack([-vector[:, 1], vector[:, 0]])
    points = fields.centre[field] + (along * fields.length_m[field])[:, None] * vector
    points = points + (across * fields.depth_m[field])[:, None] * normal
    kind = (rng.random(field.size) < fields.at_share[field]).astype(np.int64)
    kind[fields.origin[field] == ORIGINS.index("shelling")] = TYPES.index("UXO")
    kind[(fields.origin[field] == ORIGINS.index("belt")) & (rng.random(field.size) < 0.12)] = TYPES.index("UXO")
    kind[(fields.origin[field] == ORIGINS.index("village")) & (rng.random(field.size) < 0.45)] = TYPES.index("UXO")
    cell = land.grid.locate(points[:, 0], points[:, 1])
    row, column = land.fine_index(points[:, 0], points[:, 1])
    keep = (cell >= 0) & land.inside.ravel()[cell] & (land.fine_slope_deg[row, column] <= CLIFF_DEG)
    return Items(np.round(points[keep], 1), kind[keep], field[keep], cell[keep])


def _fields(
    origin: str, centre: Floats, along: Floats, size: tuple[Floats, Floats], at_share: Floats, score: Floats,
    spacing_m: Floats | float, year: Ints | int, row: Ints | int = -1,
) -> Fields:  # fmt: skip
    count = len(centre)
    return Fields(
        np.full(count, ORIGINS.index(origin)), centre, along, *size, at_share, np.broadcast_to(spacing_m, count),
        score, np.broadcast_to(np.asarray(year, dtype=np.int64), count),
        np.broadcast_to(np.asarray(row, dtype=np.int64), count),
    )  # fmt: skip


def _belts(rng: np.random.Generator, kind: Kind, ground: _Ground) -> Fields:
    """Up to three belts before each trench: longer held, denser; on approaches that a foot or a tank can take."""
    trenches = ground.war.trenches
    pick = np.repeat(np.arange(0, len(trenches.points), 2), 3)
    belt = np.tile([0, 1, 2], pick.size // 3)
    near, far = np.array([40.0, 250.0, 800.0])[belt], np.array([220.0, 800.0, 1900.0])[belt]
    ahead = near + (far - near) * rng.random(pick.size)
    room = (belt == 0) | (ahead < trenches.depth_m[pick])
    pick, belt, ahead = pick[room], belt[room], ahead[room]
    facing = trenches.facing[pick]
    centre = trenches.points[pick] + ahead[:, None] * facing
    site = ground.at(centre)
    # Each stretch of trench had its own commander: the part of the density that no map explains.
    commander = smooth_series(rng, len(trenches.points), 14)[pick] * 0.7
    approach = -((site["slope"] / 11) ** 2) + 1.3 * np.exp(-site["road_m"] / 450) - 0.45 * site["position"]
    score = (
        approach + site["open"] + 0.7 * np.log(trenches.held_years[pick]) - 0.35 * belt - 0.5 * trenches.order[pick]
        + commander
    )  # fmt: skip
    at_share = np.clip(0.30 - 0.03 * site["slope"] + 0.4 * np.exp(-site["road_m"] / 300), 0, 1)
    at_share = np.where(rng.random(pick.size) < 0.5, at_share, at_share > rng.random(pick.size))
    size = (np.clip(np.exp(rng.normal(5.8, 0.5, pick.size)), 120, 1200), rng.uniform(25, 95, pick.size))
    along = np.column_stack([-facing[:, 1], facing[:, 0]])
    spacing = kind.mines_per_row_spacing_m * np.exp(rng.normal(0, 0.25, pick.size))
    return _fields("belt", centre, along, size, at_share, score, spacing, trenches.laid[pick], trenches.row[pick])


def _along_retreats(rng: np.random.Generator, ground: _Ground, roads: Roads) -> Fields:
    """Short fields on and beside the roads of a withdrawal: narrows, stream crossings, edges of villages."""
    parts = []
    for line in ground.war.lines:
        if line.kind != "withdrawal_route":
            continue
        centre = np.repeat(line.points, 2, axis=0)
        normal = np.repeat(line.left, 2, axis=0)
        parts.append((centre, normal, smooth_series(rng, len(centre), 20) + rng.normal(0, 0.5), line.held_from.year))
    if not parts:
        return _none("withdrawal")
    centre, normal = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    patrol = np.concatenate([p[2] for p in parts])
    year = np.repeat([p[3] for p in parts], [len(p[0]) for p in parts])
    along = np.column_stack([normal[:, 1], -normal[:, 0]])
    centre = centre + normal * rng.normal(0, 45, len(centre))[:, None]
    site = ground.at(centre)
    wet = ndimage.distance_transform_edt(~ground.land.river_mask).ravel()
    river = np.exp(-wet[ground.land.grid.locate(*centre.T)] / 1.0)
    score = 0.8 * river - 0.5 * site["position"] + 0.03 * site["slope"] + 0.5 * patrol - 0.4 * site["open"]
    size = (rng.uniform(50, 260, len(centre)), rng.uniform(12, 50, len(centre)))
    return _fields("withdrawal", centre, along, size, rng.beta(2, 2, len(centre)), score, 22.0, year)


def _at_bridges(rng: np.random.Generator, ground: _Ground, roads: Roads) -> Fields:
    """Fields around bridges: main roads and the neighbourhood of the lines first, twice per bridge at most."""
    if len(roads.bridges) == 0:
        return _none("bridge")
    centre = np.repeat(roads.bridges, 2, axis=0) + rng.normal(0, 50, (2 * len(roads.bridges), 2))
    site = ground.at(centre)
    weight = np.repeat(np.array([1.2, 0.8, 0.3, 0.0, -1.0])[roads.bridge_class], 2)
    lost = (site["depth_m"] > 0) & (site["depth_m"] < 15_000)
    score = weight - site["line_m"] / 3500 + 0.8 * lost
    size = (rng.uniform(90, 260, len(centre)), rng.uniform(30, 110, len(centre)))
    at_share = rng.beta(2, 3, len(centre))
    return _fields("bridge", centre, _directions(rng, len(centre)), size, at_share, score, 20.0, 0)


def _in_orchards(rng: np.random.Generator, ground: _Ground) -> Fields:
    """Scattered mines in orchards and vineyards near the lines: cover for infantry on both sides."""
    grove = np.isin(ground.use, [LAND_USES.index("orchard"), LAND_USES.index("vineyard")])
    rows, columns = np.nonzero(grove)
    cell = (rows // FINE, columns // FINE)
    near = (ground.war.to_line_m[cell] < 9000) & ground.land.inside[cell]
    rows, columns = rows[near], columns[near]
    if rows.size == 0:
        return _none("orchard")
    pick = rng.choice(rows.size, size=min(rows.size, 60_000), replace=False)
    pixel = ground.land.grid.cell_size_m / FINE
    left, _, _, top = ground.land.grid.bounds
    centre = np.column_stack([left + (columns[pick] + 0.5) * pixel, top - (rows[pick] + 0.5) * pixel])
    site = ground.at(centre)
    owner = smooth_noise(rng, ground.land.grid.shape, 3.0).ravel()[ground.land.grid.locate(*centre.T)]
    score = -site["line_m"] / 1800 + 0.9 * owner - 0.6 * (site["road_m"] > 600)
    size = (rng.uniform(90, 280, pick.size), rng.uniform(60, 160, pick.size))
    return _fields("orchard", centre, _directions(rng, pick.size), size, rng.beta(1, 6, pick.size), score, 18.0, 0)


def _in_villages(rng: np.random.Generator, ground: _Ground, settlements: Settlements) -> Fields:
    """Traps, mines and duds in and around villages that the war emptied."""
    empty = np.flatnonzero(ground.war.evacuated)
    if empty.size == 0:
        return _none("village")
    village = np.repeat(empty, 60)
    radius = 80 + 6 * np.sqrt(settlements.people[village]) + rng.exponential(220, village.size)
    centre = settlements.points[village] + _directions(rng, village.size) * radius[:, None]
    site = ground.at(centre)
    fate = rng.normal(0, 0.8, settlements.cell.size)[village]
    score = fate - site["line_m"] / 3000 - radius / 500 - 0.3 * (site["slope"] > 12)
    size = (rng.uniform(60, 200, village.size), rng.uniform(50, 160, village.size))
    at_share = rng.beta(1, 8, village.size)
    return _fields("village", centre, _directions(rng, village.size), size, at_share, score, 20.0, 0)


def _nuisance(rng: np.random.Generator, ground: _Ground, roads: Roads) -> Fields:
    """A few mines on tracks and paths anywhere: what no map of the war explains."""
    cells = np.flatnonzero((roads.class_of_cell.ravel() >= 3) & ground.land.inside.ravel())
    if cells.size == 0:
        return _none("nuisance")
    pick = rng.choice(cells, size=min(cells.size, 20_000), replace=False)
    size_m = ground.land.grid.cell_size_m
    centre = roads.nodes[pick] + rng.normal(0, 0.3 * size_m, (pick.size, 2))
    size = (rng.uniform(30, 120, pick.size), rng.uniform(8, 30, pick.size))
    score = -ground.at(centre)["line_m"] / 12_000
    at_share = rng.beta(1, 3, pick.size)
    return _fields("nuisance", centre, _directions(rng, pick.size), size, at_share, score, 18.0, 0)


def _shelling(rng: np.random.Generator, kind: Kind, ground: _Ground, settlements: Settlements) -> Fields:
    """Duds where shells fell: around trenches, in towns within range, and long strips of cluster munitions."""
    trenches = ground.war.trenches
    pick = rng.integers(0, len(trenches.points), len(trenches.points) // 2)
    at_trench = trenches.points[pick] - trenches.facing[pick] * rng.gamma(2, 450, pick.size)[:, None]
    target = rng.choice(
        settlements.cell.size, size=settlements.cell.size * 20, p=settlements.people**0.5 / (settlements.people**0.5).sum()
    )
    in_town = settlements.points[target] + rng.normal(0, 420, (target.size, 2))
    centre = np.concatenate([at_trench + rng.normal(0, 200, at_trench.shape), in_town])
    site = ground.at(centre)
    intensity = smooth_noise(rng, ground.land.grid.shape, 2500 / ground.land.grid.cell_size_m).ravel()
    battle = intensity[np.maximum(ground.land.grid.locate(*centre.T), 0)]
    aim = np.concatenate([0.3 * np.log(trenches.held_years[pick] + 1), np.full(target.size, 1.1)])
    score = aim - site["line_m"] / 3200 + 1.1 * battle + 0.4 * (np.abs(site["depth_m"]) < 1200)
    strip = (rng.random(len(centre)) < 0.25) & kind.cluster_munitions
    length = np.where(strip, rng.uniform(350, 900, len(centre)), rng.uniform(90, 280, len(centre)))
    depth = np.where(strip, rng.uniform(80, 200, len(centre)), rng.uniform(80, 240, len(centre)))
    spacing = np.where(strip, 8.0, rng.uniform(3, 12, len(centre)))
    zero = np.zeros(len(centre))
    return _fields("shelling", centre, _directions(rng, len(centre)), (length, depth), zero, score, spacing, 0)


def field_distance_m(fields: Fields, points: Floats) -> Floats:
    """Metres from each point to the centre of the nearest field."""
    return np.asarray(cKDTree(fields.centre).query(points)[0], dtype=np.float64)


def _directions(rng: np.random.Generator, count: int) -> Floats:
    angle = rng.uniform(0, 2 * np.pi, count)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _none(origin: str) -> Fields:
    nothing = np.zeros(0)
    return _fields(origin, np.zeros((0, 2)), np.zeros((0, 2)), (nothing, nothing), nothing, nothing, 1.0, 0)


def _join(parts: list[Fields]) -> Fields:
    return Fields(*(np.concatenate([getattr(part, name) for part in parts]) for name in Fields.__dataclass_fields__))
