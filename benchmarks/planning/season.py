"""One season of survey on the truth, under each policy and under simple rules."""

from pathlib import Path

import numpy as np
import pandas as pd

import mlrisk
from benchmarks.planning.land import trained_land, truth_of
from features.base import Grid
from mlrisk.planning import make_plan
from mlrisk.planning.ground import PlanningGround
from mlrisk.ranking import new_finds, ranked
from mlrisk.settings import RankingSettings
from training.evidence import NON_TECHNICAL_SURVEY

DETECTION = 0.8
POLICIES = ("harm_per_day", "search", "casualty", "authority")


def one_season(seed: int, cells: int, folder: Path) -> pd.DataFrame:
    """True casualties averted and hazards found on new land per team-day, as expectations; one row for each plan.

    All ways have the same teams, days, ground, tasks' limits and no share to explore or audit. Expected values: each
    contaminated cell counts with the probability that the planned survey of its ground finds it.
    """
    country = mlrisk.synthetic_country(seed, cells=cells, folder=folder / f"seed-{seed}")
    config, grid, land, ground = trained_land(country.config_path)
    truth = truth_of(country.truth_raster, grid)
    # The floor for districts trades some harm for fairness; without it all plans have the same freedom.
    settings = config.ranking.model_copy(update={"explore_share": 0.0, "audit_share": 0.0, "district_floor": 0.0})
    # Land on record is not new, and further finds where EO is found already do not count.
    new = land["work"].eq(NON_TECHNICAL_SURVEY).to_numpy() & land["evidence"].ne("found").to_numpy()
    truth = truth.assign(new=new, stated=np.where(new, new_finds(land), 0.0))
    print(
        f"seed {seed}, new land: {int(new.sum())} cells, with EO stated {truth['stated'].sum():.1f}, true "
        f"{int((truth['contaminated_at_as_of'] > 0)[new].sum())}",
        flush=True,
    )
    rows = [_row(seed, name, _policy(grid, land, settings, ground, name), truth) for name in POLICIES]
    for name, score in simple_rules(land, seed).items():
        rows.append(_row(seed, name, _by_score(grid, land, settings, ground, score), truth))
    with_shares = config.ranking.model_copy(update={"policy": "harm_per_day"})
    plan = make_plan(grid, ranked(land, "harm_per_day"), with_shares, ground.barriers, seed=config.seed)
    rows.append(_row(seed, "harm_per_day with explore, audit, floor", plan, truth))
    table = pd.DataFrame(rows)
    print(table.to_string(index=False, float_format="%.5f"), flush=True)
    return table


def simple_rules(land: pd.DataFrame, seed: int) -> dict[str, np.ndarray]:
    """Scores of the baselines, larger first."""
    random = np.random.default_rng(seed).random(len(land))
    return {
        "random": random,
        "nearest to the line": -land["front_line_distance_m"].to_numpy(),
        "nearest to accidents": -land["incident_distance_m"].to_numpy(),
        "contamination order": land["contamination_score"].to_numpy(),
    }


def _policy(grid: Grid, land: pd.DataFrame, settings: RankingSettings, ground: PlanningGround, name: str) -> object:
    chosen = settings.model_copy(update={"policy": name})
    return make_plan(grid, ranked(land, name), chosen, ground.barriers)


def _by_score(
    grid: Grid, land: pd.DataFrame, settings: RankingSettings, ground: PlanningGround, score: np.ndarray
) -> object:
    ordered = ranked(land.assign(contamination_score=np.nan_to_num(score, nan=-1e9)), "contamination")
    return make_plan(grid, ordered, settings.model_copy(update={"policy": "contamination"}), ground.barriers)


def _row(seed: int, name: str, plan: object, truth: pd.DataFrame) -> dict[str, object]:
    found = plan.cells["season_detection"].to_numpy()
    days = plan.totals["team_days"]
    contaminated = (truth["contaminated_at_as_of"].to_numpy() > 0) & truth["new"].to_numpy()
    # The law of the plan: remaining items decline exponentially with effort. The other law: finds are proportional to
    # the ground of the first survey, so that wide lanes have no advantage.
    surveys = np.log1p(-found) / np.log1p(-DETECTION)
    plain = DETECTION * np.minimum(surveys, 1) + (1 - DETECTION) * DETECTION * np.clip(surveys - 1, 0, 1)
    averted = float((found * truth["casualties_per_year"]).sum())
    hazards, expected = float((found * contaminated).sum()), float((found * truth["stated"]).sum())
    return {
        "seed": seed,
        "plan": name,
        "team_days": days,
        "hectares": plan.totals["hectares"],
        "averted": averted,
        "averted_per_100_days": 100 * averted / days,
        "hazards": hazards,
        "hazards_per_100_days": 100 * hazards / days,
        "averted_per_100_days_plain": 100 * float((plain * truth["casualties_per_year"]).sum()) / days,
        "hazards_per_100_days_plain": 100 * float((plain * contaminated).sum()) / days,
        "averted_share": averted / truth["casualties_per_year"].sum(),
        "hazards_share": hazards / contaminated.sum(),
        "expected": expected,
        "expected_over_true": expected / hazards if hazards else np.nan,
    }
