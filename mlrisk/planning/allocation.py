"""Allocation of effort: which kind of team surveys which task how often, within the team-days available."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np

from features.base import Floats, Integers

# All orders of up to four kinds are tried; with more, the kinds that can work least ground come first.
MOST_TRIED = 4
# A survey is divided into this many parts: its first lanes lie so many times as far apart, later ones fill the gaps.
PARTS = 4


@dataclass(frozen=True, eq=False, kw_only=True)
class Jobs:
    """Input of an allocation: n cells lie in T tasks, and there are K kinds of teams.

    `task` (n,) is the task of each cell, `value` (n,) the value of finding the ordnance in it, `days` (K, n) the
    team-days of one survey of the cell by each kind, inf where that kind cannot work. `detection` (K,) is the
    probability that one survey finds an item. `order` (T,) is the place of each task in the policy's order. A kind goes
    to a task for `least_days` at least, or not at all.
    """

    task: Integers
    value: Floats
    days: Floats
    detection: Floats
    order: Integers
    least_workable_share: float = 0.0
    least_days: float = 0.0

    @property
    def n_tasks(self) -> int:
        """T."""
        return len(self.order)


@dataclass(frozen=True, eq=False)
class Allocation:
    """How much effort each task gets.

    `passes` (K, T) counts the surveys of each task by each kind, fractions where only part of the ground is covered;
    `left` (n,) is the probability that an item in a cell is not found.
    """

    passes: Floats
    left: Floats

    def days(self, jobs: Jobs) -> Floats:
        """Team-days, (K, T)."""
        return np.asarray(self.passes * _task_days(jobs))

    def value(self, jobs: Jobs) -> float:
        """Expected value of the finds."""
        return float(((1 - self.left) * jobs.value).sum())


# Passes (T,) from the value left in each task (T,), its days a pass (T,), the detection, capacity in days, most passes,
# the policy's order (T,) and the least days of a task. Tasks that cannot be worked have no value.
Rule = Callable[[Floats, Floats, float, float, int, Integers, float], Floats]


def greedy(
    value: Floats, days: Floats, detection: float, capacity: float, most_passes: int, order: Integers,
    least_days: float = 0.0,
) -> Floats:  # fmt: skip
    """Take, one after another, the part of a survey that finds most a day; the last one as far as the days go.

    A survey comes in PARTS of ever denser lanes, each of which finds the same share of what the earlier ones left, so
    the parts of a task are in order by themselves. As many as `least_days` takes come together. Effort lowers the
    return of its own ground alone, so one sort replaces a greedy search. Dantzig (1957): this is optimal.
    """
    number = np.arange(most_passes * PARTS)
    part = part_detection(detection)
    gain = value[:, None] * part * (1 - part) ** number
    size = np.ones_like(gain)
    size[:, 0] = np.clip(np.ceil(least_days * PARTS / days - 1e-9), 1, len(number))
    gain[:, 0] = np.where(number < size[:, :1], gain, 0).sum(axis=1)
    size[(number > 0) & (number < size[:, :1])] = 0
    pieces = Pieces(np.where(size > 0, gain, 0), size * days[:, None] / PARTS, size / PARTS)
    task, repeat = np.broadcast_arrays(order[:, None], number)
    by_rate = np.lexsort((task.ravel(), repeat.ravel(), -pieces.rate.ravel()))
    return _fill(by_rate, pieces, capacity, least_days)


def part_detection(detection: float) -> float:
    """Probability that one part of a survey finds an item which a whole survey finds with probability `detection`.

    A part leaves the share (1 - detection)^(1 / PARTS) of the items (Koopman 1957).


    >>> round(1 - (1 - part_detection(0.8)) ** PARTS, 12)
    0.8
    """
    return float(1 - (1 - detection) ** (1 / PARTS))


def in_order(
    value: Floats, days: Floats, detection: float, capacity: float, most_passes: int, order: Integers,
    least_days: float = 0.0,
) -> Floats:  # fmt: skip
    """One pass of each task in the policy's order, until the days are spent."""
    del detection, most_passes
    pieces = Pieces(value[:, None], days[:, None], np.ones((len(days), 1)))
    return _fill(np.argsort(order, kind="stable"), pieces, capacity, least_days)


