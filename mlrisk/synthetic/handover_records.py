"""Records from others: handed-over minefield records, half of them wrong, and conflict events from the news."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from features.base import Flags, Floats, Integers
from mlrisk.synthetic.ordnance import ORIGINS, Fields, Items
from mlrisk.synthetic.scenario import AS_OF, Kind, stage_rng
from mlrisk.synthetic.settlements import Districts, Settlements
from mlrisk.synthetic.terrain import Terrain
from mlrisk.synthetic.war import War

ACCURATE_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class MinefieldRecords:
    """`table` as handed over, and the hidden truth: `field` (index into the fields) and `accurate`."""

    table: pd.DataFrame
    covered: Flags  # per district


def rectangle(centre: Floats, along: Floats, length_m: Floats, depth_m: Floats) -> np.ndarray:
    """Polygons of oriented rectangles."""
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    a, b = along * length_m[:, None] / 2, normal * depth_m[:, None] / 2
    corners = np.stack([centre - a - b, centre + a - b, centre + a + b, centre - a + b], axis=1)
    return np.asarray(shapely.polygons(np.round(corners, 1)))


def draw_minefield_records(
    seed: int, kind: Kind, land: Terrain, districts: Districts, fields: Fields, items: Items
) -> MinefieldRecords:
    """Records of belts in some districts along the line: a quarter as laid, the others moved, turned and stretched."""
    rng = stage_rng(seed, "records")
    count = np.bincount(items.field, minlength=fields.score.size)
    cell = land.grid.locate(fields.centre[:, 0], fields.centre[:, 1])
    in_country = (cell >= 0) & land.inside.ravel()[np.maximum(cell, 0)]
    belts = np.flatnonzero((fields.origin == ORIGINS.index("belt")) & (count >= 5) & in_country)
    home = districts.label.ravel()[cell[belts]]
    near = np.unique(home)
    chosen = rng.choice(near, size=max(1, round(kind.districts_with_records * near.size)), replace=False)
    covered = np.isin(np.arange(len(districts.names)), chosen)
    field = belts[covered[home] & (rng.random(belts.size) < 0.5)]
    wrong = np.ones(field.size, dtype=bool)
    wrong[rng.permutation(field.size)[: round(ACCURATE_SHARE * field.size)]] = False
    turn = np.where(wrong, rng.normal(0, 0.4, field.size), 0)
    away = np.where(wrong, np.clip(rng.gamma(2.2, 300, field.size), 150, 2500), rng.uniform(0, 20, field.size))
    angle = rng.uniform(0, 2 * np.pi, field.size)
    centre = fields.centre[field] + away[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    stretch = np.where(wrong, np.exp(rng.normal(0.2, 0.4, field.size)), 1)
    polygons = rectangle(
        centre, _turned(fields.along[field], turn), fields.length_m[field] * stretch, fields.depth_m[field]
    )
    types = np.zeros((fields.score.size, 3), dtype=np.int64)
    np.add.at(types, (items.field, items.type), 1)
    reported = np.where(
        wrong[:, None], np.round(types[field] * np.exp(rng.normal(0, 0.4, (field.size, 3)))), types[field]
    )
    handed = pd.Timestamp(kind.war_ended + 1, 6, 1) + pd.to_timedelta(rng.integers(0, 1200, field.size), unit="D")
    late = pd.Timestamp(AS_OF) + pd.to_timedelta(rng.integers(30, 800, field.size), unit="D")
    table = pd.DataFrame(
        {
            "record_id": [f"MF-{number:05d}" for number in rng.permutation(field.size)],
            "laid_date": pd.to_datetime([f"{year}-07-01" for year in fields.year[field]]),
            "record_date": np.where(rng.random(field.size) < 0.07, late, handed),
            "ap_mines": reported[:, 0].astype(np.int64),
            "at_mines": reported[:, 1].astype(np.int64),
            "field": field,
            "accurate": ~wrong,
            "geometry": polygons,
        }
    )
    return MinefieldRecords(table.sort_values("record_id", ignore_index=True), covered)


def conflict_events(
    seed: int, kind: Kind, land: Terrain, settlements: Settlements, war: War, fields: Fields
) -> pd.DataFrame:
    """Shelling and combat as in the news: mostly near people, some of it placed at the nearest village."""
    rng = stage_rng(seed, "conflict")
    shells = fields.centre[fields.origin == ORIGINS.index("shelling")]
    shells = np.repeat(shells, 3, axis=0) + rng.normal(0, 350, (3 * len(shells), 2))
    shells = shells[rng.random(len(shells)) < 0.25 + 0.4 * np.exp(-_away(settlements.points, shells) / 1500)]
    trenches = war.trenches
    fought = rng.choice(len(trenches.points), size=max(20, len(trenches.points) // 30), replace=False)
    combat = trenches.points[fought] + rng.normal(0, 500, (fought.size, 2))
    points = np.concatenate([shells, combat])
    is_shell = np.arange(len(points)) < len(shells)
    year = np.where(
        rng.random(len(points)) < 0.35,
        kind.front_started - rng.integers(0, 2, len(points)),
        np.where(
            rng.random(len(points)) < 0.45,
            kind.war_ended,
            rng.integers(kind.front_started, kind.war_ended + 1, len(points)),
        ),
    )
    quiet = [line for line in war.lines if line.kind == "ceasefire_line"]
    since = np.concatenate([line.points for line in quiet])
    count = max(6, len(points) // 12)
    later = since[rng.choice(len(since), size=count)] + rng.normal(0, 600, (count, 2))
    points = np.concatenate([points, later])
    year = np.concatenate([year, rng.integers(kind.war_ended + 1, AS_OF.year + 3, count)])
    is_shell = np.concatenate([is_shell, rng.random(count) < 0.3])
    error_m = rng.choice([250.0, 1000.0, 5000.0], size=len(points), p=[0.4, 0.35, 0.25])
    moved = points + _within(rng, error_m)
    nearest = settlements.points[cKDTree(settlements.points).query(points)[1]]
    to_village = (error_m == 5000.0) & (np.hypot(*(nearest - points).T) < 5000)
    moved[to_village] = nearest[to_village]
    table = pd.DataFrame(
        {
            "easting_m": moved[:, 0],
            "northing_m": moved[:, 1],
            "date": pd.to_datetime(year.astype(str)) + pd.to_timedelta(rng.integers(0, 300, len(points)), unit="D"),
            "fatalities": rng.geometric(0.35, len(points)) - 1,
            "event_type": np.where(is_shell, "Shelling/artillery/missile attack", "Armed clash"),
            "location_error_m": error_m,
        }
    )
    west, south, east, north = land.grid.bounds
    kept = table["easting_m"].between(west, east) & table["northing_m"].between(south, north)
    return table[kept].sort_values(["date", "easting_m"], ignore_index=True)


def displaced(rng: np.random.Generator, points: Floats) -> tuple[Floats, Floats]:
    """Points as reported, and the stated error within which each lies."""
    error_m = rng.choice([20.0, 100.0, 500.0, 1500.0], size=len(points), p=[0.45, 0.3, 0.17, 0.08])
    return points + _within(rng, error_m), error_m


def _within(rng: np.random.Generator, radius_m: Floats) -> Floats:
    """A uniform draw from the disc of each radius."""
    distance = radius_m * np.sqrt(rng.random(radius_m.size))
    angle = rng.uniform(0, 2 * np.pi, radius_m.size)
    return np.column_stack([distance * np.cos(angle), distance * np.sin(angle)])


def _turned(along: Floats, angle: Floats) -> Floats:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.column_stack([along[:, 0] * cos - along[:, 1] * sin, along[:, 0] * sin + along[:, 1] * cos])


def _away(points: Floats, queries: Floats) -> Floats:
    return np.asarray(cKDTree(points).query(queries)[0], dtype=np.float64)


def covered_patches(table: pd.DataFrame, seeds: Floats) -> Floats:
    """1 for each patch whose seed lies within 200 m of a record, else 0."""
    near = np.zeros(len(seeds))
    if len(table):
        tree = shapely.STRtree(shapely.points(seeds))
        near[np.unique(tree.query(table["geometry"].to_numpy(), predicate="dwithin", distance=200.0)[1])] = 1
    return near


def counts_by_origin(fields: Fields, items: Items) -> dict[str, int]:
    """Cells that hold an item of each origin; a cell may count for several."""
    origin: Integers = fields.origin[items.field]
    return {name: int(np.unique(items.cell[origin == i]).size) for i, name in enumerate(ORIGINS)}
