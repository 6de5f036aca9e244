"""After a plan: what another setting changes, what became of it, and what its audit cells say."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from features.base.errors import InputError
from mlrisk.cli.text.parts import Table
from mlrisk.cli.text.rank import compared, planned
from mlrisk.followup.audit_sample import map_audit
from mlrisk.followup.plan_comparison import compare_plans, read_tasks
from mlrisk.followup.plan_progress import by_purpose, task_progress
from mlrisk.planning.audit_draw import audit_draw
from mlrisk.ranking.policies import residual_factor
from tests.support.sample_plan import GRID, TEAMS, plain_land, plan_of, settings_of
from training.evidence import WORKS


@pytest.fixture(scope="module")
def land() -> pd.DataFrame:
    return plain_land(4)


def test_a_plan_compared_with_itself_changes_nothing(land):
    tasks = plan_of(land, settings_of()).tasks
    same = compare_plans(tasks, tasks)
    assert (len(same.came), len(same.went)) == (0, 0)
    assert same.kept == tasks["planned"].sum()
    assert (same.totals["old"] == same.totals["new"]).all()


def test_more_teams_bring_tasks_in_and_the_totals_say_what_they_are_worth(land):
    # Whole seasons: the last task of a team may be shorter than half a day.
    plain = {"explore_share": 0.0, "audit_share": 0.0, "plan": {"working_days": 20, "least_days": 0}}
    old = plan_of(land, settings_of(**plain)).tasks
    new = plan_of(land, settings_of(**plain, assets={**TEAMS, "dogs": {"number": 12, "works": WORKS}})).tasks
    done = compare_plans(old, new)
    assert len(done.came) - len(done.went) == new["planned"].sum() - old["planned"].sum()
    assert len(done.came) > 0
    totals = done.totals.set_index("figure")
    assert totals.loc["casualties averted a year", "new"] > totals.loc["casualties averted a year", "old"]
    assert totals.loc["team-days", "new"] - totals.loc["team-days", "old"] == pytest.approx(160, rel=0.05)
    assert totals.loc["hectares", "new"] == pytest.approx(new.loc[new["planned"], "area_m2"].sum() / 1e4)
    parts = compared(done)
    assert isinstance(parts[0], Table)
    assert parts[0].rows[0][0] == "tasks planned"


def test_old_tasks_are_read_from_the_package_and_anything_else_is_refused(land, tmp_path):
    tasks = plan_of(land, settings_of()).tasks
    tasks.to_file(tmp_path / "risk_map.gpkg", layer="survey_tasks", driver="GPKG")
    read = read_tasks(tmp_path)
    assert compare_plans(read, tasks).kept == tasks["planned"].sum()
    with pytest.raises(InputError, match="does not exist: give the output folder"):
        read_tasks(tmp_path / "nowhere")
    tasks.drop(columns="planned").to_file(tmp_path / "old.gpkg", layer="survey_tasks", driver="GPKG")
    with pytest.raises(InputError, match="has no planned"):
        read_tasks(tmp_path / "old.gpkg")
    gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs=GRID.crs).to_file(tmp_path / "x.gpkg", layer="x", driver="GPKG")
    with pytest.raises(InputError, match="holds no survey_tasks"):
        read_tasks(tmp_path / "x.gpkg")


def test_what_the_plan_says_names_teams_days_and_districts(land):
    plan = plan_of(land, settings_of())
    rows = plan.districts.to_dict("records")
    parts = planned({"totals": plan.totals, "districts": rows})
    assert "dogs 80 of 80, machines" in parts[1]
    driven = {**plan.totals, "days_between_tasks_by_asset": {"dogs": 3.2, "machines": 0.0}}
    assert "dogs 80 of 80 and 3 between tasks, machines" in planned({"totals": driven, "districts": rows})[1]
    assert {row[0] for row in parts[-1].rows} == {"east", "west"}
    assert planned({"totals": {"capacity_by_asset": {}}, "districts": []}) == []


def mapped(land: pd.DataFrame, **more: object) -> pd.DataFrame:
    plan = plan_of(land, settings_of(**more))
    return pd.concat([land, plan.cells.drop(columns="cell_id")], axis=1)


def test_progress_expects_what_the_map_said_of_the_searched_part(land):
    cells = mapped(land).assign(evidence="unknown")
    nothing = task_progress(cells, np.zeros(len(cells)), np.zeros(len(cells), dtype=bool))
    assert nothing["searched_share"].eq(0).all()
    assert nothing["expected_cells"].eq(0).all()
    half = task_progress(cells, np.full(len(cells), 0.5), np.zeros(len(cells), dtype=bool))
    inside = cells["task_id"].notna().to_numpy() & (cells["season_detection"] > 0).to_numpy()
    planned_tasks = half[half["task_id"].isin(cells.loc[inside, "task_id"])]
    # Earlier search leaves less to find in some cells.
    wanted = (0.5 * cells["contamination"] * residual_factor(cells) * cells["season_detection"])[inside].sum()
    assert planned_tasks["expected_cells"].sum() == pytest.approx(wanted, rel=0.05)
    assert half["searched_share"].to_numpy() == pytest.approx(np.full(len(half), 0.5))


@pytest.mark.slow
def test_a_map_that_is_right_has_a_ratio_of_one_within_its_interval(land):
    cells = mapped(land).assign(evidence="unknown")
    inside, rng = 0, np.random.default_rng(0)
    for _ in range(20):
        contaminated = rng.random(len(cells)) < cells["contamination"]
        found = contaminated & (rng.random(len(cells)) < cells["season_detection"])
        went = cells["season_detection"].gt(0).to_numpy()
        table = by_purpose(task_progress(cells, went.astype(float), found.to_numpy())).set_index("purpose")
        inside += bool(table.loc["all", "ratio_low"] <= 1 <= table.loc["all", "ratio_high"])
    assert inside >= 16


@pytest.mark.slow
def test_the_audit_cells_of_a_map_tell_what_it_missed_without_bias(land):
    rng = np.random.default_rng(1)
    low = np.arange(len(land)) % 2 == 0
    hazards = rng.random(len(land)) < 0.2
    frame = land["evidence"].ne("found").to_numpy()
    truth, estimates, covers = float((hazards & low & frame).sum()), [], 0
    days, capacity = np.stack([np.full(len(land), 4.0), np.where(land["slope_deg"] < 8, 1.0, np.inf)]), [120.0, 60.0]
    for seed in range(200):
        drawn, chance, _ = audit_draw(frame, land["cell_id"].to_numpy(), days, np.array(capacity), seed)
        cells = land.assign(purpose=np.where(drawn, "audit", ""), inclusion_prob=chance, season_detection=0.8)
        seen = drawn & (rng.random(len(land)) < 0.8)
        figures, notes = map_audit(cells, drawn.astype(float), hazards & seen, low)
        assert notes == ()
        estimates.append(figures["missed"]["estimate"])
        covers += figures["missed"]["estimate_low"] <= truth <= figures["missed"]["estimate_high"]
    spread = np.std(estimates) / np.sqrt(len(estimates))
    assert np.mean(estimates) == pytest.approx(truth, abs=3 * spread)
    assert covers >= 172


def test_audit_cells_that_nobody_searched_are_told(land):
    cells = mapped(land, audit_share=0.5)
    drawn = cells["purpose"].eq("audit").to_numpy()
    share = np.where(np.cumsum(drawn) % 2 == 0, drawn, 0).astype(float)
    nothing = np.zeros(len(cells), dtype=bool)
    figures, notes = map_audit(cells, share, nothing, ~nothing)
    assert figures["all"]["audited"] == (share > 0).sum()
    assert "audit cells of the map were not searched" in notes[0]
    assert map_audit(cells, np.zeros(len(cells)), nothing, nothing) == ({}, ())
    assert map_audit(cells.drop(columns="purpose"), share, nothing, nothing) == ({}, ())