def koopman(
    value: Floats, days: Floats, detection: float, capacity: float, most_passes: int, order: Integers,
    least_days: float = 0.0,
) -> Floats:  # fmt: skip
    """The effort that finds most if items decline as exp(-a z) with effort z (Koopman 1957; Stone 1975).

    z = max(0, ln(value a / (days L)) / a), at most `most_passes`, with a = -ln(1 - detection) and L such that the
    days are spent. More days only add effort: it is optimal at every moment. Of the tasks that would take less than
    `least_days`, the half that takes least is left to the others, until there is none.
    """
    del order
    value = value.copy()
    while True:
        effort = _koopman(value, days, detection, capacity, most_passes)
        short = np.flatnonzero((effort > 0) & (effort * days < least_days - 1e-9))
        if not len(short):
            return effort
        value[short[np.argsort((effort * days)[short], kind="stable")][: (len(short) + 1) // 2]] = 0.0


def _koopman(value: Floats, days: Floats, detection: float, capacity: float, most_passes: int) -> Floats:
    effort = np.zeros(len(value))
    rows = np.flatnonzero(value > 0)
    if not len(rows) or capacity <= 0:
        return effort
    a = -np.log1p(-detection)
    start = np.log(value[rows] * a / days[rows])
    # Days spent are linear in ln L between the levels at which tasks start and are full.
    levels = np.concatenate([start, start - a * most_passes])
    slope = np.concatenate([days[rows], -days[rows]]) / a
    down = np.argsort(-levels, kind="stable")
    levels, slope = levels[down], np.cumsum(slope[down])
    spent = np.concatenate([[0.0], np.cumsum(slope[:-1] * -np.diff(levels))])
    last = int(np.searchsorted(spent, capacity, "right")) - 1
    level = levels[last]
    if last + 1 < len(levels):
        # Never beyond the next level: if no task is in progress the slope is zero but for rounding.
        level = max(levels[last + 1], level - (capacity - spent[last]) / max(slope[last], 1e-300))
    effort[rows] = np.clip((start - level) / a, 0, most_passes)
    return effort


def allocate(jobs: Jobs, capacity: Floats, rule: Rule, most_passes: int, left: Floats | None = None) -> Allocation:
    """Spend `capacity` (K,) team-days; `left` (n,) is the share that earlier surveys of the season did not find.

    One kind after the other takes the best tasks for it, given the items that the kinds before it left; the order of
    kinds that finds most is kept. Each kind spends its days optimally and leaves to the next exactly the items that it
    did not find, so more days of any kind never find less.
    """
    start = Allocation(np.zeros((len(capacity), jobs.n_tasks)), np.ones(len(jobs.task)) if left is None else left)
    tried = (_one_order(jobs, capacity, rule, most_passes, start, order) for order in _orders(jobs, capacity))
    best, most = start, -np.inf
    for allocation in tried:
        value = allocation.value(jobs)
        if value > most * (1 + 1e-12) + 1e-300 or best is start:
            best, most = allocation, value
    return best


def _one_order(
    jobs: Jobs, capacity: Floats, rule: Rule, most_passes: int, start: Allocation, order: tuple[int, ...]
) -> Allocation:
    passes, left = start.passes.copy(), start.left.copy()
    days = _task_days(jobs)
    cells = np.bincount(jobs.task, minlength=jobs.n_tasks)
    for kind in order:
        able = np.isfinite(jobs.days[kind])
        value = _total(jobs.task[able], (left * jobs.value)[able], jobs.n_tasks)
        share = np.bincount(jobs.task[able], minlength=jobs.n_tasks) / np.maximum(cells, 1)
        fit = np.flatnonzero((days[kind] > 0) & (share >= jobs.least_workable_share) & (value > 0))
        chosen = rule(
            value[fit], days[kind][fit], float(jobs.detection[kind]), float(capacity[kind]), most_passes,
            jobs.order[fit], jobs.least_days,
        )  # fmt: skip
        passes[kind, fit] += chosen
        spread = np.zeros(jobs.n_tasks)
        spread[fit] = chosen
        left[able] *= _unfound(spread, float(jobs.detection[kind]), rule)[jobs.task[able]]
    return replace(start, passes=passes, left=left)


def _unfound(passes: Floats, detection: float, rule: Rule) -> Floats:
    """Share of items not found after `passes` surveys (T,); the last, unfinished part counts by its ground."""
    if rule is koopman:
        return np.asarray((1 - detection) ** passes)
    part, parts = part_detection(detection), passes * PARTS
    whole = np.floor(parts + 1e-9)
    return np.asarray((1 - part) ** whole * (1 - part * np.clip(parts - whole, 0, 1)))


def _task_days(jobs: Jobs) -> Floats:
    """Days of one pass of each kind over the ground that it can work, (K, T)."""
    able = np.isfinite(jobs.days)
    sums = [_total(jobs.task[here], days[here], jobs.n_tasks) for days, here in zip(jobs.days, able, strict=True)]
    return np.array(sums).reshape(len(jobs.days), jobs.n_tasks)


def _total(task: Integers, values: Floats, count: int) -> Floats:
    return np.bincount(task, values, count).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Pieces:
    """Pieces of the surveys of T tasks, P of each in their order, (T, P): their gain, days and passes."""

    gain: Floats
    days: Floats
    passes: Floats

    @property
    def rate(self) -> Floats:
        """Gain a day, 0 for pieces of no size."""
        return self.gain / np.where(self.days > 0, self.days, 1.0)


def _fill(order: Integers, pieces: Pieces, capacity: float, least_days: float) -> Floats:
    """Passes (T,) when pieces are taken in `order` until the days are spent; no task gets less than `least_days`.

    Days that are too few to begin a task go on with those that were started.
    """
    task, number = order // pieces.gain.shape[1], order % pieces.gain.shape[1]
    cost = np.where(pieces.gain > 0, pieces.days, 0.0).ravel()[order]
    part = _taken(cost, capacity)
    short = np.flatnonzero((part > 0) & (part < 1) & (number == 0) & (part * cost < least_days - 1e-9))
    if len(short):
        started = np.zeros(len(pieces.gain), dtype=bool)
        started[task[: short[0]]] = True
        part[short] = 0.0
        rest = capacity - (part * cost).sum()
        later = (np.arange(len(order)) > short[0]) & (number > 0) & started[task]
        part += _taken(np.where(later, cost, 0.0), rest)
    return _total(task, part * pieces.passes.ravel()[order], len(pieces.gain))


def _taken(cost: Floats, capacity: float) -> Floats:
    """The share of each piece that is taken, one after the other, until the days are spent."""
    before = np.cumsum(cost) - cost
    return np.clip((capacity - before) / np.where(cost > 0, cost, 1.0), 0, 1) * (cost > 0)


def _orders(jobs: Jobs, capacity: Floats) -> list[tuple[int, ...]]:
    kinds = [kind for kind in range(len(capacity)) if capacity[kind] > 0]
    kinds.sort(key=lambda kind: (int(np.isfinite(jobs.days[kind]).sum()), kind))
    return list(permutations(kinds)) if len(kinds) <= MOST_TRIED else [tuple(kinds)]


RULES: dict[str, Rule] = {"greedy": greedy, "in_order": in_order, "koopman": koopman}
