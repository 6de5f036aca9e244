"""Baselines with which every model is compared: one feature, chance, and the simplest learners.

A ranking is one function: it learns from a Lesson and scores the cells of a Land; more is surveyed first. To add a
model of your own to every table, write such a function and name it in `benchmarks.contamination`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from features.base import ArrayCache, Flags, Floats, Floats32, Integers, key_of
from models.field_rules import FieldRules, Rule
from training.settings import BASELINE_NAMES, FIELD_RULES, FieldRule
from training.validation.feature_baselines import FEATURE_BASELINES, INCIDENT_DISTANCE, FeatureBaseline
from training.validation.held_out import RANDOM

# More rows than this improve neither learner, and cost minutes.
MOST_ROWS = 10_000
RULES = "rules of the field"


@dataclass(frozen=True, eq=False)
class Land:
    """Cells to be ranked: every feature (n, n_features) by `names`, and the centres (n, 2) in metres.

    `learned` names the features that a model may see. NaN where a feature is unknown.
    """

    names: tuple[str, ...]
    values: Floats32
    learned: tuple[str, ...]
    centres_m: Floats

    def column(self, name: str) -> Floats | None:
        """The values of one feature, None where the sources do not give it."""
        return self.values[:, self.names.index(name)].astype(np.float64) if name in self.names else None

    def seen(self) -> Floats32:
        """The features that a model may see, (n, n_learned)."""
        if self.learned == self.names:
            return self.values
        position = {name: number for number, name in enumerate(self.names)}
        return np.ascontiguousarray(self.values[:, [position[name] for name in self.learned]])


@dataclass(frozen=True, eq=False, kw_only=True)
class Lesson:
    """Labelled cells to learn from.

    `found` says where ordnance was found and where land was searched without; `weight` in (0, 1] is the share of the
    cell times the quality of the evidence. `region` names the region of each cell and `constraints` gives monotone
    directions by feature name.
    """

    land: Land
    found: Flags
    weight: Floats
    region: NDArray[np.object_]
    constraints: Mapping[str, int]
    seed: int
    threads: int


Ranking = Callable[[Lesson, Land], Floats | None]


def ranked_by(baseline: FeatureBaseline) -> Ranking:
    """The ranking by one feature; it returns None where the sources do not give the feature."""

    def ranking(_: Lesson, land: Land) -> Floats | None:
        values = land.column(baseline.feature)
        return None if values is None else baseline.score(values)

    return ranking


def random_order(_: Lesson, land: Land) -> Floats:
    """All cells alike: ties count at their expected value, so this is a random order without its noise."""
    return np.zeros(len(land.values))


def near_contamination(lesson: Lesson, land: Land) -> Floats:
    """Minus the distance to the nearest found cell of the lesson or to an incident, which a planner knows then."""
    known_m, _ = cKDTree(lesson.land.centres_m[lesson.found]).query(land.centres_m)
    incident_m = land.column(INCIDENT_DISTANCE)
    return -np.asarray(known_m if incident_m is None else np.fmin(known_m, incident_m), dtype=np.float64)


def by_rules(rules: Mapping[str, FieldRule]) -> Ranking:
    """The ranking by rules of the field; it returns None where the sources give the feature of no rule."""

    def ranking(_: Lesson, land: Land) -> Floats | None:
        given = field_rules(rules, land.names)
        position = [land.names.index(name) for name in given.features]
        return given.raw(land.values[:, position]) if position else None

    return ranking


def field_rules(rules: Mapping[str, FieldRule], names: Sequence[str]) -> FieldRules:
    """The rules of a config that features of these names allow."""
    return FieldRules.of([Rule(name, rule.weight, rule.reach) for name, rule in rules.items()], names)


def logistic_regression(lesson: Lesson, land: Land) -> Floats:
    """Log-odds of a logistic regression on features turned into normal scores."""
    rows = _some(lesson)
    prepared = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        # With fewer rows than quantiles scikit-learn warns in every fold.
        QuantileTransformer(n_quantiles=min(200, len(rows)), output_distribution="normal", random_state=lesson.seed),
    )
    fitted = LogisticRegression(C=0.1, max_iter=2000, tol=1e-3)
    fitted.fit(prepared.fit_transform(lesson.land.seen()[rows]), lesson.found[rows], lesson.weight[rows])
    return np.asarray(fitted.decision_function(prepared.transform(land.seen())), dtype=np.float64)


def random_forest(lesson: Lesson, land: Land) -> Floats:
    """Share of the votes of 100 trees with leaves of at least 20 cells (Breiman 2001)."""
    rows = _some(lesson)
    filled = SimpleImputer(strategy="median", keep_empty_features=True)
    forest = RandomForestClassifier(100, min_samples_leaf=20, n_jobs=lesson.threads, random_state=lesson.seed)
    forest.fit(filled.fit_transform(lesson.land.seen()[rows]), lesson.found[rows], lesson.weight[rows])
    # Threads would add up the votes in the order in which they end, so that the last digit differed from run to run.
    forest.set_params(n_jobs=1)
    return np.asarray(forest.predict_proba(filled.transform(land.seen()))[:, 1], dtype=np.float64)


FEATURE_RANKINGS: dict[str, Ranking] = {
    name: ranked_by(baseline) for name, baseline in FEATURE_BASELINES.items() if baseline.on_held_out
}
LEARNERS: dict[str, Ranking] = {"logistic regression": logistic_regression, "random forest": random_forest}
# A new baseline is one function, one line here and its name in BASELINE_NAMES of the settings.
BASELINES: dict[str, Ranking] = {
    RANDOM: random_order,
    **FEATURE_RANKINGS,
    "distance to what is known": near_contamination,
    RULES: by_rules({name: FieldRule(**rule) for name, rule in FIELD_RULES.items()}),
    **LEARNERS,
}
if tuple(BASELINES) != BASELINE_NAMES:
    raise RuntimeError(
        f"BASELINES ({', '.join(BASELINES)}) and BASELINE_NAMES ({', '.join(BASELINE_NAMES)}) must be the same"
    )


def baselines_of(
    names: Iterable[str], rules: Mapping[str, FieldRule], memory: ArrayCache | None = None
) -> dict[str, Ranking]:
    """The baselines of these names, with the rules of a config; `memory` keeps the scores of those that learn."""
    chosen = {name: by_rules(rules) if name == RULES else BASELINES[name] for name in names}
    if memory is None:
        return chosen
    return {name: _kept(name, one, memory) if name in LEARNERS else one for name, one in chosen.items()}


def _kept(name: str, ranking: Ranking, memory: ArrayCache) -> Ranking:
    """The ranking, whose scores are read where the same lesson was learned and the same land ranked before."""

    def kept(lesson: Lesson, land: Land) -> Floats | None:
        code = f"{name} {version('scikit-learn')} {lesson.seed} {lesson.land.learned}", Path(__file__).read_bytes()
        key = key_of([*code, lesson.land.seen(), lesson.found, lesson.weight, land.seen()])
        before = memory.read(key)
        if before is not None:
            return before["score"]
        score = ranking(lesson, land)
        if score is not None:
            memory.write(key, {"score": score})
        return score

    return kept


def feature_scores(names: tuple[str, ...], values: Floats32) -> dict[str, Floats]:
    """Score of every baseline of one feature of a table (n_cells, n_features), by name; larger is surveyed first."""
    position = {name: index for index, name in enumerate(names)}
    return {
        name: baseline.score(values[:, position[baseline.feature]].astype(np.float64))
        for name, baseline in FEATURE_BASELINES.items()
        if baseline.on_held_out and baseline.feature in position
    }


def _some(lesson: Lesson) -> Integers:
    """At most MOST_ROWS rows, drawn by the seed, with both classes among them."""
    drawn = np.random.default_rng(lesson.seed).permutation(len(lesson.found))[:MOST_ROWS]
    if lesson.found[drawn].any() and not lesson.found[drawn].all():
        return np.sort(drawn)
    firsts = [np.argmax(lesson.found), np.argmin(lesson.found)]
    return np.unique(np.concatenate([drawn, firsts]))
