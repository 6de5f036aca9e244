"""The parts of a training run that no other module has: random audit cells, and what could not be judged."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.contamination import ContaminationModel
from models.contamination_fit import fit_contamination
from tests.support.sample_dataset import config_of, dataset_and_trials, inputs_of, land
from training.contamination.judging import judge_contamination, prepare_recipe
from training.contamination.promises import with_promises
from training.evidence.states import FOUND, SEARCHED, UNKNOWN
from training.reporting.notes import UNJUDGED, unjudged_notes
from training.train import _training_rows

SIDE = 30


@pytest.fixture(scope="module")
def config():
    return config_of(
        features=("front_lines", "incidents"), validation={"protocols": ["leave_region_out"]},
        contamination={"model": {"n_trees": 40, "learning_rate": 0.1}},
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(config):
    """Study, judgement and model."""
    dataset, trials = dataset_and_trials(config, inputs_of(land(2, SIDE, share=0.9), SIDE))
    judgement = judge_contamination(config, dataset, trials, {})
    learning, recipe, _ = prepare_recipe(config, dataset, np.flatnonzero(dataset.evidence.labelled), 1)
    rows = _training_rows(config, dataset, learning, judgement)
    return dataset, judgement, fit_contamination(rows, recipe.ranker, learning.constraints, 3, 0, 1)


def with_audit(made, share_of, chance, seed=0):
    """The dataset with every judged cell drawn at random; each is found with `share_of` times its probability."""
    dataset, judgement, model = made
    drawn = np.flatnonzero(np.isfinite(judgement.out_of_fold))
    state, inclusion = dataset.evidence.state.copy(), np.full(len(dataset.evidence.state), np.nan)
    found = np.random.default_rng(seed).random(len(drawn)) < share_of * model.calibration(judgement.out_of_fold[drawn])
    state[drawn], inclusion[drawn] = np.where(found, FOUND, SEARCHED), chance(found)
    return replace(dataset, evidence=replace(dataset.evidence, state=state, inclusion_prob=inclusion)), drawn, found


def evenly(found):
    return np.full(len(found), 0.1)


def unevenly(found):
    """Twice as likely to be drawn where something is: the records say so, and the level must not rise by it."""
    return np.where(found, 0.2, 0.1)


@pytest.mark.parametrize("chance", [evenly, unevenly])
def test_random_audit_cells_set_the_level_of_the_probabilities(config, made, chance):
    _, judgement, model = made
    dataset, drawn, found = with_audit(made, 1 / 3, chance)
    promises = with_promises(config, dataset, judgement, (), model)
    audited, counts = promises.model, 1 / chance(found)
    values, places = dataset.learned.values[drawn], dataset.grid.centres_m()[drawn]
    before, after = (m.scores(values, 1, places).probability for m in (model, audited))
    share = np.average(found, weights=counts)
    assert np.average(before, weights=counts) > 2 * share
    assert np.average(after, weights=counts) == pytest.approx(share, rel=0.2)
    assert audited.level.kind == "audit"
    assert promises.notes[0] == audited.level.sentence
    assert f"{len(drawn):,} random audit cells, {int(found.sum()):,} of them found" in promises.notes[0]
    # What ranks stays but for what was found nearby, and every probability still lies within its interval.
    assert audited.ranker is model.ranker
    scores = audited.scores(dataset.learned.values, 1)
    assert np.array_equal(scores.score, model.scores(dataset.learned.values, 1).score)
    assert (scores.low <= scores.probability).all()
    assert (scores.probability <= scores.high).all()


def test_the_first_found_audit_cell_counts_and_a_census_does_not(config, made):
    dataset, judgement, model = made
    assert with_promises(config, dataset, judgement, (), model).model.level.kind == "index"
    audit, drawn, found = with_audit(made, 1 / 3, evenly)
    census = replace(audit.evidence, inclusion_prob=np.where(audit.evidence.inclusion_prob > 0, 1.0, np.nan))
    # A census tells of what people chose to look at in full.
    assert with_promises(config, replace(audit, evidence=census), judgement, (), model).model.level.kind == "index"
    state = audit.evidence.state.copy()
    state[drawn[found][1:]] = SEARCHED
    one = with_promises(config, replace(audit, evidence=replace(audit.evidence, state=state)), judgement, (), model)
    assert one.model.level.kind == "audit"
    assert one.model.level.found == 1
    assert one.model.level.factor < 0.3


def test_a_version_with_its_promises_reads_back_and_scores_the_same(config, made):
    dataset, judgement, model = made
    promised = with_promises(config, dataset, judgement, (), model).model
    again = ContaminationModel.from_files(promised.files())
    values, places = dataset.learned.values, dataset.grid.centres_m()
    one, other = (m.scores(values, 1, places) for m in (promised, again))
    for name in ("score", "probability", "low", "high", "missed_share_below"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert not np.array_equal(one.score, promised.scores(values, 1).score)
    # A version from before has none of the four files: it scores as it did.
    new = ("level.json", "likely_range.json", "local_ratio.json", "out_of_bag.json")
    old = ContaminationModel.from_files({name: text for name, text in model.files().items() if name not in new})
    np.testing.assert_array_equal(old.scores(values, 1, places).low, model.scores(values, 1).low)
    assert old.level.kind == "index"


def test_training_rows_are_the_labelled_cells_and_no_other(config, made):
    dataset, judgement, _ = made
    learning, _, _ = prepare_recipe(config, dataset, np.flatnonzero(dataset.evidence.labelled), 1)
    rows = _training_rows(config, dataset, learning, judgement)
    labelled = dataset.evidence.state != UNKNOWN
    assert np.array_equal(rows.values, dataset.learned.values[labelled], equal_nan=True)
    assert np.array_equal(rows.target, (dataset.evidence.state[labelled] == FOUND).astype(float))
    assert np.array_equal(rows.out_of_fold, judgement.out_of_fold[labelled], equal_nan=True)
    assert np.array_equal(rows.weight, dataset.evidence.weight[labelled])


def test_a_protocol_that_the_records_do_not_allow_is_named_with_its_reason():
    tables = land(2, 14)
    never = pd.Series(pd.NaT, index=tables["survey"].index)
    undated = tables | {"survey": tables["survey"].assign(date=never, recorded_date=never)}
    config = config_of(features=("front_lines",), validation={"protocols": ["as_of", "random"]})
    dataset, trials = dataset_and_trials(config, inputs_of(undated, 14))
    judgement = judge_contamination(config, dataset, trials, {})
    assert unjudged_notes(config, judgement) == (f"as_of could not be judged: {UNJUDGED['as_of']}",)
    assert UNJUDGED.keys() == {"as_of", "leave_region_out", "knndm", "random"}
