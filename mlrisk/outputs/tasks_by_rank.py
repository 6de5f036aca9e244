"""The survey tasks as every file lists them: by rank, with their place in the grid, in degrees and in MGRS."""

import geopandas as gpd
import mgrs
import numpy as np

from features.base import Floats
from mlrisk.outputs.wording import TASK_COLUMNS, check_columns
from mlrisk.risk_map import Package
from training.evidence import WORKS

NAMES = tuple(column.name for column in TASK_COLUMNS)
# Columns that the writers compute; a package need not hold them.
DERIVED = ("easting_m", "northing_m", "mgrs")
# Columns from the model.
EXPECTATIONS = (
    "contamination", "contamination_low", "contamination_high", "expected_finds", "expected_finds_low",
    "expected_finds_high", "expected_found", "casualties_per_year", "casualties_averted", "casualties_averted_low",
    "casualties_averted_high", "stability", "priority",
)  # fmt: skip


def tasks_by_rank(package: Package) -> gpd.GeoDataFrame:
    """The tasks by work and rank with every column of TASK_COLUMNS; raises InputError that names a missing column."""
    check_columns(package.tasks, tuple(name for name in NAMES if name not in DERIVED), "tasks")
    order = package.tasks["work"].map(WORKS.index).astype("int64")
    tasks = package.tasks.assign(_work=order).sort_values(["_work", "rank"], kind="stable")
    tasks = without_baseless(tasks.drop(columns="_work").reset_index(drop=True))
    points = tasks.geometry.representative_point()
    places = zip(tasks["latitude"], tasks["longitude"], strict=True)
    return tasks.assign(
        team_days=in_half_days(tasks),
        easting_m=points.x.round(1),
        northing_m=points.y.round(1),
        mgrs=np.array([mgrs_text(*place) for place in places], dtype=object),
    )


def in_half_days(tasks: gpd.GeoDataFrame) -> Floats:
    """Team-days as a team is sent, (n,): in half days, at least one; check cells, visited in groups, in tenths."""
    days = tasks["team_days"].to_numpy(dtype=np.float64)
    halves = np.where(days > 0, np.maximum(np.round(2 * days) / 2, 0.5), days)
    return np.asarray(np.where(tasks["purpose"].eq("audit").to_numpy(), np.round(days, 1), halves))


def without_baseless(tasks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Tasks with their expectations set to missing if none of their cells has a basis to rank."""
    baseless = tasks["out_of_domain_share"].to_numpy(dtype=np.float64) >= 1
    names = [name for name in EXPECTATIONS if name in tasks]
    return tasks.assign(**{name: np.where(baseless, np.nan, tasks[name].to_numpy(np.float64)) for name in names})


def in_plan_order(tasks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Tasks of `tasks_by_rank` in the order of their numbers: planned ones by the plan, then the others unchanged."""
    order = tasks["plan_order"].astype("Float64").to_numpy(dtype=np.float64, na_value=np.inf)
    return tasks.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)


def mgrs_text(latitude: float, longitude: float) -> str:
    """The position in the Military Grid Reference System to a metre, as read over the radio; empty without a position.

    >>> mgrs_text(40.0, 46.5)
    '38T PK 28042 28834'
    """
    if not np.isfinite([latitude, longitude]).all():
        return ""
    text = str(mgrs.MGRS().toMGRS(latitude, longitude))
    zone, square, digits = text[:-12], text[-12:-10], text[-10:]
    return f"{zone} {square} {digits[:5]} {digits[5:]}"
