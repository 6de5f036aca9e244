"""Recording of a training run in MLflow: the report, the tables and the registered versions."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from features.base import FeatureInfo, plain
from models.calibration import cross_calibrated
from models.casualty import CasualtyModel
from models.contamination import ContaminationModel
from training.casualty import CasualtyJudgement
from training.contamination import MODEL, CellDataset, Judgement, Promises
from training.evidence import FOUND, STATE_NAMES, label_digest
from training.registry import FIRST, SHOWN, Store, Version, assign_aliases, environment
from training.reporting.explanation import explanation
from training.reporting.model_card import model_card
from training.reporting.promises import would_improve
from training.reporting.report import Report, report_of
from training.reporting.tables import ReportInput
from training.settings import TrainConfig, code_version, digest_of, flattened, grid_text, public_settings
from training.validation import PLACEBO, reference_text


def schema_text(features: tuple[str, ...], infos: Mapping[str, FeatureInfo]) -> str:
    """The features of a model in their order, with unit, family and sources, as JSON."""
    rows = [
        {"name": name, "unit": infos[name].unit, "family": infos[name].family, "sources": list(infos[name].sources)}
        for name in features
    ]
    return json.dumps(rows, indent=1, ensure_ascii=False)


# Figures of every fold and ranking that metrics.json holds; of the model alone in the runs of the folds.
LOGGED = ("roc_auc", "pr_auc", "base_rate", "recall_1", "recall_5", "recall_10", "recall_20", "cells", "found")

CASUALTY_LOGGED = (
    *("observed", "expected", "deviance", "skill_over_constant", "skill_over_kernels", "where_skill_over_kernels"),
    *("recall_1", "recall_5", "recall_10", "pai_1", "pai_5", "pai_10", "pei_1", "pei_5", "pei_10"),
)

# The protocol whose means represent a run where there is room for one figure only.
HEADLINE = "leave_region_out"

# Longer facts of a fold, such as lists of distances, go to folds.json instead of a parameter.
MOST_FACT = 200

QUESTION = "Where would survey find explosive ordnance first?"


@dataclass(frozen=True, eq=False, kw_only=True)
class Findings:
    """The results of training that are to be recorded.

    `metrics` and `casualty` hold figures by protocol, fold and ranking; `moved` how the ranking moves with prevalence
    and weights; `choices` the choices of tuning, screening and region weights for the final model, empty if none was
    asked for; `records` the keys of the records that were known (`records_text`); `tags` further tags of the run and
    its versions; `began_ms` when training began, in milliseconds since 1970.
    """

    dataset: CellDataset
    judgement: Judgement
    metrics: pd.DataFrame
    casualty: CasualtyJudgement
    moved: pd.DataFrame
    report: Report
    warnings: tuple[str, ...]
    choices: Mapping[str, Any] = field(default_factory=dict)
    records: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    began_ms: int | None = None


def run_report(
    config: TrainConfig,
    dataset: CellDataset,
    judgement: Judgement,
    metrics: pd.DataFrame,
    moved: pd.DataFrame,
    warnings: tuple[str, ...],
    casualty: CasualtyJudgement,
    promises: Promises,
) -> Report:
    """The report of a run."""
    explained, cells = None, config.validation.explained_cells
    if cells:
        explained = explanation(dataset, promises.model.ranker, cells, config.seed, config.compute.threads)
    held_out = {
        protocol: replace(cells, probability=cross_calibrated(cells.score, cells.positive, cells.area, cells.fold))
        for protocol, cells in judgement.held_out.items()
    }
    source = ReportInput(
        title=f"{config.name}: contamination",
        as_of=str(config.as_of),
        question=QUESTION,
        table=metrics,
        held_out=held_out,
        cell_size_m=dataset.grid.cell_size_m,
        seed=config.seed,
        draws=config.validation.draws,
        picture_dpi=config.validation.picture_dpi,
        explanations=facts_of_folds(judgement),
        sensitivity=moved,
        warnings=warnings,
        settings=public_settings(config),
        casualty=casualty.tables(),
        explained=explained,
        promises=promises.notes,
        ranges=promises.ranges,
        bounds=promises.bounds,
        missing=would_improve(dataset, promises.model.level),
        districts=_districts(dataset),
    )
    return report_of(source)


def _districts(dataset: CellDataset) -> gpd.GeoDataFrame | None:
    """The districts with their borders; None where there are none, or only points that mark their cells."""
    districts = dataset.snapshot.sources.vectors.get("districts")
    return None if districts is None or districts.geom_type.eq("Point").any() else districts


def record(
    config: TrainConfig,
    inputs: dict[str, str],
    found: Findings,
    contamination: ContaminationModel,
    casualty: CasualtyModel | None,
) -> tuple[str, tuple[Version, ...]]:
    """Log everything to MLflow and register the versions; a run that stops here is marked as failed.

    `inputs` are the digests of the sources by name.
    """
    store = Store.of(config)
    run_id = store.start_run(config, inputs, found.tags, found.began_ms)
    try:
        tags = _version_tags(config, inputs, found)
        store.log_inputs(run_id, inputs)
        store.log_results(run_id, _ten_metrics(found), _texts(config, inputs, found, contamination))
        store.log_pictures(run_id, found.report.pictures)
        _record_folds(store, run_id, found)
        files = contamination.files() | _beside(found, contamination)
        versions = [store.register(run_id, f"{config.name}.contamination", files, tags)]
        if casualty is not None:
            versions.append(store.register(run_id, f"{config.name}.casualty", casualty.files(), tags))
        store.finish_run(run_id)
        beaten = found.tags.get("beaten_by", "")
        # Nobody watches a retraining: there a first version that a baseline beats waits for a person.
        waits = bool(beaten) and found.tags.get("command") == "retrain" and config.retraining.beaten == "sign"
        facts = {"inputs": inputs, "run": run_id, **({"beaten_by": beaten} if beaten else {})}
        entered = assign_aliases(store, config, versions, FIRST, "policy", facts, waits=waits)
    except BaseException:
        store.fail_run(run_id)
        raise
    return run_id, entered


def _version_tags(config: TrainConfig, inputs: Mapping[str, str], found: Findings) -> dict[str, str]:
    protocols = dict.fromkeys(fold.protocol for fold in found.judgement.folds)
    return {
        "as_of": str(config.as_of),
        "labels": label_digest(found.dataset.evidence),
        "inputs": digest_of(dict(inputs)),
        "protocol": ", ".join(protocols) or "none",
        "grid": grid_text(config),
        "seed": str(config.seed),
        "unit_m": f"{config.casualty.unit_m:g}",
        "code": code_version(),
        **found.tags,
    }


def _beside(found: Findings, model: ContaminationModel) -> dict[str, str]:
    """Files of the model that do not affect scores: the description of its features, and the land they came from."""
    dataset = found.dataset
    return {
        "schema.json": schema_text(model.ranker.features, dataset.infos),
        "reference.json": reference_text(dataset.learned),
    }


def _record_folds(store: Store, run_id: str, found: Findings) -> None:
    """A nested run for each fold: its facts as parameters, the figures of the model as metrics."""
    for fold in found.judgement.folds:
        rows = found.metrics[(found.metrics["protocol"] == fold.protocol) & (found.metrics["fold"] == fold.name)]
        facts = {key: value for key, value in flattened(fold.facts).items() if len(value) <= MOST_FACT}
        part = store.start_part(
            run_id, f"{fold.protocol}: {fold.name}", facts, {"kind": "fold", "protocol": fold.protocol}
        )
        store.log_results(part, _fold_figures(rows), {})
        store.finish_run(part)


def _fold_figures(rows: pd.DataFrame) -> dict[str, float]:
    """Figures of the model on a fold by name."""
    return {
        name: float(row[name])
        for row in rows[rows["ranking"] == MODEL].to_dict("records")
        for name in LOGGED
        if np.isfinite(row.get(name, np.nan))
    }


def facts_of_folds(judgement: Judgement) -> list[dict[str, object]]:
    """The facts of every fold with its protocol and name."""
    return [{"protocol": fold.protocol, "fold": fold.name, **fold.facts} for fold in judgement.folds]


def _texts(
    config: TrainConfig, inputs: Mapping[str, str], found: Findings, model: ContaminationModel
) -> dict[str, str]:
    """The files of a run by name."""
    evidence = found.dataset.evidence
    counts = {name: int((evidence.state == number).sum()) for number, name in enumerate(STATE_NAMES)}
    return {
        **found.report.texts(),
        "model_card.md": model_card(config, counts, found.report, len(model.ranker.features), sorted(inputs)),
        "inputs.json": json.dumps(dict(sorted(inputs.items())), indent=1),
        "environment.txt": environment(),
        "records.txt": found.records,
        "config.json": json.dumps(public_settings(config), indent=1),
        "metrics.json": json.dumps(_flat_metrics(found), indent=1),
        "validation.csv": _csv(found.metrics),
        "casualty_validation.csv": _csv(found.casualty.table),
        "casualty_tenths.csv": _csv(found.casualty.tenths),
        "casualty_years.csv": _csv(found.casualty.years),
        "missed_found_cells.csv": _csv(found.report.computed.missed),
        "sensitivity.csv": _csv(found.moved),
        "folds.json": json.dumps([*facts_of_folds(found.judgement), *_final(found.choices)], indent=1),
        # Readers of a map of this model have to know first which ranking is better.
        "warnings.txt": "\n".join((*found.report.beaten, *found.warnings)),
    }


def _final(choices: Mapping[str, Any]) -> list[dict[str, object]]:
    """The choices of the final model as those of one more fold, which holds nothing out."""
    return [{"protocol": "none", "fold": "final model", **choices}] if choices else []


def _ten_metrics(found: Findings) -> dict[str, float]:
    """The figures by which runs are compared, means over folds: six of held-out regions under their plain names."""
    if not len(found.metrics):
        return {}
    mean = found.metrics[found.metrics["fold"] == "mean"]
    model = mean[mean["ranking"] == MODEL].set_index("protocol")
    rules = mean[(mean["protocol"] == HEADLINE) & ~mean["ranking"].isin([MODEL, PLACEBO])]
    figures = {
        **{name: model[name].get(HEADLINE, np.nan) for name in SHOWN},
        **{f"as_of_{name}": model[name].get("as_of", np.nan) for name in ("recall_10", "roc_auc")},
        "best_baseline_recall_10": rules["recall_10"].max(),
        "found_cells": (found.dataset.evidence.state == FOUND).sum(),
    }
    return {name: float(value) for name, value in figures.items() if np.isfinite(value)}


def _flat_metrics(found: Findings) -> dict[str, float]:
    """Figures by key, such as leave_region_out/mean/mlrisk/roc_auc, and the counts of the evidence."""
    evidence = found.dataset.evidence
    flat = {f"evidence/{name}": float((evidence.state == number).sum()) for number, name in enumerate(STATE_NAMES)}
    flat["evidence/effective_sample_size"] = found.dataset.bias.effective
    for start, table, logged in (("", found.metrics, LOGGED), ("casualty/", found.casualty.table, CASUALTY_LOGGED)):
        for row in table.to_dict("records"):
            head = f"{start}{row['protocol']}/{row['fold']}/{row['ranking']}"
            clean = _clean(head)
            flat |= {f"{clean}/{name}": float(row[name]) for name in logged if np.isfinite(row.get(name, np.nan))}
    return flat


def _clean(text: str) -> str:
    """A text without characters that a key must not hold."""
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in text)


def _csv(table: pd.DataFrame) -> str:
    buffer = io.StringIO()
    # Names of districts and folds come from data: a spreadsheet must not run them as formulas.
    table.map(lambda value: plain(value) if isinstance(value, str) else value).to_csv(buffer, index=False)
    return buffer.getvalue()
