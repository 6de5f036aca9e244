"""From a config to recorded model versions: the training run as one story."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import ConfigError, InputError
from features.info import FeatureContext, FeatureInfo
from features.known import Known
from features.table import FeatureTable, feature_infos, grid_feature_table
from models.boosting import fit
from models.casualty import CasualtyModel
from models.contamination import ContaminationModel, TrainingRows, constraint_signs, fit_contamination
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
from training.evidence import FOUND, SEARCHED, STATE_NAMES, Evidence, evidence_at
from training.inputs import OUTCOME_SOURCES, Inputs, contamination_context, open_inputs
from training.judging import Judgement, boosting_params, cell_blocks, judge_contamination
from training.metrics import mean_by_ranking
from training.regions import cell_regions
from training.survey_bias import SurveyBias, propensity, sensitivity, survey_bias, unlabelled_land
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
    grid, sources = inputs.grid, inputs.sources
    progress("evidence")
    evidence = evidence_at(grid, sources, config.as_of, config.contamination.labels, config.data_folder)
    check_evidence(evidence, config.contamination.survey_bias.unlabelled == "background")
    progress("features")
    known = Known(sources, contamination_context(config))
    table = grid_feature_table(grid, known, config.features, config.compute.tile_cells, config.compute.schedule)
    infos = feature_infos(known, config.features)
    learned = _learned(config, table, infos, known.context)
    regions = cell_regions(grid, sources, config.validation)
    constraints = _constraints(config, infos, learned)
    bias = _survey_bias(config, inputs, learned, infos, evidence)
    progress("validation")
    judgement = judge_contamination(config, grid, table, learned, evidence, regions, constraints, bias)
    progress("contamination model")
    rows = _training_rows(config, inputs, learned, evidence, judgement, bias)
    contamination = fit_contamination(
        rows,
        boosting_params(config.contamination.model),
        constraints,
        config.contamination.members,
        config.seed,
        config.compute.threads,
        unlabelled_land(bias, learned.values, rows.target >= 0.5, rows.weight),
        config.contamination.survey_bias.bags,
    )
    moved = _sensitivity(config, learned, rows, evidence, constraints)
    progress("casualty model")
    casualty, casualty_metrics, notes = _train_casualty(config, inputs)
    metrics = judgement.table
    if len(metrics):
        metrics = pd.concat([metrics, mean_by_ranking(metrics)], ignore_index=True)
    warnings = (
        *_evidence_warnings(evidence, judgement),
        *_bias_notes(bias),
        *_unseen(infos, known.context),
        *notes,
    )
    progress("record")
    run_id, versions = _record(
        config,
        inputs,
        evidence,
        judgement,
        contamination,
        casualty,
        metrics,
        casualty_metrics,
        warnings,
        moved=moved,
        bias=bias,
    )
    return Trained(run_id, versions, contamination, casualty, evidence, metrics, casualty_metrics, warnings)


def check_evidence(evidence: Evidence, found_alone: bool = False) -> None:
    """Refuse evidence that nothing can be learned from; raises InputError with the counts.

    `found_alone` allows for too little that was searched: the config asks for a background of unknown land.
    """
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
    if searched < FEWEST_FOUND and not found_alone:
        raise InputError(
            f"{searched} searched cell(s) at {evidence.as_of} ({counts}): at least {FEWEST_FOUND} are needed, for "
            "unknown land is never taken as searched. Give land_release or survey records, or declare what was "
            "surveyed in contamination.labels.declared_searched, or set contamination.survey_bias.unlabelled to "
            "background: an index of where, drawn against unknown land"
        )


def _learned(
    config: TrainConfig, table: FeatureTable, infos: Mapping[str, FeatureInfo], context: FeatureContext
) -> FeatureTable:
    """The columns that the model may see: not those left out, by name or family, nor those made of survey outcomes."""
    seen = table.without("contamination.leave_out", config.contamination.leave_out, infos)
    telling = features_of_outcomes(infos, context)
    return seen.without("features of outcomes", [name for name in telling if name in seen.names], infos)


def features_of_outcomes(infos: Mapping[str, FeatureInfo], context: FeatureContext) -> tuple[str, ...]:
    """Features made of survey outcomes that make labels too."""
    telling = OUTCOME_SOURCES & context.own_event_sources
    return tuple(name for name, info in infos.items() if telling.intersection(info.sources))


def _constraints(config: TrainConfig, infos: Mapping[str, FeatureInfo], table: FeatureTable) -> dict[str, int]:
    wanted = config.contamination.constraints
    if wanted == "none":
        return {}
    if isinstance(wanted, dict):
        unknown = sorted(set(wanted) - set(table.names))
        if unknown:
            raise ConfigError(
                f"contamination.constraints ({', '.join(unknown)}) names no feature: there are {', '.join(table.names)}"
            )
        return {name: int(sign) for name, sign in wanted.items() if sign}
    trends = {name: info.trend for name, info in infos.items()}
    return constraint_signs(table.names, trends)


def _survey_bias(
    config: TrainConfig,
    inputs: Inputs,
    learned: FeatureTable,
    infos: Mapping[str, FeatureInfo],
    evidence: Evidence,
) -> SurveyBias:
    # Finds are what survey brings home: a propensity that reads them would know the land by its outcome.
    open_columns = [name for name in learned.names if "finds" not in infos[name].sources]
    places = [learned.names.index(name) for name in open_columns]

    def chance() -> NDArray[np.float64]:
        block = cell_blocks(inputs.grid, config.contamination.block_m)
        return propensity(
            learned.values[:, places], evidence.labelled, block, open_columns, seed=config.seed,
            threads=config.compute.threads, inclusion_prob=getattr(evidence, "inclusion_prob", None),
        )  # fmt: skip

    searched = evidence.labelled & (evidence.state == SEARCHED)
    return survey_bias(config.contamination.survey_bias, evidence.labelled, searched, FEWEST_FOUND, chance)


def _bias_notes(bias: SurveyBias) -> tuple[str, ...]:
    note = (
        "too little land was searched: found cells were held against a background drawn from unknown land "
        "(contamination.survey_bias.unlabelled). That land stays unknown, and contamination is an index of where, no "
        "probability"
    )
    return (note,) if bias.found_alone else ()


def _sensitivity(
    config: TrainConfig, learned: FeatureTable, rows: TrainingRows, evidence: Evidence, constraints: dict[str, int]
) -> pd.DataFrame:
    """How the ranking of all cells moves with prevalence and survey weights; empty where one class is missing."""
    if len(np.unique(rows.target)) < 2:
        return pd.DataFrame()

    def score(weight: NDArray[np.float64]) -> NDArray[np.float64]:
        booster = fit(
            rows.values, rows.target, weight, rows.features, "binary", boosting_params(config.contamination.model),
            seed=config.seed, constraints=constraints,
        )  # fmt: skip
        return booster.raw(learned.values, config.compute.threads)

    return sensitivity(score, rows.target, rows.weight, evidence.weight[evidence.labelled])


def _training_rows(
    config: TrainConfig,
    inputs: Inputs,
    table: FeatureTable,
    evidence: Evidence,
    judgement: Judgement,
    bias: SurveyBias,
) -> TrainingRows:
    rows = evidence.labelled
    return TrainingRows(
        table.names,
        table.values[rows],
        (evidence.state[rows] == FOUND).astype(np.float64),
        evidence.weight[rows] * bias.weight[rows],
        # The curve too speaks of all land, not of the land that people chose.
        evidence.share[rows] * bias.weight[rows],
        cell_blocks(inputs.grid, config.contamination.block_m)[rows],
        judgement.out_of_fold[rows],
        judgement.fold[rows],
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
    *,
    moved: pd.DataFrame,
    bias: SurveyBias,
) -> tuple[str, tuple[Version, ...]]:
    """Log everything to MLflow and register the versions; a run that breaks here is marked as failed."""
    store = Store.of(config)
    run_id = store.start_run(config, inputs.digests)
    try:
        texts = {
            "config.json": json.dumps(public_settings(config), indent=1),
            "validation.csv": _csv(metrics),
            "casualty_validation.csv": _csv(casualty_metrics),
            "sensitivity.csv": _csv(moved),
            "missed_found_cells.csv": _csv(_missed(inputs, judgement)),
            "warnings.txt": "\n".join(warnings),
        }
        tags = {"as_of": str(config.as_of), "labels": label_digest(evidence), "protocol": "leave_region_out"}
        tags |= {"grid": grid_text(config), "seed": str(config.seed), "unit_m": f"{config.casualty.unit_m:g}"}
        flat = _flat_metrics(metrics, evidence) | {"evidence/effective_sample_size": bias.effective}
        store.log_results(run_id, flat, texts)
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
