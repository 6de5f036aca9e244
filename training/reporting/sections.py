"""The sections of a validation report: missed positives first, no figure without its interval and baseline."""

import numpy as np
import pandas as pd
from markupsafe import Markup

from training.reporting import figures
from training.reporting.html import (
    Block,
    Picture,
    Section,
    big,
    heading,
    number,
    section,
    table,
    text,
    with_bounds,
)
from training.reporting.ranking_words import ranking_words
from training.reporting.tables import PROTOCOLS, Computed, ReportInput
from training.validation import HeldOut

NAMES = {"roc_auc": "ROC AUC", "pr_auc": "PR AUC", "recall_5": "recall at 5 % of area"} | {
    f"recall_{share}": f"recall at {share} % of area" for share in (1, 10, 20)
}


def missed_list(missed: pd.DataFrame, found: int, what: str = "found cells") -> Markup:
    """The missed positives: their number among all, and each with its place in the ranking."""
    if missed.empty:
        return text(f"None of {found:,} {what} lies in the lowest-ranked half.")
    header = ("cell", "fold", "share of area ranked above", "best simple rule", "easting, m", "northing, m")
    rows = [
        (
            f"{row['cell_id']}",
            f"{row.get('fold', '')}",
            f"{number(100 * row.get('surveyed_before', np.nan), 1)} %",
            f"{number(100 * row.get('best_rule_before', np.nan), 1)} %\n{ranking_words(str(row.get('best_rule', '')))}",
            number(row.get("easting_m"), 0),
            number(row.get("northing_m"), 0),
        )
        for row in missed.to_dict("records")
    ]  # fmt: skip
    share = f" ({100 * len(missed) / found:.1f} %)" if found else ""
    several = any(row[1] for row in rows)
    listed = [row if several else (row[0], *row[2:]) for row in rows]
    columns = header if several else (header[0], *header[2:])
    first = big(f"{len(missed):,}{share}", f"of {found:,} {what} were missed, worst first")
    return first + table(columns, listed, (), len(columns) - 4)


def answer_table(rows: pd.DataFrame, model: str) -> Markup:
    """Rankings side by side: recall with 90 % intervals, gain of the model over each, areas with the base rate.

    Rows without a base rate come from land where only finds are known: they have only recalls.
    """
    areas = "base_rate" in rows
    header = ("ranking", *(f"recall {share} %" for share in (5, 10, 20)), "gain at 10 %")
    body = [
        (
            ranking_words(str(row["ranking"])),
            *(with_bounds(row, f"recall_{share}") for share in (5, 10, 20)),
            "" if row["ranking"] == model else with_bounds(row, "recall_10_gain"),
            *(
                [with_bounds(row, "roc_auc"), f"{with_bounds(row, 'pr_auc', 3)} (base {number(row['base_rate'], 3)})"]
                if areas
                else []
            ),
        )
        for row in rows.to_dict("records")
    ]
    ours = [place for place, row in enumerate(rows["ranking"]) if row == model]
    return table((*header, "ROC AUC", "PR AUC") if areas else header, body, ours)


def rate_picture(held_out: HeldOut, model: str) -> Picture:
    """Prediction-rate curves of the model and of every baseline."""
    rankings = held_out.rankings(model)
    caption = "Recall against the share of area surveyed. Cells count by the part that was searched."
    return Picture(figures.rate_curves(rankings, held_out.positive, held_out.area, model), caption)


def error_picture(held_out: HeldOut, model: str, cell_size_m: float) -> Picture:
    """Map of the found cells by the share of land that the ranking surveys before them."""
    before = -held_out.rankings(model)[model]
    missed = held_out.positive & (before > 0.5)
    png = figures.error_map(
        held_out.easting_m, held_out.northing_m, held_out.positive, before, missed, cell_size_m or 1.0
    )
    return Picture(png, "Grey: judged land. Found cells by the share of the land surveyed before them.")


def answer_block(report: ReportInput, computed: Computed) -> Markup:
    """Each protocol with its base rate, and the rankings with baselines and intervals."""
    if computed.pooled.empty:
        return _fold_table(report) if len(report.table) else text("not measured")
    parts = []
    for protocol, rows in computed.pooled.groupby("protocol", sort=False):
        first = rows.iloc[0]
        parts.append(heading(_words(str(protocol))))
        parts.append(
            text(
                f"{PROTOCOLS.get(str(protocol), '').capitalize()}. {int(first['folds'])} folds, "
                f"{int(first['cells']):,} cells, {int(first['found']):,} of them found; base rate "
                f"{number(first['base_rate'], 3)} of the area.",
                soft=True,
            )
        )
        parts.append(answer_table(rows, report.model))
    note = (
        "90 % intervals by bootstrap over blocks of land. Gain: the model minus the ranking of the row on "
        "the same draws. Every fold surveys the same share of its area; tied cells count by their expected part."
    )
    return Markup("").join(parts) + text(note, soft=True)


def gap_block(computed: Computed) -> Markup:
    """The excess of random validation over that on held-out regions."""
    explained = "Random folds minus held-out regions: what random validation would have promised too much."
    rows = [(NAMES[name], number(value, 3)) for name, value in computed.gap.items()]
    return text(explained) + table(("figure", "gap"), rows)


