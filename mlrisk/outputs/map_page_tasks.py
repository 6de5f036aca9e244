"""Survey tasks on the map page: outlines, facts in words, and totals of the lists."""

import json
from datetime import date, timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from mlrisk.outputs.map_page_overlays import polygon_rings
from mlrisk.outputs.map_page_words import PageWords
from mlrisk.outputs.task_words import (
    PURPOSE_TEXTS,
    WORK_TEXTS,
    PlanScope,
    figure,
    plan_text,
    share,
    size_text,
    task_name,
    task_number,
    team_text,
    teams_text,
)
from mlrisk.outputs.tasks_by_rank import tasks_by_rank
from mlrisk.risk_map import EVIDENCE_CODES, Package
from training.evidence import WORKS

# A page with more rows is slow to sort on an office laptop; the CSV and XLSX files hold every task.
MOST_TASKS = 2_000
KNOWN = "EO in {found} cells, surveyed without a find {searched}, not surveyed {unknown}"

CHANGE = (
    "survey of its {unknown} cells that nobody looked at: a find moves it and its neighbours up, a search without one "
    "moves them down"
)


def page_tasks(package: Package) -> gpd.GeoDataFrame:
    """The tasks of the page by work and in the order of their numbers: planned ones first, then by rank.

    If there are more than MOST_TASKS, only the planned ones and the first of each list.
    """
    tasks = tasks_by_rank(package)
    order = tasks["plan_order"].astype("Float64").to_numpy(dtype=np.float64, na_value=np.inf)
    first = np.lexsort((tasks["rank"].to_numpy(), order))[:MOST_TASKS]
    work = tasks["work"].map(WORKS.index).to_numpy(dtype=np.int64)
    kept = first[np.argsort(work[first], kind="stable")]
    return tasks.iloc[kept].reset_index(drop=True)


def task_records(package: Package, words: PageWords) -> list[dict[str, Any]]:
    """The facts on each task of `page_tasks`, in every language of the page."""
    tasks, scope = page_tasks(package), PlanScope.of(package)
    places, rings = nearest_places(package, tasks), [polygon_rings(shape) for shape in tasks.geometry]
    bounds = tasks.geometry.bounds.to_numpy().round(1).tolist()
    rows = tasks.drop(columns=tasks.geometry.name).to_dict("records")
    known = _evidence(package)
    return [
        _record(row, scope, known.get(int(row["task_id"]), {}), words) | {"place": place, "bounds": box, "rings": ring}
        for row, box, place, ring in zip(rows, bounds, places, rings, strict=True)
    ]


def nearest_places(package: Package, tasks: gpd.GeoDataFrame) -> list[str]:
    """The name of the nearest named settlement to each task in a straight line; empty if no settlement has a name."""
    towns = package.layers.get("settlements")
    if towns is None or "name" not in towns.columns or tasks.empty:
        return [""] * len(tasks)
    named = towns[towns["name"].notna() & towns.geometry.notna() & ~towns.geometry.is_empty]
    if named.empty:
        return [""] * len(tasks)
    points = gpd.GeoSeries(shapely.point_on_surface(np.asarray(named.geometry.values, dtype=object)), crs=tasks.crs)
    task, town = points.sindex.nearest(tasks.geometry.representative_point(), return_all=False)
    nearest = dict(zip(task.tolist(), town.tolist(), strict=True))
    return [str(named["name"].iloc[nearest[number]]) for number in range(len(tasks))]


def _evidence(package: Package) -> dict[int, dict[str, int]]:
    """Numbers of found, searched and unknown cells of each task; tasks without cells are left out."""
    cells = package.risk[package.risk["task_id"].notna()]
    counts = pd.crosstab(cells["task_id"], cells["evidence"])
    return {int(task): {name: int(row.get(name, 0)) for name in EVIDENCE_CODES} for task, row in counts.iterrows()}


def _if_known(row: dict[Any, Any], evidence: dict[str, int], words: PageWords) -> dict[str, Any]:
    """Facts that not every package has: range, evidence, share without basis; None if they are missing."""
    low, high = row.get("contamination_low", np.nan), row.get("contamination_high", np.nan)
    outside = row.get("out_of_domain_share", 0.0)
    no_basis = words.entries("No basis to rank in {share} of the task", share=share(outside))
    return {
        "interval": words.entries(f"{figure(100 * low)} % to {figure(100 * high)} %")
        if np.isfinite(low + high)
        else None,
        "known": words.entries(KNOWN, **evidence) if evidence else None,
        "change": words.entries(CHANGE, unknown=evidence["unknown"]) if evidence.get("unknown") else None,
        "outside": no_basis if outside > 0 else None,
    }


