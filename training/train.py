"""From a config to recorded model versions: the training run as one story."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.base import FeatureContext, FeatureInfo, Floats, InputError
from models.casualty import HURDLE, CasualtyModel
from models.contamination import ContaminationModel
from models.contamination_fit import TrainingRows, fit_contamination
from models.mixture import MOST_DISPERSION
from training.casualty import (
    CasualtyJudgement,
    History,
    UnitPeriods,
    accident_notes,
    fit_casualty,
    judge_casualty,
    open_history,
    unit_blocks,
)
from training.contamination import (
    FEWEST_AUDIT_FOUND,
    FEWEST_FOUND,
    CellDataset,
    Judgement,
    LearningSet,
    Recipe,
    SurveyBias,
    audited,
    cell_blocks,
    dataset_at,
    earlier_trials,
    features_of_outcomes,
    fit_side,
    growing_features,
    judge_contamination,
    learned_by,
    trials_of,
    unlabelled_land,
)
from training.contamination.sensitivity import sensitivity
from training.evidence import (
    FOUND,
    OUTCOME_SOURCES,
    SEARCHED,
    Evidence,
    Inputs,
    Ledger,
    open_inputs,
    open_ledger,
    records_text,
)
from training.evidence.fingerprint import fingerprint
from training.registry import Store, Version
from training.reporting import Findings, optimism_gap, record, run_report
from training.settings import TrainConfig
from training.validation import mean_by_ranking

# Why a protocol can fail to make a single fold.
UNJUDGED = {
    "as_of": "records without a recorded date tell nothing of how knowledge grew, or too little was recorded within "
    "validation.horizon_years after an earlier date",
    "leave_region_out": "no region has found and searched cells with as much left to learn from (validation.regions)",
    "knndm": "too few labelled cells, or none of one kind in a fold",
    "random": "too few labelled cells of one kind",
}

Progress = Callable[[str], None]
# MLflow refuses longer tags.
MOST_TAG = 4000


@dataclass(frozen=True, eq=False, kw_only=True)
class Trained:
    """What a training run made and recorded.

    `metrics` holds contamination figures by protocol, fold and ranking, with the means over folds; `casualty_metrics`
    those of casualty risk, empty where nothing could be judged. `casualty` is None without a single accident.
    `optimism_gap` is what random folds would have promised beyond held-out regions, by figure, NaN where not measured.
    `beaten` are the baselines that rank better than the model, a sentence each. `report` are the texts of the
    validation report by file name; `study` is what was learned from.
    """

    run_id: str
    versions: tuple[Version, ...]
    contamination: ContaminationModel
    casualty: CasualtyModel | None
    evidence: Evidence
    metrics: pd.DataFrame
    casualty_metrics: pd.DataFrame
    optimism_gap: Mapping[str, float]
    report: Mapping[str, str]
    warnings: tuple[str, ...]
    study: CellDataset
    judgement: Judgement
    history: History | None
    beaten: tuple[str, ...]


def train(
    config: TrainConfig,
    inputs: Inputs | None = None,
    progress: Progress = lambda _: None,
    tags: Mapping[str, str] | None = None,
    ledger: Ledger | None = None,
) -> Trained:
    """Train both models as of `config.as_of`, judge them, record them in MLflow and register their versions.

    `tags` are what else the run and the versions are to be known by. The ledger is built where none is given.
    Raises InputError when too little was found or searched to learn from.
    """
    began_ms = time.time_ns() // 1_000_000
    Store.of(config).check_open_to(config.name)
    progress("sources")
    inputs = inputs or open_inputs(config)
    progress("evidence")
    ledger = ledger or open_ledger(config, inputs)
    evidence = ledger.at(config.as_of)
    check_evidence(evidence, config.contamination.survey_bias.unlabelled == "background")
    progress("features")
    study = dataset_at(config, inputs, evidence)
    progress("validation")
    earlier = earlier_trials(config, inputs, ledger) if "as_of" in config.validation.protocols else ()
    judgement = judge_contamination(config, study, trials_of(config, study, tuple(earlier)))
    progress("contamination model")
    side, recipe, choices = learned_by(config, study, np.flatnonzero(evidence.labelled), config.compute.threads)
    rows = _training_rows(config, study, side, judgement)
    contamination = fit_contamination(
        rows,
        recipe.ranker,
        side.constraints,
        config.contamination.members,
        config.seed,
        config.compute.threads,
        unlabelled_land(study.bias, study.learned.aligned(side.names), side.found, side.weight),
    )
    contamination, audit_note = _on_audit(study, judgement, contamination)
    moved = _sensitivity(config, study, side, recipe, contamination)
    progress("casualty model")
    history = open_history(config, inputs, ledger)
    casualty, casualty_judged, notes = _train_casualty(config, inputs, history)
    metrics = judgement.table
    if len(metrics):
        metrics = pd.concat([metrics, mean_by_ranking(metrics)], ignore_index=True)
    warnings = (
        *_evidence_warnings(evidence, judgement),
        *_unjudged(config, judgement),
        *_bias_notes(study.bias),
        *audit_note,
        *(_unseen(study.infos, study.snapshot.context) if config.contamination.outcomes == "hidden" else ()),
        *notes,
    )
    progress("report")
    report = run_report(config, study, judgement, metrics, moved, warnings, casualty_judged, contamination.ranker)
    progress("record")
    records = records_text(ledger, config.as_of)
    every = {**(tags or {}), "fingerprint": fingerprint(config, inputs, ledger)}
    if report.beaten:
        every["beaten_by"] = "; ".join(report.beaten)[:MOST_TAG]
    found = Findings(
        study=study,
        judgement=judgement,
        metrics=metrics,
        casualty=casualty_judged,
        moved=moved,
        report=report,
        warnings=warnings,
        choices=choices,
        records=records,
        tags=every,
        began_ms=began_ms,
    )
    run_id, versions = record(config, inputs.digests, found, contamination, casualty)
    gap = optimism_gap(metrics)
    return Trained(
        run_id=run_id,
        versions=versions,
        contamination=contamination,
        casualty=casualty,
        evidence=evidence,
        metrics=metrics,
        casualty_metrics=casualty_judged.table,
        optimism_gap=gap,
        report=report.texts(),
        warnings=(*report.beaten, *warnings),
        study=study,
        judgement=judgement,
        history=history,
        beaten=report.beaten,
    )


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


def _training_rows(config: TrainConfig, study: CellDataset, side: LearningSet, judgement: Judgement) -> TrainingRows:
    rows = study.evidence.labelled
    return TrainingRows(
        features=side.names,
        values=side.values,
        target=side.target,
        weight=side.weight,
        # The curve too speaks of all land, not of the land that people chose.
        share=side.share * study.bias.weight[rows],
        block=study.block[rows],
        out_of_fold=judgement.out_of_fold[rows],
        fold=judgement.fold[rows],
        region=cell_blocks(study.grid, config.validation.block_m)[rows],
        growing=growing_features(side.names, study.infos),
    )


def _on_audit(
    study: CellDataset, judgement: Judgement, model: ContaminationModel
) -> tuple[ContaminationModel, tuple[str, ...]]:
    """The model with its curve corrected on random audit cells, where enough of them were judged out of their region.

    Survey goes where people expect ordnance: only cells that chance has drawn tell the level of the rest.
    """
    evidence = study.evidence
    drawn = evidence.labelled & (evidence.inclusion_prob < 1) & np.isfinite(judgement.out_of_fold)
    found = evidence.state[drawn] == FOUND
    if found.sum() < FEWEST_AUDIT_FOUND or found.all():
        return model, ()
    curve = audited(model.calibration, judgement.out_of_fold[drawn], found, evidence.inclusion_prob[drawn])
    note = f"probabilities are set by {int(drawn.sum()):,} random audit cells, {int(found.sum()):,} of them found"
    return replace(model, calibration=curve), (note,)


def _unjudged(config: TrainConfig, judgement: Judgement) -> tuple[str, ...]:
    """Protocols that the config asks for and the records do not allow."""
    judged = {fold.protocol for fold in judgement.folds}
    return tuple(
        f"{protocol} could not be judged: {UNJUDGED[protocol]}"
        for protocol in config.validation.protocols
        if protocol not in judged
    )


def _bias_notes(bias: SurveyBias) -> tuple[str, ...]:
    note = (
        "too little land was searched: found cells were held against a background drawn from unknown land "
        "(contamination.survey_bias.unlabelled). That land stays unknown, and contamination is an index of where, no "
        "probability"
    )
    return (note,) if bias.found_alone else ()


def _sensitivity(
    config: TrainConfig, study: CellDataset, side: LearningSet, recipe: Recipe, model: ContaminationModel
) -> pd.DataFrame:
    """How the ranking of all cells moves with prevalence and survey weights; empty where one class is missing."""
    if side.found.all() or not side.found.any():
        return pd.DataFrame()
    values = np.ascontiguousarray(study.learned.aligned(side.names))

    def score(weight: Floats) -> Floats:
        unlabelled = unlabelled_land(study.bias, values, side.found, weight)
        return fit_side(replace(side, weight=weight), recipe, config.seed, unlabelled).raw(
            values, config.compute.threads
        )

    unweighted = study.evidence.weight[study.evidence.labelled]
    return sensitivity(score, side.target, side.weight, unweighted, model.ranker.raw(values, config.compute.threads))


def _train_casualty(
    config: TrainConfig, inputs: Inputs, history: History | None
) -> tuple[CasualtyModel | None, CasualtyJudgement, tuple[str, ...]]:
    rows = history.rows(config.as_of) if history is not None else None
    if history is None or rows is None:
        return None, CasualtyJudgement(), (_no_accidents(config),)
    judged = judge_casualty(config, history)
    block = unit_blocks(config, history)
    model = fit_casualty(config, rows, history.moment(config.as_of), block, config.casualty.members)
    if config.casualty.contamination_every_years:
        model = replace(model, scored_cells=inputs.grid.cell_ids(), scores=history.score(config.as_of))
    notes = (
        *_casualty_notes(config, inputs, model, rows),
        *accident_notes(history.accidents, config),
        *judged.warnings,
    )
    return model, judged, notes


def _no_accidents(config: TrainConfig) -> str:
    years = config.casualty.window_years
    return (
        f"no accident is known in the area in the {years} years before as_of (casualty.window_years): "
        "casualties_per_year is empty"
    )


def _casualty_notes(config: TrainConfig, inputs: Inputs, model: CasualtyModel, rows: UnitPeriods) -> tuple[str, ...]:
    notes = []
    if model.is_index:
        notes.append(
            f"casualties_per_year rests on {rows.total} accidents, fewer than {config.casualty.fewest_accidents}: it "
            "is an index (contamination x exposure x severity) at the recorded mean. Read it as where, not as a count"
        )
    if not rows.dated:
        notes.append(
            f"accidents carry no date: they were spread evenly over {config.casualty.undated_years:g} years "
            "(casualty.undated_years), so casualties_per_year is a long-run mean and not a forecast"
        )
    if rows.dated and rows.complete[-1] < 0.99:
        notes.append(
            f"{1 - rows.complete[-1]:.0%} of the last year's accidents are not yet recorded, by the delays of earlier "
            "ones: the total is raised for them"
        )
    if model.dispersion > MOST_DISPERSION:
        part = "a hurdle part was added" if HURDLE in model.whole.weights else "casualty.hurdle adds no part for it"
        notes.append(f"accidents vary more than Poisson's (chi2/df {model.dispersion:.2f} on held-out years): {part}")
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
