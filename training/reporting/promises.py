"""The promises of the map, their tests on other land, the placebo, and the data that would improve the map."""

from collections.abc import Mapping

import pandas as pd

from models.level import Level
from training.contamination import CellDataset
from training.reporting.html import Section, items, section, text
from training.reporting.sections import any_table
from training.reporting.tables import Computed, ReportInput
from training.validation import PLACEBO

# The course of the front lines, to about three kilometres, is worth more than any learner: measured on Bosnia, where a
# hundred variants of model and features differ by no more than noise.
SOURCES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "fronts": (
        ("front_lines",),
        "where the fronts ran and on which dates, to about 3 km: front_lines with held_from, held_to and withdrawals",
    ),
    "holders": (
        ("control_points", "control_areas"),
        "who held each place on which date (control_points, control_areas): lines between sides follow from that",
    ),
    "accidents": (("incidents",), "accidents with their dates: they point to what no survey was looking for"),
    "records": (("minefield_records",), "handed-over minefield records, even inaccurate ones"),
}


def placebo_sentences(pooled: pd.DataFrame) -> list[str]:
    """One sentence for each protocol: the score of the recipe on land that was shifted against its labels."""
    if pooled.empty:
        return []
    return [
        f"placebo, {str(row['protocol']).replace('_', ' ')}: ROC AUC {row['roc_auc']:.2f} on land that was shifted "
        f"from under its labels and their records; the {max(row['roc_auc'] - 0.5, 0):.2f} above 0.5 "
        f"{'come of records nearby, known at that date' if row['protocol'] == 'as_of' else 'are no knowledge of land'}"
        for row in pooled[pooled["ranking"] == PLACEBO].to_dict("records")
    ]


def promise_sections(report: ReportInput, computed: Computed) -> list[Section]:
    """The meaning and the promises of the numbers, first on the page; nothing if the report has neither."""
    sentences = [*report.promises, *placebo_sentences(computed.pooled)]
    if not sentences:
        return []
    tested = [
        block
        for heading, table in (
            (
                "The likely range, learned in one half of the judged land and tested in the other, at both ends:",
                report.ranges,
            ),
            ("The bound on missed hazards, learned and tested likewise:", report.bounds),
        )
        if len(table)
        for block in (text(heading), any_table(_in_words(table), ""))
    ]
    return [section("What the numbers mean, and what they promise", items(sentences), *tested)]


def would_improve(dataset: CellDataset, level: Level) -> tuple[str, ...]:
    """Missing data that would improve this map most, the most valuable first."""
    given = set(dataset.snapshot.sources.vectors)
    wanted = [wish for sources, wish in SOURCES.values() if not given.intersection(sources)]
    audit = "a random audit: cells that chance has drawn (plans draw some) tell the level of all land"
    if level.kind != "audit":
        wanted.insert(min(1, len(wanted)), audit)
    dated = dataset.snapshot.sources.vectors.get("front_lines")
    if dated is not None and not {"held_from", "held_to"}.intersection(dated.columns):
        wanted.insert(0, "dates of the front lines (held_from, held_to), and lines of other dates: fronts moved")
    return tuple(wanted)


def _in_words(table: pd.DataFrame) -> pd.DataFrame:
    """Yes and no instead of truth values, which a table would show as numbers."""
    words = {name: table[name].map({True: "yes", False: "no"}) for name in table if table[name].dtype == bool}
    return table.assign(**words)
