"""The plan laid out in time: which team does which task in which week, in half days."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import geopandas as gpd
import numpy as np
import pandas as pd

from features.base import Floats, Integers
from mlrisk.settings import WEEKDAYS, AssetSettings, PlanSettings

HALVES = 2
# Small tasks this near to each other are visited on one half day.
TRIP_M = 10_000.0
# Fewer days are rounding errors.
LEAST = 1e-6
COLUMNS = ("task_id", "kind", "team", "days", "week", "last_week", "begins", "ends")


@dataclass(frozen=True, kw_only=True)
class Trip:
    """Tasks, by their rows, that a team does in one go of `halves` half days; `place` is the first of them."""

    rows: tuple[int, ...]
    halves: int
    place: tuple[float, float]


def lay_out(
    tasks: gpd.GeoDataFrame, days: Floats, assets: Mapping[str, AssetSettings], plan: PlanSettings
) -> pd.DataFrame:
    """One row for each team that works on a planned task, with COLUMNS, in time; a task may have several.

    `days` (K, T) are the team-days of each kind in each task. Of the tasks that come next in the plan as many as fill a
    week are laid out, the longest first (Graham 1969), each to the team that ends it first; a team drives from one to
    the next in a straight line. `week` counts from 1; `begins` and `ends` are empty where the season has no start date.
    What does not end within the season's days is left out.
    """
    points = tasks.geometry.representative_point()
    places = np.column_stack([points.x, points.y]).reshape(-1, 2)
    order = tasks["plan_order"].astype("Float64").to_numpy(dtype=np.float64, na_value=np.inf)
    calendar = WorkingDays.of(plan)
    rows = []
    for (name, asset), spent in zip(assets.items(), days, strict=True):
        names = team_names(name, asset)
        trips = _trips(np.flatnonzero((spent > LEAST) & np.isfinite(order)), spent, order, places, plan.working_days)
        for trip, team, start, halves in _assigned(trips, asset, plan):
            for row in trip.rows:
                share = spent[row] if spent[row] < 1 / HALVES else halves / HALVES
                rows.append((int(tasks["task_id"].iloc[row]), name, names[team], round(float(share), 3),
                             *calendar.span(start, halves)))  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.sort_values(["week", "begins", "team"], kind="stable").reset_index(drop=True)


def team_names(kind: str, asset: AssetSettings) -> list[str]:
    """The names of the teams of a kind; those without one are numbered, as `dogs 2`."""
    return [asset.names[number] if number < len(asset.names) else f"{kind} {number + 1}"
            for number in range(asset.number)]  # fmt: skip


def parts_of(days: Floats, season: float) -> tuple[Floats, Floats]:
    """How many teams of a kind must share tasks of so many team-days to end within the season; half days of each."""
    parts = np.maximum(np.ceil(days / season - 1e-9), 1)
    return parts, np.maximum(np.round(HALVES * days / parts), 1)


def _trips(rows: np.ndarray, days: Floats, order: Floats, places: Floats, season: float) -> list[Trip]:
    """The trips of one kind in the order of the plan: long tasks alone, in as many parts as they need teams."""
    rows = rows[np.argsort(order[rows], kind="stable")]
    trips, waiting = [], [int(row) for row in rows if days[row] < 1 / HALVES]
    for row in (int(row) for row in rows if days[row] >= 1 / HALVES):
        parts, halves = (int(number) for number in parts_of(days[row], season))
        trips += [Trip(rows=(row,), halves=halves, place=tuple(places[row]))] * parts
    while waiting:
        first, *others = waiting
        away = np.hypot(*(places[others] - places[first]).T) if others else np.empty(0)
        taken, used = [first], days[first]
        for place in np.argsort(away, kind="stable"):
            if away[place] > TRIP_M or used + days[others[place]] > 1 / HALVES + 1e-9:
                break
            taken.append(others[place])
            used += days[others[place]]
        waiting = [row for row in others if row not in taken]
        trips.append(Trip(rows=tuple(taken), halves=1, place=tuple(places[first])))
    return sorted(trips, key=lambda trip: order[list(trip.rows)].min())


def _assigned(trips: Sequence[Trip], asset: AssetSettings, plan: PlanSettings) -> Iterator[tuple[Trip, int, int, int]]:
    """Each trip with its team, the half day on which it begins and its half days; several where teams share it."""
    free = np.zeros(asset.number, dtype=np.int64)
    at: list[tuple[float, float] | None] = [None] * asset.number
    metres_a_half = asset.travel_km_per_hour * asset.hours_per_day * 1000 / HALVES
    for trip in _longest_first(trips, asset.number * plan.days_of_week * HALVES):
        drives = [round(np.hypot(*np.subtract(trip.place, last)) / metres_a_half) if last else 0 for last in at]
        start = free + np.array(drives, dtype=np.int64)
        for team, halves in _shared(trip.halves, start, int(plan.working_days * HALVES)):
            free[team], at[team] = start[team] + halves, trip.place
            yield trip, team, int(start[team]), halves


def _shared(halves: int, start: Integers, end: int) -> list[tuple[int, int]]:
    """The teams, by number, that do so many half days, with the half days of each: one if it ends before `end`.

    At the end of the season several share what one cannot finish; nobody begins what all of them cannot.
    """
    shares = []
    for team in np.argsort(start, kind="stable"):
        done = min(halves, end - int(start[team]))
        if done <= 0:
            break
        shares.append((int(team), done))
        halves -= done
    return shares if not halves else []


def _longest_first(trips: Sequence[Trip], week: int) -> Iterator[Trip]:
    """Trips in the order of the plan, those of about one week of all teams the longest first."""
    batch: list[Trip] = []
    for trip in trips:
        if batch and sum(one.halves for one in batch) + trip.halves > week:
            yield from sorted(batch, key=lambda one: -one.halves)
            batch = []
        batch.append(trip)
    yield from sorted(batch, key=lambda one: -one.halves)


@dataclass(frozen=True, kw_only=True)
class WorkingDays:
    """The days of a season on which teams work, by their number from 0; `dates` is empty without a start date."""

    dates: tuple[date, ...]
    days_of_week: int

    @classmethod
    def of(cls, plan: PlanSettings) -> "WorkingDays":
        """Those of the settings."""
        dates: list[date] = []
        off = {WEEKDAYS.index(name) for name in plan.days_off}
        day = plan.start
        while day is not None and len(dates) < plan.working_days:
            if day.weekday() not in off and day not in plan.holidays:
                dates.append(day)
            day += timedelta(days=1)
        return cls(dates=tuple(dates), days_of_week=plan.days_of_week)

    def span(self, start: int, halves: int) -> tuple[int, int, str, str]:
        """First and last week and day (ISO dates, empty without a start date) of work that begins on a half day."""
        first, last = start // HALVES, (start + halves - 1) // HALVES
        if not self.dates:
            return first // self.days_of_week + 1, last // self.days_of_week + 1, "", ""
        monday = self.dates[0] - timedelta(days=self.dates[0].weekday())
        weeks = ((self.dates[number] - monday).days // 7 + 1 for number in (first, last))
        return (*weeks, self.dates[first].isoformat(), self.dates[last].isoformat())  # type: ignore[return-value]


def with_calendar(tasks: gpd.GeoDataFrame, calendar: pd.DataFrame) -> gpd.GeoDataFrame:
    """`tasks` with `team` (all who work on it), `week` to `last_week`, `begins` and `ends`; empty for none."""
    by_task = calendar.groupby("task_id", sort=False)
    own = pd.DataFrame(
        {
            "team": by_task["team"].agg(lambda names: " + ".join(dict.fromkeys(names))),
            "week": by_task["week"].min(),
            "last_week": by_task["last_week"].max(),
            "begins": by_task["begins"].min(),
            "ends": by_task["ends"].max(),
        }
    ).reindex(tasks["task_id"])
    texts = {name: own[name].fillna("").to_numpy(dtype=object) for name in ("team", "begins", "ends")}
    weeks = {}
    for name in ("week", "last_week"):
        number = own[name].to_numpy(dtype=np.float64, na_value=np.nan)
        weeks[name] = pd.arrays.IntegerArray(np.nan_to_num(number).astype(np.int32), np.isnan(number))
    return tasks.assign(**texts, **weeks)


def unplaced(tasks: gpd.GeoDataFrame) -> tuple[str, ...]:
    """A sentence where planned tasks found no place in the season's weeks."""
    out = tasks[tasks["planned"].to_numpy(dtype=bool) & tasks["week"].isna().to_numpy()]
    if not len(out):
        return ()
    many, days = f"{len(out):,}", f"{out['team_days'].sum():,.0f}"
    why = "tasks take whole half days, and teams drive between them"
    return (f"{many} planned tasks ({days} team-days) find no place in the season's weeks: {why}",)
