"""Countries by other mechanisms than `mlrisk.synthetic`, whose generator shares assumptions with the features.

Hazards follow a latent field and a front that moved; only a displaced line of one date is on record. Minefields are
clusters with a spacing of their own. Survey goes by need, clears whole polygons and counts devices; nearly every
contaminated cell of a polygon has one located find. Accidents follow where people move. `by_chance` lays the same
number of minefields with no relation to anything.
"""

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from affine import Affine
from scipy import ndimage
from shapely import affinity

from features.base import Flags, Floats, Integers

CRS = "EPSG:32638"
EAST, NORTH = 500_000.0, 4_400_000.0
SIDE_M = 40_000.0
FIRST_YEAR, AS_OF_YEAR = 2008, 2021
MINEFIELDS = 900
POLYGONS = 700
ACCIDENTS = 140
LOCATED = 0.95
CONFIG = """\
# A country of `benchmarks.independent_country`: seed {seed}, {kind}. Nothing here is a real place.
name: independent-{seed}
as_of: 2021-12-31
grid: {{crs: "EPSG:32638", cell_size_m: {cell_size_m:g}, area: area.gpkg}}
sources:
  dem: dem.tif
  front_lines: {{path: country.gpkg, layer: front_lines}}
  roads: {{path: country.gpkg, layer: roads}}
  settlements: {{path: country.gpkg, layer: settlements}}
  districts: {{path: country.gpkg, layer: districts}}
  incidents: incidents.csv
  conflict_events: conflict_events.csv
  land_release: land_release.gpkg
  finds: finds.csv
"""


@dataclass(frozen=True, eq=False, kw_only=True)
class World:
    """Truth of a country, arrays (rows, columns) from north to south except where stated.

    `intensity` is what minefields were drawn from, `stated` the same without its random fields. `contaminated` and
    `surveyed` are those of the as-of date: a cell is surveyed if a cleared polygon covers its centre.
    """

    cell_size_m: float
    intensity: Floats
    stated: Floats
    ever: Flags
    contaminated: Flags
    surveyed: Flags


@dataclass(frozen=True, eq=False, kw_only=True)
class _Land:
    """Centres (2, rows, columns), elevation, the true and the recorded lines, roads, and people (n, 3: x, y, count)."""

    centres: Floats
    elevation_m: Floats
    lines: tuple[Floats, ...]
    recorded: Floats
    roads: list[shapely.LineString]
    people: Floats


def write_independent(seed: int, folder: Path, cell_size_m: float = 500.0, by_chance: bool = False) -> World:
    """Make the country of a seed and write its files and `config.yaml` into `folder`; the same seed, the same bytes."""
    rng = np.random.default_rng([1818, seed])
    folder.mkdir(parents=True, exist_ok=True)
    land = _land(rng, cell_size_m)
    stated, intensity = _intensity(rng, land, cell_size_m)
    if by_chance:
        stated = intensity = np.ones_like(intensity)
    items = _minefields(rng, intensity, cell_size_m, by_chance)
    move = _movement(land)
    polygons, cleared = _survey(rng, land, move)
    when = _cleared_on(items, polygons, cleared)
    accidents = _accidents(rng, items, when, move, cell_size_m)
    shape = intensity.shape
    cell = _cell_of(items, cell_size_m, shape)
    open_ = np.isnat(when) | (when > np.datetime64(f"{AS_OF_YEAR}-12-31"))
    world = World(
        cell_size_m=cell_size_m,
        intensity=intensity,
        stated=stated,
        ever=_marked(cell, shape),
        contaminated=_marked(cell[open_], shape),
        surveyed=_covered(land.centres, polygons[cleared <= np.datetime64(f"{AS_OF_YEAR}-12-31")]),
    )
    accidents.to_csv(folder / "incidents.csv", index=False)
    _write_survey(rng, folder, items, cell, when, polygons, cleared)
    _write_land(rng, folder, land, cell_size_m)
    text = CONFIG.format(seed=seed, cell_size_m=cell_size_m, kind="hazards by chance" if by_chance else "two fronts")
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return world


