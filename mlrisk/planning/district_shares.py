"""The share of each district in a plan and in expected casualties."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from features.base import Flags, parts_of
from mlrisk.planning.budget import finds

NO_DISTRICT = ""

LandShares = Mapping[str, float]


def land_shares(district: pd.Series, free: Flags) -> LandShares:
    """Share of each district in the land that tasks may hold; the sum is below 1 if some land is in no district."""
    texts = district.astype("category").cat
    names, codes = texts.categories, texts.codes.to_numpy()
    count = np.sum(
        [np.bincount(codes[rows][free[rows]], minlength=len(names)) for rows in parts_of(len(codes))], axis=0
    )
    total = count.sum()
    shares = zip(names, count, strict=True)
    return {str(name): float(n / total) for name, n in shares if n and name != NO_DISTRICT}


def _sums(land: pd.DataFrame) -> pd.DataFrame:
    """Cells, expected finds and casualties, and cells out of domain of each district."""
    cells = pd.DataFrame(
        {
            "district": land["district"].astype("category"),
            "land_share": 1.0,
            "expected_finds_share": finds(land),
            "casualties_share": land["casualties_per_year"].to_numpy(dtype=np.float64),
            "out_of_domain": (~land["in_domain"]).to_numpy(dtype=np.float64),
        }
    )
    table = cells.groupby("district", observed=True).sum()
    return table.set_index(table.index.astype("str"))


def district_shares(land: pd.DataFrame, tasks: pd.DataFrame) -> pd.DataFrame:
    """One row for each district: its shares of land, expected finds, expected casualties, and the plan's team-days.

    `out_of_domain_share` shows where data are poor. Sorted by name; shares are of the whole country.
    """
    table = pd.concat([_sums(land.iloc[rows]) for rows in parts_of(len(land))]).groupby(level=0).sum().sort_index()
    outside = table.pop("out_of_domain") / table["land_share"]
    planned = tasks[tasks["planned"]]
    effort = planned.groupby(planned["district"].astype(str))["team_days"].sum().reindex(table.index, fill_value=0.0)
    table["effort_share"] = effort
    totals = table.sum()
    table = table / totals.where(totals > 0, np.nan)
    return table.assign(team_days=effort, out_of_domain_share=outside).reset_index()
