"""The output of `verify`: missed finds first, then the map compared with the baselines."""

from collections.abc import Sequence

import pandas as pd

from mlrisk.cli.text.parts import Part, Table, interval, notes
from mlrisk.followup import MAP, RECALL_ONLY, Verification, audit_lines

MOST_MISSED = 20


def verified(done: Verification) -> list[Part]:
    """The whole output."""
    counts = done.counts
    return [
        (
            f"missed: {len(done.missed):,} of {counts['found_cells']:,} found cells lie in the lowest-ranked half; "
            f"{len(done.unranked):,} more had no rank"
        ),
        *_missed(done.missed, done.unranked),
        *_rankings(done.table, done.searched_known),
        *([] if done.searched_known else [RECALL_ONLY]),
        *audit_lines(done),
        (
            f"finds: {counts['finds_read']:,} read, {counts['finds_known_at_as_of']:,} known at {done.as_of} and set "
            f"aside, {counts['finds_outside_the_map']:,} outside the map"
        ),
        *notes(done.notes),
    ]


def _missed(missed: pd.DataFrame, unranked: pd.DataFrame) -> Sequence[Part]:
    """The first of the missed cells with their places; the JSON and the page hold more."""
    rows = [
        (
            str(row["cell_id"]), f"{row['easting_m']:.0f}", f"{row['northing_m']:.0f}",
            f"{100 * row['surveyed_before']:.0f} %", f"{100 * row['best_rule_before']:.0f} % ({row['best_rule']})",
        )
        for row in missed.head(MOST_MISSED).to_dict("records")
    ] + [
        (str(row["cell_id"]), f"{row['easting_m']:.0f}", f"{row['northing_m']:.0f}", str(row["why"]), "")
        for row in unranked.head(MOST_MISSED).to_dict("records")
    ]  # fmt: skip
    header = ("cell", "easting", "northing", "surveyed before", "by the best rule")
    return [Table("missed, worst first", header, tuple(rows))] if rows else []


def _rankings(table: pd.DataFrame, searched_known: bool) -> list[Part]:
    """Recall at shares of the area, and where searched land is known the areas under curves; then the intervals."""
    rows = table.to_dict("records")
    shares = ("1 %", "5 %", "10 %", "20 %")
    curves = ("ROC AUC", "PR AUC", "base rate") if searched_known else ()
    figures = tuple(
        (
            str(row["ranking"]),
            *(f"{row[f'recall_{share.split()[0]}']:.2f}" for share in shares),
            *((f"{row['roc_auc']:.3f}", f"{row['pr_auc']:.3f}", f"{row['base_rate']:.3f}") if searched_known else ()),
        )
        for row in rows
    )
    intervals = tuple(
        (
            str(row["ranking"]),
            f"{row['recall_10']:.2f}{interval(row, 'recall_10', 2)}",
            f"{row['recall_10_gain']:+.2f}{interval(row, 'recall_10_gain', 2)}" if row["ranking"] != MAP else "",
            *((f"{row['roc_auc']:.2f}{interval(row, 'roc_auc', 2)}",) if searched_known else ()),
        )
        for row in rows
    )
    return [
        Table(
            "share of what was found later in the first 1 to 20 % of the area", ("ranking", *shares, *curves), figures
        ),
        Table(
            "90 % intervals by blocks of land",
            ("ranking", "first 10 %", "gain of the map", *curves[:1]),
            intervals,
        ),
    ]
