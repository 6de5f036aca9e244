"""Team-days for three purposes: survey by the policy, exploration where the map is least sure, and random audit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.base import Flags, Floats, Integers
from mlrisk.planning.allocation import RULES, Jobs, Rule, allocate, greedy, in_order
from mlrisk.ranking import by_explore, by_prior, residual_factor

SURVEY, EXPLORE, AUDIT = "survey", "explore", "audit"


@dataclass(frozen=True, eq=False)
class Worth:
    """The objective of a policy in a plan: the value of a find in each cell, and the rule that spends the days."""

    value: Callable[[pd.DataFrame], Floats]
    rule: str


def finds(land: pd.DataFrame) -> Floats:
    """Expected contaminated cells after earlier surveys, (n,)."""
    return np.asarray(land["contamination"].to_numpy(dtype=np.float64) * residual_factor(land))


def harm(land: pd.DataFrame) -> Floats:
    """Expected casualties a year after earlier surveys, (n,); NaN without a casualty model."""
    return np.asarray(land["casualties_per_year"].to_numpy(dtype=np.float64) * residual_factor(land))


def need(land: pd.DataFrame) -> Floats:
    """The authority's weighted criteria times the expected contamination."""
    return np.asarray(finds(land) * (land["need"].to_numpy() if "need" in land else 1.0))


# Policies with values per day fill the days optimally; the others keep to their order.
WORTH: dict[str, Worth] = {
    "contamination": Worth(finds, "in_order"),
    "casualty": Worth(harm, "in_order"),
    "harm_per_day": Worth(harm, "greedy"),
    "search": Worth(finds, "koopman"),
    "authority": Worth(need, "in_order"),
    "explore": Worth(by_explore, "greedy"),
    "prior": Worth(by_prior, "in_order"),
}


@dataclass(frozen=True, eq=False, kw_only=True)
class SeasonWork:
    """All tasks of a season and the teams that could do them; T tasks, K kinds of teams, n cells in tasks.

    `rows` (n,) are the rows of the land that lie in tasks, `task` (n,) the task of each. `purpose` and `district` (T,)
    belong to the tasks, `urgent` (T,) marks tasks with an open find or accident. `days` (K, n) and `detection` (K,) are
    as in Jobs; `capacity` (K,) the team-days of the season, `audit_kind` (T,) the kind of team that surveys an audit
    cell.
    """

    rows: Integers
    task: Integers
    purpose: NDArray[np.object_]
    district: NDArray[np.object_]
    urgent: Flags
    days: Floats
    detection: Floats
    capacity: Floats
    audit_kind: Integers
    least_workable_share: float
    least_days: float

    def jobs(self, value: Floats, tasks: Integers) -> tuple[Jobs, Integers]:
        """The jobs of some tasks for a `value` (n,) of each cell, and their places among the n cells."""
        place = np.full(len(self.purpose), -1, dtype=np.int64)
        place[tasks] = np.arange(len(tasks))
        cells = np.flatnonzero(place[self.task] >= 0)
        return (
            Jobs(
                task=place[self.task[cells]],
                value=value[cells],
                days=self.days[:, cells],
                detection=self.detection,
                order=np.arange(len(tasks)),
                least_workable_share=self.least_workable_share,
                least_days=self.least_days,
            ),
            cells,
        )


@dataclass(frozen=True, eq=False)
class Spent:
    """The use of the team-days of a season.

    `passes` and `days` (K, T) count the surveys and team-days of each kind in each task; `left` (n,) is the probability
    that an item in a cell is not found.
    """

    passes: Floats
    days: Floats
    left: Floats


