"""Facts about the synthetic country: its truth, its files, and that they agree."""

import hashlib
import heapq
import json
from datetime import date
from itertools import pairwise, product
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import yaml
from scipy import ndimage
from scipy.spatial import cKDTree

from features.base.errors import ConfigError
from features.base.grid import Grid
from features.base.grid_checks import projected_crs
from features.sources.opening import SourcesSettings, open_sources
from mlrisk.synthetic import SyntheticCountry, synthetic_country
from mlrisk.synthetic.accidents import casualty_rate, draw_accidents, measure_danger
from mlrisk.synthetic.country import Country, build_country
from mlrisk.synthetic.grid_graph import cheapest_way
from mlrisk.synthetic.ground_truth import BANDS
from mlrisk.synthetic.hydrology import drain
from mlrisk.synthetic.laying_patterns import BELT_DEPTH_M
from mlrisk.synthetic.ordnance import ORIGINS
from mlrisk.synthetic.population import ACTIVITIES, ACTIVITY_SHARES
from mlrisk.synthetic.scenario import AS_OF, draw_kind
from mlrisk.synthetic.terrain import CLIFF_DEG

pytestmark = pytest.mark.slow

SEED, CELLS = 2, 3000
DAY = pd.Timestamp(AS_OF)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("country")


@pytest.fixture(scope="module")
def files(folder: Path) -> SyntheticCountry:
    return synthetic_country(SEED, cells=CELLS, folder=folder)


@pytest.fixture(scope="module")
def country() -> Country:
    """The same country as `files`, in memory."""
    return build_country(SEED, CELLS, 250.0)


@pytest.fixture(scope="module")
def larger() -> Country:
    return build_country(1, 12_000, 250.0)


@pytest.fixture(scope="module")
def bands(files: SyntheticCountry) -> dict[str, np.ndarray]:
    with rasterio.open(files.truth_raster) as raster:
        return dict(zip(raster.descriptions, raster.read().astype(np.float64), strict=True))


@pytest.fixture(scope="module")
def facts(files: SyntheticCountry) -> dict:
    return json.loads(files.truth_json.read_text())


def points_of(table: pd.DataFrame, longitude: str = "longitude", latitude: str = "latitude") -> np.ndarray:
    places = gpd.GeoSeries(gpd.points_from_xy(table[longitude], table[latitude]), crs="EPSG:4326").to_crs("EPSG:32638")
    return np.column_stack([places.x, places.y])


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_same_seed_gives_the_same_bytes_also_over_older_files(files, tmp_path):
    synthetic_country(SEED + 1, cells=1000, folder=tmp_path)
    other = digests(tmp_path)
    again = synthetic_country(SEED, cells=CELLS, folder=tmp_path)
    assert digests(again.folder) == digests(files.folder)
    assert not set(other.values()) & set(digests(files.folder).values())


def test_neighbouring_seeds_are_countries_of_another_kind():
    kinds = [draw_kind(seed) for seed in range(1, 9)]
    for one, two in pairwise(kinds):
        assert one.relief != two.relief
        assert one.fronts != two.fronts
    assert {kind.withdrawal for kind in kinds} == {True, False}
    assert {kind.settlement_pattern for kind in kinds} == {"strings", "scattered", "clustered"}
    assert {kind.front_follows for kind in kinds} == {"ridges", "rivers"}
    assert len({kind.shifts_per_front for kind in kinds}) > 1


def test_a_country_without_withdrawal_has_no_withdrawal_route():
    peaceful = build_country(3, 1000, 250.0)
    assert not peaceful.kind.withdrawal
    assert not any(line.kind == "withdrawal_route" for line in peaceful.war.lines)
    assert ORIGINS.index("withdrawal") not in peaceful.fields.origin


def test_truth_lies_on_the_grid_of_the_written_area(files, bands):
    area = gpd.read_file(files.folder / "area.gpkg")
    grid = Grid.from_area(area.union_all(), projected_crs("EPSG:32638"), 250.0)
    with rasterio.open(files.truth_raster) as raster:
        assert raster.transform == grid.transform
        assert raster.crs.to_epsg() == 32638
    assert tuple(bands) == BANDS
    assert grid.n_cells >= CELLS
    assert grid.mask.mean() < 0.9, "the area is no rectangle"
    for band in bands.values():
        np.testing.assert_array_equal(np.isfinite(band), grid.mask)


