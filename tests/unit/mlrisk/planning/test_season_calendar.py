"""The plan in time: half days, weeks, days off, the longest of a week first, and what does not fit."""

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from mlrisk.planning.season_calendar import lay_out, unplaced, with_calendar
from mlrisk.settings.planning import AssetSettings, PlanSettings
from tests.support.sample_plan import plain_land, plan_of, settings_of

MONDAY = date(2024, 9, 2)


def season(**changes: object) -> PlanSettings:
    return PlanSettings.model_validate({"working_days": 20, "start": MONDAY} | changes)


def laid_out(
    days: list[float], teams: int = 1, apart_m: float = 1_000.0, plan: PlanSettings | None = None, **asset: object
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Tasks in a row, in the order of the plan, for one kind of team."""
    shapes = [box(east, 0, east + 500, 500) for east in apart_m * np.arange(len(days))]
    order = pd.array(range(1, len(days) + 1), dtype="Int32")
    columns = {"task_id": range(1, len(days) + 1), "plan_order": order, "planned": True, "team_days": days}
    tasks = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:32638")
    kind = AssetSettings.model_validate({"number": teams, "rate_m2_per_day": 1000.0} | asset)
    calendar = lay_out(tasks, np.array([days]), {"dogs": kind}, plan or season())
    return with_calendar(tasks, calendar), calendar


def test_the_longest_task_of_a_week_comes_first_and_half_days_follow_each_other() -> None:
    _, calendar = laid_out([1.5, 3.0, 0.5], names=("Alpha",))
    assert calendar[["task_id", "team", "days", "begins", "ends"]].to_numpy().tolist() == [
        [2, "Alpha", 3.0, "2024-09-02", "2024-09-04"],
        [1, "Alpha", 1.5, "2024-09-05", "2024-09-06"],
        [3, "Alpha", 0.5, "2024-09-06", "2024-09-06"],
    ]


def test_two_teams_share_the_work_and_a_later_week_waits_for_the_plan() -> None:
    tasks, calendar = laid_out([4.0, 3.0, 2.0, 1.0, 5.0, 5.0], teams=2)
    assert tasks["week"].tolist() == [1, 1, 1, 1, 2, 2]
    assert calendar.groupby("team")["days"].sum().to_dict() == {"dogs 1": 10.0, "dogs 2": 10.0}


def test_days_off_and_holidays_are_no_working_days() -> None:
    plan = season(days_off=("friday", "saturday", "sunday"), holidays=(date(2024, 9, 3),))
    tasks, _ = laid_out([4.0], plan=plan)
    # Monday, Wednesday, Thursday, then Monday of the next week.
    assert tasks[["begins", "ends"]].iloc[0].tolist() == ["2024-09-02", "2024-09-09"]


def test_without_a_start_date_weeks_are_numbered_and_no_date_is_made_up() -> None:
    tasks, _ = laid_out([5.0, 4.0], plan=season(start=None))
    assert tasks["week"].tolist() == [1, 2]
    assert set(tasks["begins"]) | set(tasks["ends"]) == {""}


def test_small_tasks_near_to_each_other_share_a_half_day() -> None:
    _, near = laid_out([0.2, 0.2, 0.2])
    assert near[["task_id", "begins", "days"]].to_numpy().tolist() == [[n, "2024-09-02", 0.2] for n in (1, 2, 3)]
    _, many = laid_out([0.2] * 5)
    assert many["begins"].tolist() == ["2024-09-02"] * 4 + ["2024-09-03"]
    tasks, _ = laid_out([0.2] * 12, apart_m=30_000.0, plan=season(working_days=5))
    assert tasks["week"].notna().sum() == 10


def test_a_team_that_drives_half_a_day_begins_half_a_day_later() -> None:
    _, calendar = laid_out([1.0, 1.0], apart_m=120_000.0, travel_km_per_hour=30.0, hours_per_day=8.0)
    assert calendar["begins"].tolist() == ["2024-09-02", "2024-09-03"]
    assert calendar["ends"].tolist() == ["2024-09-02", "2024-09-04"]


def test_teams_share_what_one_alone_cannot_end_within_the_season() -> None:
    tasks, calendar = laid_out([12.0, 12.0, 14.0, 3.0], teams=2)
    assert calendar.loc[calendar["task_id"] == 3, ["team", "days"]].to_numpy().tolist() == [
        ["dogs 1", 8.0], ["dogs 2", 6.0],
    ]  # fmt: skip
    assert tasks["week"].isna().tolist() == [False, False, False, True]
    assert calendar.groupby("team")["days"].sum().tolist() == [20.0, 18.0]


def test_a_task_longer_than_the_season_is_done_by_several_teams_and_what_is_too_much_is_said() -> None:
    tasks, calendar = laid_out([30.0, 20.0], teams=2)
    assert calendar.loc[calendar["task_id"] == 1, ["team", "days"]].to_numpy().tolist() == [
        ["dogs 1", 15.0], ["dogs 2", 15.0],
    ]  # fmt: skip
    assert tasks["week"].isna().tolist() == [False, True]
    assert unplaced(tasks)[0].startswith("1 planned tasks (20 team-days) find no place in the season's weeks")


@pytest.mark.slow
def test_a_plan_has_its_calendar_no_sliver_and_learning_tasks_behind_the_others() -> None:
    land = plain_land()
    plan = plan_of(land, settings_of())
    done = plan.tasks[plan.tasks["planned"]]
    part = done[(done["passes"] < 1 - 1e-9) & done["purpose"].ne("audit")]
    assert (part["team_days"] >= 0.5).all()
    assert set(plan.calendar["task_id"]) <= set(done["task_id"])
    assert plan.calendar.groupby("team")["days"].sum().max() <= 20 + 1e-9
    ordered = done.sort_values("plan_order")["purpose"].tolist()
    assert "survey" not in ordered[ordered.count("survey") :]
    first = plan_of(land, settings_of(plan={"working_days": 20, "learning_first": True})).tasks
    mixed = first[first["planned"]].sort_values("plan_order")["purpose"].tolist()
    assert "survey" in mixed[mixed.count("survey") :]


@pytest.mark.parametrize(("least_m", "planned"), [(0.0, True), (10_000_000.0, False)])
def test_built_up_land_is_not_for_machines(least_m: float, planned: bool) -> None:
    machines = {"machines": {"number": 2, "works": ("non_technical_survey",), "least_settlement_m": least_m}}
    tasks = plan_of(plain_land(), settings_of(assets=machines, audit_share=0.0)).tasks
    assert tasks["planned"].any() == planned
