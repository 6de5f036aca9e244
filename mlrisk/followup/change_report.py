"""The change report as a page and as JSON: what moved in plan and ranking, expected against actual finds, the tests."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from features.base import NOT_EVIDENCE
from mlrisk.followup.change_map import change_picture
from mlrisk.followup.change_sentences import first_sentences
from mlrisk.followup.map_changes import MOVED_SHARE, Changes
from mlrisk.risk_map import Notes, Package
from training.reporting import Section, items, json_rows, json_text, lead, number, page, section, table, text
from training.retraining import Decision

FILES = ("changes.html", "changes.json")
MOST_CELLS, MOST_TASKS = 30, 30
TASK_COLUMNS = ("task_id", "district", "plan_order", "area_m2", "contamination", "expected_finds")


def write_changes(decision: Decision, changes: Changes | None, package: Package, before: str, folder: Path) -> None:
    """Write changes.html and changes.json on a package into a folder; `before` is the date of the earlier map."""
    (folder / FILES[0]).write_text(changes_html(decision, changes, package, before), encoding="utf-8", newline="\n")
    record = changes_record(decision, changes, package.notes, before)
    (folder / FILES[1]).write_text(json_text(record), encoding="utf-8", newline="\n")


def changes_record(decision: Decision, changes: Changes | None, notes: Notes, before: str) -> dict[str, Any]:
    """The report as plain values."""
    record: dict[str, Any] = {
        "country": notes.country, "as_of": str(notes.as_of), "map_before": before, "decision": decision.kind,
        "not_evidence": NOT_EVIDENCE, "version_before": decision.before, "version_now": decision.champion,
        "challenger": decision.challenger, "in_short": first_sentences(decision, changes),
        "reasons": list(decision.reasons), "notes": list(decision.notes),
        "checks": [{**vars(check), "verdict": check.verdict} for check in decision.checks],
        "drift": decision.psi.to_dict("records") if len(decision.psi) else [],
    }  # fmt: skip
    if changes is not None:
        record |= {
            "cells": changes.cells,
            "moved_cells": len(changes.moved),
            "moved_by_reason": dict(changes.reasons),
            "moved": json_rows(changes.moved),
            "districts": json_rows(changes.districts),
            "tasks": {
                "kept": changes.tasks.kept,
                "came": json_rows(_task_columns(changes.tasks.came)),
                "went": json_rows(_task_columns(changes.tasks.went)),
            },
            **(
                {}
                if changes.plan is None
                else {
                    "plan": {
                        "kept": changes.plan.kept,
                        "came": json_rows(_task_columns(changes.plan.came)),
                        "went": json_rows(_task_columns(changes.plan.went)),
                    }
                }
            ),
            "expected_and_found": json_rows(changes.expected),
        }
    return record


def changes_html(decision: Decision, changes: Changes | None, package: Package, before: str) -> str:
    """The page: what moved in sentences, plan and map, then the ranking by district and cell, and the tests last."""
    notes = package.notes
    under_title = (
        f"{notes.country}: the map of {before or 'no earlier date'} beside that of {notes.as_of}.",
        "For accredited planners: it orders survey and releases no land.",
    )
    sections: list[Section] = [section("In short", lead(*first_sentences(decision, changes)))]
    if changes is not None:
        picture = change_picture(changes, package.grid.centres_m(), package.grid.cell_size_m)
        sections += [
            section("What moved in the plan", picture, _tasks(changes)),
            section("Districts that moved down", _districts(changes.districts)),
            section("Cells that moved, and why", _moved(changes)),
            section("Expected and found on land surveyed since", _expected(changes.expected)),
        ]
    sections.append(section("Notes", items(decision.notes) if decision.notes else text("none")))
    sections.append(section("How the new model was tested", _tests(decision)))
    if len(decision.psi):
        rows = [(str(row["feature"]), number(row["psi"])) for row in decision.psi.head(15).to_dict("records")]
        sections.append(section("Input drift", table(("feature", "population stability index"), rows)))
    return page("What changed on the map", under_title, NOT_EVIDENCE, sections)


def _tests(decision: Decision) -> Markup:
    sentence = f"{decision.kind}: version {decision.champion} ranks"
    if decision.challenger not in (None, decision.champion):
        sentence += f", version {decision.challenger} was judged beside it"
    rows = [(check.name, check.verdict, check.text) for check in decision.checks]
    return text(sentence) + (table(("check", "", "figures"), rows, (), 3) if rows else text("The gate was not needed."))


def _districts(frame: pd.DataFrame) -> Markup:
    rows = [
        (
            str(row["district"]), f"{row['unknown_cells']:,}",
            *(f"{row[f'first_{p}_before']:,} to {row[f'first_{p}_now']:,}" for p in (5, 10, 20)),
            f"{row['moved_back']:,}", f"{row['moved_up']:,}",
        )
        for row in frame.to_dict("records")
    ]  # fmt: skip
    header = ("district", "unknown cells", "in the first 5 %", "first 10 %", "first 20 %", "moved back", "moved up")
    lead = "Unknown cells of each district among the first of the country, before and now; who lost most stands first."
    return text(lead) + table(header, rows)


def _moved(changes: Changes) -> Markup:
    counts = ", ".join(f"{name} {count:,}" for name, count in changes.reasons.items())
    lead = (
        f"{len(changes.moved):,} of {changes.cells:,} cells changed their place by more than {MOVED_SHARE:.0%} of the "
        f"ranked land, or came into the ranking or left it. Main reason: {counts}."
    )
    rows = [
        (
            str(row["cell_id"]), str(row["district"]), str(row["why"]),
            f"{row['evidence_before']} to {row['evidence_now']}",
            f"{_percent(row['place_before'])} to {_percent(row['place_now'])}",
        )
        for row in changes.moved.head(MOST_CELLS).to_dict("records")
    ]  # fmt: skip
    header = ("cell", "district", "why", "evidence", "surveyed before it")
    return text(lead) + (table(header, rows, (), 5) if rows else Markup(""))


def _tasks(changes: Changes) -> Markup:
    planned = changes.plan is not None
    overlap = changes.tasks if changes.plan is None else changes.plan
    what = "planned tasks" if planned else "tasks, planned or not,"
    parts = [text(f"Of the {what} {overlap.kept:,} stayed, {len(overlap.came):,} came and {len(overlap.went):,} left.")]
    head = ("task", "district", *(["no. in its plan"] if planned else []), "ha", "average probability of EO",
            "cells likely to hold EO")  # fmt: skip
    for verb, frame in (("came", overlap.came), ("left", overlap.went)):
        rows = [
            (
                str(row["task_id"]), str(row["district"]),
                *([number(float(row.get("plan_order", np.nan)), 0)] if planned else []),
                number(row["area_m2"] / 10_000, 0), _percent(float(row["contamination"])),
                number(float(row["expected_finds"]), 1),
            )
            for row in frame.head(MOST_TASKS).to_dict("records")
        ]  # fmt: skip
        if rows:
            parts.append(text(f"Tasks that {verb}:") + table(head, rows, (), 2))
    return Markup("").join(parts)


def _expected(frame: pd.DataFrame) -> Markup:
    if not len(frame):
        return text("No result was recorded since.")
    rows = [
        (
            str(row["district"]), f"{row['cells']:,}",
            f"{row['expected']:.1f} ({row['expected_low']:.1f} to {row['expected_high']:.1f})", f"{row['found']:.1f}",
            _percent(row["in_first_tenth"]),
        )
        for row in frame.to_dict("records")
    ]  # fmt: skip
    lead = "Land that was unknown to the earlier map. Survey goes where people expect ordnance: this is no sample."
    header = ("district", "cells", "expected found cells", "found", "of them in the first 10 %")
    return text(lead) + table(header, rows)


def _task_columns(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(frame[[name for name in TASK_COLUMNS if name in frame]])


def _percent(value: object) -> str:
    return "no rank" if not isinstance(value, float) or value != value else f"{value:.1%}"  # noqa: PLR0124 NaN
