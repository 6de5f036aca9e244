"""Casualty risk judged on a small register through the parts of a run: forecasts, regions, report."""

import json
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
from shapely.geometry import box

from features.base.grid import Grid
from features.sources.opening import Sources
from mlrisk.settings.config import Config
from training.casualty.accidents import read_accidents
from training.casualty.exposure import people_today
from training.casualty.history import History
from training.casualty.judging import MODEL, forecast_years, held_out_regions, judge_casualty
from training.casualty.units import make_units
from training.evidence.inputs import Inputs
from training.reporting.casualty_sections import casualty_sections
from training.reporting.report import report_of, report_record
from training.reporting.tables import ReportInput

pytestmark = pytest.mark.slow

UTM = pyproj.CRS("EPSG:32638")
EAST, NORTH, SIDE = 500_000, 4_400_000, 16_000
GRID = Grid.from_area(box(EAST, NORTH, EAST + SIDE, NORTH + SIDE), UTM, 1_000)
SPOTS = np.array([(EAST + 3_500, NORTH + 3_500), (EAST + 12_500, NORTH + 11_500), (EAST + 4_500, NORTH + 12_500)])


def accidents(seed: int = 0, years: range = range(2015, 2024), a_year: int = 60) -> gpd.GeoDataFrame:
    """Accidents around three spots, the same every year."""
    rng = np.random.default_rng(seed)
    days = [f"{year}-{month:02d}-15" for year in years for month in rng.integers(1, 13, a_year)]
    places = SPOTS[rng.integers(0, 3, len(days))] + rng.normal(scale=900, size=(len(days), 2))
    dates = pd.to_datetime(pd.Series(days))
    columns = {"date": dates, "date_precision": "month", "killed": 1.0, "injured": 1.0}
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(*places.T), crs=UTM)


def history(table: gpd.GeoDataFrame, **casualty) -> tuple[Config, History]:
    line = gpd.GeoSeries.from_wkt([f"LINESTRING({EAST} {NORTH}, {EAST + SIDE} {NORTH})"])
    config = Config.model_validate(
        {
            "name": "somewhere", "as_of": "2023-12-31", "sources": {}, "features": ["front_lines", "incidents"],
            "grid": {"crs": "EPSG:32638", "cell_size_m": 1_000, "area": "area.gpkg"}, "compute": {"threads": 1},
            "casualty": {
                "contamination_every_years": 0, "window_years": 4, "members": 3, "model": {"n_trees": 40},
                "fewest_accidents": 30,
            } | casualty,
            "validation": {"regions": "blocks", "block_m": 8_000, "folds": 2, "buffer_m": 0},
        }
    )  # fmt: skip
    layers = {"incidents": table, "front_lines": gpd.GeoDataFrame(geometry=line, crs=UTM)}
    sources = Sources(grid=GRID, vectors=layers, rasters={}, covariates=(), reports=())
    people, units = people_today(GRID, sources, config.casualty), make_units(GRID, 1_000)
    given = read_accidents(sources, config.casualty)
    nothing = np.full(GRID.n_cells, np.nan)
    return config, History(
        config=config,
        inputs=Inputs(GRID, sources, ()),
        units=units,
        people=people,
        accidents=given,
        score=lambda _: nothing,
    )


@pytest.fixture(scope="module")
def judged():
    return judge_casualty(*history(accidents()))


def test_two_years_and_both_regions_are_judged_beside_every_baseline(judged):
    folds = judged.table.groupby("protocol")["fold"].nunique()
    assert folds.to_dict() == {"as_of": 2, "leave_region_out": 2}
    assert {"constant rate x exposure", "decayed kernels", "distance to an accident"} < set(judged.table["ranking"])
    ours = judged.table[judged.table["ranking"] == MODEL]
    assert (ours["skill_over_constant"] > 0.2).all()
    assert (ours["recall_10"] > 0.3).all()
    assert judged.table.filter(regex="^(recall|pai|pei)_").notna().all(axis=None)


def test_totals_and_tenths_add_up(judged):
    assert judged.years["observed"].tolist() == [60, 60]
    assert judged.years["expected"].to_numpy() == pytest.approx(60, rel=0.1)
    assert judged.tenths["observed"].sum() == judged.years["observed"].sum()
    assert judged.tenths["expected"].sum() == pytest.approx(judged.years["expected"].sum())
    assert not judged.warnings


def test_a_forecast_knows_nothing_of_the_years_after_it():
    table = accidents()
    moved = table.copy()
    later = (moved["date"] > "2022-12-31").to_numpy()
    moved.loc[later, "geometry"] = gpd.points_from_xy([EAST + 8_000] * later.sum(), [NORTH + 500] * later.sum())
    first, other = (next(forecast_years(*history(one, judged_years=1))) for one in (table, moved))
    assert np.array_equal(first.expected[MODEL], other.expected[MODEL])
    assert not np.array_equal(first.observed, other.observed)


def test_a_year_that_is_not_like_the_past_is_said():
    grown = accidents(a_year=60)
    last = accidents(seed=9, years=range(2023, 2024), a_year=240)
    table = pd.concat([grown[grown["date"] < "2023-01-01"], last], ignore_index=True)
    judged = judge_casualty(*history(table, judged_years=1))
    assert len(judged.warnings) == 1
    assert "and 240 happened: the past did not go on" in judged.warnings[0]


def test_undated_accidents_are_judged_by_region_alone():
    table = accidents().assign(date=pd.NaT)
    config, past = history(table)
    assert not past.dated
    assert not list(forecast_years(config, past))
    folds = list(held_out_regions(config, past))
    assert len(folds) == 2
    assert sum(fold.observed.sum() for fold in folds) == len(table)


def test_a_register_of_few_accidents_is_not_judged():
    judged = judge_casualty(*history(accidents(a_year=1)))
    assert judged.table.empty
    assert casualty_sections(judged.tables())[0].blocks[0].count("not judged") == 1


def test_the_report_and_its_numbers_tell_the_same(judged):
    report = ReportInput(
        title="somewhere", as_of=str(date(2023, 12, 31)), question="?", table=pd.DataFrame(), casualty=judged.tables()
    )
    made = report_of(report)
    page, record = made.texts()["report.html"], report_record(report, made.computed)
    assert "Casualty risk: totals by year" in page
    assert "decayed kernels" in page
    assert len(record["casualty"]["figures"]) == len(judged.table)
    assert json.dumps(record["casualty"]["years"], default=str)
