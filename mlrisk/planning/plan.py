"""The survey plan: tasks for the teams of a season with their expected outcome, some of them for learning."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.base import Flags, Floats, Floats32, Grid, Integers, by_parts, new_array
from mlrisk.planning.audit_draw import audit_draw
from mlrisk.planning.budget import (
    AUDIT,
    EXPLORE,
    SURVEY,
    WORTH,
    SeasonWork,
    Spent,
    in_whole_visits,
    rule_of,
    spend,
)
from mlrisk.planning.district_shares import LandShares, district_shares, land_shares
from mlrisk.planning.effort import audit_days, cell_days
from mlrisk.planning.outcome import with_outcome
from mlrisk.planning.plan_summary import plan_notes, plan_totals
from mlrisk.planning.season_calendar import lay_out, unplaced, with_calendar
from mlrisk.planning.season_fit import in_weeks
from mlrisk.planning.season_groups import season_groups
from mlrisk.planning.task_reasons import with_task_reasons
from mlrisk.planning.tasks import Groups, survey_tasks
from mlrisk.planning.what_if import what_if
from mlrisk.ranking import by_explore
from mlrisk.risk_map import coded, with_columns
from mlrisk.settings import AssetSettings, RankingSettings
from training.evidence import NO_WORK, NON_TECHNICAL_SURVEY

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """The plan of a season.

    `tasks` have their effort and its expected outcome; `cells` has one row a cell in `grid.cell_ids()` order: task_id
    (null for none), purpose, inclusion_prob (NaN outside the audit's frame) and season_detection, the probability that
    the season's survey finds what lies in the cell. `districts` has the share of each district, `calendar` a row for
    each team on each planned task, `totals` the effort and the expected outcome, `notes` what a planner must know,
    `what_if` what an estimate for other teams needs.
    """

    tasks: gpd.GeoDataFrame
    cells: pd.DataFrame
    districts: pd.DataFrame
    calendar: pd.DataFrame
    totals: Mapping[str, Any]
    notes: tuple[str, ...]
    what_if: Mapping[str, Any]


def make_plan(
    grid: Grid,
    land: pd.DataFrame,
    settings: RankingSettings,
    barriers: tuple[Flags, Flags] | None = None,
    members: Floats32 | None = None,
    seed: int = 0,
    audited: Flags | None = None,
    languages: Sequence[str] = ("en",),
) -> Plan:
    """Group the ranked land into tasks and spend the team-days of the season on them.

    `land` is a ranked risk map of the cells of the grid, in any order, with the columns that mlrisk.planning.ground
    adds; cells with a `mask` or without work are in no task. `members` (M, n_cells) is the contamination
    by each bootstrap member; the stability of a task is the share of members that would plan it. Without teams there
    are tasks in their order and no plan. `seed` is that of the season's audit (`season_seed`), and `audited` (n_cells,)
    marks cells of an earlier one, in the order of `land`: they are drawn again only where the settings keep a panel.
    `languages` are those of the reasons in `land`, the first of which has columns without its code.
    """
    if audited is not None:
        land = with_columns(land, {"audited": audited})
    land, members = _in_grid_order(grid, land, members)
    assets = {name: asset for name, asset in settings.assets.items() if asset.number > 0}
    cell_m2 = grid.cell_size_m**2
    capacity = np.array([asset.number * settings.plan.working_days for asset in assets.values()])
    shut = land["mask"].ne("").to_numpy()
    free = ~shut & land["work"].ne(NO_WORK).to_numpy()
    frame = _audit_frame(land, free, settings)
    check = audit_days(land, assets, settings.plan, cell_m2)
    drawn, chance, kind = audit_draw(frame, land["cell_id"].to_numpy(), check, settings.audit_share * capacity, seed,
                                     settings.audit_cells)  # fmt: skip
    explorers = any(NON_TECHNICAL_SURVEY in asset.works for asset in assets.values())
    groups, purpose = season_groups(grid, land, settings, barriers, free, drawn, explorers)
    tasks = survey_tasks(grid, land, groups)
    days = cell_days(land.iloc[groups.rows], assets, settings.plan, cell_m2)
    days[:, drawn[groups.rows]] = check[:, groups.rows[drawn[groups.rows]]]
    work = _season_work(tasks, groups, purpose, days, capacity, kind, settings)
    of_land = land_shares(land["district"], free)
    work, spent, tasks, calendar = _season(work, tasks, land, settings, of_land, assets)
    inclusion = _of_task(chance, work.rows, work.task, groups.count)
    tasks = tasks.assign(
        inclusion_prob=np.where(purpose == AUDIT, inclusion, np.nan),
        stability=_stability(work, land, settings, of_land, members),
    )
    tasks = with_task_reasons(tasks, groups.total(_quickest(days)), settings.policy, languages)
    tasks = with_calendar(tasks, calendar)
    cells = _cells(land, groups, purpose, chance, spent)
    notes = plan_notes(settings, tasks, capacity, work.capacity, free, shut)
    totals = plan_totals(tasks, capacity, work.capacity, spent, assets)
    value = np.nan_to_num(WORTH[settings.policy].value(land.iloc[work.rows]))
    LOGGER.info("plan: %d tasks, %.0f of %.0f team-days", totals["tasks_planned"], totals["team_days"], capacity.sum())
    return Plan(
        tasks=tasks,
        cells=cells,
        districts=district_shares(land, tasks),
        calendar=calendar,
        totals=totals,
        what_if=what_if(tasks, work, spent, value, settings),
        notes=(*notes, *unplaced(tasks)),
    )


def _season(
    work: SeasonWork, tasks: gpd.GeoDataFrame, land: pd.DataFrame, settings: RankingSettings,
    of_land: LandShares, assets: Mapping[str, AssetSettings],
) -> tuple[SeasonWork, Spent, gpd.GeoDataFrame, pd.DataFrame]:  # fmt: skip
    """The work with the team-days for which the weeks have room, their use, the tasks with their outcome, the weeks."""

    def outcome(spent: Spent) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
        done = with_outcome(tasks, land, work, spent, assets, settings.plan)
        return done, lay_out(done, spent.days, assets, settings.plan)

    usable, spent = in_weeks(
        work, tuple(assets), settings.plan.working_days, lambda one: _spent(one, land, settings, of_land),
        lambda spent: outcome(spent)[1],
    )  # fmt: skip
    return usable, spent, *outcome(spent)


def _cells(
    land: pd.DataFrame, groups: Groups, purpose: NDArray[np.object_], chance: Floats, spent: Spent
) -> pd.DataFrame:
    """What the plan says of each cell, see Plan."""
    count, names = len(land), ["", SURVEY, EXPLORE, AUDIT]
    task, none, use = new_array(count, np.int32), np.ones(count, dtype=bool), np.zeros(count, dtype=np.int8)
    task[groups.rows], none[groups.rows] = groups.task + 1, False
    use[groups.rows] = np.array([names.index(name) for name in purpose], dtype=np.int8)[groups.task]
    detection = new_array(count, np.float64)
    detection[groups.rows] = 1 - spent.left
    columns = {
        "cell_id": land["cell_id"].to_numpy(),
        "task_id": pd.arrays.IntegerArray(task, none),
        "purpose": coded(use, names),
        "inclusion_prob": by_parts(count, lambda rows: np.where(chance[rows] > 0, chance[rows], np.nan)),
        "season_detection": detection,
    }
    return pd.DataFrame(columns, copy=False)


def _quickest(days: Floats) -> Floats:
    """Team-days of each cell by the kind that needs fewest, (n_cells,); inf where there is no kind at all."""
    return np.asarray(days.min(axis=0, initial=np.inf))


def _audit_frame(land: pd.DataFrame, free: Flags, settings: RankingSettings) -> Flags:
    """Cells (n_cells,) that an audit may draw: unmasked new land without a find, outside earlier audits."""
    frame = free & land["work"].eq(NON_TECHNICAL_SURVEY).to_numpy() & land["evidence"].ne("found").to_numpy()
    if "audited" in land and not settings.audit_panel:
        frame &= ~land["audited"].to_numpy()
    return np.asarray(frame)


def _season_work(
    tasks: gpd.GeoDataFrame, groups: Groups, purpose: NDArray[np.object_], days: Floats, capacity: Floats,
    audit_kind: NDArray[np.int8], settings: RankingSettings,
) -> SeasonWork:  # fmt: skip
    """The tasks of the season and their teams; `days` (K, m) of cells in groups, `audit_kind` (n_cells,) for audit."""
    rows, task = groups.rows, groups.task
    kind_of_task = np.zeros(groups.count, dtype=np.int64)
    kind_of_task[task] = audit_kind[rows]
    return SeasonWork(
        rows=rows,
        task=task,
        purpose=purpose,
        district=tasks["district"].to_numpy(),
        urgent=tasks["open_evidence_cells"].to_numpy() > 0,
        days=in_whole_visits(days, task, purpose, settings.plan.least_days),
        detection=np.array([asset.detection for asset in settings.assets.values() if asset.number > 0]),
        capacity=capacity,
        audit_kind=kind_of_task,
        least_workable_share=settings.plan.least_workable_share,
        least_days=settings.plan.least_days,
    )


def _in_grid_order(grid: Grid, land: pd.DataFrame, members: Floats32 | None) -> tuple[pd.DataFrame, Floats32 | None]:
    ids, wanted = land["cell_id"].to_numpy(), grid.cell_ids()
    if np.array_equal(ids, wanted):
        return land, members
    place = np.argsort(ids, kind="stable")
    row = place[np.searchsorted(ids[place], wanted)]
    return land.iloc[row].reset_index(drop=True), None if members is None else members[:, row]


def _spent(
    work: SeasonWork, land: pd.DataFrame, settings: RankingSettings, of_land: LandShares, factor: Floats | None = None
) -> Spent:
    """Spend the season; `factor` (n,) scales the value of each cell to the contamination by one bootstrap member."""
    cells = land.iloc[work.rows]
    value = np.nan_to_num(WORTH[settings.policy].value(cells))
    values = {SURVEY: value if factor is None else value * factor, EXPLORE: by_explore(cells)}
    shares = settings.explore_share, settings.district_floor
    return spend(work, values, rule_of(settings.policy), shares, settings.plan.most_passes, of_land)


def _stability(
    work: SeasonWork, land: pd.DataFrame, settings: RankingSettings, of_land: LandShares, members: Floats32 | None
) -> Floats:
    """Share of the bootstrap members that would plan each task of the policy, (T,); NaN for other tasks."""
    if members is None or not len(members) or not len(work.capacity):
        return np.full(len(work.purpose), np.nan)
    chance = np.maximum(land["contamination"].to_numpy(dtype=np.float64)[work.rows], 1e-12)
    inside = np.zeros(len(work.purpose))
    for member in members:
        inside += _member_plan(work, land, settings, of_land, member[work.rows] / chance).passes.sum(axis=0) > 0
    return np.where(work.purpose == SURVEY, inside / len(members), np.nan)


def _member_plan(
    work: SeasonWork, land: pd.DataFrame, settings: RankingSettings, of_land: LandShares, factor: Floats
) -> Spent:
    """The plan by one member; a policy that follows an order follows that of the member."""
    if WORTH[settings.policy].rule != "in_order":
        return _spent(work, land, settings, of_land, factor)
    value = np.nan_to_num(WORTH[settings.policy].value(land.iloc[work.rows])) * factor
    survey = np.flatnonzero(work.purpose == SURVEY)
    best = np.zeros(len(work.purpose))
    np.maximum.at(best, work.task, value)
    place = np.arange(len(work.purpose))
    place[survey[np.argsort(-best[survey], kind="stable")]] = survey
    back = np.argsort(place, kind="stable")
    of_task = {name: getattr(work, name)[back] for name in ("district", "urgent", "audit_kind")}
    reordered = replace(work, task=place[work.task], **of_task)
    spent = _spent(reordered, land, settings, of_land, factor)
    return Spent(spent.passes[:, place], spent.days[:, place], spent.left)


def _of_task(values: Floats, rows: Integers, task: Integers, count: int) -> Floats:
    """The value (n_cells,) at the one cell of each task, (count,); NaN for tasks without cells."""
    of_task = np.full(count, np.nan)
    of_task[task] = values[rows]
    return of_task