def _field(rng: np.random.Generator, size: int, range_cells: float) -> Floats:
    """A Gaussian field (size, size) with mean 0 and spread 1."""
    field = ndimage.gaussian_filter(rng.normal(size=(size, size)), range_cells, mode="wrap")
    return np.asarray((field - field.mean()) / field.std())


def _land(rng: np.random.Generator, cell_size_m: float) -> _Land:
    size = round(SIDE_M / cell_size_m)
    step = (np.arange(size) + 0.5) * cell_size_m
    centres = np.stack(np.meshgrid(EAST + step, NORTH + SIDE_M - step))
    rough = sum(_field(rng, size, km * 1000 / cell_size_m) * tall for km, tall in ((8, 250), (2.5, 120), (0.7, 25)))
    north = np.linspace(0, SIDE_M, 81)
    bend = ndimage.gaussian_filter1d(rng.normal(size=81), 8, mode="nearest")
    bend = bend / bend.std() * 3500
    first = np.column_stack([EAST + SIDE_M * rng.uniform(0.35, 0.65) + bend, NORTH + north])
    shift = ndimage.gaussian_filter1d(rng.normal(size=81), 10, mode="nearest")
    second = first + np.column_stack([shift / shift.std() * 2500 + rng.uniform(-3500, 3500), np.zeros(81)])
    # Only the second line is on record, drawn later and wrong by about a kilometre.
    off = ndimage.gaussian_filter1d(rng.normal(size=81), 5, mode="nearest")
    recorded = second + np.column_stack([off / off.std() * 1200, np.zeros(81)])
    place = np.column_stack([rng.uniform(0.02, 0.98, (90, 2)) * SIDE_M + [EAST, NORTH], rng.lognormal(5.5, 1.0, 90)])
    roads = [
        shapely.LineString([place[number, :2], place[other, :2]])
        for number in range(90)
        for other in np.argsort(np.hypot(*(place[:, :2] - place[number, :2]).T))[1:3]
    ]
    return _Land(
        centres=centres, elevation_m=600 + rough, lines=(first, second), recorded=recorded, roads=roads, people=place
    )


def _distance_m(centres: Floats, line: object) -> Floats:
    points = shapely.points(centres[0].ravel(), centres[1].ravel())
    shapely.prepare(line)
    return np.asarray(shapely.distance(points, line)).reshape(centres.shape[1:])


def _intensity(rng: np.random.Generator, land: _Land, cell_size_m: float) -> tuple[Floats, Floats]:
    """The stated and the true intensity; the latter includes fields that nobody can know."""
    near = [_distance_m(land.centres, shapely.LineString(line)) for line in land.lines]
    roads_m = _distance_m(land.centres, shapely.MultiLineString(land.roads))
    height = (land.elevation_m - land.elevation_m.mean()) / land.elevation_m.std()
    cause = 1.6 * np.exp(-near[0] / 2500) + 2.6 * np.exp(-near[1] / 1500)
    cause = cause + 0.5 * np.exp(-roads_m / 400) + 0.25 * height
    size = len(height)
    hidden = 0.9 * _field(rng, size, 2500 / cell_size_m) + 0.5 * _field(rng, size, 700 / cell_size_m)
    return np.exp(cause), np.exp(cause + hidden)


def _minefields(rng: np.random.Generator, intensity: Floats, cell_size_m: float, within_cell: bool) -> Floats:
    """Items (n, 2) of minefields that each have their own length, depth and spacing.

    `within_cell` keeps a minefield in the cell of its middle, so that not even a neighbour reveals it.
    """
    size = len(intensity)
    flat = rng.choice(intensity.size, MINEFIELDS, p=(intensity / intensity.sum()).ravel())
    row, column = np.divmod(flat, size)
    jitter = rng.uniform(0, cell_size_m, (MINEFIELDS, 2))
    centre = np.column_stack([EAST + column * cell_size_m, NORTH + SIDE_M - (row + 1) * cell_size_m]) + jitter
    corner = centre - jitter
    items = []
    for number in range(MINEFIELDS):
        length, depth = rng.lognormal(5.6, 0.5), rng.lognormal(4.0, 0.5)
        spacing = rng.uniform(25, 60)
        count = int(np.clip(length * depth / spacing**2, 2, 120))
        along, bearing = rng.uniform(-0.5, 0.5, (count, 2)) * [length, depth], rng.uniform(0, np.pi)
        turn = np.array([[np.cos(bearing), np.sin(bearing)], [-np.sin(bearing), np.cos(bearing)]])
        points = centre[number] + along @ turn
        items.append(corner[number] + (points - corner[number]) % cell_size_m if within_cell else points)
    points = np.concatenate(items)
    inside = ((points > [EAST, NORTH]) & (points < [EAST + SIDE_M, NORTH + SIDE_M])).all(axis=1)
    return np.asarray(points[inside])