def test_contaminated_cells_are_those_with_items(bands):
    parts = bands["ap_mines"] + bands["at_mines"] + bands["uxo"]
    np.testing.assert_array_equal(bands["items_at_as_of"], parts)
    np.testing.assert_array_equal(bands["contaminated_at_as_of"] == 1, parts > 0)
    assert (bands["contaminated_ever"] >= bands["contaminated_at_as_of"])[np.isfinite(parts)].all()
    assert set(np.unique(bands["surveyed"][np.isfinite(parts)])) == {0.0, 1.0}


def test_truth_counts_the_items_left_at_as_of(country, bands):
    grid = country.truth.grid
    left = country.items.points[country.after.alive_at_as_of]
    count = np.bincount(grid.locate(left[:, 0], left[:, 1]), minlength=grid.mask.size).reshape(grid.shape)
    np.testing.assert_array_equal(count[grid.mask], bands["items_at_as_of"][grid.mask])


def test_shares_leave_a_ranking_problem(larger):
    facts = larger.truth.facts
    cells = facts["contaminated_cells_by_origin"]
    ever = facts["contaminated_share_ever"] * facts["cells"]
    assert 0.04 < facts["contaminated_share_ever"] < 0.12
    assert 0.40 < cells["belt"] / ever < 0.62
    assert min(cells.values()) > 0
    assert 0.17 < facts["surveyed_share_at_as_of"] < 0.36
    assert facts["contaminated_share_at_as_of"] > 0.5 * facts["contaminated_share_ever"]


def test_nothing_lies_on_cliffs_or_outside(country, larger):
    for land, items in ((country.land, country.items), (larger.land, larger.items)):
        slope = land.fine_slope_deg[land.fine_index(items.points[:, 0], items.points[:, 1])]
        assert slope.max() <= CLIFF_DEG
        assert shapely.contains_xy(land.area.buffer(land.grid.cell_size_m * 2**0.5), items.points).all()
    assert (larger.land.fine_slope_deg > CLIFF_DEG).mean() > 0.01


def test_belts_lie_before_their_trenches(larger):
    fields, trenches = larger.fields, larger.war.trenches
    belts = np.flatnonzero(fields.origin == ORIGINS.index("belt"))
    assert belts.size > 50
    for belt in belts:
        mine = trenches.row == fields.row[belt]
        way = fields.centre[belt] - trenches.points[mine]
        ahead = (way * trenches.facing[mine]).sum(axis=1)
        aside = np.abs((way * trenches.facing[mine][:, ::-1] * [1, -1]).sum(axis=1))
        assert ((ahead > 0) & (ahead <= BELT_DEPTH_M) & (aside < 1)).any()


def test_belts_are_thicker_on_likely_approaches(larger):
    belts = larger.fields.take(np.flatnonzero(larger.fields.origin == ORIGINS.index("belt")))
    land, trenches = larger.land, larger.war.trenches
    slope = land.fine_slope_deg[land.fine_index(*belts.centre.T)]
    at_trench = land.fine_slope_deg[land.fine_index(*trenches.points.T)]
    assert np.median(slope) < 0.9 * np.median(at_trench)
    roads = cKDTree(larger.roads.nodes[np.unique(larger.roads.start)])
    assert np.median(roads.query(belts.centre)[0]) < np.median(roads.query(trenches.points)[0])


def test_fronts_follow_ridges_or_rivers(larger):
    position = larger.land.position
    mains = [line for line in larger.war.lines if line.kind == "line_of_contact" and line.held_years > 3]
    cells = larger.land.grid.locate(*np.concatenate([line.points for line in mains]).T)
    assert larger.kind.front_follows == "ridges"
    assert position.ravel()[cells[cells >= 0]].mean() > position[larger.land.inside].mean() + 0.5
    plain = build_country(3, 1000, 250.0)
    to_river = ndimage.distance_transform_edt(~plain.land.river_mask)
    cells = plain.land.grid.locate(*plain.war.lines[0].points.T)
    assert np.median(to_river.ravel()[cells[cells >= 0]]) < np.median(to_river[plain.land.inside])


def test_lines_have_dates_and_kinds(files):
    lines = gpd.read_file(files.folder / "country.gpkg", layer="front_lines")
    assert {"line_of_contact", "ceasefire_line", "withdrawal_route"} <= set(lines["kind"])
    ended = lines["held_to"].dropna()
    assert (ended > lines.loc[ended.index, "held_from"]).all()
    years = (lines["held_to"] - lines["held_from"]).dt.days[lines["kind"] == "line_of_contact"] / 365.25
    assert years.max() > 4, "a front held for years"
    assert years.min() < 1, "a shift held for months"
    assert lines.loc[lines["kind"] == "ceasefire_line", "held_to"].isna().all()


