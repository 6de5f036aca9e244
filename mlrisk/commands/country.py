"""A country from Python: its features, labels and folds, on which any estimator can be judged as the model is."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from features.base import ConfigError, Floats, Progress, no_progress
from features.sources import SourceReport
from mlrisk.commands.chain import train
from mlrisk.commands.country_folds import Folds
from mlrisk.commands.country_model import CountryModel
from mlrisk.commands.rank import Ranking as FinishedRanking
from mlrisk.commands.rank import rank
from mlrisk.ranking import load_champions
from mlrisk.settings import Config, RankingSettings, load_config
from models.contamination import ContaminationModel
from training.contamination import CellDataset, Trial, dataset_at, earlier_trials, judge_contamination, trials_of
from training.evidence import (
    FOUND,
    STATE_NAMES,
    STATUS_NAMES,
    Evidence,
    Inputs,
    Ledger,
    in_open_area,
    open_inputs,
    open_ledger,
)
from training.train import TrainingResult, check_evidence
from training.validation import Land, Lesson, Ranking, baselines_of, mean_by_ranking, pooled_table

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

MODEL = "mlrisk"
PROTOCOL_NAMES = ("as_of", "leave_region_out", "knndm", "random")


class Country:
    """The sources of a config, opened once; features, labels and folds are computed on request.

    Methods that take a date use the config's `as_of` without one.
    """

    def __init__(self, config: Config, progress: Progress = no_progress) -> None:
        self.config = config
        self._progress = progress

    def __repr__(self) -> str:
        return f"Country({self.config.name!r}, as_of={self.config.as_of})"

    @cached_property
    def inputs(self) -> Inputs:
        """The grid and the opened sources with their reports."""
        self._progress("sources")
        return open_inputs(self.config)

    @property
    def reports(self) -> tuple[SourceReport, ...]:
        """Reports of records read, repaired and set aside, one for each source."""
        return self.inputs.reports

    @cached_property
    def ledger(self) -> Ledger:
        """Every record on every cell, whatever its date."""
        self._progress("evidence")
        return open_ledger(self.config, self.inputs)

    @cached_property
    def dataset(self) -> CellDataset:
        """Evidence and features of every cell as of the config's date, as training sees them."""
        return self._dataset_of(self.config.as_of)

    def _dataset_at(self, as_of: date) -> CellDataset:
        return self.dataset if as_of == self.config.as_of else self._dataset_of(as_of)

    def _dataset_of(self, as_of: date) -> CellDataset:
        evidence = self.ledger.at(as_of)
        self._progress("features")
        return dataset_at(self.config, self.inputs, evidence)

    def features(self, as_of: date | None = None) -> pd.DataFrame:
        """Features of every cell, indexed by cell_id; `attrs["units"]` has the unit of each column.

        NaN where a feature is unknown. Columns that are unknown everywhere are left out. Of an earlier `as_of` they
        are what was known then.
        """
        dataset = self._dataset_at(as_of or self.config.as_of)
        table, infos = dataset.table, dataset.infos
        kept = [name for name, column in zip(table.names, table.values.T, strict=True) if np.isfinite(column).any()]
        frame = table.frame()[kept].set_index(pd.Index(self.inputs.grid.cell_ids(), name="cell_id"))
        frame.attrs["units"] = {name: infos[name].unit for name in kept}
        return frame

    def labels(self, as_of: date | None = None) -> pd.DataFrame:
        """State, status and weight of every cell, indexed by cell_id.

        `found` is true or false on cells that a model may learn from and missing on all others: unknown is no label.
        """
        evidence: Evidence = self.ledger.at(as_of or self.config.as_of)
        found = pd.array(evidence.state == FOUND, dtype="boolean")
        found[~evidence.labelled] = pd.NA
        return pd.DataFrame(
            {
                "state": np.array(STATE_NAMES, dtype=object)[evidence.state],
                "status": np.array(STATUS_NAMES, dtype=object)[evidence.status],
                "found": found,
                "weight": evidence.weight,
            },
            index=pd.Index(self.inputs.grid.cell_ids(), name="cell_id"),
        )

    def folds(self, protocol: str) -> "Folds":
        """The folds of a protocol, for `cv=` of scikit-learn; their rows are those of `features()` and `labels()`.

        Cells without a label are in no fold. Folds of `as_of` learn from an earlier date and are judged on later
        results, so their features and labels are others than today's: `folds("as_of").tables()` has them, as has
        `features(as_of)`. Raises ConfigError for an unknown protocol.
        """
        return Folds(tuple(self._trials((protocol,))))

    def train(self) -> TrainingResult:
        """Train both models, judge them and register their versions, as `mlrisk train` does."""
        return train(self.config, self.inputs, self._progress, ledger=self.ledger)

    def model(self) -> CountryModel:
        """The contamination model that ranks, with `predict(cells)` and `explain(cells)`; ConfigError without one."""
        model = load_champions(self.config).contamination
        if not isinstance(model, ContaminationModel):
            raise ConfigError("no model ranks: train one first")
        return CountryModel(
            model=model,
            cell_id=self.inputs.grid.cell_ids(),
            centres_m=self.inputs.grid.centres_m(),
            table=self.dataset.table,
            in_area=in_open_area(self.ledger.at(self.config.as_of).status),
            threads=self.config.compute.threads,
        )

    def rank(self) -> FinishedRanking:
        """Rank with the champions, plan, and write the planner package, as `mlrisk rank` does."""
        return rank(self.config, self.inputs, self._progress, self.ledger, self.dataset.table)

    def plan(self, teams: Mapping[str, Any] | None = None) -> gpd.GeoDataFrame:
        """The survey tasks of a season for some teams, as polygons; `attrs["totals"]` has effort and expected outcome.

        `teams` gives the number of each kind, or its settings as in ranking.assets: `{"dogs": 2}`,
        `{"dogs": {"number": 2, "rate_m2_per_day": 1200}}`; those of the config without it. Nothing is written.
        """
        config = self.config
        if teams is not None:
            assets = {kind: {"number": one} if isinstance(one, int) else one for kind, one in teams.items()}
            # Validated again, so that known rates of a kind are filled in.
            ranking = RankingSettings.model_validate(config.ranking.model_dump() | {"assets": assets})
            config = config.model_copy(update={"ranking": ranking})
        with TemporaryDirectory() as folder:
            output = config.output.model_copy(update={"folder": Path(folder), "formats": ("csv",)})
            aside = config.model_copy(update={"output": output})
            package = rank(aside, self.inputs, self._progress, self.ledger, self.dataset.table).package
        tasks = package.tasks.copy()
        tasks.attrs["totals"] = package.plan["totals"]
        return tasks

    def _trials(self, protocols: Iterable[str]) -> list[Trial]:
        chosen = tuple(protocols)
        unknown = sorted(set(chosen) - set(PROTOCOL_NAMES))
        if unknown:
            raise ConfigError(f"protocol ({', '.join(unknown)}) is unknown: choose from {', '.join(PROTOCOL_NAMES)}")
        config = self._judging(chosen)
        earlier = earlier_trials(config, self.inputs, self.ledger) if "as_of" in chosen else ()
        return trials_of(config, self.dataset, tuple(earlier))

    def _judging(self, protocols: tuple[str, ...]) -> Config:
        validation = self.config.validation.model_copy(update={"protocols": protocols})
        return self.config.model_copy(update={"validation": validation})