def worst_block(computed: Computed, model: str) -> Markup:
    """The worst fold of each ranking."""
    worst = computed.worst
    if worst.empty:
        return text("not measured")
    rows = [
        (
            _words(row["protocol"]), ranking_words(str(row["ranking"])), str(row["fold"]),
            with_bounds(row, "recall_10"),
            number(row.get("base_rate"), 3), number(row.get("found"), 0),
        )
        for row in worst.to_dict("records")
    ]  # fmt: skip
    ours = [place for place, name in enumerate(worst["ranking"]) if name == model]
    header = ("protocol", "ranking", "worst fold", "recall 10 %", "base rate", "found")
    return text("The fold in which each ranking finds the least in the first 10 % of area.", soft=True) + table(
        header, rows, ours, 3
    )


def pictures_sections(report: ReportInput, computed: Computed) -> list[Section]:
    """Curves, calibration and maps of the held-out cells; nothing if none were kept."""
    held_out = computed.held_out
    if held_out is None:
        return []
    size = report.cell_size_m or 1.0
    names = [f"{place + 1}: {name}" for place, name in enumerate(held_out.fold_names)]
    folds = figures.fold_map(held_out.easting_m, held_out.northing_m, held_out.fold, held_out.fold_names, size)
    maps = (error_picture(held_out, report.model, size), Picture(folds, "Folds. " + "; ".join(names)))
    probability = [section("Probability", *_probability(held_out, computed))] if len(computed.probability) else []
    return [
        section("Recall by area", rate_picture(held_out, report.model)),
        *probability,
        section("Maps of errors and folds", *maps),
    ]


def _probability(held_out: HeldOut, computed: Computed) -> list[Block]:
    known = np.isfinite(held_out.probability)
    png = figures.reliability_diagram(held_out.probability[known], held_out.positive[known], held_out.area[known])
    rows = computed.probability.to_dict("records")
    body = [
        (
            str(row["fold"]), number(row["stated"], 3), number(row["observed"], 3),
            with_bounds(row, "calibration_error", 3), with_bounds(row, "calibration_slope"),
            with_bounds(row, "brier", 3), with_bounds(row, "log_loss", 3),
        )
        for row in rows
    ]  # fmt: skip
    header = ("fold", "stated", "observed", "calibration error", "slope", "Brier", "log loss")
    regions = [row for row in rows if row["fold"] != "all"]
    blocks: list[Block] = [
        Picture(png, f"Reliability ({_words(computed.protocol or '')}): cells in ten bins of equal size.")
    ]
    if regions:
        blocks.append(Picture(figures.region_calibration(regions), "Stated and observed frequency by region."))
    return [*blocks, table(header, body, [0])]


def folds_block(report: ReportInput) -> Markup:
    """Every fold and ranking."""
    if not len(report.table):
        return text("not measured")
    return _fold_table(report)


def _fold_table(report: ReportInput) -> Markup:
    shown = report.table[report.table["fold"] != "mean"]
    rows = [
        (
            f"{_words(row['protocol'])}\n{row['fold']}", ranking_words(str(row["ranking"])),
            with_bounds(row, "recall_10"),
            number(row.get("recall_5")), number(row.get("recall_20")), with_bounds(row, "roc_auc"),
            f"{number(row.get('pr_auc'), 3)}\nbase {number(row.get('base_rate'), 3)}",
        )
        for row in shown.to_dict("records")
    ]  # fmt: skip
    ours = [place for place, name in enumerate(shown["ranking"]) if name == report.model]
    return table(("protocol, fold", "ranking", "recall 10 %", "5 %", "20 %", "ROC AUC", "PR AUC"), rows, ours, 2)


def distances_sections(report: ReportInput) -> list[Section]:
    """The distances behind knndm, and how each fold was made."""
    sections = []
    matched = next((facts for facts in report.explanations if "between_folds_m" in facts), None)
    if matched is not None:
        distance = f"Wasserstein distance {number(matched.get('wasserstein_m'), 0)} m."
        ecdfs = Picture(figures.distance_ecdfs(matched), f"The nearer the lines, the better matched. {distance}")
        sections.append(section("Distances behind knndm", ecdfs))
    if report.explanations:
        rows = [
            (
                f"{_words(facts.get('protocol', ''))}\n{facts.get('fold', '')}", number(facts.get("train_cells"), 0),
                number(facts.get("train_base_rate"), 3), number(facts.get("test_cells"), 0),
                number(facts.get("test_base_rate"), 3),
                number(dict(facts.get("distance_m") or {}).get("median", np.nan) / 1000, 1),
            )
            for facts in report.explanations
        ]  # fmt: skip
        header = ("protocol, fold", "cells learned", "base rate", "cells judged", "base rate", "median km apart")
        sections.append(section("How folds were made", table(header, rows)))
    return sections


def any_table(frame: pd.DataFrame, absent: str) -> Markup:
    """A table as it is, or the text `absent` where it has no row."""
    if frame.empty:
        return text(absent)
    header = [str(column) for column in frame.columns]
    words = [column for column in header if not pd.api.types.is_numeric_dtype(frame[column])]
    ordered = [*words, *(column for column in header if column not in words)]
    rows = [
        tuple(str(row[name]) if name in words else number(row[name], 3) for name in ordered)
        for row in frame.to_dict("records")
    ]
    return table(ordered, rows, (), len(words))


def _words(name: str) -> str:
    return str(name).replace("_", " ")
