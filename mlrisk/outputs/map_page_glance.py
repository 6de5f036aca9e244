"""The first screen of the map page: answers to the questions of a director, in words."""

from typing import Any

import numpy as np

from mlrisk.outputs.map_page_words import PageWords
from mlrisk.outputs.task_words import NO_PLAN, PlanScope, figure, teams_text
from mlrisk.outputs.wording import policy_text
from mlrisk.risk_map import Language, Package
from training.evidence import NON_TECHNICAL_SURVEY, WORKS


def first_screen(package: Package, words: PageWords) -> list[tuple[list[str], list[str]]]:
    """Questions and answers in every language: date of data, policy, teams, results of the plan, and area."""
    notes = package.notes
    return [
        (words.entries("Data up to"), [language.day(notes.as_of) for language in words.languages]),
        (words.entries("Ranked by"), [policy_text(notes.policy, language.say) for language in words.languages]),
        (words.entries("Teams"), _teams(package, words)),
        (words.entries("What the plan brings"), _brings(package, words)),
        (words.entries("Area"), _area(package, words)),
    ]


def _teams(package: Package, words: PageWords) -> list[str]:
    totals: Any = package.plan.get("totals", {})
    capacity = {name: days for name, days in totals.get("capacity_by_asset", {}).items() if days > 0}
    if not capacity:
        return words.entries("teams not stated" if PlanScope.of(package).planned else NO_PLAN)
    return ["; ".join(_capacity(capacity, language)) for language in words.languages]


def _capacity(capacity: dict[str, float], language: Language) -> list[str]:
    return [
        language.say("{teams}: {days} team-days").format(
            teams=teams_text(name, language.say), days=language.figures(figure(days))
        )
        for name, days in capacity.items()
    ]


def _brings(package: Package, words: PageWords) -> list[str]:
    totals: Any = package.plan.get("totals", {})
    if not totals.get("tasks_planned"):
        return words.entries(NO_PLAN if not PlanScope.of(package).planned else "nothing is planned")
    days, finds = figure(float(totals["team_days"])), figure(float(totals["expected_found_cells"]), 2)
    if not np.isfinite(totals["expected_found_cells"]):
        return words.entries("{days} team-days; how many cells hold EO is not known", days=days)
    averted = float(totals.get("casualties_averted_per_year", np.nan))
    whole = float(package.risk["casualties_per_year"].sum(min_count=1))
    if not np.isfinite(averted + whole):
        return words.entries("{days} team-days: about {finds} cells with EO", days=days, finds=finds)
    return words.entries(
        "{days} team-days: about {finds} cells with EO, {averted} victims a year averted of {all}",
        days=days, finds=finds, averted=figure(averted, 2), all=figure(whole, 2),
    )  # fmt: skip


def _area(package: Package, words: PageWords) -> list[str]:
    """The whole area and its four parts, which add up to it."""
    risk, km2 = package.risk, package.grid.cell_size_m**2 / 1e6
    released = risk["released"].to_numpy(dtype=bool)
    on_record = ~released & risk["work"].isin(set(WORKS) - {NON_TECHNICAL_SURVEY}).to_numpy()
    new = ~released & ~on_record
    ranked = new & risk["rank"].notna().to_numpy()
    parts = {"all": np.ones(len(risk), bool), "ranked": ranked, "no_basis": new & ~ranked, "released": released,
             "on_record": on_record}  # fmt: skip
    numbers = {name: f"{int(part.sum()) * km2:,.0f}" for name, part in parts.items()}
    return words.entries(
        "{all} km²: ranked {ranked}, no basis to rank {no_basis}, released {released}, on record {on_record}", **numbers
    )
