"""The model card of a version: what it is for, from what it was made, how it was judged, and where it fails."""

from collections.abc import Mapping, Sequence
from typing import Any

from features.base import NOT_EVIDENCE
from training.settings import TrainConfig, code_version, grid_text

Rows = Sequence[Mapping[str, Any]]

INTENDED = (
    "to order survey work: for every cell it gives the probability that survey would find explosive ordnance there",
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
    config: TrainConfig, counts: Mapping[str, int], record: Mapping[str, Any], features: int, inputs: Sequence[str]
) -> str:
    """The card as Markdown; `record` is that of the run's report, `counts` are cells by state, `inputs` source names.

    Every figure is one of the report's: the card measures nothing itself.
    """
    parts = {
        "Intended use": _items(INTENDED),
        "Forbidden use": _items(FORBIDDEN),
        "Data": _data(config, features, inputs),
        "Labels": _labels(config, counts),
        "How it was judged": _judged(record),
        "Known failures": _failures(record),
        "What moves it": _moved(record),
        "Casualties": _casualties(record),
        "Warnings of the run": _items(record["warnings"] or ("none",)),
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


def _judged(record: Mapping[str, Any]) -> list[str]:
    """Each protocol with the model beside its baselines, 90 % intervals under the figures."""
    pooled: Rows = record["pooled"]
    if not pooled:
        return ["Nothing could be held out: these figures do not exist."]
    head = ("protocol", "ranking", "recall 5 %", "recall 10 %", "ROC AUC", "PR AUC", "base rate")
    rows = [
        (
            f"{row['protocol']}, {row['folds']} folds", str(row["ranking"]),
            *(_with_interval(row, name) for name in FIGURES), _number(row.get("base_rate"), 3),
        )
        for row in pooled
    ]  # fmt: skip
    note = "Share of the finds in the first 5 and 10 % of area; in brackets 90 % by bootstrap over blocks of land."
    return [note, "", *(f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *rows))]


def _failures(record: Mapping[str, Any]) -> list[str]:
    return _items((*_missed(record), *_worst(record), *_stated(record), *_gap(record)))


def _missed(record: Mapping[str, Any]) -> list[str]:
    missed: Rows = record["missed_positives"]
    if not record["pooled"]:
        return ["missed finds: not measured"]
    places = ", ".join(f"{row['cell_id']}" for row in missed[:LISTED])
    told = f", the worst in cells {places}" if places else ""
    return [f"missed: {len(missed):,} found cells lie in the lowest-ranked half of land that was held out{told}"]


def _worst(record: Mapping[str, Any]) -> list[str]:
    ours = [row for row in record["worst_regions"] if row["ranking"] == record["model"]]
    return [
        f"worst fold of {row['protocol']}: {row['fold']}, where the first 10 % of area hold "
        f"{_number(row.get('recall_10'))} of its finds"
        for row in ours
    ]


def _stated(record: Mapping[str, Any]) -> list[str]:
    """How far stated probabilities were off: over all, and in the region where they were off most."""
    rows = [row for row in record["probability"] if None not in (row.get("stated"), row.get("observed"))]
    overall = [row for row in rows if row["fold"] == "all"]
    regions = sorted(
        (row for row in rows if row["fold"] != "all"), key=lambda row: abs(row["stated"] - row["observed"])
    )
    return [
        f"probability {where}: stated {_number(row['stated'], 3)}, observed {_number(row['observed'], 3)}"
        for row, where in [
            *((row, "on all held-out land") for row in overall),
            *((row, f"where it was off most, {row['fold']}") for row in regions[-1:]),
        ]
    ]


def _gap(record: Mapping[str, Any]) -> list[str]:
    gap = record["optimism_gap"].get("recall_10")
    if gap is None:
        return ["optimism gap: not measured"]
    return [f"random folds would have promised {gap:+.2f} recall at 10 % of area beside held-out regions"]


def _moved(record: Mapping[str, Any]) -> list[str]:
    families = record["explained"].get("families", [])[:LISTED]
    if not families:
        return ["Not measured in this run."]
    told = ", ".join(f"{row['family'].replace('_', ' ')} {_number(row['mean_size'])}" for row in families)
    return [f"Mean size of what a family adds to the log-odds: {told}. Not causes."]


def _casualties(record: Mapping[str, Any]) -> list[str]:
    figures: Rows = record["casualty"].get("figures", [])
    if not figures:
        return ["No casualty model was judged in this run."]
    return _items(
        f"{row['protocol']}, {row['fold']}: {_number(row.get('observed'), 0)} observed, "
        f"{_number(row.get('expected'), 1)} expected; deviance skill over a constant rate "
        f"{_number(row.get('skill_over_constant'))}, over kernels {_number(row.get('skill_over_kernels'))}"
        for row in figures
        if row.get("ranking") == record["model"]
    ) or ["No casualty model was judged in this run."]


def _with_interval(row: Mapping[str, Any], name: str) -> str:
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    interval = "no interval" if low is None or high is None else f"{low:.2f} to {high:.2f}"
    return f"{_number(row.get(name))} ({interval})"


def _number(value: Any, digits: int = 2) -> str:
    return "not measured" if value is None else f"{value:,.{digits}f}"


def _items(lines: Any) -> list[str]:
    return [f"- {line}" for line in lines]
