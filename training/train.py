"""From a config to recorded model versions: the training run as one story."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError
from features.info import FeatureContext, FeatureInfo
from models.casualty import CasualtyModel
from models.contamination import ContaminationModel, TrainingRows, fit_contamination
from training.casualties import (
    exposed_people,
    fit_casualty,
    judge_casualty,
    make_units,
    undated_context,
    unit_features,
    unit_periods,
)
from training.config import TrainConfig
from training.evidence import FOUND, SEARCHED, STATE_NAMES, Evidence
from training.hindsight import earlier_trials
from training.inputs import OUTCOME_SOURCES, Inputs, open_inputs
from training.judging import Judgement, boosting_params, judge_contamination, trials_of
from training.ledger import Ledger
from training.metrics import mean_by_ranking
from training.regions import cell_regions
from training.study import Study, features_of_outcomes, study_at
from training.tracking import Store, Version, digest_of, grid_text, public_settings

# With fewer, no held-out region can be judged and no map means anything.
FEWEST_FOUND = 20

Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training run made and recorded.

    `metrics` holds contamination figures by protocol, fold and ranking, with the means over folds; `casualty_metrics`
    those of casualty risk, empty where nothing could be judged. `casualty` is None without a single accident.
    """

    run_id: str
    versions: tuple[Version, ...]
    contamination: ContaminationModel
    casualty: CasualtyModel | None
    evidence: Evidence
    metrics: pd.DataFrame
    casualty_metrics: pd.DataFrame
    warnings: tuple[str, ...]


def train(config: TrainConfig, inputs: Inputs | None = None, progress: Progress = lambda _: None) -> Trained:
    """Train both models as of `config.as_of`, judge them, record them in MLflow and register their versions.

    Raises InputError when too little was found or searched to learn from.
    """
    progress("sources")
    inputs = inputs or open_inputs(config)
    progress("evidence")
    ledger = Ledger.build(inputs.grid, inputs.sources, config.contamination.labels, config.data_folder)
    evidence = ledger.at(config.as_of)
    check_evidence(evidence)
    progress("features")
    study = study_at(config, inputs, evidence)
    progress("validation")
    earlier = earlier_trials(config, inputs, ledger) if "as_of" in config.validation.protocols else ()
    judgement = judge_contamination(config, study, trials_of(config, study, tuple(earlier)))
    progress("contamination model")
    contamination = fit_contamination(
        _training_rows(study, judgement),
        boosting_params(config.contamination.model),
        study.constraints,
        config.contamination.members,
        config.seed,
        config.compute.threads,
    )
    progress("casualty model")
    casualty, casualty_metrics, notes = _train_casualty(config, inputs)
    metrics = judgement.table
    if len(metrics):
        metrics = pd.concat([metrics, mean_by_ranking(metrics)], ignore_index=True)
    warnings = (*_evidence_warnings(evidence, judgement), *_unseen(study.infos, study.context), *notes)
    progress("record")
    run_id, versions = _record(
        config, inputs, evidence, judgement, contamination, casualty, metrics, casualty_metrics, warnings
    )
    return Trained(run_id, versions, contamination, casualty, evidence, metrics, casualty_metrics, warnings)


def check_evidence(evidence: Evidence) -> None:
    """Refuse evidence that nothing can be learned from; raises InputError with the counts."""
    found = int((evidence.state[evidence.labelled] == FOUND).sum())
    searched = int((evidence.state[evidence.labelled] == SEARCHED).sum())
    counts = ", ".join(f"{name} {count}" for name, count in evidence.counts.items()) or "no record"
    if not found and not searched:
        raise InputError(
            f"every cell is unknown at {evidence.as_of} ({counts}): give hazard areas, finds, incidents or land "
            "release with dates up to as_of, or name more kinds in contamination.labels"
        )
    if found < FEWEST_FOUND:
        raise InputError(
            f"{found} found cell(s) at {evidence.as_of} ({counts}): at least {FEWEST_FOUND} are needed to learn and "
            "to judge. Name more kinds in contamination.labels.found, or give more records"
        )
    if searched < FEWEST_FOUND:
        raise InputError(
            f"{searched} searched cell(s) at {evidence.as_of} ({counts}): at least {FEWEST_FOUND} are needed, for "
            "unknown land is never taken as searched. Give land_release or survey records, or declare what was "
            "surveyed in contamination.labels.declared_searched"
        )


def _training_rows(study: Study, judgement: Judgement) -> TrainingRows:
    evidence = study.evidence
    rows = evidence.labelled
    return TrainingRows(
        study.learned.names,
        study.learned.values[rows],
        (evidence.state[rows] == FOUND).astype(np.float64),
        evidence.weight[rows],
        evidence.share[rows],
        study.block[rows],
        judgement.out_of_fold[rows],
        judgement.fold[rows],
        cell_blocks(inputs.grid, config.validation.block_m)[rows],
    )


def _train_casualty(config: TrainConfig, inputs: Inputs) -> tuple[CasualtyModel | None, pd.DataFrame, tuple[str, ...]]:
    units = make_units(inputs.grid, config.casualty.unit_m)
    people = units.total(exposed_people(inputs.grid, inputs.sources, config.casualty))
    rows = unit_periods(config, inputs.sources, units, people)
    if rows is None:
        return None, pd.DataFrame(), (_no_accidents(config),)
    metrics = judge_casualty(config, units.grid, rows, cell_regions(units.grid, inputs.sources, config.validation))
    now = unit_features(config, inputs.sources, units, casualty_context(config, rows.dated))
    model = fit_casualty(config, rows, now, people)
    return model, metrics, _casualty_notes(config, inputs, model, rows.accidents, rows.dated)


