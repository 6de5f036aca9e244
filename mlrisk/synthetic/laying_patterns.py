"""Candidate fields of each origin of contamination, many more than are laid, with the log intensity of each."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from features.base import Floats, Integers
from mlrisk.synthetic.grid_graph import smooth_noise, smooth_series
from mlrisk.synthetic.ordnance import ORIGINS, Fields
from mlrisk.synthetic.roads import Roads
from mlrisk.synthetic.scenario import Kind
from mlrisk.synthetic.settlements import LAND_USES, Settlements
from mlrisk.synthetic.terrain import FINE, Terrain
from mlrisk.synthetic.war import War

BELT_DEPTH_M = 2000.0  # no belt lies farther in front of its trench
OPEN_LAND = np.array([0.3, 0.7, 0.5, 0.4, -0.9, -0.5, -0.3])  # by LAND_USES: where an attack is likely


@dataclass(frozen=True, eq=False)
class LayingGround:
    """The features of ground on which the choice of fields depends."""

    land: Terrain
    use: Integers
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


def _fields(
    origin: str, centre: Floats, along: Floats, size: tuple[Floats, Floats], at_share: Floats, score: Floats,
    spacing_m: Floats | float, year: Integers | int, row: Integers | int = -1,
) -> Fields:  # fmt: skip
    count = len(centre)
    return Fields(
        origin=np.full(count, ORIGINS.index(origin)),
        centre=centre,
        along=along,
        length_m=size[0],
        depth_m=size[1],
        at_share=at_share,
        spacing_m=np.broadcast_to(spacing_m, count),
        score=score,
        year=np.broadcast_to(np.asarray(year, dtype=np.int64), count),
        row=np.broadcast_to(np.asarray(row, dtype=np.int64), count),
    )


def belts(rng: np.random.Generator, kind: Kind, ground: LayingGround) -> Fields:
    """Up to three belts before each trench, denser if it was held longer, on approaches for infantry or tanks."""
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
    # Each stretch of trench had its own commander, hence a part of the density that no map explains.
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


def along_retreats(rng: np.random.Generator, ground: LayingGround) -> Fields:
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


def at_bridges(rng: np.random.Generator, ground: LayingGround, roads: Roads) -> Fields:
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


def in_orchards(rng: np.random.Generator, ground: LayingGround) -> Fields:
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


def in_villages(rng: np.random.Generator, ground: LayingGround, settlements: Settlements) -> Fields:
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


def nuisance(rng: np.random.Generator, ground: LayingGround, roads: Roads) -> Fields:
    """A few mines on tracks and paths anywhere, which no map of the war explains."""
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


def shelling(rng: np.random.Generator, kind: Kind, ground: LayingGround, settlements: Settlements) -> Fields:
    """Duds where shells fell: around trenches, in towns within range, and long strips of cluster munitions."""
    trenches = ground.war.trenches
    pick = rng.integers(0, len(trenches.points), len(trenches.points) // 2)
    at_trench = trenches.points[pick] - trenches.facing[pick] * rng.gamma(2, 450, pick.size)[:, None]
    target = rng.choice(
        settlements.cell.size,
        size=settlements.cell.size * 20,
        p=settlements.people**0.5 / (settlements.people**0.5).sum(),
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


def _directions(rng: np.random.Generator, count: int) -> Floats:
    angle = rng.uniform(0, 2 * np.pi, count)
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _none(origin: str) -> Fields:
    nothing = np.zeros(0)
    return _fields(origin, np.zeros((0, 2)), np.zeros((0, 2)), (nothing, nothing), nothing, nothing, 1.0, 0)
