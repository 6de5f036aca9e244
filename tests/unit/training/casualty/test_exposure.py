"""Exposure, activities and severity: where people are, what they do there, and who dies."""

from datetime import date

import geopandas as gpd
import numpy as np
import pyproj
import pytest
from shapely.geometry import box

from features.base.errors import ConfigError
from features.base.feature_info import FeatureContext
from features.base.grid import Grid
from features.sources.opening import Sources
from mlrisk.ranking.casualty import CellContamination, casualty_columns
from mlrisk.settings.config import Config, load_config
from tests.support.paths import ROOT
from training.casualty.accidents import Accidents
from training.casualty.activities import UNNAMED, activity_of, mix_of, split
from training.casualty.exposure import activity_layers, ground_of, people_if_return, people_today, presence
from training.casualty.severity import killed_by_class, killed_share
from training.casualty.units import make_units
from training.settings.casualty import ACTIVITIES, CasualtySettings

UTM = pyproj.CRS("EPSG:32638")
EAST, NORTH = 500_000, 4_400_000
GRID = Grid.from_area(box(EAST, NORTH, EAST + 20_000, NORTH + 10_000), UTM, 500)
TOWN, RETURN = (EAST + 3_000, NORTH + 5_000), (EAST + 15_000, NORTH + 5_000)


def config(tmp_path=None, **casualty) -> Config:
    return Config.model_validate(
        {
            "name": "somewhere", "as_of": "2023-12-31", "sources": {}, "casualty": casualty,
            "grid": {"crs": "EPSG:32638", "cell_size_m": 500, "area": "area.gpkg"},
            **({"data_folder": tmp_path} if tmp_path else {}),
        }
    )  # fmt: skip


def sources(planned: float = 800.0) -> Sources:
    towns = gpd.GeoDataFrame(
        {"population": [2_000.0, 0.0], "planned_population": [0.0, planned]},
        geometry=gpd.points_from_xy(*zip(TOWN, RETURN, strict=True)), crs=UTM,
    )  # fmt: skip
    road = gpd.GeoSeries.from_wkt([f"LINESTRING({EAST} {NORTH}, {EAST + 20_000} {NORTH})"])
    field = gpd.GeoDataFrame(
        {"land_use": ["farmland"]}, geometry=[box(EAST, NORTH + 6_000, EAST + 20_000, NORTH + 9_000)], crs=UTM
    )
    return Sources(
        grid=GRID,
        vectors={"settlements": towns, "roads": gpd.GeoDataFrame(geometry=road, crs=UTM), "land_use": field},
        rasters={},
        covariates=(),
        reports=(),
    )


def near(place: tuple[float, float], within_m: float) -> np.ndarray:
    return np.hypot(*(GRID.centres_m() - place).T) <= within_m


def test_a_return_brings_people_where_it_is_planned_and_takes_none_away():
    settings = config()
    today, later = people_today(GRID, sources(), settings.casualty), people_if_return(settings, GRID, sources())
    assert (later.near >= today.near).all()
    assert (later.near[near(RETURN, 1_000)] > 10 * today.near[near(RETURN, 1_000)]).all()
    far = ~near(RETURN, 11_000)
    assert far.any()
    assert np.array_equal(later.near[far], today.near[far])


def test_half_of_a_return_brings_half_of_the_people():
    whole, half = (
        people_if_return(config(scenario={"return_share": share}), GRID, sources()).near for share in (1, 0.5)
    )
    today = people_today(GRID, sources(), CasualtySettings()).near
    assert half - today == pytest.approx((whole - today) / 2, abs=1e-3)


def test_works_bring_people_onto_their_land_while_they_are_under_way(tmp_path):
    area = tmp_path / "works.gpkg"
    land = box(EAST + 8_000, NORTH, EAST + 10_000, NORTH + 2_000)
    gpd.GeoSeries([land], crs=UTM).to_file(area)
    works = {"area": {"path": str(area)}, "people": 100, "start_date": "2025-01-01", "end_date": "2026-01-01"}

    def at_works(day: str | None) -> float:
        scenario = {"works": [works], "return_share": 0} | ({"future_date": day} if day else {})
        return float(people_if_return(config(tmp_path, scenario=scenario), GRID, sources()).works.sum() / 4)

    assert at_works("2025-06-30") == pytest.approx(100)
    assert at_works(None) == pytest.approx(100)
    assert at_works("2024-06-30") == at_works("2027-01-01") == 0


def test_works_that_end_before_they_start_are_refused():
    works = {"area": {"path": "a.gpkg"}, "people": 5, "start_date": "2026-01-01", "end_date": "2025-01-01"}
    with pytest.raises(ValueError, match=r"end_date \(2025-01-01\) must not be before start_date"):
        config(scenario={"works": [works]})


def test_each_activity_has_its_own_layer():
    ground = ground_of(GRID, sources(), FeatureContext(date(2023, 12, 31)))
    people = people_today(GRID, sources(), CasualtySettings())
    layers = dict(zip(ACTIVITIES, activity_layers(ground, people, 0.6).T, strict=True))
    on_road, in_field = GRID.centres_m()[:, 1] < NORTH + 500, np.abs(GRID.centres_m()[:, 1] - NORTH - 7_500) < 500
    even = np.full(GRID.n_cells, 5.0)
    alone = dict(zip(ACTIVITIES, activity_layers(ground, type(people)(even, even, 0 * even), 0.6).T, strict=True))
    assert alone["unauthorised_travel"][on_road].mean() > 5 * alone["unauthorised_travel"][in_field].mean()
    assert alone["agriculture"][in_field].mean() > 2 * alone["agriculture"][on_road].mean()
    assert layers["other"][near(TOWN, 600)].min() > layers["other"][~near(TOWN, 9_000)].max()
    assert len(layers) == len(ACTIVITIES)


