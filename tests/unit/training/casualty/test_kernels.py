"""Patterns of past accidents over the units, and the dates of the contamination score that stands beside them."""

from datetime import date
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
from shapely.geometry import box

from features.as_of.snapshot import Snapshot
from features.base.feature_info import FeatureContext
from features.base.grid import Grid
from features.sources.opening import Sources
from training.casualty import contamination_score
from training.casualty.accident_kernels import accident_kernels, kernel_names
from training.casualty.contamination_score import HeldOutScores
from training.casualty.units import make_units
from training.settings.casualty import CasualtySettings

UTM = pyproj.CRS("EPSG:32638")
GRID = Grid.from_area(box(500_000, 4_400_000, 520_000, 4_420_000), UTM, 500)
MIDDLE = (510_250.0, 4_410_250.0)
SETTINGS = CasualtySettings(kernel_bandwidths_m=(1_000, 2_000), kernel_half_lives_years=(1, 3))


def kernels(day: str | None, *, context: FeatureContext | None = None, **columns) -> dict[str, np.ndarray]:
    table = gpd.GeoDataFrame(
        {"date": pd.to_datetime([day]), **columns}, geometry=gpd.points_from_xy(*[[v] for v in MIDDLE]), crs=UTM
    )
    snapshot = Snapshot(
        Sources(grid=GRID, vectors={"incidents": table}, rasters={}, covariates=(), reports=()),
        context or FeatureContext(date(2023, 1, 1)),
    )
    made = accident_kernels(make_units(GRID, 1_000), snapshot, SETTINGS, dated=day is not None)
    return dict(zip(kernel_names(SETTINGS, day is not None), made.T, strict=True))


def test_an_accident_counts_once_and_half_as_much_after_a_half_life():
    made = {name: column.sum() * 0.25 for name, column in kernels("2020-01-01").items()}
    assert made["accidents 1000 m"] == pytest.approx(1, rel=1e-3)
    assert made["accidents 1000 m 1 y"] == pytest.approx(1 / 8, rel=5e-3)
    assert made["accidents 2000 m 3 y"] == pytest.approx(1 / 2, rel=5e-3)


def test_a_wider_kernel_reaches_further_and_a_half_life_needs_a_date():
    made = kernels("2022-12-31")
    assert made["accidents 1000 m"].max() > 3 * made["accidents 2000 m"].max()
    assert list(kernels(None)) == ["accidents 1000 m", "accidents 2000 m"]


def test_accidents_of_deminers_and_of_later_days_leave_no_trace():
    assert kernels("2022-12-31", accident_class=["demining"])["accidents 1000 m"].sum() == 0
    assert kernels("2023-01-02")["accidents 1000 m"].sum() == 0


def test_an_undated_accident_is_left_out_by_its_own_block():
    context = FeatureContext(date(2023, 1, 1), frozenset({"incidents"}), 5_000)
    made = kernels(None, context=context)["accidents 2000 m"]
    centres = make_units(GRID, 1_000).centres_m
    own = (np.floor(centres / 5_000) == np.floor(np.array(MIDDLE) / 5_000)).all(axis=1)
    assert made[own].max() == 0
    assert made[~own].max() > 0


def test_the_score_is_made_anew_every_so_many_years_and_is_never_of_a_later_day(monkeypatch):
    made = []
    monkeypatch.setattr(contamination_score, "held_out_score", lambda *given: made.append(given[-1]) or np.zeros(1))
    casualty = SimpleNamespace(contamination_every_years=3)
    score = HeldOutScores(SimpleNamespace(casualty=casualty, as_of=date(2023, 12, 31)), None, None)
    for day in (date(2023, 12, 31), date(2023, 1, 1), date(2021, 5, 5), date(2020, 12, 31), date(2017, 12, 31)):
        before = len(made)
        score(day)
        assert all(one <= day for one in made[before:])
    assert made == [date(2023, 12, 31), date(2020, 12, 31), date(2017, 12, 31)]
