"""From the champions and a config to the planner package: ranking as one story."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import pandas as pd

from features.base import (
    Flags,
    Floats32,
    Place,
    Progress,
    arrays_on_disk,
    leave_memory,
    nearest_folder,
    no_progress,
    trim_heap,
    try_folder,
)
from features.table import FeatureTable
from mlrisk.commands.map_columns import context_layers, known_hazards, with_place, with_status
from mlrisk.commands.map_notes import notes_of
from mlrisk.commands.map_state import PROGRAM
from mlrisk.commands.map_summary import map_summary
from mlrisk.commands.plan_layers import plan_layers
from mlrisk.commands.relief import relief_of
from mlrisk.outputs import Beside, write_package
from mlrisk.planning import AUDIT, Plan, make_plan, planning_ground, season_seed, with_ground
from mlrisk.ranking import (
    EARLIER_DETECTION,
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
from mlrisk.risk_map import MORE, Package, frame_of, present_rule_columns, with_columns
from mlrisk.settings import Config
from training.evidence import (
    Evidence,
    Inputs,
    Ledger,
    files_digest,
    measured_detection,
    open_inputs,
    open_ledger,
)
from training.reporting import json_rows
from training.retraining import vanished_note
from training.settings import program_digest

RISK_COLUMNS = (
    "cell_id", "easting_m", "northing_m", "longitude", "latitude", "evidence", "status", "work", "contamination",
    "contamination_low", "contamination_high", "contamination_score", "casualties_per_year", "in_domain",
    "priority", "rank",
    "reason_1", "reason_2", "reason_3", "released", "venn_abers_low", "venn_abers_high", "spread", "missed_share_below",
    "mask", "task_id", "purpose", "inclusion_prob", "season_detection", *MORE,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Ranking:
    """A finished ranking: the package, the folder that holds it and the files in it."""

    package: Package
    folder: Place
    files: tuple[Place, ...]
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
    # Columns of a large map lie in files beside it, so that memory holds those in use.
    with arrays_on_disk(nearest_folder(config.output_folder)):
        champions = _learned(config, progress)
        progress("sources")
        inputs = inputs or open_inputs(config)
        champions = champions or prior_champions(config, inputs)
        progress("evidence")
        ledger = ledger or open_ledger(config, inputs)
        evidence = ledger.at(config.as_of)
        champions = _with_vanished(config, ledger, champions)
        progress("scores")
        scorer = scorer_of(config, inputs, champions.contamination, evidence, table)
        scores = cell_scores(scorer, inputs.grid, config.compute)
        detection = ledger.detection(config.as_of)
        land = _with_state(config, inputs, evidence, scores.rows, measured_detection(detection, EARLIER_DETECTION))
        progress("casualties")
        land = _with_casualties(config, inputs, champions, land)
        ground = planning_ground(config, inputs.grid, inputs.sources)
        land, barriers = ranked(with_ground(land, ground, config), config.ranking.policy), ground.barriers
        progress("reasons")
        land = with_reasons(scorer, inputs.grid, config, land, scores.kept)
        members, audited = scores.members, evidence.labelled & (evidence.inclusion_prob < 1)
        # From here on only the map itself is needed, and its sources.
        del scores, scorer, table, ground, evidence, ledger
        _leave()
        progress("plan")
        plan, audit = _planned(config, inputs, land, members, audited, barriers)
        package = _package(config, inputs, champions, land, plan, earlier, detection)
        expected = new_finds(land)
        del land, members, barriers, audited
        _leave()
        progress("planner package")
        facts = {"files": files, "program": program_digest(*PROGRAM), "detection": json_rows(detection), "audit": audit}
        summary = map_summary(config, inputs, champions, package, expected, time.monotonic() - started) | facts
        more = _with_reports(champion_reports(config, champions), beside)
        written = write_package(package, config.output_folder, config.output.formats, summary, more)
        return Ranking(package, config.output_folder, written, summary)


def _leave() -> None:
    """Return to the system what no later step needs in memory."""
    trim_heap()
    leave_memory()


def _learned(config: Config, progress: Progress) -> Champions | None:
    """The champions, None where rules of the field rank."""
    if config.ranking.policy == PRIOR:
        return None
    progress("champions")
    return load_champions(config)


def _with_state(
    config: Config, inputs: Inputs, evidence: Evidence, scores: pd.DataFrame, detection: float
) -> pd.DataFrame:
    """`scores` with the place of each cell, its evidence, status and work; `detection` is that of earlier searches."""
    return with_status(with_place(inputs.grid, evidence, scores), evidence, config.ranking.declared, detection)


def _with_casualties(config: Config, inputs: Inputs, champions: Champions, land: pd.DataFrame) -> pd.DataFrame:
    """`land` with the casualty columns; no column is copied."""
    contamination = (land[name].to_numpy() for name in ("cell_id", "contamination", "contamination_score"))
    columns = casualty_columns(config, inputs, champions.casualty, CellContamination(*contamination))
    return pd.concat([land, frame_of(columns)], axis=1)


def _planned(
    config: Config, inputs: Inputs, land: pd.DataFrame, members: Floats32, audited: Flags,
    barriers: tuple[Flags, Flags],
) -> tuple[Plan, dict[str, object]]:  # fmt: skip
    """The plan of ranked land, and the season, seed and size of its audit."""
    season = config.ranking.audit_season or str(config.as_of.year)
    seed = season_seed(config.seed, season)
    plan = make_plan(inputs.grid, land, config.ranking, barriers, members, seed, audited,
                     config.output.languages)  # fmt: skip
    return plan, {"season": season, "seed": seed, "cells": int(plan.cells["purpose"].eq(AUDIT).sum())}


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
    earlier: gpd.GeoDataFrame | None, detection: pd.DataFrame,
) -> Package:  # fmt: skip
    """The planner package of ranked land and its plan; its columns are RISK_COLUMNS and those of the baselines."""
    risk = with_columns(land, dict(plan.cells.drop(columns="cell_id")))
    risk = risk[[*RISK_COLUMNS, *present_rule_columns(risk)]]
    return Package(
        grid=inputs.grid,
        risk=risk,
        tasks=plan.tasks,
        hazards=known_hazards(config, inputs.sources),
        layers=context_layers(config, inputs.sources) | plan_layers(earlier, plan.tasks),
        notes=notes_of(config, inputs, champions, risk, plan, detection),
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