def _movement(land: _Land) -> Floats:
    """How much people move through each cell, (rows, columns)."""
    roads_m = _distance_m(land.centres, shapely.MultiLineString(land.roads))
    total = np.zeros(roads_m.shape)
    for east, north, count in land.people:
        total += count * np.exp(-np.hypot(land.centres[0] - east, land.centres[1] - north) / 1500)
    return np.asarray(total * (0.2 + np.exp(-roads_m / 500)))


def _survey(rng: np.random.Generator, land: _Land, move: Floats) -> tuple[np.ndarray, np.ndarray]:
    """Polygons and the day on which each was cleared, by need: people first, and what the recorded line suggests."""
    line_m = _distance_m(land.centres, shapely.LineString(land.recorded))
    need = np.log(move) + 1.2 * np.exp(-line_m / 3000) + rng.gumbel(size=move.shape) * 1.5
    order = np.argsort(-need, axis=None)
    taken: list[shapely.Polygon] = []
    places = shapely.STRtree([])
    for flat in order[: 20 * POLYGONS]:
        east, north = land.centres[0].flat[flat], land.centres[1].flat[flat]
        wide, tall, turn = rng.uniform(300, 1600), rng.uniform(300, 900), rng.uniform(0, 90)
        box = affinity.rotate(shapely.box(east - wide / 2, north - tall / 2, east + wide / 2, north + tall / 2), turn)
        if len(taken) % 25 == 0:
            places = shapely.STRtree(taken)
        if places.query(box, "intersects").size or any(box.intersects(other) for other in taken[-25:]):
            continue
        taken.append(box)
        if len(taken) == POLYGONS:
            break
    days = (AS_OF_YEAR + 3 - FIRST_YEAR) * 365
    day = np.sort(rng.uniform(0, days, len(taken))).astype("timedelta64[D]")
    return np.array(taken), np.datetime64(f"{FIRST_YEAR}-01-01") + day


def _cleared_on(items: Floats, polygons: np.ndarray, cleared: np.ndarray) -> np.ndarray:
    """Day on which each item was found, NaT where no polygon holds it."""
    point, polygon = shapely.STRtree(polygons).query(shapely.points(items), predicate="intersects")
    when = np.full(len(items), np.datetime64("NaT", "D"))
    when[point] = cleared[polygon]
    return when


def _accidents(
    rng: np.random.Generator, items: Floats, when: np.ndarray, move: Floats, cell_size_m: float
) -> pd.DataFrame:
    """Accidents before the item was found, by how much people move there."""
    rate = move.ravel()[_cell_of(items, cell_size_m, move.shape)]
    chosen = rng.choice(len(items), ACCIDENTS, replace=False, p=rate / rate.sum())
    day = np.datetime64(f"{FIRST_YEAR - 3}-01-01") + rng.integers(0, 17 * 365, ACCIDENTS).astype("timedelta64[D]")
    before = np.isnat(when[chosen]) | (day < when[chosen])
    points = items[chosen][before] + rng.normal(0, 60, (int(before.sum()), 2))
    hurt = rng.integers(0, 3, len(points))
    columns = {"date": day[before], "killed": (hurt == 2).astype(int), "injured": 1 + (hurt == 1).astype(int)}
    return _with_degrees(pd.DataFrame(columns), points)


