"""A million cells ranked and planned: seconds and memory, beside the same land as arrays."""

import resource
import time

import numpy as np
import pandas as pd
import pyproj
from scipy.ndimage import gaussian_filter
from shapely.geometry import box

from features.base import Grid
from mlrisk.planning import make_plan
from mlrisk.planning.authority import with_need
from mlrisk.planning.effort import with_effort
from mlrisk.planning.region_growing import line_barriers, region_barriers
from mlrisk.ranking import ranked
from mlrisk.ranking.policies import POLICIES
from mlrisk.settings import RankingSettings
from training.evidence import STATUS_NAMES, WORK_OF

SIDE = 1000
CELL_M = 250.0


TEAMS = {"nts_teams": 80, "dogs": 80, "machines": 20, "deminers": 400}


def million_cells() -> None:
    """Rank and plan under every policy, with ten members, districts, rivers and four kinds of teams."""
    grid, land, barriers = _land()
    members = np.clip(
        land["contamination"].to_numpy() * np.random.default_rng(1).lognormal(0, 0.3, (10, len(land))), 0, 1
    )
    started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    for policy in POLICIES:
        settings = RankingSettings(
            policy=policy,
            assets={name: {"number": number} for name, number in TEAMS.items()},
            tasks={"number": 2000},
        )
        began, worked = time.perf_counter(), time.process_time()
        tried = with_effort(land, settings.assets, settings.plan, CELL_M**2)
        tried = with_need(tried, {}, settings.authority)
        tried = ranked(tried, policy)
        ranked_s = time.perf_counter() - began
        plan = make_plan(grid, tried, settings, barriers, members.astype(np.float32))
        seconds = time.perf_counter() - began
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"{policy:14s} {len(land):,} cells: ranked in {ranked_s:.1f} s, with the plan {seconds:.1f} s "
            f"({time.process_time() - worked:.1f} s of CPU, which counts where others share it); "
            f"{len(plan.tasks):,} tasks, {plan.totals['tasks_planned']:,} planned; peak memory {most:.2f} GB "
            f"({started:.2f} GB before)",
            flush=True,
        )


def _land() -> tuple[Grid, pd.DataFrame, tuple[np.ndarray, np.ndarray]]:
    import shapely

    rng = np.random.default_rng(0)
    side = SIDE * CELL_M
    area = box(500_000, 4_000_000, 500_000 + side, 4_000_000 + side)
    grid = Grid.from_area(area, pyproj.CRS("EPSG:32638"), CELL_M)
    smooth = gaussian_filter(rng.standard_normal(grid.shape), 8)
    score = (3 * smooth / smooth.std() + rng.standard_normal(grid.shape) - 4)[grid.mask]
    chance = 1 / (1 + np.exp(-score))
    centres, n = grid.centres_m(), grid.n_cells
    district = np.add(*np.floor(centres / 25_000).astype(int).T * np.array([[1], [100]]))
    status = rng.choice(STATUS_NAMES, n, p=[0.7, 0.01, 0.02, 0.12, 0.08, 0.02, 0.05])
    found = np.isin(status, ("evidence_open", "on_record"))
    land = pd.DataFrame(
        {
            "cell_id": grid.cell_ids(), "easting_m": centres[:, 0], "northing_m": centres[:, 1],
            "contamination": chance, "contamination_low": chance / 2,
            "contamination_high": np.minimum(2 * chance, 1), "contamination_score": score,
            "casualties_per_year": chance * rng.exponential(0.002, n), "in_domain": rng.random(n) > 0.05,
            "status": status, "work": np.array([WORK_OF[name] for name in status], dtype=object),
            "released": status == "released", "odds_left": np.where(status == "searched", 0.2, 1.0),
            "evidence": np.select([found, status == "searched"], ["found", "searched"], "unknown"),
            "mask": "", "district": district.astype(str).astype(object), "reason_1": "one", "reason_2": "",
            "reason_3": "", "slope_deg": rng.gamma(2, 5, n), "road_distance_m": rng.exponential(1500, n),
            "base_m": rng.exponential(4000, n),
        }
    )  # fmt: skip
    regions = np.unique(district, return_inverse=True)[1].reshape(grid.shape)
    east = np.linspace(500_000, 500_000 + side, 4000)
    rivers = np.array(
        [
            shapely.LineString(np.column_stack([east, 4_000_000 + side * (k + 0.5 + np.sin(east / 9e3 + k) / 4) / 20]))
            for k in range(20)
        ],
        dtype=object,
    )
    shut = [region_barriers(regions), line_barriers(grid, rivers)]
    return grid, land, (shut[0][0] | shut[1][0], shut[0][1] | shut[1][1])
