"""From a config to recorded model versions: the training run as one story."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from features.base import InputError
from models.casualty import CasualtyModel
from models.contamination import ContaminationModel
from models.contamination_fit import TrainingRows, fit_contamination
from training.casualty import (
    CasualtyJudgement,
    History,
    accident_notes,
    fit_casualty,
    judge_casualty,
    open_history,
    unit_blocks,
)
from training.contamination import (
    FEWEST_FOUND,
    CellDataset,
    Judgement,
    LearningSet,
    Promises,
    Trial,
    accumulating_features,
    cell_blocks,
    dataset_at,
    earlier_trials,
    judge_contamination,
    prepare_recipe,
    trials_of,
    unlabelled_land,
    with_promises,
)
from training.contamination.sensitivity import ranking_sensitivity
from training.evidence import (
    SEARCHED,
    Evidence,
    Inputs,
    Ledger,
    few_searched_notes,
    open_inputs,
    open_ledger,
    records_text,
)
from training.evidence.fingerprint import fingerprint
from training.registry import Store, Version
from training.reporting import Findings, optimism_gap, record, run_report
from training.reporting.notes import (
    bias_notes,
    casualty_notes,
    evidence_notes,
    hidden_feature_notes,
    no_accidents_note,
    unjudged_notes,
)
from training.settings import TrainConfig
from training.validation import mean_by_ranking

Progress = Callable[[str], None]
# MLflow refuses longer tags.
MOST_TAG = 4000


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingResult:
    """The result of a training run.

    `metrics` holds contamination figures by protocol, fold and ranking, with the means over folds; `casualty_metrics`
    those of casualty risk, empty where nothing could be judged. `casualty` is None without a single accident.
    `optimism_gap` is what random folds would have promised beyond held-out regions, by figure, NaN where not measured.
    `beaten` are the baselines that rank better than the model, a sentence each. `pooled` has a row for each protocol
    and ranking: all folds together, intervals, and the gain of the model over each baseline. `report` holds the texts
    of the validation report by file name, `dataset` the training data, and `promises` the promises of the map with
    their tests on other land.
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
    dataset: CellDataset
    judgement: Judgement
    history: History | None
    beaten: tuple[str, ...]
    promises: Promises
    pooled: pd.DataFrame