def test_a_quarter_of_the_records_are_accurate(larger, files, facts):
    records = larger.records.table
    assert abs(records["accurate"].mean() - 0.25) <= 0.5 / len(records)
    assert facts["minefield_records"] == len(gpd.read_file(files.folder / "minefield_records.geojson"))
    # Independent of the flag: how many outlines cover the minefield that they tell of.
    fields = larger.fields.take(records["field"].to_numpy())
    off = np.hypot(*(shapely.get_coordinates(shapely.centroid(records["geometry"].to_numpy())) - fields.centre).T)
    np.testing.assert_array_equal(off < 60, records["accurate"])
    assert 0 < larger.records.covered.sum() < larger.records.covered.size


def test_expected_casualties_are_the_sum_of_the_band(bands, facts):
    total = np.nansum(bands["casualties_per_year"])
    assert total == pytest.approx(facts["expected_casualties_next_year"], rel=1e-5)
    assert total > 0
    assert not bands["casualties_per_year"][bands["items_at_as_of"] == 0].any()


def test_drawn_casualties_have_the_expected_mean(country):
    """The closed form of the casualty band against 250 simulated years."""
    exposed = np.ones((len(ACTIVITIES), np.unique(country.items.cell).size))
    danger = measure_danger(country.kind, country.items, exposed, 10_000, 1.0)
    alive = np.ones(country.items.cell.size, dtype=bool)
    rates = danger.rates(country.items, alive, exposed, np.zeros(danger.cells.size, dtype=bool), 1.0)
    np.testing.assert_allclose(rates.sum(axis=(1, 2)) / rates.sum(), ACTIVITY_SHARES)
    assert rates.sum() == pytest.approx(country.kind.accidents_per_40000_cells / 4)
    rng = np.random.default_rng(0)
    years = [draw_accidents(rng, 2020, country.items, alive, danger, rates) for _ in range(250)]
    victims = np.array([year["killed"].sum() + year["injured"].sum() for year in years])
    # Drawing one item twice counts once, which loses a little.
    assert victims.mean() == pytest.approx(casualty_rate(rates).sum(), rel=0.04)


def test_people_learn_and_marked_hazards_are_avoided(country):
    exposed = np.ones((len(ACTIVITIES), country.danger.cells.size))
    alive = np.ones(country.items.cell.size, dtype=bool)
    bare = np.zeros(country.danger.cells.size, dtype=bool)
    usual = country.danger.rates(country.items, alive, exposed, bare, 1.0)
    assert country.danger.rates(country.items, alive, exposed, ~bare, 1.0).sum() < usual.sum()
    awareness = list(country.truth.facts["awareness_by_year"].values())
    ratios = np.array(awareness[1:]) / np.array(awareness[:-1])
    assert ((ratios > 0.85) & (ratios < 0.95)).all()


def test_accidents_follow_the_stated_mix(larger):
    accidents = larger.after.accidents[larger.after.accidents["accident_class"] == "non_demining"]
    mix = accidents["activity"].value_counts(normalize=True)
    assert len(accidents) > 400
    np.testing.assert_allclose([mix[name] for name in ACTIVITIES], ACTIVITY_SHARES, atol=0.07)
    victims = accidents["killed"] + accidents["injured"]
    assert 1.2 < victims.mean() < 1.5
    assert 0.15 < accidents["killed"].sum() / victims.sum() < 0.30
    years = accidents["date"].dt.year
    assert years.min() <= AS_OF.year - 8
    assert 80 < (years == AS_OF.year).sum() * 40_000 / larger.truth.grid.n_cells < 200
    assert not accidents["item"].duplicated().any()


def test_accidents_are_reported_within_their_error_of_an_item(files, country):
    table = pd.read_csv(files.folder / "incidents.csv").dropna(subset=["longitude"])
    table = table[table["longitude"] > table["latitude"]]
    away, _ = cKDTree(country.items.points).query(points_of(table))
    assert (away <= table["location_error_m"] + 0.1).all()
    assert table["location_error_m"].nunique() > 2
    with rasterio.open(files.truth_raster) as raster:
        places = country.items.points[country.after.accidents["item"]]
        ever = np.array(list(raster.sample(places, indexes=BANDS.index("contaminated_ever") + 1)))
    assert (ever == 1).all()