def test_more_people_are_more_danger_but_less_than_in_proportion():
    people = people_today(GRID, sources(), CasualtySettings())
    double = type(people)(2 * people.near, people.wide, people.works)
    assert presence(double, 0.6) == pytest.approx(2**0.6 * presence(people, 0.6))
    assert presence(double, 1.0) == pytest.approx(2 * presence(people, 1.0))


def test_words_of_registers_become_activities():
    texts = [
        "Farming",
        "pasando, estando cerca",
        "fuerza pública",
        "construction",
        "jugando",
        "sin información",
        "travel",
    ]
    names = [ACTIVITIES[number] if number >= 0 else "" for number in activity_of(np.array(texts))]
    assert names == [
        "agriculture",
        "unauthorised_travel",
        "official",
        "infrastructure",
        "other",
        "",
        "unauthorised_travel",
    ]


def test_the_mix_is_that_of_the_records_where_they_name_it_and_of_the_config_where_not():
    prior = dict.fromkeys(ACTIVITIES, 0.0) | {"official": 1.0}
    activity = np.array([0, 0, 1, UNNAMED])
    assert mix_of(activity, np.ones(4), prior).tolist() == [0.5, 0.25, 0.0, 0.25, 0.0]
    assert mix_of(activity[:3], np.ones(3), prior)[3] == 0
    assert mix_of(activity[3:], np.ones(1), prior).tolist() == [0, 0, 0, 1, 0]


def test_a_split_adds_up_to_the_cells_and_to_the_mix():
    rng = np.random.default_rng(1)
    casualties, layers, mix = rng.gamma(0.5, size=400), rng.gamma(1, size=(400, 5)), np.array([0.38, 0.22, 0.2, 0.2, 0])
    parts = split(casualties, layers, mix)
    assert parts.sum(axis=1) == pytest.approx(casualties)
    assert parts.sum(axis=0) / casualties.sum() == pytest.approx(mix, abs=1e-3)
    assert np.corrcoef(parts[:, 0] / casualties, layers[:, 0])[0, 1] > 0.3


def test_an_activity_that_nobody_knows_and_a_mix_that_is_not_whole_are_refused():
    with pytest.raises(ValueError, match="jogging is no activity: choose from unauthorised_travel"):
        config(activity_mix={"jogging": 1.0})
    with pytest.raises(ValueError, match=r"sum to 0\.6: they must sum to 1"):
        config(activity_mix={"official": 0.6})


def accidents(places, device, killed, hurt) -> Accidents:
    n = len(device)
    day = np.full(n, np.datetime64("2023-01-01", "D"))
    return Accidents(
        places_m=np.asarray(places, float),
        error_m=np.zeros(n),
        day=day,
        recorded=day,
        killed=np.asarray(killed, float),
        injured=np.asarray(hurt, float),
        casualties=np.asarray(killed, float) + np.asarray(hurt, float),
        activity=np.full(n, UNNAMED),
        device=np.array(device),
        deminer=np.zeros(n, bool),
    )


def test_more_die_where_deadlier_devices_lie():
    west, east = [TOWN] * 200, [RETURN] * 200
    given = accidents(west + east, ["ap mine"] * 200 + ["uxo"] * 200, [0] * 200 + [1] * 200, [1] * 200 + [1] * 200)
    by_class = killed_by_class(given)
    assert by_class[0] < 0.1
    assert by_class[1] == pytest.approx(0.5, abs=0.03)
    units = make_units(GRID, 1_000)
    share = killed_share(units, given, 2_000)
    at = [int(units.of_points(np.array([x]), np.array([y]))[0]) for x, y in (TOWN, RETURN)]
    assert share[at[0]] < 0.1
    assert share[at[1]] > 0.4


def test_without_any_accident_the_index_is_all_that_is_given():
    class _Inputs:
        grid, sources = GRID, sources()

    contamination = CellContamination(GRID.cell_ids(), np.full(GRID.n_cells, 0.2), np.zeros(GRID.n_cells))
    columns = casualty_columns(config(), _Inputs, None, contamination)
    assert columns["casualty_index"].mean() == pytest.approx(1)
    assert columns["casualty_index"][near(TOWN, 600)].min() > 3
    assert np.isnan(columns["casualties_per_year"]).all()


def test_karabakh_has_the_published_mix():

    path = ROOT / "configs" / "karabakh.yaml"
    mix = load_config(path).casualty.activity_mix
    assert mix == {
        "unauthorised_travel": 0.38,
        "agriculture": 0.22,
        "infrastructure": 0.20,
        "official": 0.20,
        "other": 0.0,
    }
    with pytest.raises(ConfigError, match="jogging"):
        load_config(path, overrides=["casualty.activity_mix={jogging: 1}"])


def test_held_out_scores_reach_their_own_cells_in_any_order():
    from types import SimpleNamespace

    from scipy.special import expit

    from mlrisk.ranking.casualty import _score

    cells = CellContamination(np.array([30, 20, 10, 5]), np.zeros(4), np.zeros(4))
    model = SimpleNamespace(scored_cells=np.array([30, 20, 10]), scores=np.array([0.3, 0.2, np.nan]))
    assert _score(model, cells).tolist() == [0.3, 0.2, expit(0), expit(0)]
