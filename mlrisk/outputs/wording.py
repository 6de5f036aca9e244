"""Texts that every file carries about itself, and the meaning of its columns."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.base import NOT_EVIDENCE, InputError
from mlrisk.risk_map import Language, Notes, language

if TYPE_CHECKING:
    import pandas as pd

    from mlrisk.risk_map import Package


# A fixed text in the language of the file, by its English.
Say = Callable[[str], str]


POLICY_TEXTS = {
    "contamination": "probability of EO",
    "casualty": "victims expected if nothing is done",
    "harm_per_day": "victims averted per team-day",
    "search": "finds per team-day",
    "authority": "the authority's order of priority",
    "explore": "what survey would teach the map",
    "prior": "rules of the field, not learned here",
}


@dataclass(frozen=True)
class TaskColumn:
    """A column of the survey tasks: its heading, its unit (empty for none) and its meaning."""

    name: str
    label: str
    unit: str
    text: str


TASK_COLUMNS = (
    TaskColumn("rank", "Rank", "", "Order within the kind of work: 1 is first."),
    TaskColumn("work", "Work", "", "Kind of work: non-technical survey, technical survey or clearance (IMAS)."),
    TaskColumn("task_id", "Task", "", "Number of the task in this map."),
    TaskColumn("district", "District", "", "District that holds the task."),
    TaskColumn("longitude", "Longitude", "degrees, WGS 84", "A point on the task, degrees east."),
    TaskColumn("latitude", "Latitude", "degrees, WGS 84", "A point on the task, degrees north."),
    TaskColumn("easting_m", "Easting", "m, grid of the map", "The same point in the coordinate system of the map."),
    TaskColumn("northing_m", "Northing", "m, grid of the map", "The same point in the coordinate system of the map."),
    TaskColumn("mgrs", "MGRS", "", "The same point in the Military Grid Reference System, to a metre."),
    TaskColumn("area_m2", "Area", "m²", "Area that one team surveys as one job."),
    TaskColumn("cells", "Cells", "", "Number of map cells in the task."),
    TaskColumn(
        "contamination",
        "Contamination",
        "probability, 0 to 1",
        "Mean probability that survey would find explosive ordnance (EO) in a cell of the task.",
    ),
    TaskColumn(
        "expected_finds",
        "Cells expected to hold EO",
        "cells",
        "Number of its cells in which explosive ordnance (EO) is expected and not found yet; in areas on record all.",
    ),
    TaskColumn("open_evidence_cells", "Cells with open evidence", "cells", "A find or accident that no area covers."),
    TaskColumn(
        "casualties_per_year",
        "Casualty risk",
        "people per year",
        "Killed and injured people to be expected in a year if nothing is done.",
    ),
    TaskColumn(
        "purpose",
        "Purpose",
        "",
        "survey: by the policy; explore: where survey teaches the map most; audit: drawn at random, to tell what the "
        "map misses.",
    ),
    TaskColumn("planned", "Planned", "1 or 0", "1 where the season's teams get to it."),
    TaskColumn("plan_order", "Order in the plan", "", "1 is done first; empty where it is not planned."),
    TaskColumn("week", "Week", "", "Week of the season in which it begins; empty where it has no place in the season."),
    TaskColumn("last_week", "Last week", "", "Week of the season in which it ends."),
    TaskColumn("team", "Team", "", "Who does it by name or number."),
    TaskColumn("begins", "Begins", "date", "First day of it; empty without a start date (ranking.plan.start)."),
    TaskColumn("ends", "Ends", "date", "Last day of it."),
    TaskColumn("asset", "Teams", "", "Who is planned to do it; who suits it where it is not planned."),
    TaskColumn("team_days", "Team-days", "days", "Planned days of one team in half days, daily travel included."),
    TaskColumn("teams", "Number of teams", "", "Teams that it takes to end within the season."),
    TaskColumn(
        "passes",
        "Surveys",
        "",
        "How often its ground is surveyed in the season; below 1 with lanes that much further apart.",
    ),
    TaskColumn("cost", "Cost", "as configured", "Team-days times the cost of a day."),
    TaskColumn("expected_found", "Cells expected to be found", "cells", "What this season's survey should find."),
    TaskColumn(
        "casualties_averted",
        "Casualties averted",
        "people per year",
        "Casualties a year that the finds of this survey take away; one survey where the task is not planned.",
    ),
    TaskColumn("casualties_averted_low", "Casualties averted, low", "people per year", "Lower end of its interval."),
    TaskColumn("casualties_averted_high", "Casualties averted, high", "people per year", "Upper end of its interval."),
    TaskColumn("out_of_domain_share", "Out of domain", "share, 0 to 1", "Share of it where there is no basis to rank."),
    TaskColumn("stability", "Stability", "share, 0 to 1", "How many of the model's resampled members plan it too."),
    TaskColumn("inclusion_prob", "Sampling probability", "0 to 1", "Of an audit cell; empty for other tasks."),
    TaskColumn("access_note", "Access", "", "Roads, settlements and slope. Not for planning routes."),
    TaskColumn("priority", "Priority", "score", "Score of the ranking policy; its order matters, not its size."),
    TaskColumn("reason_1", "Reason 1", "", "What weighs most in the ranking of this task."),
    TaskColumn("reason_2", "Reason 2", "", "What weighs second."),
    TaskColumn("reason_3", "Reason 3", "", "What weighs third."),
)

HOW_TO_READ = (
    NOT_EVIDENCE,
    (
        "The map ranks where to send a survey team first. It does not cancel, reduce or release land: only the "
        "authority does, by a recorded decision."
    ),
    (
        "It is one input to the desk assessment inside non-technical survey, made for accredited planners. It is "
        "not for planning routes."
    ),
    "Land that nobody searched is unknown. Where the model has no basis to rank, the map says so and gives no rank.",
)


def check_columns(table: pd.DataFrame, names: tuple[str, ...], what: str) -> None:
    """Raise InputError, with the missing names, unless `table` has every column of `names`."""
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise InputError(f"{what} has no column {', '.join(missing)}: it must have {', '.join(names)}")


def models_text(notes: Notes) -> str:
    """Models and versions in one line."""
    return "; ".join(f"{model.name} version {model.version} ({model.target})" for model in notes.models) or "none"


def notes_record(notes: Notes) -> dict[str, object]:
    """The notes as plain JSON values."""
    return {
        "not_evidence": NOT_EVIDENCE,
        "country": notes.country,
        "as_of": notes.as_of.isoformat(),
        "policy": notes.policy,
        "models": [
            {"target": model.target, "name": model.name, "version": model.version, "digest": model.digest}
            for model in notes.models
        ],
        "inputs": dict(sorted(notes.inputs.items())),
        "not_included": list(notes.not_included),
        "warnings": list(notes.warnings),
        **({"basis": notes.basis} if notes.basis else {}),
    }


def notes_tags(notes: Notes) -> dict[str, str]:
    """The notes as text under short keys, for formats whose metadata is a list of keys."""
    return {
        "not_evidence": NOT_EVIDENCE,
        "country": notes.country,
        "as_of": notes.as_of.isoformat(),
        "policy": notes.policy,
        "models": models_text(notes),
        "not_included": "; ".join(notes.not_included) or "nothing noted",
        "warnings": "; ".join(notes.warnings) or "none",
        **({"basis": notes.basis} if notes.basis else {}),
        "mlrisk": notes_json(notes),
    }


def notes_json(notes: Notes) -> str:
    """The notes as one JSON text with a fixed order of keys."""
    return json.dumps(notes_record(notes), ensure_ascii=False, sort_keys=True)


def policy_text(policy: str, say: Say = str) -> str:
    """The criterion of the order in words; an unknown policy by its name."""
    return say(POLICY_TEXTS.get(policy, policy.replace("_", " ")))


def notes_lines(notes: Notes, words: Language | None = None) -> list[str]:
    """The notes as sentences in a language, English if none is given; the most important first."""
    words = words or language("en")
    say = words.say
    known = say("Country: {country}. Data up to {date}. Ranked by: {policy}.")
    return [
        say(NOT_EVIDENCE),
        *([say(notes.basis)] if notes.basis else []),
        known.format(country=notes.country, date=words.day(notes.as_of), policy=policy_text(notes.policy, say)),
        say("Models: {models}.").format(models=models_text(notes)),
        *(say("Not available: {what}").format(what=say(text)) for text in notes.not_included),
        *(say("Warning: {what}").format(what=say(text)) for text in notes.warnings),
    ]


def first_language(package: Package) -> Language:
    """The language in which files of one language are written."""
    return language(package.languages[0])


def speaker(package: Package) -> Say:
    """A function that gives fixed texts by their English in the first language of the package, as printed."""
    return first_language(package).say


def heading(about: TaskColumn, say: Say = str) -> str:
    """The heading of a column, with its unit."""
    return f"{say(about.label)} ({say(about.unit)})" if about.unit else say(about.label)
