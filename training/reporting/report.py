"""The report of a training run: one HTML page and one JSON file with the same numbers, missed positives first."""

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.base import NOT_EVIDENCE
from training.reporting import sections
from training.reporting.casualty_sections import casualty_sections
from training.reporting.explanation_sections import explanation_sections
from training.reporting.html import items, page, preformatted, text
from training.reporting.tables import Computed, ReportInput, compute, optimism_gap
from training.validation import reliability

__all__ = [
    "Computed",
    "ReportInput",
    "compute",
    "optimism_gap",
    "report_html",
    "report_record",
    "write_report",
]


def write_report(report: ReportInput, folder: Path, name: str = "report") -> tuple[Path, Path]:
    """Write `name`.html and `name`.json; the same input gives the same bytes."""
    computed = compute(report)
    folder.mkdir(parents=True, exist_ok=True)
    page_path, json_path = folder / f"{name}.html", folder / f"{name}.json"
    page_path.write_text(report_html(report, computed), encoding="utf-8", newline="\n")
    json_path.write_text(json_text(report_record(report, computed)), encoding="utf-8", newline="\n")
    return page_path, json_path


def report_record(report: ReportInput, computed: Computed) -> dict[str, Any]:
    """The numbers of the report as plain values, missed positives first; the order of keys is that of the page."""
    held_out = computed.held_out
    bins = pd.DataFrame()
    if held_out is not None:
        bins = reliability(held_out.probability, held_out.positive, held_out.area)
    return {
        "missed_positives": _records(computed.missed),
        "title": report.title,
        "as_of": report.as_of,
        "question": report.question,
        "not_evidence": NOT_EVIDENCE,
        "model": report.model,
        "pooled": _records(computed.pooled),
        "optimism_gap": computed.gap,
        "worst_regions": _records(computed.worst),
        "folds": _records(report.table),
        "probability": _records(computed.probability),
        "reliability": _records(bins),
        "explanations": [dict(facts) for facts in report.explanations],
        "explained": _explained(report),
        "sensitivity": _records(report.sensitivity),
        "ablation": _records(report.ablation),
        "casualty": {name: _records(table) for name, table in report.casualty.items()},
        "warnings": list(report.warnings),
        "settings": dict(report.settings),
    }


def json_text(record: Mapping[str, Any]) -> str:
    """The record as JSON text with null for every figure that is not a number."""
    return json.dumps(_plain(record), indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def report_html(report: ReportInput, computed: Computed) -> str:
    """The page; sections without content are left out, but for those that must say that nothing was measured."""
    from matplotlib import rc_context

    with rc_context({"savefig.dpi": report.picture_dpi}):
        return _html(report, computed)


def _html(report: ReportInput, computed: Computed) -> str:
    parts = [
        ("Missed: found cells in the lowest-ranked half", sections.missed_section(computed)),
        ("What was asked, and the answer", text(report.question) + sections.answer_section(report, computed)),
        ("Optimism gap", sections.gap_section(computed)),
        ("Worst region", sections.worst_section(computed, report.model)),
        *sections.pictures_sections(report, computed),
        ("Folds", sections.folds_section(report)),
        *sections.distances_sections(report),
        *explanation_sections(report.explained),
        ("Sensitivity to survey bias", sections.any_table_section(report.sensitivity, "not measured in this run")),
        *casualty_sections(report.casualty),
        *([("Ablation", sections.any_table_section(report.ablation, ""))] if len(report.ablation) else []),
        ("Warnings", items(report.warnings) if report.warnings else text("none")),
        ("Settings", preformatted(json_text(report.settings))),
    ]
    lead = (f"Knowledge as of {report.as_of}.", "For accredited planners: it orders survey and releases no land.")
    return page(report.title, lead, NOT_EVIDENCE, parts)


def _explained(report: ReportInput) -> dict[str, Any]:
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
    return {"cells": len(found.values), **{name: _records(table) for name, table in tables.items()}}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    """Plain JSON values: numpy scalars as Python's, None for what is not a finite number."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return None
    return None if value is pd.NA or value is pd.NaT else value