def _cell_of(points: Floats, cell_size_m: float, shape: tuple[int, int]) -> Integers:
    column = ((points[:, 0] - EAST) // cell_size_m).astype(np.int64).clip(0, shape[1] - 1)
    row = ((NORTH + SIDE_M - points[:, 1]) // cell_size_m).astype(np.int64).clip(0, shape[0] - 1)
    return np.asarray(row * shape[1] + column)


def _marked(cell: Integers, shape: tuple[int, int]) -> Flags:
    marked = np.zeros(shape[0] * shape[1], dtype=bool)
    marked[cell] = True
    return marked.reshape(shape)


def _covered(centres: Floats, polygons: np.ndarray) -> Flags:
    points = shapely.points(centres[0].ravel(), centres[1].ravel())
    covered = np.zeros(len(points), dtype=bool)
    covered[shapely.STRtree(polygons).query(points, predicate="intersects")[0]] = True
    return covered.reshape(centres.shape[1:])


def _with_degrees(table: pd.DataFrame, points: Floats) -> pd.DataFrame:
    places = gpd.GeoSeries(gpd.points_from_xy(points[:, 0], points[:, 1]), crs=CRS).to_crs("EPSG:4326")
    return table.assign(longitude=places.x.round(7).to_numpy(), latitude=places.y.round(7).to_numpy())


def _write_survey(
    rng: np.random.Generator, folder: Path, items: Floats, cell: Integers, when: np.ndarray, polygons: np.ndarray,
    cleared: np.ndarray,
) -> None:  # fmt: skip
    """Records of clearance: polygons with counts, and one located find of nearly every cell."""
    found = np.flatnonzero(~np.isnat(when))
    _, first = np.unique(cell[found], return_index=True)
    located = found[first][rng.uniform(size=len(first)) < LOCATED]
    finds = _with_degrees(pd.DataFrame({"date": when[located], "eo_category": "AP mine"}), items[located])
    holder = shapely.STRtree(polygons).query(shapely.points(items[found]), predicate="intersects")[1]
    count = np.bincount(holder, minlength=len(polygons))
    releases = {"release_type": "cleared", "end_date": pd.to_datetime(cleared), "ap_mines": count}
    gpd.GeoDataFrame(releases, geometry=polygons, crs=CRS).to_file(folder / "land_release.gpkg")
    finds.to_csv(folder / "finds.csv", index=False)


def _write_land(rng: np.random.Generator, folder: Path, land: _Land, cell_size_m: float) -> None:
    """Layers of maps and the press: the recorded line, roads, people, districts, heights, events of the war."""
    seeds = rng.uniform(0, SIDE_M, (12, 2)) + np.array([EAST, NORTH])
    area = shapely.box(EAST, NORTH, EAST + SIDE_M, NORTH + SIDE_M)
    districts = shapely.voronoi_polygons(shapely.multipoints(seeds), extend_to=area).geoms
    shapes = [part.intersection(area) for part in districts]
    line = {"held_to": pd.to_datetime(["1995-06-01"]), "kind": ["line_of_contact"]}
    layers = {
        "front_lines": (line, [shapely.LineString(land.recorded)]),
        "roads": ({"road_class": ["tertiary"] * len(land.roads)}, land.roads),
        "settlements": ({"population": land.people[:, 2].round()}, shapely.points(land.people[:, :2])),
        "districts": ({"name": [f"D{number:02d}" for number in range(len(shapes))]}, shapes),
    }
    for name, (columns, shapes_of) in layers.items():
        gpd.GeoDataFrame(columns, geometry=shapes_of, crs=CRS).to_file(folder / "country.gpkg", layer=name)
    gpd.GeoDataFrame({"name": ["area"]}, geometry=[area], crs=CRS).to_file(folder / "area.gpkg")
    events = land.lines[1][rng.choice(81, 250)] + rng.normal(0, 2500, (250, 2))
    wars = {"date": np.datetime64("1993-01-01") + rng.integers(0, 700, 250).astype("timedelta64[D]")}
    _with_degrees(pd.DataFrame(wars), events).to_csv(folder / "conflict_events.csv", index=False)
    size = len(land.elevation_m)
    transform = Affine(cell_size_m, 0, EAST, 0, -cell_size_m, NORTH + SIDE_M)
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "height": size, "width": size, "crs": CRS}
    with rasterio.open(folder / "dem.tif", "w", transform=transform, **profile) as file:
        file.write(land.elevation_m.astype(np.float32), 1)
