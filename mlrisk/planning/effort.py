"""What a survey costs: team-days of each kind of team on each cell, travel included."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.base import Floats
from mlrisk.settings import AssetSettings, PlanSettings

Assets = Mapping[str, AssetSettings]


def cell_days(land: pd.DataFrame, assets: Assets, plan: PlanSettings, cell_m2: float) -> Floats:
    """Team-days of one survey of each cell by each kind, (K, n); inf where that kind cannot work or cannot get to.

    `land` may have slope_deg, road_distance_m, land_use and base_m (metres to where teams live); a missing
    column or value hinders nobody. A team drives from its base and back every day and works the rest of the day.
    """
    return np.array([_days(land, asset, plan, cell_m2) for asset in assets.values()]).reshape(len(assets), len(land))


def with_effort(land: pd.DataFrame, assets: Assets, plan: PlanSettings, cell_m2: float) -> pd.DataFrame:
    """`land` with `team_days` and `detection` of the quickest kind that has a team; inf where none can work.

    Without a single team the columns are left out: every cell costs the same then.
    """
    available = {name: asset for name, asset in assets.items() if asset.number > 0}
    if not available:
        return land
    days = cell_days(land, available, plan, cell_m2)
    best = days.argmin(axis=0)
    detection = np.array([asset.detection for asset in available.values()])
    return land.assign(team_days=days[best, np.arange(len(land))], detection=detection[best])


def _days(land: pd.DataFrame, asset: AssetSettings, plan: PlanSettings, cell_m2: float) -> Floats:
    able = np.ones(len(land), dtype=bool)
    if "slope_deg" in land:
        able &= ~(land["slope_deg"].to_numpy() > asset.greatest_slope_deg)
    if "road_distance_m" in land and asset.greatest_road_m is not None:
        able &= ~(land["road_distance_m"].to_numpy() > asset.greatest_road_m)
    if "land_use" in land and asset.not_on:
        able &= ~land["land_use"].isin(asset.not_on).to_numpy()
    worked = np.ones(len(land))
    if "base_m" in land:
        away_h = 2 * np.nan_to_num(land["base_m"].to_numpy(dtype=np.float64)) / 1000 / asset.travel_km_per_hour
        worked = 1 - away_h / asset.hours_per_day
    able &= worked > 0
    days = cell_m2 * plan.coverage / (asset.rate_m2_per_day * np.where(able, worked, 1.0))
    return np.where(able, days, np.inf)
