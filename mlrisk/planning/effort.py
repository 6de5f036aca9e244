"""The effort of survey: team-days of each kind of team on each cell, travel included."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.base import Floats, columns_by_parts, new_array, parts_of
from mlrisk.risk_map import with_columns
from mlrisk.settings import AssetSettings, PlanSettings
from training.evidence import CLEARANCE

Assets = Mapping[str, AssetSettings]


def cell_days(land: pd.DataFrame, assets: Assets, plan: PlanSettings, cell_m2: float) -> Floats:
    """Team-days of each kind for the work that each cell needs, (K, n); inf where that kind does not or cannot do it.

    `land` has `work` and may have slope_deg, road_distance_m, land_use and base_m (metres to where teams live); a
    missing column or value is no obstacle. A team drives from its base and back every day and works the rest of it.
    """
    survey = audit_days(land, assets, plan, cell_m2)
    for days, asset in zip(survey, assets.values(), strict=True):
        # Clearance processes all of the ground.
        days[land["work"].eq(CLEARANCE).to_numpy()] /= asset.coverage or plan.coverage
        days[~land["work"].isin(asset.works).to_numpy()] = np.inf
    return survey


def audit_days(land: pd.DataFrame, assets: Assets, plan: PlanSettings, cell_m2: float) -> Floats:
    """Team-days of one survey of each cell by each kind, (K, n), whatever its work: audit cells may lie anywhere."""
    days = new_array((len(assets), len(land)), np.float64)
    for rows in parts_of(len(land)):
        here = land.iloc[rows]
        days[:, rows] = [_days(here, asset, plan.coverage, cell_m2) for asset in assets.values()] or 0.0
    return days


def with_effort(land: pd.DataFrame, assets: Assets, plan: PlanSettings, cell_m2: float) -> pd.DataFrame:
    """`land` with `team_days` and `detection` of the quickest kind that has a team; inf where none can work.

    Without teams the columns are left out and every cell costs the same, as do cells whose work no kind does.
    """
    available = {name: asset for name, asset in assets.items() if asset.number > 0}
    if not available:
        return land
    detection = np.array([asset.detection for asset in available.values()])
    works = sorted({work for asset in available.values() for work in asset.works})

    def quickest(rows: slice) -> dict[str, Floats]:
        here = land.iloc[rows]
        days = cell_days(here, available, plan, cell_m2)
        best, done = days.argmin(axis=0), here["work"].isin(works).to_numpy()
        return {
            "team_days": np.where(done, days[best, np.arange(len(here))], 1.0),
            "detection": np.where(done, detection[best], detection[0]),
        }

    return with_columns(land, columns_by_parts(len(land), quickest))


def _days(land: pd.DataFrame, asset: AssetSettings, coverage: float, cell_m2: float) -> Floats:
    able = np.ones(len(land), dtype=bool)
    if "slope_deg" in land:
        able &= ~(land["slope_deg"].to_numpy() > asset.greatest_slope_deg)
    if "road_distance_m" in land and asset.greatest_road_m is not None:
        able &= ~(land["road_distance_m"].to_numpy() > asset.greatest_road_m)
    if "land_use" in land and asset.not_on:
        able &= ~land["land_use"].isin(asset.not_on).to_numpy()
    if "base_m" in land:
        able &= ~(land["base_m"].to_numpy() < asset.least_settlement_m)
    worked = np.ones(len(land))
    if "base_m" in land:
        away_h = 2 * np.nan_to_num(land["base_m"].to_numpy(dtype=np.float64)) / 1000 / asset.travel_km_per_hour
        worked = 1 - away_h / asset.hours_per_day
    able &= worked > 0
    days = cell_m2 * (asset.coverage or coverage) / (asset.rate_m2_per_day * np.where(able, worked, 1.0))
    return np.where(able, days, np.inf)
