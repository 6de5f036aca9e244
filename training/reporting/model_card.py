"""The model card of a version: its purpose, data, validation and limits."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

import pandas as pd

from features.base import NOT_EVIDENCE
from training.reporting.explanation import Explanation
from training.reporting.html import interval, number
from training.reporting.promises import placebo_sentences
from training.reporting.report import Report
from training.reporting.tables import Computed, ReportInput
from training.settings import TrainConfig, code_version, grid_text

INTENDED = (
    "to order survey work: for every cell it says how likely survey would find explosive ordnance there",
    "as one input to the desk assessment inside non-technical survey, read by accredited planners",
)
FORBIDDEN = (
    "to cancel, reduce or release land, or to lower the status of any of it: only the authority decides that",
    "to plan routes, or to tell people where they may go, farm or build",
    "on land outside its domain (`in_domain` is false): there it has no basis to rank",
    "in another country or at another cell size without training and judging it there",
)
FIGURES = ("recall_5", "recall_10", "roc_auc", "pr_auc")
LISTED = 5


def model_card(
    config: TrainConfig, counts: Mapping[str, int], report: Report, features: int, inputs: Sequence[str]
) -> str:
    """The card as Markdown; `counts` are cells by state, `features` their number, `inputs` the names of the sources.

    Every figure comes from the report: the card measures nothing itself.
    """
    source, computed = report.source, report.computed
    beaten = {"A baseline beats the model": _items(report.beaten)} if report.beaten else {}
    parts = {
        **beaten,
        "Intended use": _items(INTENDED),
        "Forbidden use": _items(FORBIDDEN),
        "What the number is": _items([*source.promises, *placebo_sentences(computed.pooled)] or ("not measured",)),
        "Data": _data(config, features, inputs),
        "Labels": _labels(config, counts),
        "How it was judged": _judged(computed),
        "Known failures": _failures(computed, source.model),
        "What moves it": _moved(source.explained),
        "Casualties": _casualties(source),
        "Warnings of the run": _items(source.warnings or ("none",)),
    }
    body = [line for title, lines in parts.items() for line in ("", f"## {title}", "", *lines)]
    return "\n".join([f"# Model card of {config.name}, as of {config.as_of}", "", f"**{NOT_EVIDENCE}**", *body]) + "\n"


def _data(config: TrainConfig, features: int, inputs: Sequence[str]) -> list[str]:
    return _items(
        (
            f"records known at {config.as_of}: {', '.join(inputs) or 'none'} (`inputs.json` has their digests)",
            f"cells of {grid_text(config)}; {features} features of {', '.join(config.features)}",
            f"mlrisk {code_version()}, seed {config.seed} (`environment.txt`, `config.json`)",
        )
    )


def _labels(config: TrainConfig, counts: Mapping[str, int]) -> list[str]:
    rule = config.contamination.labels
    return _items(
        (
            f"cells by state: {', '.join(f'{name} {count:,}' for name, count in counts.items())}",
            f"found: {', '.join(rule.found)}; searched: {', '.join(rule.searched)}",
            "unknown land is no label: nothing is learned from it as if it had been searched",
        )
    )


def _judged(computed: Computed) -> list[str]:
    """Each protocol with the model and its baselines, 90 % intervals under the figures."""
    if computed.pooled.empty:
        return ["Nothing could be held out: these figures do not exist."]
    head = ("protocol", "ranking", "recall 5 %", "recall 10 %", "ROC AUC", "PR AUC", "base rate")
    rows = [
        (
            f"{row['protocol']}, {row['folds']} folds", str(row["ranking"]),
            *(f"{number(row.get(name))} ({interval(row, name)})" for name in FIGURES), number(row.get("base_rate"), 3),
        )
        for row in _rows(computed.pooled)
    ]  # fmt: skip
    note = "Share of the finds in the first 5 and 10 % of area; in brackets 90 % by bootstrap over blocks of land."
    return [note, "", *(f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *rows))]


def _failures(computed: Computed, model: str) -> list[str]:
    return _items((*_missed(computed), *_worst(computed, model), *_stated(computed), *_gap(computed)))


def _missed(computed: Computed) -> list[str]:
    missed = computed.missed
    if computed.pooled.empty:
        return ["missed finds: not measured"]
    places = ", ".join(f"{cell}" for cell in missed["cell_id"].head(LISTED))
    worst = f", the worst in cells {places}" if places else ""
    return [f"missed: {len(missed):,} found cells lie in the lowest-ranked half of land that was held out{worst}"]


def _worst(computed: Computed, model: str) -> list[str]:
    return [
        f"worst fold of {row['protocol']}: {row['fold']}, where the first 10 % of area hold "
        f"{number(row.get('recall_10'))} of its finds"
        for row in _rows(computed.worst)
        if row["ranking"] == model
    ]


def _stated(computed: Computed) -> list[str]:
    """Error of the stated probabilities: over all land, and in the region where it was greatest."""
    rows = [row for row in _rows(computed.probability) if isfinite(row["stated"]) and isfinite(row["observed"])]
    overall = [row for row in rows if row["fold"] == "all"]
    regions = sorted(
        (row for row in rows if row["fold"] != "all"), key=lambda row: abs(row["stated"] - row["observed"])
    )
    return [
        f"probability {where}: stated {number(row['stated'], 3)}, observed {number(row['observed'], 3)}"
        for row, where in [
            *((row, "on all held-out land") for row in overall),
            *((row, f"where it was off most, {row['fold']}") for row in regions[-1:]),
        ]
    ]


def _gap(computed: Computed) -> list[str]:
    gap = computed.gap["recall_10"]
    if not isfinite(gap):
        return ["optimism gap: not measured"]
    return [f"random folds would have promised {gap:+.2f} recall at 10 % of area beside held-out regions"]


def _moved(explained: Explanation | None) -> list[str]:
    families = [] if explained is None else _rows(explained.by_family().head(LISTED))
    if not families:
        return ["Not measured in this run."]
    sizes = ", ".join(f"{row['family'].replace('_', ' ')} {number(row['mean_size'])}" for row in families)
    return [f"Mean size of what a family adds to the log-odds: {sizes}. Not causes."]


def _casualties(source: ReportInput) -> list[str]:
    return _items(
        f"{row['protocol']}, {row['fold']}: {number(row.get('observed'), 0)} observed, "
        f"{number(row.get('expected'), 1)} expected; deviance skill over a constant rate "
        f"{number(row.get('skill_over_constant'))}, over kernels {number(row.get('skill_over_kernels'))}"
        for row in _rows(source.casualty.get("figures", pd.DataFrame()))
        if row.get("ranking") == source.model
    ) or ["No casualty model was judged in this run."]


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _items(lines: Iterable[str]) -> list[str]:
    return [f"- {line}" for line in lines]