def spend(
    work: SeasonWork, values: Mapping[str, Floats], rule: Rule, shares: tuple[float, float], most_passes: int,
    land_share: Mapping[str, float],
) -> Spent:  # fmt: skip
    """Spend the team-days: first on the audit, whose cells chance has drawn; then on exploration; then by the policy.

    Of the policy's tasks those with open evidence get one survey before the others.

    `values` (n,) of each cell by purpose, `shares` the share of the team-days for exploration and the floor of a
    district: the part of its `land_share` that it gets of the rest, whatever its ranks. Days that exploration cannot
    use go to the rest.
    """
    kinds, tasks = len(work.capacity), len(work.purpose)
    spent = Spent(np.zeros((kinds, tasks)), np.zeros((kinds, tasks)), np.ones(len(work.rows)))
    spent = _audit(work, spent)
    rest = np.maximum(work.capacity - spent.days.sum(axis=1), 0)
    explore = np.minimum(shares[0] * work.capacity, rest)
    spent = _more(work, spent, values[EXPLORE], np.flatnonzero(work.purpose == EXPLORE), explore, greedy, 1)
    rest = np.maximum(work.capacity - spent.days.sum(axis=1), 0)
    survey = np.flatnonzero(work.purpose == SURVEY)
    spent = _more(work, spent, values[SURVEY], survey[work.urgent[survey]], rest, greedy, 1)
    rest = np.maximum(work.capacity - spent.days.sum(axis=1), 0)
    for district, share in sorted(land_share.items()) if shares[1] > 0 else ():
        in_district = survey[work.district[survey] == district]
        spent = _more(work, spent, values[SURVEY], in_district, shares[1] * share * rest, rule, most_passes)
    rest = np.maximum(work.capacity - spent.days.sum(axis=1), 0)
    if rule is in_order:
        survey = survey[spent.passes[:, survey].sum(axis=0) < 1 - 1e-9]
    return _more(work, spent, values[SURVEY], survey, rest, rule, most_passes)


def without(work: SeasonWork, spent: Spent, gone: Flags) -> Spent:
    """`spent` without the work of some kinds on some tasks, `gone` (K, T).

    What another kind finds in the same task stays as it was reckoned.
    """
    if not gone.any():
        return spent
    idle = np.asarray(gone.any(axis=0) & ~((spent.days > 0) & ~gone).any(axis=0))
    left = np.where(idle[work.task], 1.0, spent.left)
    return Spent(np.where(gone, 0.0, spent.passes), np.where(gone, 0.0, spent.days), left)


def in_whole_visits(days: Floats, task: Integers, purpose: NDArray[np.object_], least_days: float) -> Floats:
    """`days` (K, n) of cells such that one survey of a task takes `least_days` at least: a team goes for that long.

    Check cells keep their days, because several of them are visited in one go.
    """
    factor = np.ones_like(days)
    for kind, row in enumerate(days):
        able = np.isfinite(row)
        total = np.bincount(task[able], row[able], len(purpose))
        short = (total > 0) & (total < least_days) & (purpose != AUDIT)
        factor[kind] = np.where(short, least_days / np.where(short, total, 1.0), 1.0)[task]
    return np.asarray(days * factor)


def _audit(work: SeasonWork, spent: Spent) -> Spent:
    tasks = np.flatnonzero(work.purpose == AUDIT)
    if not len(tasks):
        return spent
    passes, days, left = spent.passes.copy(), spent.days.copy(), spent.left.copy()
    passes[work.audit_kind[tasks], tasks] = 1
    cells = np.flatnonzero(np.isin(work.task, tasks))
    kind = work.audit_kind[work.task[cells]]
    np.add.at(days, (kind, work.task[cells]), work.days[kind, cells])
    left[cells] = 1 - work.detection[kind]
    return Spent(passes, days, left)


def _more(
    work: SeasonWork, spent: Spent, value: Floats, tasks: Integers, capacity: Floats, rule: Rule, most_passes: int
) -> Spent:
    """`spent` with `capacity` (K,) further team-days in some `tasks`."""
    if not len(tasks) or not len(capacity):
        return spent
    jobs, cells = work.jobs(value, tasks)
    allocation = allocate(jobs, capacity, rule, most_passes, spent.left[cells])
    passes, days, left = spent.passes.copy(), spent.days.copy(), spent.left.copy()
    passes[:, tasks] += allocation.passes
    days[:, tasks] += allocation.days(jobs)
    left[cells] = allocation.left
    return replace(spent, passes=passes, days=days, left=left)


def rule_of(policy: str) -> Rule:
    """The rule by which a policy's plan spends the days."""
    return RULES[WORTH[policy].rule]
