"""The result of `mlrisk verify` as a page and as JSON, from parts of the training report."""

from pathlib import Path

from markupsafe import Markup

from features.base import NOT_EVIDENCE
from mlrisk.followup.verification import MAP, Verification, record
from training.reporting import (
    answer_table,
    error_picture,
    items,
    json_text,
    missed_list,
    number,
    page,
    rate_picture,
    section,
    table,
    text,
)

RECALL_ONLY = (
    "Recall by area only: which land was searched later is not known, and land in which nothing was found is unknown, "
    "never searched. Give --searched for base rate, ROC AUC and PR AUC."
)


def write_verification(verification: Verification, html: Path | None = None, json: Path | None = None) -> None:
    """Write the requested files; the same verification gives the same bytes."""
    if html is not None:
        html.write_text(verification_html(verification), encoding="utf-8", newline="\n")
    if json is not None:
        json.write_text(json_text(record(verification)), encoding="utf-8", newline="\n")


def verification_html(verification: Verification) -> str:
    """The page: missed finds first, then the comparison of rankings, curves, map, finds, audit and notes."""
    held_out, counts = verification.held_out, verification.counts
    first = missed_list(verification.missed.assign(fold=""), counts["found_cells"], "found cells with a rank")
    if len(verification.unranked):
        rows = [
            (f"{row['cell_id']}", str(row["why"]), number(row["easting_m"], 0), number(row["northing_m"], 0))
            for row in verification.unranked.to_dict("records")
        ]
        first += text(f"{len(rows):,} found cells had no rank:") + table(
            ("cell", "why", "easting, m", "northing, m"), rows, (), 2
        )
    caveat = "" if verification.searched_known else RECALL_ONLY
    sections = [
        section("Contamination the map put last", first),
        section("The map beside the baselines of its date", text(caveat) + _answer(verification)),
        section("Recall by area", rate_picture(held_out, MAP)),
        section("Map of finds", error_picture(held_out, MAP, verification.cell_size_m)),
        section("By find", text("One find is one event, reached with its first cell.") + _by_find(verification)),
        *([section("Random audit", text(*audit_lines(verification)))] if verification.audit else []),
        section(
            "Counts",
            table(("what", "number"), [(name.replace("_", " "), f"{value:,}") for name, value in counts.items()]),
        ),
        section("Notes", items(verification.notes) if verification.notes else text("none")),
    ]
    lead = (
        f"{verification.risk_path.name}, data up to {verification.as_of}, judged on what was recorded later.",
        "For accredited planners: it orders survey and releases no land.",
    )
    return page("A risk map against what was found later", lead, NOT_EVIDENCE, sections)


def audit_lines(verification: Verification) -> list[str]:
    """The estimates from random audit cells in words."""
    words = {"all": "Found units in all audited land", "missed": "Missed: in the lower half of the ranking or unranked"}
    return [
        f"{words[name]}: {number(figures['estimate'], 1)} estimated, 90 % interval "
        f"{number(figures['estimate_low'], 1)} to {number(figures['estimate_high'], 1)} "
        f"({figures['found']:.0f} found in {figures['audited']:.0f} units drawn at random)."
        for name, figures in verification.audit.items()
    ]


def _answer(verification: Verification) -> Markup:
    rows = verification.table
    note = "90 % intervals by bootstrap over blocks of land. Gain: the map minus the ranking of the row."
    base = f" Base rate {number(rows['base_rate'].iloc[0], 4)} of the area." if verification.searched_known else ""
    counts = verification.counts
    judged = f"{counts['judged_cells']:,} judged cells, {counts['found_cells']:,} of them found.{base}"
    return text(judged, soft=True) + answer_table(rows, MAP) + text(note, soft=True)


def _by_find(verification: Verification) -> Markup:
    figures = verification.by_find
    rows = [(f"recall at {share} % of area", number(figures[f"polygon_recall_{share}"])) for share in (1, 5, 10, 20)]
    rows += [
        (f"% of the area to reach {share} % of finds", number(100 * figures[f"polygon_area_{share}"], 1))
        for share in (80, 90, 95)
    ]
    return table((f"{figures['polygons']:.0f} finds", "the map"), rows)
