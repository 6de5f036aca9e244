"""From the champions and a config to the planner package: ranking as one story."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from features.base import Floats, Progress, no_progress, try_folder
from features.sources import report_rows
from features.table import FeatureTable
from mlrisk.commands.map_columns import context_layers, known_hazards, with_place, with_status
from mlrisk.commands.map_notes import notes_of
from mlrisk.commands.map_state import PROGRAM
from mlrisk.commands.plan_layers import plan_layers
from mlrisk.commands.relief import relief_of
from mlrisk.outputs import Beside, write_package
from mlrisk.planning import AUDIT, Plan, make_plan, planning_ground, season_seed, with_ground
from mlrisk.ranking import (
    EVIDENCE_OPEN,
    MEMBER,
    PRIOR,
    CellContamination,
    Champions,
    casualty_columns,
    cell_scores,
    champion_reports,
    load_champions,
    new_finds,
    prior_champions,
    ranked,
    scorer_of,
    with_reasons,
)
from mlrisk.risk_map import INDEX, MAIN, MORE, Notes, Package, present_rule_columns
from mlrisk.settings import Config
from models.casualty import CasualtyModel
from training.evidence import (
    NON_TECHNICAL_SURVEY,
    STATE_NAMES,
    STATUS_NAMES,
    WORKS,
    Inputs,
    Ledger,
    files_digest,
    open_inputs,
    open_ledger,
)
from training.registry import Store, newest
from training.reporting import json_rows
from training.retraining import vanished_note
from training.settings import code_version, program_digest, public_settings

RISK_COLUMNS = (
    "cell_id", "easting_m", "northing_m", "longitude", "latitude", "evidence", "status", "work", "contamination",
    "contamination_low", "contamination_high", "contamination_score", "casualties_per_year", "in_domain",
    "priority", "rank",
    "reason_1", "reason_2", "reason_3", "released", "venn_abers_low", "venn_abers_high", "spread", "missed_share_below",
    "mask", "task_id", "purpose", "inclusion_prob", "season_detection", *MORE,
)  # fmt: skip

# The figures that a planner reads, of some hundred; report.json has the others.
VALIDATION = (
    "protocol", "fold", "ranking", "cells", "found", "base_rate", "roc_auc", "roc_auc_low", "roc_auc_high", "pr_auc",
    "recall_1", "recall_5", "recall_10", "recall_10_low", "recall_10_high", "recall_20", "hectares_90",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Ranking:
    """A finished ranking: the package, the folder that holds it and the files in it."""

    package: Package
    folder: Path
    files: tuple[Path, ...]
    summary: dict[str, object]


def rank(
    config: Config,
    inputs: Inputs | None = None,
    progress: Progress = no_progress,
    ledger: Ledger | None = None,
    table: FeatureTable | None = None,
    files: str | None = None,
    beside: Beside | None = None,
    earlier: gpd.GeoDataFrame | None = None,
) -> Ranking:
    """Score every cell with the champions, explain, rank, plan, and write the planner package.

    Files are written beside the output folder and moved in once all are complete: a run that fails leaves earlier
    outputs unchanged. A caller may give the records and the contamination features of all cells as of the config's date
    (`ledger`, `table`) and the digest of the config's files before any was opened (`files`). `beside` writes further
    files into a folder, which are moved in with the others. `earlier` are the tasks of a map to compare the plan with.
    """
    started = time.monotonic()
    try_folder("output.folder", config.output_folder)
    files = files_digest(config) if files is None else files
    champions = None
    if config.ranking.policy != PRIOR:
        progress("champions")
        champions = load_champions(config)
    progress("sources")
    inputs = inputs or open_inputs(config)
    champions = champions or prior_champions(config, inputs)
    progress("evidence")
    ledger = ledger or open_ledger(config, inputs)
    evidence = ledger.at(config.as_of)
    champions = _with_vanished(config, ledger, champions)
    progress("scores")
    scorer = scorer_of(config, inputs, champions.contamination, evidence, table)
    land, kept = cell_scores(scorer, inputs.grid, config.compute)
    land = with_status(with_place(inputs.grid, evidence, land), evidence, config.ranking.declared)
    progress("casualties")
    contamination = (land[name].to_numpy() for name in ("cell_id", "contamination", "contamination_score"))
    land = land.assign(**casualty_columns(config, inputs, champions.casualty, CellContamination(*contamination)))
    ground = planning_ground(config, inputs.grid, inputs.sources)
    land = ranked(with_ground(land, ground, config), config.ranking.policy)
    progress("reasons")
    land = with_reasons(scorer, inputs.grid, config, land, kept)
    progress("plan")
    season = config.ranking.audit_season or str(config.as_of.year)
    seed = season_seed(config.seed, season)
    audited = evidence.labelled & (evidence.inclusion_prob < 1)
    plan = make_plan(inputs.grid, land, config.ranking, ground.barriers, _members(land), seed, audited,
                     config.output.languages)  # fmt: skip
    package = _package(config, inputs, champions, land, plan, earlier)
    # While files are written, memory holds one copy of the map.
    del land, kept, scorer, ground, table
    progress("planner package")
    summary = _summary(config, inputs, champions, package, time.monotonic() - started) | {
        "files": files,
        "program": program_digest(*PROGRAM),
        "audit": {"season": season, "seed": seed, "cells": int(plan.cells["purpose"].eq(AUDIT).sum())},
    }
    more = _with_reports(champion_reports(config, champions), beside)
    written = write_package(package, config.output_folder, config.output.formats, summary, more)
    return Ranking(package, config.output_folder, written, summary)


def _with_vanished(config: Config, ledger: Ledger, champions: Champions) -> Champions:
    """The champions with a warning, the first, where records that they learned from are gone.

    A cut file makes unknown land of land where something was found.
    """
    if not champions.versions:
        return champions
    return replace(champions, warnings=(*vanished_note(config, ledger), *champions.warnings))


def _with_reports(reports: Mapping[str, str], beside: Beside | None) -> Beside:
    """A writer of the reports of the versions that rank, followed by `beside`.

    A report of another model would be taken for that of this map.
    """

    def more(package: Package, folder: Path) -> None:
        for name, text in reports.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        if beside is not None:
            beside(package, folder)

    return more


def _package(
    config: Config, inputs: Inputs, champions: Champions, land: pd.DataFrame, plan: Plan,
    earlier: gpd.GeoDataFrame | None,
) -> Package:  # fmt: skip
    """The planner package of ranked land and its plan; its columns are RISK_COLUMNS and those of the baselines."""
    risk = pd.concat([land, plan.cells.drop(columns="cell_id")], axis=1)
    risk = risk[[*RISK_COLUMNS, *present_rule_columns(risk)]]
    return Package(
        grid=inputs.grid,
        risk=risk,
        tasks=plan.tasks,
        hazards=known_hazards(config, inputs.sources),
        layers=context_layers(config, inputs.sources) | plan_layers(earlier, plan.tasks),
        notes=notes_of(config, inputs, champions, risk, plan),
        metrics=champions.metrics,
        plan={
            "totals": dict(plan.totals),
            "districts": json_rows(plan.districts),
            "calendar": json_rows(plan.calendar),
            "what_if": plan.what_if,
        },
        sheets=config.output.task_sheets,
        languages=config.output.languages,
        relief=relief_of(inputs.grid, inputs.sources),
    )


def _members(land: pd.DataFrame) -> Floats:
    """Contamination according to each bootstrap member, (M, n_cells)."""
    return np.array([land[name].to_numpy() for name in land if name.startswith(MEMBER)])


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


def _summary(
    config: Config, inputs: Inputs, champions: Champions, package: Package, seconds: float
) -> dict[str, object]:
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
        "work": {name: _work_summary(risk[risk["work"] == name]) for name in WORKS},
        "expected_found_cells": _finite(new_finds(risk[risk["work"] == NON_TECHNICAL_SURVEY]).sum()),
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


def _work_summary(land: pd.DataFrame) -> dict[str, object]:
    """Counts of the cells that need one kind of work, and how many of the first 5 % hold a find already.

    Its evidence is still open, or it was dealt with: it lies in an area on record or in released land, which covers a
    part of the cell.
    """
    ranked, open_ = land["rank"].notna(), land["status"].eq(EVIDENCE_OPEN)
    dealt_with = land["evidence"].eq("found") & ~open_
    first = ranked & land["rank"].le(np.ceil(0.05 * ranked.sum())).fillna(value=False)
    return {
        "cells": len(land),
        "ranked_cells": int(ranked.sum()),
        "expected_found_cells": _finite(new_finds(land).sum()),
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
