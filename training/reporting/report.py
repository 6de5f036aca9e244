"""The report of a training run: one HTML page and one JSON file with the same numbers, missed positives first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.base import NOT_EVIDENCE
from training.reporting import sections
from training.reporting.beaten import beaten_by
from training.reporting.casualty_sections import casualty_sections
from training.reporting.explanation_sections import explanation_sections
from training.reporting.first_screen import first_sentences
from training.reporting.html import Section, items, lead, page, pictures_of, preformatted, section, text
from training.reporting.json_values import json_rows, json_text
from training.reporting.missed_section import missed_blocks
from training.reporting.promises import placebo_sentences, promise_sections
from training.reporting.tables import Computed, ReportInput, compute
from training.validation import reliability


@dataclass(frozen=True, eq=False)
class Report:
    """A report as values: its input, the tables that follow from it, and the sections of its page."""

    source: ReportInput
    computed: Computed
    sections: tuple[Section, ...]

    @property
    def beaten(self) -> tuple[str, ...]:
        """The baselines that rank better than the model, a sentence each."""
        return beaten_by(self.computed.pooled, self.source.model)

    @property
    def pictures(self) -> dict[str, bytes]:
        """The pictures as PNG by file name, in the order of the page."""
        return pictures_of(self.sections)

    def texts(self) -> dict[str, str]:
        """The page and the JSON file, by file name; the same report gives the same bytes."""
        return {
            "report.html": report_html(self.source, self.sections),
            "report.json": json_text(report_record(self.source, self.computed)),
        }


def report_of(source: ReportInput) -> Report:
    """The report that follows from its input."""
    from matplotlib import rc_context

    computed = compute(source)
    with rc_context({"savefig.dpi": source.picture_dpi}):
        return Report(source, computed, report_sections(source, computed))


def report_record(report: ReportInput, computed: Computed) -> dict[str, Any]:
    """The numbers of the report as plain values, baselines that win and missed positives first, as on the page."""
    held_out = computed.held_out
    bins = pd.DataFrame()
    if held_out is not None:
        bins = reliability(held_out.probability, held_out.positive, held_out.area)
    beaten = beaten_by(computed.pooled, report.model)
    return {
        **({"beaten_by": list(beaten)} if beaten else {}),
        "missed_positives": json_rows(computed.missed),
        "missed_clusters": json_rows(computed.clusters.table),
        "promises": [*report.promises, *placebo_sentences(computed.pooled)],
        "likely_range_between_halves": json_rows(report.ranges),
        "missed_share_between_halves": json_rows(report.bounds),
        "would_improve": list(report.missing),
        "title": report.title,
        "as_of": report.as_of,
        "question": report.question,
        "not_evidence": NOT_EVIDENCE,
        "model": report.model,
        "pooled": json_rows(computed.pooled),
        "optimism_gap": computed.gap,
        "worst_regions": json_rows(computed.worst),
        "folds": json_rows(report.table),
        "probability": json_rows(computed.probability),
        "reliability": json_rows(bins),
        "explanations": [dict(facts) for facts in report.explanations],
        "explained": _explained(report),
        "sensitivity": json_rows(report.sensitivity),
        "ablation": json_rows(report.ablation),
        "casualty": {name: json_rows(table) for name, table in report.casualty.items()},
        "warnings": list(report.warnings),
        "settings": dict(report.settings),
    }


def report_sections(report: ReportInput, computed: Computed) -> tuple[Section, ...]:
    """The sections of the page; one without content is left out unless it must say that nothing was measured."""
    beaten = beaten_by(computed.pooled, report.model)
    return (
        section(
            "A baseline beats the model" if beaten else "In short",
            *([items(beaten)] if beaten else []),
            lead(*first_sentences(computed, report.model)),
        ),
        section("Contamination the map put last", *missed_blocks(report, computed)),
        *promise_sections(report, computed),
        section("What was asked, and the answer", text(report.question) + sections.answer_block(report, computed)),
        section("Optimism gap", sections.gap_block(computed)),
        section("Worst region", sections.worst_block(computed, report.model)),
        *sections.pictures_sections(report, computed),
        section("Folds", sections.folds_block(report)),
        *sections.distances_sections(report),
        *explanation_sections(report.explained),
        section("Sensitivity to survey bias", sections.any_table(report.sensitivity, "not measured in this run")),
        *casualty_sections(report.casualty),
        *([section("Ablation", sections.any_table(report.ablation, ""))] if len(report.ablation) else []),
        *([section("What would improve this map", items(report.missing))] if report.missing else []),
        section("Warnings", items(report.warnings) if report.warnings else text("none")),
        section("Settings", preformatted(json_text(report.settings)), folded=True),
    )


def report_html(report: ReportInput, parts: Sequence[Section]) -> str:
    """The page of a report with its sections."""
    under_title = (f"Data up to {report.as_of}.", "For accredited planners: it orders survey and releases no land.")
    return page(report.title, under_title, NOT_EVIDENCE, parts)


def _explained(report: ReportInput) -> Mapping[str, Any]:
    """The tables of the explanation, empty where nothing was explained."""
    found = report.explained
    if found is None:
        return {}
    tables = {
        "families": found.by_family(),
        "features": found.by_feature(),
        "regions": found.by_region(),
        "pairs": found.pairs_table(),
    }
    return {"cells": len(found.values), **{name: json_rows(table) for name, table in tables.items()}}
