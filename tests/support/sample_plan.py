"""Land for the tests of the survey plan: a ranked map with districts, ground, masks and every state of evidence."""

import numpy as np
import pandas as pd
import pyproj
from shapely.geometry import box

from features.base.grid import Grid
from mlrisk.planning.authority import with_need
from mlrisk.planning.effort import with_effort
from mlrisk.planning.plan import Plan, make_plan
from mlrisk.ranking.policies import ranked
from mlrisk.settings.planning import RankingSettings
from training.evidence import NO_WORK, NON_TECHNICAL_SURVEY, WORKS

GRID = Grid.from_area(box(500_000, 4_400_000, 508_000, 4_406_000), pyproj.CRS("EPSG:32638"), 250)
# Teams that are sent to any work: tests of other things than the works do not have to think of them.
# Distances to settlements are drawn cell by cell here: no ground is built up.
TEAMS = {
    "dogs": {"number": 4, "works": WORKS},
    "machines": {"number": 1, "works": WORKS, "least_settlement_m": 0},
}


def plain_land(seed: int = 0) -> pd.DataFrame:
    """A risk map that is not ranked yet, rows in `GRID.cell_ids()` order."""
    rng = np.random.default_rng(seed)
    centres, n = GRID.centres_m(), GRID.n_cells
    score = np.sin(centres[:, 0] / 900) + np.cos(centres[:, 1] / 700) + rng.normal(0, 0.3, n)
    chance = 1 / (1 + np.exp(3 - score))
    released = rng.random(n) < 0.05
    evidence = rng.choice(["unknown", "searched", "found"], n, p=[0.8, 0.15, 0.05])
    return pd.DataFrame(
        {
            "cell_id": GRID.cell_ids(),
            "easting_m": centres[:, 0],
            "northing_m": centres[:, 1],
            "contamination": chance,
            "contamination_low": chance / 2,
            "contamination_high": np.minimum(1, chance * 2),
            "contamination_score": score,
            "casualties_per_year": chance * rng.exponential(0.01, n),
            "in_domain": rng.random(n) > 0.1,
            "released": released,
            "evidence": evidence,
            "status": np.where(released, "released", evidence),
            "work": np.where(released, NO_WORK, NON_TECHNICAL_SURVEY),
            "odds_left": np.where(evidence == "searched", 0.2, 1.0),
            "mask": np.where(rng.random(n) < 0.05, "security: beyond the post", ""),
            "district": np.where(centres[:, 0] < 503_900, "west", "east").astype(object),
            "slope_deg": rng.gamma(2, 4, n),
            "road_distance_m": rng.exponential(800, n),
            "base_m": rng.exponential(3000, n),
            "reason_1": "one",
            "reason_2": "two",
            "reason_3": "",
        }
    )


def settings_of(policy: str = "harm_per_day", **more: object) -> RankingSettings:
    """Settings of a small season, 20 days of four dog teams and a machine."""
    given = {"assets": TEAMS, "plan": {"working_days": 20}, "tasks": {"greatest_km2": 1, "number": 40}}
    return RankingSettings.model_validate({"policy": policy, **given, **more})


def plan_of(land: pd.DataFrame, settings: RankingSettings, **more: object) -> Plan:
    """The plan of land that is not ranked yet."""
    prepared = with_need(with_effort(land, settings.assets, settings.plan, GRID.cell_size_m**2), {}, settings.authority)
    return make_plan(GRID, ranked(prepared, settings.policy), settings, **more)
