"""Words for the parts of a plan: ranking policies, kinds of work, teams, and reasons why a task is not planned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlrisk.outputs.wording import Say
from training.evidence import CLEARANCE, NON_TECHNICAL_SURVEY, TECHNICAL_SURVEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlrisk.risk_map import Package

WORK_TEXTS = {
    NON_TECHNICAL_SURVEY: "non-technical survey",
    TECHNICAL_SURVEY: "technical survey",
    CLEARANCE: "clearance",
}
TEAM_TEXTS = {
    "nts_teams": "survey teams",
    "dogs": "dogs",
    "machines": "machines",
    "deminers": "deminers",
    "rats": "rats",
}
# The purpose `survey` is the normal one and needs no word besides the kind of work.
PURPOSE_TEXTS = {"survey": "by rank", "explore": "learning task", "audit": "check task"}
NO_PLAN = "No plan: no teams were entered"
NO_TEAM_OF_WORK = "Not planned: no team for this kind of work was entered"
NO_TEAM_FOR_GROUND = "Not planned: no team can work this ground (access, slope or land use)"
BEYOND_CAPACITY = "Not planned: beyond this season's capacity"


@dataclass(frozen=True)
class PlanScope:
    """Whether teams were entered at all, and the kinds of work for which there are teams."""

    planned: bool
    works: frozenset[str]

    @classmethod
    def of(cls, package: Package) -> PlanScope:
        """The scope of the plan of a package."""
        totals: Any = package.plan.get("totals", {})
        entered = sum(totals.get("capacity_by_asset", {}).values()) > 0
        tasks = package.tasks
        suited = tasks["asset"].astype(str).ne("").to_numpy(dtype=bool)
        return cls(
            planned=bool(entered or tasks["planned"].to_numpy(dtype=bool).any()),
            works=frozenset(tasks["work"].to_numpy(dtype=object)[suited]),
        )

    def reason_not_planned(self, task: Mapping[Any, Any]) -> str:
        """The reason why a task is not in the plan, in English."""
        if not self.planned:
            return NO_PLAN
        if task["asset"]:
            return BEYOND_CAPACITY
        return NO_TEAM_FOR_GROUND if task["work"] in self.works else NO_TEAM_OF_WORK


def work_text(work: str, say: Say = str) -> str:
    """The kind of work by its IMAS name."""
    return say(WORK_TEXTS.get(work, work.replace("_", " ")))


def purpose_text(purpose: str, say: Say = str) -> str:
    """The reason why a task is in the plan: its rank, learning, or a check of the map."""
    return say(PURPOSE_TEXTS.get(purpose, purpose))


def teams_text(asset: str, say: Say = str) -> str:
    """Kinds of teams in words, such as machines and dogs; empty if there are none.

    >>> teams_text("machines + dogs")
    'machines and dogs'
    """
    names = [say(TEAM_TEXTS.get(name, name.replace("_", " "))) for name in str(asset).split(" + ") if name]
    return f" {say('and')} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def team_text(team: str, say: Say = str) -> str:
    """The names of teams as people say them; a numbered one by the words of its kind.

    >>> team_text("dogs 2 + machines 1"), team_text("Alpha")
    ('dogs 2 and machines 1', 'Alpha')
    """
    names = []
    for name in str(team).split(" + ") if team else ():
        kind, _, number = name.rpartition(" ")
        names.append(f"{say(TEAM_TEXTS[kind])} {number}" if kind in TEAM_TEXTS and number.isdigit() else name)
    return f" {say('and')} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def plan_text(task: Mapping[Any, Any], scope: PlanScope, say: Say = str) -> str:
    """The place of a task in the plan, in the words of `say`."""
    if not task["planned"]:
        return say(scope.reason_not_planned(task))
    what = work_text(str(task["work"]), say)
    if task["purpose"] != "survey":
        what = f"{what} ({purpose_text(str(task['purpose']), say)})"
    text = say("No. {number} in the plan: {what}, {teams}, {days} team-days")
    days = say(figure(float(task["team_days"])))
    return text.format(number=int(task["plan_order"]), what=what, teams=teams_text(task["asset"], say), days=days)


def figure(value: float, digits: int = 3) -> str:
    """A number for people: at most `digits` significant digits, no exponent; `unknown` for a missing one.

    >>> figure(13.4567), figure(0.000071234, 2), figure(12345.0), figure(float("nan"))
    ('13.5', '0.000071', '12,300', 'unknown')
    """
    if not np.isfinite(value):
        return "unknown"
    rounded = float(f"{value:.{digits}g}")
    if abs(rounded) >= 1000:
        return f"{rounded:,.0f}"
    return np.format_float_positional(rounded, trim="-")


def share(value: float) -> str:
    """A share in per cent with at most three digits.

    >>> share(0.38123), share(0.0004)
    ('38.1 %', '0.04 %')
    """
    return f"{figure(100 * value)} %" if np.isfinite(value) else "unknown"


def task_number(task: Mapping[Any, Any], scope: PlanScope) -> int | None:
    """The number on pins, sheets and in tables: that of the plan if there is one, else the rank."""
    if not scope.planned:
        return int(task["rank"])
    return int(task["plan_order"]) if task["planned"] else None


def task_name(task: Mapping[Any, Any], scope: PlanScope, say: Say = str) -> str:
    """The heading of a task: its number in the plan, else its rank within the list of work."""
    number, work = task_number(task, scope), work_text(str(task["work"]), say)
    if scope.planned and number is not None:
        return say("No. {number} in the plan").format(number=number)
    return say("{work}, rank {rank}").format(work=work, rank=int(task["rank"]))


def short_name(task: Mapping[Any, Any], scope: PlanScope, say: Say = str) -> str:
    """The name of a task on a device: its number and the nearest place, else the district."""
    number, where = task_number(task, scope), str(task.get("place") or task["district"])
    return f"{number} {where}".strip() if number is not None else f"{task_name(task, scope, say)} {where}".strip()


def size_text(task: Mapping[Any, Any], say: Say = str) -> str:
    """How large a task is.

    >>> size_text({"area_m2": 62_500.0, "cells": 1}), size_text({"area_m2": 125_000.0, "cells": 2})
    ('6.25 ha in 1 cell', '12.5 ha in 2 cells')
    """
    number = int(task["cells"])
    text = say("{area} ha in 1 cell") if number == 1 else say("{area} ha in {cells} cells")
    return text.format(area=say(figure(task["area_m2"] / 10_000)), cells=number)
