"""Accidents and casualties counted per unit and year, with the exposure that they happened under."""

from dataclasses import dataclass
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.densities import points_density
from features.grid import Grid
from features.info import FeatureContext
from features.known import Known
from features.records import dates_of, known_at, numbers
from features.sources import Sources
from features.table import FeatureTable, feature_infos, grid_feature_table
from models.casualty import CasualtyModel, fit_rate, year_factor
from training.config import CasualtySettings, TrainConfig
from training.metrics import judge, poisson_deviance, recall_at_area
from training.recipe import boosting_params
from training.splits import Labels, leave_region_out

KM2 = 1e6


@dataclass(frozen=True, eq=False)
class Units:
    """The coarse grid in which accidents are counted; `place` gives the unit of each cell, in `cell_ids()` order."""

    grid: Grid
    place: NDArray[np.int64]

    def total(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over the cells of each unit."""
        return np.bincount(self.place, weights=values, minlength=self.grid.n_cells).astype(np.float64)


def make_units(grid: Grid, unit_m: float) -> Units:
    """Units of whole cells nearest to `unit_m`; a cell larger than that is its own unit."""
    return Units(*grid.coarsened(max(1, round(unit_m / grid.cell_size_m))))


def exposed_people(grid: Grid, sources: Sources, settings: CasualtySettings) -> NDArray[np.float64]:
    """People present in each cell at a time, in `cell_ids()` order: residents spread by a kernel, and a floor.

    Without settlements every cell has the floor alone, so the rate is one per area.
    """
    area_km2 = grid.cell_size_m**2 / KM2
    people = np.full(grid.n_cells, settings.exposure_floor * area_km2)
    settlements = sources.vectors.get("settlements")
    if settlements is not None and "population" in settlements and len(settlements):
        points = settlements.geometry.representative_point()
        residents = numbers(settlements, "population", 0.0).clip(min=0)
        places = np.column_stack([points.x, points.y])
        density = points_density(grid, places, residents, settings.exposure_bandwidth_m)
        people += density[grid.mask] * area_km2
    return people


def casualty_count(incidents: gpd.GeoDataFrame, per_accident: float) -> NDArray[np.float64]:
    """Killed and injured of each accident; `per_accident` where the record gives neither."""
    killed, injured = numbers(incidents, "killed", np.nan), numbers(incidents, "injured", np.nan)
    known = np.isfinite(killed) | np.isfinite(injured)
    return np.where(known, np.nan_to_num(killed) + np.nan_to_num(injured), per_accident)


@dataclass(frozen=True, eq=False)
class UnitPeriods:
    """Rows of the casualty model: one for each unit and period, periods in order of time.

    `exposure` in person-years; `count` in casualties; `unit` indexes the unit grid's cells. `years_per_period` is 1
    for dated accidents and the whole span for undated ones, which make a single period.
    """

    features: tuple[str, ...]
    values: NDArray[np.float32]
    count: NDArray[np.float64]
    exposure: NDArray[np.float64]
    unit: NDArray[np.int64]
    period: NDArray[np.int64]
    accidents: int
    dated: bool

    @property
    def totals(self) -> NDArray[np.float64]:
        """Casualties in each period."""
        return np.bincount(self.period, weights=self.count).astype(np.float64)


def unit_periods(
    config: TrainConfig, sources: Sources, units: Units, people: NDArray[np.float64]
) -> UnitPeriods | None:
    """Count the accidents known at `as_of`; None where not one lies in the area and the window of years.

    Dated accidents are counted in the yearly periods before `as_of`, each with features as of the period's start.
    Undated ones make one period of `undated_years`, with features that leave out what lies in a unit's own block.
    """
    table = sources.vectors.get("incidents")
    if table is None:
        return None
    accidents = population_accidents(known_at(table, config.as_of))
    undated = np.isnat(dates_of(accidents, "date"))
    if not undated.all():
        return _dated_periods(config, sources, units, people, accidents[~undated])
    return _undated_period(config, sources, units, people, accidents) if len(accidents) else None


def population_accidents(incidents: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Accidents of people who live and travel there; those of deminers follow the work, not the exposure."""
    if "accident_class" not in incidents:
        return incidents
    demining = incidents["accident_class"].astype("string").str.strip().str.casefold().eq("demining").fillna(False)
    return incidents[~demining.to_numpy(dtype=bool)].reset_index(drop=True)


def undated_context(config: TrainConfig) -> FeatureContext:
    """Features for undated accidents: each unit leaves out its own block's accidents."""
    return FeatureContext(config.as_of, frozenset({"incidents"}), config.contamination.own_block_m)


def unit_features(config: TrainConfig, sources: Sources, units: Units, context: FeatureContext) -> FeatureTable:
    """The feature table of the units at a date, without what the model must not see."""
    known, compute = Known(sources, context), config.compute
    table = grid_feature_table(units.grid, known, config.features, compute.tile_cells, compute.schedule)
    return table.without("casualty.leave_out", config.casualty.leave_out, feature_infos(known, config.features))


def fit_casualty(
    config: TrainConfig, rows: UnitPeriods, now: FeatureTable, people: NDArray[np.float64]
) -> CasualtyModel:
    """Fit the rate on all periods, then set its level so that all units together give the expected year.

    The trees say where, the trend of the yearly totals says how many: features grow as records accumulate, and
    trees alone would read the growth of a register as growth of danger. `now` and `people` are those of as_of.
    """
    params = boosting_params(config.casualty.model)
    booster, mean_rate = fit_rate(rows.features, rows.values, rows.count, rows.exposure, params, config.seed)
    factor, change = year_factor(rows.totals, 1.0) if rows.dated else (1.0, 0.0)
    years = len(rows.totals) if rows.dated else config.casualty.undated_years
    expected = rows.count.sum() / years * factor
    relative = np.exp(booster.raw(now.aligned(rows.features), config.compute.threads))
    level = expected / float((relative * people).sum())
    is_index = rows.accidents < config.casualty.fewest_accidents
    return CasualtyModel(booster, mean_rate, level / mean_rate, change, is_index, rows.dated)


def judge_casualty(config: TrainConfig, grid: Grid, rows: UnitPeriods, regions: NDArray[np.object_]) -> pd.DataFrame:
    """Deviance skill over constant rate x exposure and recall by area: regions held out, and the last year held out.

    `regions` names the region of each unit.
    """
    positive_unit = np.bincount(rows.unit, weights=rows.count, minlength=grid.n_cells) > 0
    everywhere = np.ones(grid.n_cells, dtype=bool)
    results = []
    labels = Labels(everywhere, positive_unit, regions, grid.centres_m(), grid.cell_size_m)
    for fold in leave_region_out(labels, config.validation, config.seed):
        train, test = np.isin(rows.unit, fold.train), np.isin(rows.unit, fold.test)
        results.append(_judge_rows(config, rows, train, test, "leave_region_out", fold.name))
    last = rows.period == rows.period.max()
    if rows.dated and rows.period.max() >= 2 and rows.count[last].sum() and rows.count[~last].sum():
        results.append(_judge_rows(config, rows, ~last, last, "next_year", f"period {rows.period.max() + 1}"))
    return pd.DataFrame(results)


def _judge_rows(
    config: TrainConfig,
    rows: UnitPeriods,
    train: NDArray[np.bool_],
    test: NDArray[np.bool_],
    protocol: str,
    fold: str,
) -> dict[str, object]:
    booster, mean_rate = fit_rate(
        rows.features, rows.values[train], rows.count[train], rows.exposure[train],
        boosting_params(config.casualty.model), config.seed,
    )  # fmt: skip
    rate = np.exp(booster.raw(rows.values[test], config.compute.threads)) * mean_rate
    observed, expected = rows.count[test], rate * rows.exposure[test]
    constant = mean_rate * rows.exposure[test]
    skill = 1 - poisson_deviance(observed, expected) / poisson_deviance(observed, constant)
    happened = observed > 0
    figures: dict[str, object] = {"protocol": protocol, "fold": fold, "deviance_skill": skill}
    figures |= {"observed": float(observed.sum()), "expected": float(expected.sum())}
    for name, score in (("mlrisk", expected), ("exposure", constant)):
        for share in (0.05, 0.10):
            figures[f"recall_{round(100 * share)}_{name}"] = recall_at_area(score, happened, share)
    figures["roc_auc"] = judge(expected, happened)["roc_auc"] if 0 < happened.sum() < len(happened) else float("nan")
    return figures


def _dated_periods(
    config: TrainConfig,
    sources: Sources,
    units: Units,
    people: NDArray[np.float64],
    accidents: gpd.GeoDataFrame,
) -> UnitPeriods | None:
    place, casualties = _units_of(units, accidents, config.casualty)
    dates = accidents["date"].to_numpy(dtype="datetime64[D]")
    # A register that reaches three years and a month back has three whole years; the month would be a fourth, empty.
    oldest = dates[place >= 0].min(initial=np.datetime64(config.as_of, "D"))
    whole = [years for years in range(1, config.casualty.window_years + 1) if _day(config.as_of, years) >= oldest]
    n_periods = max(len(whole), 1)
    tables, counts, number = [], [], 0
    n_units = units.grid.n_cells
    for years_back in range(n_periods, 0, -1):
        start = FeatureContext(_years_before(config.as_of, years_back))
        # The features know the day that a period starts on, so its accidents come after that day.
        within = (place >= 0) & (dates > _day(config.as_of, years_back)) & (dates <= _day(config.as_of, years_back - 1))
        tables.append(unit_features(config, sources, units, start))
        counts.append(np.bincount(place[within], weights=casualties[within], minlength=n_units))
        number += int(within.sum())
    # Early periods can lack columns (a line kind not yet known): the model sees what every period has.
    names = tuple(name for name in tables[-1].names if all(name in table.names for table in tables))
    if not sum(count.sum() for count in counts):
        return None
    return UnitPeriods(
        names,
        np.concatenate([table.aligned(names) for table in tables]),
        np.concatenate(counts).astype(np.float64),
        np.tile(people, n_periods),
        np.tile(np.arange(n_units), n_periods),
        np.repeat(np.arange(n_periods), n_units),
        number,
        dated=True,
    )


def _undated_period(
    config: TrainConfig, sources: Sources, units: Units, people: NDArray[np.float64], accidents: gpd.GeoDataFrame
) -> UnitPeriods | None:
    place, casualties = _units_of(units, accidents, config.casualty)
    inside = place >= 0
    if not casualties[inside].sum():
        return None
    table = unit_features(config, sources, units, undated_context(config))
    n_units = units.grid.n_cells
    return UnitPeriods(
        table.names,
        table.values,
        np.bincount(place[inside], weights=casualties[inside], minlength=n_units).astype(np.float64),
        people * config.casualty.undated_years,
        np.arange(n_units),
        np.zeros(n_units, dtype=np.int64),
        int(inside.sum()),
        dated=False,
    )


def _units_of(
    units: Units, accidents: gpd.GeoDataFrame, settings: CasualtySettings
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Place of each accident among the unit grid's cells, -1 outside the area, and its casualties."""
    flat = units.grid.locate(accidents.geometry.x.to_numpy(), accidents.geometry.y.to_numpy())
    inside = units.grid.mask.ravel()
    order = np.where(inside, np.cumsum(inside) - 1, -1)
    place = np.where(flat >= 0, order[np.maximum(flat, 0)], -1)
    return place, casualty_count(accidents, settings.casualties_per_accident)


def _day(as_of: date, years_back: int) -> np.datetime64:
    return np.datetime64(_years_before(as_of, years_back), "D")


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)
