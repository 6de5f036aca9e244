"""Facts and figures of a finished map: summary.json."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from features.base import Floats
from features.sources import report_rows
from mlrisk.ranking import EVIDENCE_OPEN, Champions
from mlrisk.risk_map import INDEX, MAIN, MORE, Notes, Package
from mlrisk.settings import Config
from models.casualty import CasualtyModel
from training.evidence import NON_TECHNICAL_SURVEY, STATE_NAMES, STATUS_NAMES, WORKS, Inputs
from training.registry import Store, newest
from training.reporting import json_rows
from training.settings import code_version, public_settings

# The figures that a planner reads, of some hundred; report.json has the others.
VALIDATION = (
    "protocol", "fold", "ranking", "cells", "found", "base_rate", "roc_auc", "roc_auc_low", "roc_auc_high", "pr_auc",
    "recall_1", "recall_5", "recall_10", "recall_10_low", "recall_10_high", "recall_20", "hectares_90",
)  # fmt: skip


def map_summary(
    config: Config, inputs: Inputs, champions: Champions, package: Package, expected: Floats, seconds: float
) -> dict[str, object]:
    """Counts, expectations, models, validation, inputs and warnings of a map that took so many seconds.

    `expected` (n_cells,) is the number of new finds on each cell, after what earlier searches found.
    """
    risk = package.risk
    return {
        "name": config.name,
        "as_of": str(config.as_of),
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "code": code_version(),
        "not_evidence_of_absence": Notes.NOT_EVIDENCE,
        "policy": config.ranking.policy,
        "cells": len(risk),
        "ranked_cells": int(risk["rank"].notna().sum()),
        "released_cells": int(risk["released"].sum()),
        "out_of_domain_cells": int((~risk["in_domain"]).sum()),
        "evidence": {name: int((risk["evidence"] == name).sum()) for name in STATE_NAMES},
        "status": {name: int((risk["status"] == name).sum()) for name in STATUS_NAMES},
        "work": {name: _work_summary(risk, name, expected) for name in WORKS},
        "expected_found_cells": _finite(expected[(risk["work"] == NON_TECHNICAL_SURVEY).to_numpy()].sum()),
        "level": champions.contamination.level.kind,
        "contamination_is": champions.contamination.level.sentence,
        "casualties_per_year": _finite(risk["casualties_per_year"].sum(min_count=1)),
        "casualty_risk": _casualty_summary(champions.casualty, risk),
        "tasks": len(package.tasks),
        "plan": {name: value for name, value in package.plan.items() if name not in ("calendar", "what_if")},
        "models": [vars(version) for version in champions.versions],
        "validation": json_rows(champions.metrics[[name for name in VALIDATION if name in champions.metrics]]),
        "casualty_validation": json_rows(champions.casualty_metrics),
        "inputs": report_rows(inputs.reports),
        "not_included": list(package.notes.not_included),
        **({"basis": package.notes.basis} if package.notes.basis else {}),
        "warnings": [*package.notes.warnings, *_version_warnings(config, champions)],
        "settings": public_settings(config),
    }


def _version_warnings(config: Config, champions: Champions) -> list[str]:
    """Warnings for the operator if a newer version than the ranking one was trained.

    They go only into the summary: a model that does not rank must not change a byte of the map.
    """
    notes: list[str] = []
    if not champions.versions:
        return notes
    store = Store.of(config)
    for version in champions.versions:
        number = newest(store, version.name)
        if number > int(version.number):
            notes.append(f"{version.name} version {number} is newer but not champion: version {version.number} ranks")
    return notes


def _work_summary(risk: pd.DataFrame, work: str, expected: Floats) -> dict[str, object]:
    """Counts of the cells that need one kind of work, and how many of the first 5 % hold a find already.

    Its evidence is still open, or it was dealt with: it lies in an area on record or in released land, which covers a
    part of the cell.
    """
    mine = risk["work"].eq(work).to_numpy()
    ranked, open_ = mine & risk["rank"].notna().to_numpy(), mine & risk["status"].eq(EVIDENCE_OPEN).to_numpy()
    dealt_with = mine & risk["evidence"].eq("found").to_numpy() & ~open_
    in_first = risk["rank"].le(np.ceil(0.05 * ranked.sum())).fillna(value=False).to_numpy(dtype=bool)
    first = ranked & in_first
    return {
        "cells": int(mine.sum()),
        "ranked_cells": int(ranked.sum()),
        "expected_found_cells": _finite(expected[mine].sum()),
        "evidence_open_cells": int(open_.sum()),
        "first_5_percent_cells": int(first.sum()),
        "evidence_open_cells_in_first_5_percent": int((first & open_).sum()),
        "dealt_with_cells_in_first_5_percent": int((first & dealt_with).sum()),
    }


def _casualty_summary(model: CasualtyModel | None, risk: pd.DataFrame) -> dict[str, object]:
    """The kind of figures in the casualty columns, and their totals."""
    kind = "index" if model is None or model.is_index else "expected casualties"
    totals = {name: _finite(risk[name].sum(min_count=1)) for name in (MAIN, *MORE) if name != INDEX}
    facts: dict[str, object] = {"kind": kind, "index": "contamination x exposure x severity, mean 1", "totals": totals}
    if model is not None:
        # Bounds of cells do not add up to bounds of the total, which come from the members.
        low, high = (_finite(value) for value in model.total_interval())
        totals |= {"casualties_per_year_low": low, "casualties_per_year_high": high}
        facts |= {
            "casualties_per_accident": model.per_accident,
            "yearly_change_log": model.yearly_change,
            "dispersion": model.dispersion,
            "weights": dict(model.whole.weights),
        }
    return facts


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