def test_no_item_is_found_or_goes_off_after_it_is_gone(country):
    finds, accidents = country.after.finds, country.after.accidents
    assert not finds["item"].duplicated().any()
    civil = accidents.loc[accidents["accident_class"] == "non_demining", "item"]
    assert not set(civil) & set(finds["item"])
    gone = np.concatenate(
        [finds.loc[finds["date"] <= DAY, "item"], accidents.loc[(accidents["date"] <= DAY), "item"]]
    ).astype(int)
    assert not country.after.alive_at_as_of[gone].any()
    assert country.after.alive_at_as_of.sum() == country.items.cell.size - np.unique(gone).size


def test_cleared_land_counts_the_finds_in_it(files):
    releases = gpd.read_file(files.folder / "land_release.gpkg").dropna(subset=["geometry"])
    releases = releases[releases.is_valid & (releases["release_type"] == "cleared")].drop_duplicates("recorded_date")
    finds = pd.read_csv(files.folder / "finds.csv", parse_dates=["date", "recorded_date"]).drop_duplicates()
    finds = finds[finds["lon_wgs84"] > finds["lat_wgs84"]]
    points = shapely.points(points_of(finds, "lon_wgs84", "lat_wgs84"))
    checked = 0
    for row in releases.itertuples():
        stated = row.ap_mines + row.at_mines + row.uxo
        inside = finds[(finds["recorded_date"] == row.recorded_date) & shapely.dwithin(points, row.geometry, 0.1)]
        assert len(inside) >= stated
        assert inside["date"].between(row.start_date, row.end_date).sum() >= stated
        checked += stated
    assert checked > 100


def test_clearance_is_imperfect_and_survey_covers_empty_land_near_the_lines(larger):
    bands = dict(zip(BANDS, larger.truth.bands, strict=True))
    mask = larger.truth.grid.mask
    surveyed, left = bands["surveyed"][mask] == 1, bands["contaminated_at_as_of"][mask] == 1
    assert (surveyed & left).sum() > 0
    near = larger.war.to_line_m[larger.land.inside] < 2000
    ever = bands["contaminated_ever"][mask] == 1
    assert (surveyed & ~ever & near).sum() > 100
    home = larger.districts.label[larger.land.inside]
    assert np.unique(home[surveyed & ~ever]).size >= 0.8 * np.unique(home).size
    assert ever[surveyed].mean() > 1.3 * ever[~surveyed].mean(), "survey went where people expected mines"


@pytest.mark.parametrize(
    ("name", "happened", "recorded", "later_share"),
    [
        ("incidents.csv", "date", "recorded_date", 0.03),
        ("finds.csv", "date", "recorded_date", 0.03),
        ("land_release.gpkg", "end_date", "recorded_date", 0.03),
        ("hazard_areas.gpkg", "created", "created", 0.03),
        ("conflict_events.csv", "date", "date", 0.005),
    ],
)
def test_records_run_beyond_as_of_and_are_never_older_than_the_event(files, name, happened, recorded, later_share):
    path = files.folder / name
    table = pd.read_csv(path, parse_dates=[happened]) if path.suffix == ".csv" else gpd.read_file(path)
    written = pd.to_datetime(table[recorded])
    known = table[happened].notna()
    assert (written[known] >= table.loc[known, happened]).all()
    assert (written > DAY).sum() > later_share * len(table)
    assert (written <= DAY).sum() > 0.5 * len(table)
    assert written.max() < pd.Timestamp(AS_OF.year + 4, 12, 31)


def test_hazard_status_tells_nothing_of_the_years_after_as_of(files):
    table = gpd.read_file(files.folder / "hazard_areas.gpkg")
    assert set(table["status"]) == {"open", "closed", "released"}
    assert set(table.loc[table["created"] > DAY, "status"]) == {"open"}


def test_roads_join_all_settlements(country):
    ends = [shapely.get_coordinates(line)[[0, -1]] for line in country.roads.lines]
    network = shapely.get_parts(shapely.union_all(shapely.buffer(np.array(country.roads.lines), 0.5)))
    homes = shapely.points(country.settlements.points)
    reached = [shapely.dwithin(part, homes, 1.0).all() for part in network]
    assert any(reached)
    assert len(ends) > len(homes) - 1
    assert country.roads.is_bridge.sum() == len(country.roads.bridges) > 0
    rivers = shapely.union_all(np.array(country.land.rivers))
    assert shapely.dwithin(shapely.points(country.roads.bridges), rivers, 1.0).all()


