"""The output of `mlrisk models`: versions and their figures."""

from collections.abc import Iterable, Mapping
from typing import Any

from mlrisk.cli.text.parts import Part, Table
from training.registry import RegisteredVersion

LISTED = {
    ("leave_region_out", "recall_10"): "r10 new", ("leave_region_out", "roc_auc"): "AUC new",
    ("as_of", "recall_10"): "r10 later",
}  # fmt: skip
MOST_SETTINGS = 40


def listed(rows: Iterable[RegisteredVersion]) -> list[Part]:
    """The versions, a table for each model, with the decisive figures."""
    header = ("no.", "alias", "as of", *LISTED.values(), "decision")
    by_model: dict[str, list[tuple[str, ...]]] = {}
    for row in rows:
        text = (
            row.number, ", ".join(row.aliases), row.tags.get("as_of", ""),
            *(_number(row.figures.get(f"{protocol}/{figure}")) for protocol, figure in LISTED),
            _decision(row) if row.status == "FINISHED" else f"run {row.status.casefold()}",
        )  # fmt: skip
        by_model.setdefault(row.name, []).append(text)
    tables: list[Part] = [Table(name, header, tuple(texts)) for name, texts in by_model.items()]
    return [
        *tables,
        "r10: share of finds in the first 10 % of the area; AUC: ROC AUC; on new regions, later results",
        "`mlrisk models show` has who promoted a version, its digest and all else",
    ]


def _decision(row: RegisteredVersion) -> str:
    """What was decided about a version, and where records that it learned from are in quarantine."""
    rows = row.tags.get("quarantine", "")
    sources = ", ".join(dict.fromkeys(name.partition(":")[0] for name in rows.split()))
    return row.tags.get("decision", "") + (f" (quarantine: {sources})" if sources else "")


def shown(row: RegisteredVersion) -> list[Part]:
    """One version in full."""
    facts = {"run": row.run_id, "run status": row.status.casefold(), **dict(sorted(row.tags.items()))}
    title = f"{row.name} version {row.number}" + (f" ({', '.join(row.aliases)})" if row.aliases else "")
    figures = tuple((key, f"{value:.3f}") for key, value in row.figures.items())
    return [
        Table(title, ("what", "value"), tuple(facts.items())),
        Table("figures on land that was held out, means over folds", ("figure", "value"), figures),
    ]


def compared(found: Mapping[str, Any]) -> list[Part]:
    """Two versions side by side."""
    one, other = found["versions"]
    names = f"{one.name} {one.number}", f"{other.name} {other.number}"
    figures = tuple(
        (key, _number(a), _number(b), f"{b - a:+.3f}" if a is not None and b is not None else "")
        for key, (a, b) in sorted(found["figures"].items())
    )
    parts: list[Part] = [Table("figures, each on the folds of its own run", ("figure", *names, "change"), figures)]
    if not found["same_labels"]:
        parts.append("note: the label sets differ, so do the folds: `mlrisk retrain` judges both on the same land")
    for title in ("settings", "inputs", "tags"):
        rows = tuple((key, a[:60], b[:60]) for key, (a, b) in list(found[title].items())[:MOST_SETTINGS])
        if rows:
            parts.append(Table(f"{title} that differ", (title, *names), rows))
    parts.append(f"features: {found['features'] or 'the same'}")
    return parts


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