def _record(row: dict[Any, Any], scope: PlanScope, evidence: dict[str, int], words: PageWords) -> dict[str, Any]:
    reasons = [
        _reasons(row, "" if place == 0 else f"_{language.code}") for place, language in enumerate(words.languages)
    ]
    days = float(row["team_days"]) if row["planned"] else np.nan
    finds, harm = float(row["expected_finds"]), float(row["casualties_per_year"])
    return {
        "work": WORKS.index(str(row["work"])),
        "rank": int(row["rank"]),
        "number": task_number(row, scope),
        "name": [task_name(row, scope, language.say) for language in words.languages],
        "task_id": int(row["task_id"]),
        "district": str(row["district"]),
        "planned": bool(row["planned"]),
        "purpose": str(row["purpose"]),
        "teams": str(row["asset"]) if row["planned"] else "",
        "teams_text": [
            teams_text(row["asset"], language.say) if row["planned"] else language.say("not planned")
            for language in words.languages
        ],
        **_when(row, words),
        "days": _or_none(days),
        "days_text": words.entries(figure(days)) if row["planned"] else [""] * len(words.languages),
        "area": [size_text(row, language.say) for language in words.languages],
        "cells": int(row["cells"]),
        "contamination": words.entries(share(float(row["contamination"]))),
        **_if_known(row, evidence, words),
        "finds": _or_none(finds),
        "finds_text": words.entries(figure(finds, 2)),
        "casualties": _or_none(harm),
        "casualties_text": words.entries(figure(harm, 2)),
        "plan": [plan_text(row, scope, language.say) for language in words.languages],
        "access": str(row["access_note"] or ""),
        "reasons": reasons,
        "parts": list(json.loads(row.get("contributions") or "{}").items()),
        "wgs84": f"{row['latitude']:.5f}, {row['longitude']:.5f}",
        "mgrs": row["mgrs"],
        "x": float(row["easting_m"]),
        "y": float(row["northing_m"]),
    }


def _when(row: dict[Any, Any], words: PageWords) -> dict[str, Any]:
    """The weeks of a task (None without a place in the season), its teams, and both in words with the dates."""
    if pd.isna(row["week"]):
        return {"week": None, "last_week": None, "begins": "", "team_text": [""] * len(words.languages),
                "when": None}  # fmt: skip
    first, last = int(row["week"]), int(row["last_week"])
    numbers = f"{first}" if first == last else f"{first} - {last}"
    texts = []
    for language in words.languages:
        days = [language.day(date.fromisoformat(row[name])) for name in ("begins", "ends") if row[name]]
        dates = f" ({' - '.join(dict.fromkeys(days))})" if days else ""
        texts.append(f"{numbers}{dates}, {team_text(row['team'], language.say)}")
    team = [team_text(row["team"], language.say) for language in words.languages]
    return {"week": first, "last_week": last, "begins": row["begins"], "team_text": team, "when": texts}


def _or_none(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


def _reasons(row: dict[Any, Any], ending: str) -> list[str]:
    """The reasons of a task in one language, or in the first language if it has none in this one."""
    texts = [str(row[f"reason_{number}{ending}"]) for number in (1, 2, 3) if row.get(f"reason_{number}{ending}")]
    return texts or (_reasons(row, "") if ending else [])


def task_choices(records: list[dict[str, Any]], words: PageWords) -> dict[str, list[tuple[str, list[str]]]]:
    """Choices of the table's filters: value and words of the districts, kinds of teams and purposes that occur."""
    districts = sorted({record["district"] for record in records} - {""})
    # A task of two kinds of teams is on the list of both.
    teams = sorted({kind for record in records for kind in record["teams"].split(" + ")} - {""})
    purposes = [name for name in PURPOSE_TEXTS if any(record["purpose"] == name for record in records)]
    return {
        "district": [(name, [name] * len(words.languages)) for name in districts],
        "teams": [(name, [teams_text(name, language.say) for language in words.languages]) for name in teams],
        "purpose": [(name, words.entries(PURPOSE_TEXTS[name])) for name in purposes],
        "week": _week_choices(records, words),
    }


def first_monday(records: list[dict[str, Any]]) -> date | None:
    """The Monday of the first week of the season; None where the plan has no dates."""
    dated = [record for record in records if record["begins"]]
    if not dated:
        return None
    day = date.fromisoformat(dated[0]["begins"])
    return day - timedelta(days=day.weekday() + 7 * (dated[0]["week"] - 1))


def _week_choices(records: list[dict[str, Any]], words: PageWords) -> list[tuple[str, list[str]]]:
    """The next week, where weeks have dates, then every week by its number and its Monday."""
    monday, last = first_monday(records), max((record["last_week"] or 0 for record in records), default=0)
    choices = []
    for number in range(1, last + 1):
        texts = words.entries("week {number}", number=number)
        if monday is not None:
            begins = monday + timedelta(weeks=number - 1)
            pairs = zip(texts, words.languages, strict=True)
            texts = [f"{text}: {language.day(begins)}" for text, language in pairs]
        choices.append((str(number), texts))
    return [("next", words.entries("next week")), *choices] if monday is not None else choices


def what_if(package: Package, words: PageWords) -> dict[str, Any] | None:
    """What the estimate for other teams needs, as the script names it; None without teams."""
    known: Any = package.plan.get("what_if")
    if not known:
        return None
    kinds = [
        {**kind, "texts": [teams_text(kind["name"], language.say) for language in words.languages]}
        for kind in known["kinds"]
    ]
    rule = {"wholeTasks": known["whole_tasks"], "mostPasses": known["most_passes"], "leastDays": known["least_days"]}
    return {"kinds": kinds, "tasks": known["tasks"], **rule}


def work_lists(package: Package, records: list[dict[str, Any]], words: PageWords) -> list[dict[str, Any]]:
    """The three lists of work: name, description, and whether they are empty."""
    risk, km2 = package.risk, package.grid.cell_size_m**2 / 1e6
    lists = []
    for number, work in enumerate(WORKS):
        ranked = int((risk["work"].eq(work) & risk["rank"].notna()).sum())
        tasks = [record for record in records if record["work"] == number]
        holds = words.entries(
            "{area} km² ranked, {tasks} tasks, {planned} planned",
            area=figure(ranked * km2), tasks=len(tasks), planned=sum(record["planned"] for record in tasks),
        ) if ranked or tasks else words.entries("no land on this list")  # fmt: skip
        lists.append({"name": words.entries(WORK_TEXTS[work]), "holds": holds, "empty": not (ranked or tasks)})
    return lists
