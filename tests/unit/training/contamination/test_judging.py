"""Judging: what may change a judgement and what may not, and where each judged cell goes."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.contamination import own_ranking
from tests.support.sample_dataset import AS_OF, added, config_of, dataset_and_trials, inputs_of, land
from training.contamination import judging
from training.contamination.judging import MODEL, judge_contamination
from training.contamination.learning_set import learning_weight
from training.evidence.states import FOUND, SEARCHED, UNKNOWN
from training.validation.baselines import BASELINES, random_order
from training.validation.held_out import PLACEBO
from training.validation.metrics import judge

SIDE = 20
# The learners among the baselines cost seconds; what they do is stated in test_baselines.
CHEAP = {name: BASELINES[name] for name in ("random order", "distance to the line", "distance to what is known")}
PROTOCOLS = ("as_of", "leave_region_out", "knndm", "random")


def place_of_cell(_, cells):
    """A ranking that tells where a cell lies: no two cells alike."""
    return cells.centres_m @ np.array([1.0, 1e5])


def says_nothing(_, __):
    return None


def size_of_lesson(lesson, cells):
    """A ranking that tells the fold: how much was learned from."""
    return np.full(len(cells.values), float(len(lesson.found)))


OWN = {"place": place_of_cell, "silent": says_nothing, "lesson": size_of_lesson}


def judged(tables, rankings=CHEAP, **changes):
    config = config_of(**changes)
    dataset, trials = dataset_and_trials(config, inputs_of(tables, SIDE))
    return judge_contamination(config, dataset, trials, rankings)


def texts_of(config, trial):
    """The held-out ranker of a trial as the bytes of its files."""
    return judging._without(config, trial)[0].files("held_out")


def as_bytes(judgement):
    table = judgement.table.to_csv(index=False)
    return table, judgement.out_of_fold.tobytes(), judgement.fold.tobytes()


def test_progress_counts_the_folds_of_the_fits_and_then_those_of_the_rankings(config, made, caplog):
    caplog.set_level("DEBUG", logger="models.boosting")
    judge_contamination(config, *made, {"random order": random_order})
    steps = [(record.done, record.total) for record in caplog.records if hasattr(record, "total")]
    folds = len(made[1])
    assert steps[-2 * folds :] == [(number, 2 * folds) for number in range(1, 2 * folds + 1)]


@pytest.fixture(scope="module")
def tables():
    return land(2, SIDE)


@pytest.fixture(scope="module")
def config():
    return config_of()


@pytest.fixture(scope="module")
def made(config, tables):
    return dataset_and_trials(config, inputs_of(tables, SIDE))


@pytest.fixture(scope="module")
def judgement(config, made):
    return judge_contamination(config, *made, CHEAP | OWN)


@pytest.mark.slow
def test_every_protocol_judges_in_several_folds(judgement):
    folds = pd.Series([fold.protocol for fold in judgement.folds]).value_counts()
    assert set(folds.index) == set(PROTOCOLS) == set(judgement.held_out)
    assert folds.min() >= 2


@pytest.mark.slow
def test_what_is_recorded_after_as_of_changes_no_judgement(tables, judgement):
    late = {
        name: tables[name].assign(date=pd.Timestamp(AS_OF), recorded_date=pd.Timestamp(AS_OF) + pd.Timedelta(days=1))
        for name in ("survey", "incidents")
    }
    late["survey"]["outcome"] = "found"
    assert as_bytes(judged(added(tables, **late), CHEAP | OWN)) == as_bytes(judgement)


def test_unknown_land_is_never_searched(made, tables):
    dataset, trials = made
    survey = tables["survey"]
    known = survey[survey[["date", "recorded_date"]].max(axis=1) <= pd.Timestamp(AS_OF)]
    spoken = set(zip(known.geometry.x, known.geometry.y, strict=True))
    centres = dataset.grid.centres_m()
    assert {tuple(centre) for centre in centres[dataset.evidence.labelled]} == spoken
    for trial in trials:
        assert (trial.dataset.evidence.state[trial.fold.train] != UNKNOWN).all()
        assert (trial.outcome.state[trial.fold.test] != UNKNOWN).all()
        assert {tuple(centre) for centre in centres[trial.fold.test]} <= spoken


@pytest.mark.slow
@pytest.mark.parametrize("buffer_m", [1_000, "auto"])
@pytest.mark.parametrize("share", ["trees", "blend"])
def test_what_was_found_in_a_region_does_not_reach_the_model_that_holds_it_out(tables, buffer_m, share):
    validation = {"protocols": ["leave_region_out"], "regions": "blocks", "block_m": 6_000, "buffer_m": buffer_m}
    config = config_of(
        features=("front_lines", "incidents", "surveyed"), validation=validation | {"folds": 4},
        contamination={"linear_share": 0.0 if share == "trees" else 0.5, "survey_bias": {"weights": "propensity"}},
    )  # fmt: skip
    dataset, before = dataset_and_trials(config, inputs_of(tables, SIDE))
    held_out = before[1].fold
    centres = pd.MultiIndex.from_arrays(dataset.grid.centres_m().T)
    where = centres.get_indexer(list(zip(tables["survey"].geometry.x, tables["survey"].geometry.y, strict=True)))
    mine = np.isin(dataset.regions[where], held_out.facts["regions"])
    survey = tables["survey"].copy()
    survey.loc[mine, "outcome"] = survey.loc[mine, "outcome"].map({"found": "searched", "searched": "found"})
    _, after = dataset_and_trials(config, inputs_of(tables | {"survey": survey}, SIDE))
    assert [trial.fold.name for trial in before] == [trial.fold.name for trial in after]
    for one, other in zip(before, after, strict=True):
        if one.fold.name == held_out.name:
            assert texts_of(config, one) == texts_of(config, other)
            assert (one.outcome.state[one.fold.test] != other.outcome.state[one.fold.test]).all()
        else:
            # The others learn from the region, so they learn another lesson, from the same cells.
            assert texts_of(config, one) != texts_of(config, other)
        if buffer_m != "auto" or one.fold.name == held_out.name:
            assert np.array_equal(one.fold.train, other.fold.train)
        assert np.array_equal(one.fold.test, other.fold.test)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_on_one_thread_or_two(tables, config, made, judgement):
    again = config_of(compute={"threads": 2})
    dataset, trials = dataset_and_trials(again, inputs_of(tables, SIDE))
    assert as_bytes(judge_contamination(again, dataset, trials, CHEAP | OWN)) == as_bytes(judgement)
    assert [texts_of(again, trial) for trial in trials] == [texts_of(config, trial) for trial in made[1]]
    other = judged(tables, {}, seed=1, validation={"protocols": ["leave_region_out"]})
    assert other.out_of_fold.tobytes() != judgement.out_of_fold.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_judged_cell_is_held_once_with_what_its_own_fold_said(config, made, judgement, protocol):
    dataset, trials = made
    held = judgement.held_out[protocol]
    mine = [trial for trial in trials if trial.fold.protocol == protocol]
    assert len(set(held.cell_id)) == len(held.cell_id) == sum(len(trial.fold.test) for trial in mine)
    assert held.fold_names == tuple(trial.fold.name for trial in mine)
    place = {cell: number for number, cell in enumerate(dataset.grid.cell_ids())}
    for number, trial in enumerate(mine):
        here = held.fold == number
        cells = np.array([place[cell] for cell in held.cell_id[here]])
        assert set(cells) == set(trial.fold.test)
        raw = judging._without(config, trial)[0].raw(trial.dataset.learned.values[cells], 1)
        assert np.array_equal(held.score[here], raw)
        assert np.array_equal(held.positive[here], trial.outcome.state[cells] == FOUND)
        assert np.array_equal(held.area[here], trial.outcome.share[cells])
        assert np.array_equal(held.block[here], dataset.block[cells])
        assert (held.rules["lesson"][here] == len(trial.fold.train)).all()
        centres = np.column_stack([held.easting_m[here], held.northing_m[here]])
        assert np.array_equal(centres, dataset.grid.centres_m()[cells])
        assert np.array_equal(held.rules["place"][here], centres @ np.array([1.0, 1e5]))
    assert np.isnan(held.probability).all()


def test_scores_out_of_fold_are_those_of_held_out_regions(made, judgement):
    dataset, trials = made
    held = judgement.held_out["leave_region_out"]
    place = {cell: number for number, cell in enumerate(dataset.grid.cell_ids())}
    cells = np.array([place[cell] for cell in held.cell_id])
    assert np.array_equal(judgement.out_of_fold[cells], held.score)
    assert np.isfinite(judgement.out_of_fold).sum() == len(cells) == (judgement.fold >= 0).sum()
    for number, trial in enumerate(trials):
        is_judged = judgement.fold == number
        if trial.fold.protocol != "leave_region_out":
            assert not is_judged.any()
        else:
            assert np.array_equal(np.flatnonzero(is_judged), np.sort(trial.fold.test))


def test_every_fold_and_ranking_has_a_row_with_its_figures(made, judgement):
    table = judgement.table
    assert not (table["ranking"] == "silent").any()
    assert not any("silent" in held.rules for held in judgement.held_out.values())
    for trial in made[1]:
        rows = table[(table["protocol"] == trial.fold.protocol) & (table["fold"] == trial.fold.name)]
        assert rows["ranking"].tolist() == [MODEL, *CHEAP, "place", "lesson", PLACEBO]
        rows = rows.set_index("ranking")
        assert rows.loc["random order", "roc_auc"] == 0.5
        assert rows.loc["lesson", "recall_10"] == pytest.approx(0.1)
        held = trial.land(trial.fold.test)
        found = trial.outcome.state[trial.fold.test] == FOUND
        own = judge(place_of_cell(None, held), found, trial.outcome.share[trial.fold.test])
        assert rows.loc["place", "roc_auc"] == own["roc_auc"]
        assert (rows["cells"] == len(trial.fold.test)).all()
        assert (rows["found"] == found.sum()).all()


def test_a_ranking_of_ones_own_is_named_by_module_and_function_and_stands_in_the_table(config, made):
    named = own_ranking("training.validation.baselines:random_order")
    assert named is random_order
    dataset, trials = made

    def knows(lesson, cells):
        """What the field would say: the truth of the judged cells, by their place."""
        truth = dict(zip(map(tuple, dataset.grid.centres_m()), dataset.evidence.state == FOUND, strict=True))
        return np.array([float(truth[tuple(centre)]) for centre in cells.centres_m])

    table = judge_contamination(config, dataset, trials[-2:], {"mine": named, "truth": knows}).table
    assert table["ranking"].tolist() == [MODEL, "mine", "truth", PLACEBO] * 2
    assert table.loc[table["ranking"] == "mine", "roc_auc"].tolist() == [0.5, 0.5]
    assert table.loc[table["ranking"] == "truth", "roc_auc"].tolist() == [1.0, 1.0]


def test_baselines_and_draws_are_those_of_the_config(config, made):
    dataset, trials = made
    low = {}
    for draws in (10, 60):
        asked = config_of(validation={"baselines": ["incident density"], "draws": draws})
        table = judge_contamination(asked, dataset, trials[-1:]).table
        assert table["ranking"].tolist() == [MODEL, "incident density", PLACEBO]
        low[draws] = table["roc_auc_low"].tolist()
    assert low[10] != low[60]


@pytest.mark.slow
def test_what_was_found_on_the_judged_side_reaches_no_ranking(config, made):
    """A model learns from the training cells alone: other outcomes on the judged cells change figures and no score."""
    dataset, trials = made
    for trial in (trials[0], trials[3]):
        state = trial.outcome.state.copy()
        turned = state[trial.fold.test]
        state[trial.fold.test] = np.where(turned == FOUND, SEARCHED, FOUND)
        other = replace(trial, outcome=replace(trial.outcome, state=state))
        one, two = (judge_contamination(config, dataset, [each], dict(BASELINES)) for each in (trial, other))
        protocol = trial.fold.protocol
        for name, score in one.held_out[protocol].rules.items():
            assert np.array_equal(score, two.held_out[protocol].rules[name]), name
        assert np.array_equal(one.held_out[protocol].score, two.held_out[protocol].score)
        assert not np.array_equal(one.table["roc_auc"], two.table["roc_auc"])


def test_a_lesson_is_what_the_dataset_held_of_its_training_side(made):
    dataset, trials = made
    for trial in trials[:4]:
        rows, lesson = trial.fold.train, trial.lesson(5, 1)
        assert np.array_equal(lesson.found, trial.dataset.evidence.state[rows] == FOUND)
        assert np.array_equal(lesson.weight, learning_weight(trial.dataset.evidence)[rows])
        assert np.array_equal(lesson.region, dataset.regions[rows])
        assert np.array_equal(lesson.land.centres_m, dataset.grid.centres_m()[rows])
        assert np.array_equal(lesson.land.seen(), trial.dataset.learned.values[rows], equal_nan=True)
        # Features of survey outcomes are there for simple rules, and no learner sees them.
        assert {"found_share_5km"} <= set(lesson.land.names) - set(lesson.land.learned)


@pytest.mark.slow
def test_protocols_that_are_not_asked_for_are_not_judged(tables):
    chosen = judged(tables, {}, validation={"protocols": ["random"]})
    assert {fold.protocol for fold in chosen.folds} == {"random"}
    assert np.isnan(chosen.out_of_fold).all()