def test_rivers_run_downhill(larger):
    land = larger.land
    for river in land.rivers:
        along = shapely.get_coordinates(shapely.segmentize(river, 80.0))
        height = land.fine_elevation_m[land.fine_index(*along.T)]
        rise = np.diff(height).clip(min=0).sum()
        assert rise < 0.15 * np.ptp(height) + 10
        assert height[0] > height[-1] - 1


def test_drainage_fills_pits_to_their_lowest_spill():
    """Against priority-flood with a heap, one cell at a time."""
    height = np.random.default_rng(4).random((15, 18)) * 100
    outlets = np.zeros(height.shape, dtype=bool)
    outlets[:, 0] = True
    water = drain(height, outlets)
    expected = np.full(height.shape, np.inf)
    queue = [(height[i, 0], i, 0) for i in range(15)]
    for level, i, j in queue:
        expected[i, j] = level
    heapq.heapify(queue)
    while queue:
        level, i, j = heapq.heappop(queue)
        for a, b in product((i - 1, i, i + 1), (j - 1, j, j + 1)):
            if 0 <= a < 15 and 0 <= b < 18 and not np.isfinite(expected[a, b]):
                expected[a, b] = max(level, height[a, b])
                heapq.heappush(queue, (expected[a, b], a, b))
    np.testing.assert_allclose(water.filled_m.reshape(height.shape), expected, atol=0.3)
    assert water.catchment_cells.reshape(height.shape)[:, 0].sum() == height.size
    inner = np.flatnonzero(~outlets.ravel())
    assert (water.filled_m[water.receiver[inner]] < water.filled_m[inner]).all()


def test_cheapest_way_goes_round_what_is_dear():
    cost = np.ones((9, 9))
    cost[0:8, 4] = 100.0
    way = cheapest_way(cost, (0, 0), (0, 8), margin=9)
    assert [8, 4] in way.tolist()
    straight = cheapest_way(np.ones((9, 9)), (2, 1), (2, 7), margin=3)
    assert straight.tolist() == [[2, column] for column in range(1, 8)]


def test_the_config_opens_every_source(files):
    config = yaml.safe_load(files.config_path.read_text())
    assert list(config) == ["name", "as_of", "grid", "sources"]
    assert config["as_of"] == AS_OF == date(2021, 12, 31)
    area = gpd.read_file(files.folder / config["grid"]["area"]).union_all()
    grid = Grid.from_area(area, projected_crs(config["grid"]["crs"]), config["grid"]["cell_size_m"])
    sources = open_sources(SourcesSettings.model_validate(config["sources"]), grid, files.folder)
    assert set(sources.vectors) | set(sources.rasters) == set(config["sources"])
    for report in sources.reports:
        assert report.rows_kept >= report.rows_read - 4
    set_aside = {report.source: report.set_aside for report in sources.reports}
    assert set_aside["incidents"]
    assert set_aside["hazard_areas"]
    assert set(sources.vectors["hazard_areas"]["hazard_type"]) == {"SHA", "CHA"}
    elevation = sources.rasters["dem"].read(grid)
    assert np.isfinite(elevation[grid.mask]).all()


def test_land_is_divided_without_gaps(country):
    assert sum(polygon.area for polygon in country.districts.polygons) == pytest.approx(country.land.area.area)
    assert shapely.area(country.patches.polygons).sum() == pytest.approx(country.land.area.area)
    assert len(country.districts.names) >= 4


def test_more_cells_and_other_cell_sizes():
    coarse = build_country(5, 1000, 500.0)
    assert coarse.truth.grid.n_cells >= 1000
    assert coarse.truth.grid.cell_size_m == 500
    assert np.nansum(coarse.truth.bands[BANDS.index("items_at_as_of")]) > 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"cells": 10}, r"cells \(10\) must be at least 1000"),
        ({"seed": -1}, r"seed \(-1\) must not be negative"),
        ({"cells": 1500, "cell_size_m": 50.0}, r"make 3.8 km2: a country needs at least 20 km2"),
        ({"cell_size_m": 5.0}, r"cell_size_m \(5\) must be between 50 and 1000"),
    ],
)
def test_impossible_countries_are_refused(arguments, text, tmp_path):
    with pytest.raises(ConfigError, match=text):
        synthetic_country(**arguments, folder=tmp_path)
    assert not any(tmp_path.iterdir())