def _no_accidents(config: TrainConfig) -> str:
    years = config.casualty.window_years
    return (
        f"no accident is known in the area in the {years} years before as_of (casualty.window_years): "
        "casualties_per_year is empty"
    )


def casualty_context(config: TrainConfig, dated: bool) -> FeatureContext:
    """Features of the units as of as_of, in the form that the model has learned from."""
    return FeatureContext(config.as_of) if dated else undated_context(config)


def _casualty_notes(
    config: TrainConfig, inputs: Inputs, model: CasualtyModel, accidents: int, dated: bool
) -> tuple[str, ...]:
    notes = []
    if model.is_index:
        notes.append(
            f"casualties_per_year rests on {accidents} accidents, fewer than {config.casualty.fewest_accidents}: "
            "read it as an index of where, not as a count"
        )
    if not dated:
        notes.append(
            f"accidents carry no date: they were spread evenly over {config.casualty.undated_years:g} years "
            "(casualty.undated_years), so casualties_per_year is a long-run mean and not a forecast"
        )
    if "settlements" not in inputs.sources.vectors:
        notes.append("no settlements: casualty exposure is the same everywhere")
    return tuple(notes)


def _evidence_warnings(evidence: Evidence, judgement: Judgement) -> tuple[str, ...]:
    notes = []
    if evidence.counts.get("declared_searched"):
        notes.append(
            f"{evidence.counts['declared_searched']:,} cells count as searched because the config declares it, "
            "not because a record says so"
        )
    if not np.isfinite(judgement.out_of_fold).any():
        notes.append("no region could be held out: probabilities are calibrated in-sample and not to be relied on")
    return tuple(notes)


def _unseen(infos: Mapping[str, FeatureInfo], context: FeatureContext) -> tuple[str, ...]:
    names = features_of_outcomes(infos, context)
    if not names:
        return ()
    sources = ", ".join(sorted(OUTCOME_SOURCES & context.own_event_sources))
    note = f"{len(names)} features of {sources} are in the feature table and not in the model: these records make the "
    return (f"{note}labels, and would tell a held-out region its own answer",)


def _record(
    config: TrainConfig,
    inputs: Inputs,
    evidence: Evidence,
    judgement: Judgement,
    contamination: ContaminationModel,
    casualty: CasualtyModel | None,
    metrics: pd.DataFrame,
    casualty_metrics: pd.DataFrame,
    warnings: tuple[str, ...],
) -> tuple[str, tuple[Version, ...]]:
    """Log everything to MLflow and register the versions; a run that breaks here is marked as failed."""
    store = Store.of(config)
    run_id = store.start_run(config, inputs.digests)
    try:
        texts = {
            "config.json": json.dumps(public_settings(config), indent=1),
            "validation.csv": _csv(metrics),
            "casualty_validation.csv": _csv(casualty_metrics),
            "missed_found_cells.csv": _csv(_missed(inputs, judgement)),
            "folds.json": json.dumps(_explained_folds(judgement), indent=1),
            "warnings.txt": "\n".join(warnings),
        }
        tags = {"as_of": str(config.as_of), "labels": label_digest(evidence), "protocol": "leave_region_out"}
        tags |= {"grid": grid_text(config), "seed": str(config.seed), "unit_m": f"{config.casualty.unit_m:g}"}
        store.log_results(run_id, _flat_metrics(metrics, evidence), texts)
        versions = [store.register(run_id, f"{config.name}.contamination", contamination.files(), tags)]
        if casualty is not None:
            versions.append(store.register(run_id, f"{config.name}.casualty", casualty.files(), tags))
        store.crown(versions)
        store.finish_run(run_id)
    except BaseException:
        store.fail_run(run_id)
        raise
    return run_id, tuple(versions)


def label_digest(evidence: Evidence) -> str:
    """SHA-256 of states and weights, the identity of the label set."""
    return digest_of({"state": evidence.state.tobytes().hex(), "weight": evidence.weight.tobytes().hex()})


def _explained_folds(judgement: Judgement) -> list[dict[str, Any]]:
    return [{"protocol": fold.protocol, "fold": fold.name, **fold.facts} for fold in judgement.folds]


def _missed(inputs: Inputs, judgement: Judgement) -> pd.DataFrame:
    cells: NDArray[np.int64] = judgement.missed
    centres = inputs.grid.centres_m()[cells]
    return pd.DataFrame(
        {
            "cell_id": inputs.grid.cell_ids()[cells],
            "easting_m": centres[:, 0],
            "northing_m": centres[:, 1],
            "score": judgement.out_of_fold[cells],
        }
    )


def _flat_metrics(metrics: pd.DataFrame, evidence: Evidence) -> dict[str, float]:
    """Figures by MLflow key, such as leave_region_out/mean/mlrisk/roc_auc, and the counts of the evidence."""
    flat = {f"evidence/{name}": float((evidence.state == number).sum()) for number, name in enumerate(STATE_NAMES)}
    for row in metrics.to_dict("records"):
        head = f"{row['protocol']}/{row['fold']}/{row['ranking']}"
        clean = "".join(c if c.isalnum() or c in "_-. /" else "_" for c in head)
        flat |= {f"{clean}/{key}": float(value) for key, value in row.items() if isinstance(value, float)}
    return flat


def _csv(table: pd.DataFrame) -> str:
    buffer = io.StringIO()
    table.to_csv(buffer, index=False)
    return buffer.getvalue()
