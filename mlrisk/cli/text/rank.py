"""The output of `rank`: the ranked map, its plan and its files."""

from collections.abc import Mapping
from typing import Any

from features.base import NOT_EVIDENCE
from mlrisk.cli.text.parts import Part, Table, counts, notes, versions
from mlrisk.commands import Ranking
from mlrisk.followup import Comparison

MOST_DISTRICTS, MOST_TASKS = 15, 30
SHOWN_FILES = ("map.html", "risk.parquet", "risk_map.gpkg", "summary.json")


def planned(plan: Mapping[str, Any]) -> list[Part]:
    """Effort and expected outcome of the plan; nothing where there are no teams."""
    totals = plan["totals"]
    if not totals["capacity_by_asset"]:
        return []
    averted, finds = totals["casualties_averted_per_year"], totals["expected_found_cells"]
    between = totals["days_between_tasks_by_asset"]
    spent = ", ".join(
        f"{name} {totals['team_days_by_asset'][name]:,.0f} of {days:,.0f}"
        + (f" and {between[name]:,.0f} between tasks" if between[name] >= 1 else "")
        for name, days in totals["capacity_by_asset"].items()
    )
    purposes = counts(totals["tasks_by_purpose"])
    return [
        f"plan: {totals['tasks_planned']:,} tasks ({purposes}) on {totals['hectares']:,.0f} ha",
        f"team-days: {spent}",
        "expected: "
        + ("finds unknown, " if finds != finds else f"{finds:,.1f} cells found, ")  # noqa: PLR0124 NaN where unknown
        + ("casualties unknown" if averted != averted else f"{averted:,.2f} casualties a year averted"),  # noqa: PLR0124
        _districts(plan["districts"]),
    ]


def _districts(rows: list[dict[str, Any]]) -> Table:
    """Effort and harm by district, those with most of either first."""
    first = sorted(rows, key=lambda row: -max(row["effort_share"] or 0, row["casualties_share"] or 0))[:MOST_DISTRICTS]
    header = ("district", "land", "finds", "harm", "effort", "team-days", "no basis")
    shares = ("land_share", "expected_finds_share", "casualties_share", "effort_share")
    texts = tuple(
        (
            row["district"] or "none",
            *("" if row[name] is None else f"{100 * row[name]:.1f} %" for name in shares),
            f"{row['team_days']:,.1f}",
            f"{100 * row['out_of_domain_share']:.0f} %",
        )
        for row in first
    )
    return Table("who gets how much of the plan: shares of land, expected finds and harm, and effort", header, texts)


def compared(comparison: Comparison) -> list[Part]:
    """Differences between the plans of two settings: totals, then added and dropped tasks."""
    totals = tuple(
        (row["figure"], f"{row['old']:,.2f}", f"{row['new']:,.2f}", f"{row['new'] - row['old']:+,.2f}")
        for row in comparison.totals.to_dict("records")
    )
    header = ("task", "district", "teams", "ha", "days", "finds", "averted")
    tables: list[Part] = [Table("old plan and new plan", ("figure", "old", "new", "change"), totals)]
    for title, tasks in (("tasks in", comparison.came), ("tasks out", comparison.went)):
        rows = tuple(
            (
                str(row["task_id"]), str(row["district"]), str(row["asset"]), f"{row['area_m2'] / 1e4:,.1f}",
                f"{row['team_days']:,.1f}", f"{row['expected_found']:,.2f}", f"{row['casualties_averted']:,.4f}",
            )
            for row in tasks.head(MOST_TASKS).to_dict("records")
        )  # fmt: skip
        tables += [Table(f"{title}: {len(tasks):,}", header, rows)] if rows else [f"{title}: none"]
    return [*tables, f"tasks in both plans: {comparison.kept:,}"]


def ranked_map(ranking: Ranking) -> list[Part]:
    """Faults of the input, ranked area by model, and the files."""
    summary: dict[str, Any] = ranking.summary
    return [
        *(
            f"{source['source']}: {source['rows_kept']:,} of {source['rows_read']:,} rows kept; "
            f"repaired: {counts(source['repaired'])}; set aside: {counts(source['set_aside'])}"
            for source in summary["inputs"]
            if source["repaired"] or source["set_aside"]
        ),
        f"cells: {summary['cells']:,}   ranked: {summary['ranked_cells']:,}   tasks: {summary['tasks']:,}",
        *([summary["basis"]] if "basis" in summary else []),
        *planned(summary["plan"]),
        *versions(summary["models"]),
        *notes(summary["warnings"]),
        NOT_EVIDENCE,
        *(f"{path.name}: {path}" for path in ranking.files if path.name in SHOWN_FILES),
    ]
