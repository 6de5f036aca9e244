"""Progress of a plan: expected and actual finds by task and by purpose."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from features.base import Flags, Floats, InputError, Place
from mlrisk.followup.later_records import FOUND, SEARCHED, read_later_records, searched_share
from mlrisk.followup.verification import grid_of, open_risk
from mlrisk.ranking import residual_factor

# A task counts in the totals once this share of it was searched.
COUNTED_SHARE = 0.1


@dataclass(frozen=True, eq=False, kw_only=True)
class PlanProgress:
    """Progress of a plan.

    `tasks` has a row for each task: `searched_share` of its land, `expected_cells` and `found_cells` in the searched
    part. `purposes` has a row for each purpose, with the ratio of found to expected cells and its 90 % interval.
    """

    as_of: date
    policy: str
    tasks: pd.DataFrame
    purposes: pd.DataFrame
    notes: tuple[str, ...]


def plan_progress(risk: str | Place, found: str | Path, searched: str | Path, crs: str | None = None) -> PlanProgress:
    """Compare land release results with the plan of a map (risk.parquet or its folder).

    `found` and `searched` are files of finds and of searched land, as for `mlrisk verify`. The expected cells are those
    contaminated cells that one survey of the searched land finds according to the map. Raises InputError for a map
    without tasks.
    """
    _, cells, as_of = open_risk(risk)
    policy = str(cells.attrs["policy"])
    if "task_id" not in cells or cells["task_id"].isna().all():
        raise InputError(f"RISK ({risk}) has no survey task: give the risk.parquet of a `mlrisk rank` with assets")
    grid, row = grid_of(cells)
    cells = cells.iloc[row].reset_index(drop=True)
    finds = read_later_records("--found", Path(found), FOUND, grid, as_of, crs)
    later = read_later_records("--searched", Path(searched), SEARCHED, grid, as_of, crs)
    hit = np.zeros(len(cells), dtype=bool)
    hit[finds.cell] = True
    share = searched_share(grid, later)
    # A find proves that its cell was searched, even outside the searched polygons.
    share = np.where(hit & (share == 0), 1.0, share)
    tasks = task_progress(cells, share, hit)
    return PlanProgress(
        as_of=as_of, policy=policy, tasks=tasks, purposes=by_purpose(tasks), notes=(*finds.notes, *later.notes)
    )


def task_progress(cells: pd.DataFrame, share: Floats, found: Flags) -> pd.DataFrame:
    """One row for each task; `share` (n,) is the searched part of each cell, `found` (n,) marks cells with a find."""
    detection = cells["season_detection"].to_numpy(dtype=np.float64)
    typical = float(np.median(detection[detection > 0])) if (detection > 0).any() else 1.0
    chance = cells["contamination"].to_numpy(dtype=np.float64) * residual_factor(cells)
    expected = chance * np.where(detection > 0, detection, typical) * share
    inside = cells["task_id"].notna().to_numpy()
    table = pd.DataFrame(
        {
            "task_id": cells["task_id"].to_numpy(dtype=np.int64, na_value=0)[inside],
            "purpose": cells["purpose"].to_numpy()[inside],
            "cells": 1,
            "searched_cells": share[inside],
            "expected_cells": expected[inside],
            "found_cells": found[inside].astype(np.int64),
        }
    )
    tasks = table.groupby(["task_id", "purpose"], as_index=False).sum()
    return tasks.assign(searched_share=tasks["searched_cells"] / tasks["cells"])


def by_purpose(tasks: pd.DataFrame) -> pd.DataFrame:
    """Totals by purpose and for all, over tasks searched in part: found over expected with its 90 % interval.

    The interval takes the finds as a count out of the searched cells (Clopper and Pearson, 1934).
    """
    started = tasks[tasks["searched_share"] >= COUNTED_SHARE]
    groups = [("all", started), *started.groupby("purpose")]
    return pd.DataFrame([{"purpose": str(name), **_ratio(part)} for name, part in groups])


def _ratio(part: pd.DataFrame) -> Mapping[str, float]:
    found, expected = int(part["found_cells"].sum()), float(part["expected_cells"].sum())
    searched = max(found, round(float(part["searched_cells"].sum())))
    figures = {"tasks": len(part), "searched_cells": float(searched), "expected_cells": expected}
    figures |= {"found_cells": float(found), "ratio": np.nan, "ratio_low": np.nan, "ratio_high": np.nan}
    if not searched or not expected:
        return figures
    bounds = binomtest(found, searched).proportion_ci(0.90)
    return figures | {
        "ratio": found / expected,
        "ratio_low": bounds.low * searched / expected,
        "ratio_high": bounds.high * searched / expected,
    }