def train(
    config: TrainConfig,
    inputs: Inputs | None = None,
    progress: Progress = lambda _: None,
    tags: Mapping[str, str] | None = None,
    ledger: Ledger | None = None,
    casualties_stay: str = "",
) -> TrainingResult:
    """Train both models as of `config.as_of`, judge them, record them in MLflow and register their versions.

    `tags` are further tags of the run and its versions. The ledger is built if none is given. `casualties_stay` is a
    sentence on why no casualty model is trained; empty: one is. Raises InputError when too little was found or searched
    to learn from.
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
    dataset = dataset_at(config, inputs, evidence)
    progress("validation")
    trials = _all_trials(config, inputs, ledger, dataset)
    judgement = judge_contamination(config, dataset, trials)
    progress("contamination model")
    promises, choices, moved = _train_contamination(config, dataset, judgement, trials)
    history, casualty, casualty_judged = None, None, CasualtyJudgement()
    notes: tuple[str, ...] = (casualties_stay,)
    if not casualties_stay:
        progress("casualty model")
        history = open_history(config, inputs, ledger)
        casualty, casualty_judged, notes = _train_casualty(config, inputs, history)
    metrics = _with_means(judgement.table)
    warnings = (*promises.notes, *_training_notes(config, dataset, judgement), *notes)
    progress("report")
    report = run_report(config, dataset, judgement, metrics, moved, warnings, casualty_judged, promises)
    progress("record")
    found = Findings(
        dataset=dataset,
        judgement=judgement,
        metrics=metrics,
        casualty=casualty_judged,
        moved=moved,
        report=report,
        warnings=warnings,
        choices=choices,
        records=records_text(ledger, config.as_of),
        tags={**(tags or {}), "fingerprint": fingerprint(config, inputs, ledger), **_beaten_tag(report.beaten)},
        began_ms=began_ms,
    )
    run_id, versions = record(config, inputs.digests, found, promises.model, casualty)
    return TrainingResult(
        run_id=run_id, versions=versions, contamination=promises.model, casualty=casualty, evidence=evidence,
        metrics=metrics, casualty_metrics=casualty_judged.table, optimism_gap=optimism_gap(metrics),
        report=report.texts(), warnings=(*report.beaten, *warnings), dataset=dataset, judgement=judgement,
        history=history, beaten=report.beaten, promises=promises, pooled=report.computed.pooled,
    )  # fmt: skip


def _all_trials(config: TrainConfig, inputs: Inputs, ledger: Ledger, dataset: CellDataset) -> tuple[Trial, ...]:
    """The trials of every protocol of the config, with those of earlier dates where `as_of` is one."""
    earlier = earlier_trials(config, inputs, ledger) if "as_of" in config.validation.protocols else ()
    return tuple(trials_of(config, dataset, tuple(earlier)))


def _with_means(table: pd.DataFrame) -> pd.DataFrame:
    """The figures of every fold and ranking, with the means over the folds as further rows."""
    return pd.concat([table, mean_by_ranking(table)], ignore_index=True) if len(table) else table


def _training_notes(config: TrainConfig, dataset: CellDataset, judgement: Judgement) -> tuple[str, ...]:
    """Sentences on the labels, the protocols without a fold, the survey bias and the hidden features."""
    hidden = config.contamination.outcomes == "hidden"
    return (
        *(() if dataset.bias.found_alone else few_searched_notes(dataset.evidence)),
        *evidence_notes(dataset.evidence, judgement),
        *unjudged_notes(config, judgement),
        *bias_notes(dataset.bias),
        *(hidden_feature_notes(dataset.infos, dataset.snapshot.context) if hidden else ()),
    )


def _beaten_tag(beaten: tuple[str, ...]) -> dict[str, str]:
    """The tag of a run in which baselines rank better than the model; empty if none does."""
    return {"beaten_by": "; ".join(beaten)[:MOST_TAG]} if beaten else {}


def check_evidence(evidence: Evidence, found_alone: bool = False) -> None:
    """Refuse evidence from which nothing can be learned; raises InputError with the counts.

    `found_alone` accepts evidence with too little searched land, where the config asks for a background of unknown
    land.
    """
    # Expectations of bags count: if devices were counted and none was located, no cell is known to be found.
    found = int(evidence.target[evidence.labelled].sum())
    searched = int((evidence.state[evidence.labelled] == SEARCHED).sum())
    counts = ", ".join(f"{name} {count}" for name, count in evidence.counts.items()) or "no record"
    if not found and not searched:
        raise InputError(
            f"every cell is unknown at {evidence.as_of} ({counts}): give hazard areas, finds, incidents or land "
            "release with dates up to as_of, or name more kinds in contamination.labels; "
            "ranking.policy: prior ranks by rules of the field without any"
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


def _train_contamination(
    config: TrainConfig, dataset: CellDataset, judgement: Judgement, trials: Sequence[Trial]
) -> tuple[Promises, dict[str, Any], pd.DataFrame]:
    """The model of all labelled cells with its promises, the choice of its recipe, and the effect of weights."""
    learning, recipe, choices = prepare_recipe(
        config, dataset, np.flatnonzero(dataset.evidence.labelled), config.compute.threads
    )
    rows = _training_rows(config, dataset, learning, judgement)
    contamination = fit_contamination(
        rows,
        recipe.ranker,
        learning.constraints,
        config.contamination.members,
        config.seed,
        config.compute.threads,
        unlabelled_land(dataset.bias, dataset.learned.aligned(learning.names), learning.found, learning.weight),
    )
    promises = with_promises(config, dataset, judgement, trials, contamination)
    return promises, choices, ranking_sensitivity(config, dataset, learning, recipe, contamination)


def _training_rows(
    config: TrainConfig, dataset: CellDataset, learning: LearningSet, judgement: Judgement
) -> TrainingRows:
    rows = dataset.evidence.labelled
    return TrainingRows(
        features=learning.names,
        values=learning.values,
        target=learning.target,
        weight=learning.weight,
        # The curve too is fitted for all land, not for the land that people chose.
        share=learning.share * dataset.bias.weight[rows],
        block=dataset.block[rows],
        out_of_fold=judgement.out_of_fold[rows],
        fold=judgement.fold[rows],
        region=cell_blocks(dataset.grid, config.validation.block_m)[rows],
        growing=accumulating_features(learning.names, dataset.infos),
        centres_m=dataset.grid.centres_m()[rows],
        cell_size_m=dataset.grid.cell_size_m,
    )


def _train_casualty(
    config: TrainConfig, inputs: Inputs, history: History | None
) -> tuple[CasualtyModel | None, CasualtyJudgement, tuple[str, ...]]:
    rows = history.rows(config.as_of) if history is not None else None
    if history is None or rows is None:
        known = history.accidents.known(config.as_of) if history is not None else None
        return None, CasualtyJudgement(), (no_accidents_note(config, known),)
    judged = judge_casualty(config, history)
    block = unit_blocks(config, history)
    model = fit_casualty(config, rows, history.moment(config.as_of), block, config.casualty.members)
    if config.casualty.contamination_every_years:
        model = replace(model, scored_cells=inputs.grid.cell_ids(), scores=history.score(config.as_of))
    notes = (
        *casualty_notes(config, inputs, model, rows),
        *accident_notes(history.accidents, config),
        *judged.warnings,
    )
    return model, judged, notes