def open_country(config: Config | str | Path, progress: Progress = no_progress) -> Country:
    """The country of a config, given as a value or as the path of its YAML file."""
    return Country(config if isinstance(config, Config) else load_config(config), progress)


def evaluate(
    estimator: "BaseEstimator | None",
    country: Country,
    protocols: Iterable[str] = ("leave_region_out",),
    name: str = "estimator",
) -> pd.DataFrame:
    """Judge an estimator of scikit-learn on the folds of a country, compared with the model and the baselines.

    The estimator is cloned for each fold, fitted with `sample_weight` where it takes one, and asked for
    `predict_proba`, or for `decision_function`. It gets the features that the model may see, with NaN where one is
    unknown and without those that are unknown everywhere; add an imputer to its pipeline if it needs one. With None
    only the model is judged. Nothing is registered.

    One row for each protocol, fold and ranking, for the mean over folds (fold `mean`) and for all folds together (fold
    `pooled`, with the gain of the model over each ranking); figures and their 90 % intervals as in report.json. Raises
    InputError if too little was found or searched to judge.
    """
    chosen = tuple(protocols)
    check_evidence(country.dataset.evidence)
    trials = country._trials(chosen)  # noqa: SLF001 the same module
    config = country._judging(chosen)  # noqa: SLF001
    rankings = baselines_of(config.validation.baselines, config.prior, config.compute.memory)
    if estimator is not None:
        rankings = {name: _ranking_of(estimator), **rankings}
    judgement = judge_contamination(config, country.dataset, trials, rankings)
    table = judgement.table
    if not len(table):
        return table
    cell_ha = country.inputs.grid.cell_size_m**2 / 1e4
    pooled = [
        pooled_table(protocol, cells, MODEL, config.seed, config.validation.draws, cell_ha)
        for protocol, cells in judgement.held_out.items()
    ]
    return pd.concat(
        [table, mean_by_ranking(table), *(one.drop(columns="folds").assign(fold="pooled") for one in pooled)],
        ignore_index=True,
    )


def scikit_learn_boosting(seed: int) -> "BaseEstimator":
    """The gradient boosting of scikit-learn, an estimator of another hand to judge beside the model."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(min_samples_leaf=50, random_state=seed)


def _ranking_of(estimator: "BaseEstimator") -> Ranking:
    """An estimator as a ranking: it learns from the labelled cells of a fold and scores the judged ones."""

    def ranking(lesson: Lesson, land: Land) -> Floats:
        from sklearn.base import clone
        from sklearn.utils.validation import has_fit_parameter

        learned, asked = lesson.land.seen(), land.seen()
        known = np.isfinite(learned).any(axis=0)
        weights = {"sample_weight": lesson.weight} if has_fit_parameter(estimator, "sample_weight") else {}
        fitted = clone(estimator).fit(learned[:, known], lesson.found, **weights)
        if hasattr(fitted, "predict_proba"):
            return np.asarray(fitted.predict_proba(asked[:, known])[:, 1], dtype=np.float64)
        return np.asarray(fitted.decision_function(asked[:, known]), dtype=np.float64)

    return ranking
