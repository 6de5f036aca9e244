import json

import lightgbm as lgb
import numpy as np
import pytest
from scipy.special import expit

from models.boosting import BoostingParams, fit
from models.calibration import LOWEST
from models.casualty import CasualtyModel, Hurdle, Part, fit_rate, year_factor
from models.contamination import ContaminationModel
from models.contamination_fit import TrainingRows, fit_contamination
from models.ranker import RankerParams, fit_ranker

PARAMS = BoostingParams(
    n_trees=60,
    learning_rate=0.1,
    num_leaves=6,
    max_depth=4,
    min_leaf_share=0.01,
    feature_fraction=0.8,
    bagging_fraction=0.8,
    lambda_l2=1.0,
)


def rows(n=2_000, seed=0):
    """Contamination falls with the first feature, rises with the second, ignores the third."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 3)).astype(np.float32)
    target = (rng.random(n) < expit(-2 - 1.5 * values[:, 0] + values[:, 1])).astype(float)
    return values, target


@pytest.fixture(scope="module")
def trained():
    values, target = rows()
    block = np.arange(len(values)) // 50
    fold = np.arange(len(values)) // 500
    out_of_fold = np.empty(len(values))
    for number in range(4):
        without = fold != number
        ranker = fit_ranker(
            values[without], target[without], np.ones(without.sum()), ("a", "b", "c"), RankerParams(PARAMS), seed=1
        )
        out_of_fold[~without] = ranker.raw(values[~without])
    training = TrainingRows(
        features=("a", "b", "c"),
        values=values,
        target=target,
        weight=np.ones(len(values)),
        share=np.ones(len(values)),
        block=block,
        out_of_fold=out_of_fold,
        fold=fold,
    )
    return fit_contamination(training, RankerParams(PARAMS), {"a": -1, "b": 1}, 4, seed=3, threads=2), values


def test_the_same_rows_and_seed_give_the_same_text():
    values, target = rows()
    texts = {
        fit(values, target, np.ones(len(target)), ("a", "b", "c"), "binary", PARAMS, seed=5).text for _ in range(2)
    }
    assert len(texts) == 1


def test_constraints_hold_in_every_direction():
    values, target = rows()
    booster = fit(
        values, 1 - target, np.ones(len(target)), ("a", "b", "c"), "binary", PARAMS, seed=0, constraints={"a": -1}
    )
    line = np.zeros((50, 3), dtype=np.float32)
    line[:, 0] = np.linspace(-3, 3, 50)
    assert (np.diff(booster.raw(line)) <= 1e-12).all()


def test_contributions_add_up_to_the_raw_score():
    values, target = rows()
    booster = fit(values, target, np.ones(len(target)), ("a", "b", "c"), "binary", PARAMS, seed=0)
    rest = booster.raw(values[:200]) - booster.contributions(values[:200]).sum(axis=1)
    assert np.allclose(rest, rest[0], atol=1e-9)


@pytest.mark.slow
def test_scores_lie_within_their_interval_and_between_zero_and_one(trained):
    model, values = trained
    scores = model.scores(values)
    assert ((scores.low <= scores.probability) & (scores.probability <= scores.high)).all()
    assert (scores.low > 0).all()
    assert (scores.high < 1).all()
    assert (scores.high > scores.low).mean() > 0.9


def test_the_interval_holds_venn_abers_and_the_spread_over_members(trained):
    model, values = trained
    scores = model.scores(values)
    assert (scores.low <= np.maximum(scores.venn_abers_low, LOWEST)).all()
    assert (np.minimum(scores.venn_abers_high, 1 - LOWEST) <= scores.high).all()
    assert (scores.spread <= scores.high - scores.low + 1e-12).all()
    assert (scores.spread > 0).mean() > 0.9


def test_more_of_the_hazards_are_missed_the_higher_the_survey_stops(trained):
    model, values = trained
    scores = model.scores(values)
    order = np.argsort(scores.score)
    assert (np.diff(scores.missed_share_below[order]) >= 0).all()
    assert scores.missed_share_below.min() >= model.missed_share.least


def test_without_held_out_land_nothing_is_promised_of_missed_hazards():
    values, target = rows(400)
    training = TrainingRows(
        features=("a", "b", "c"),
        values=values,
        target=target,
        weight=np.ones(400),
        share=np.ones(400),
        block=np.arange(400) // 40,
        out_of_fold=np.full(400, np.nan),
        fold=np.full(400, -1),
    )
    scores = fit_contamination(training, RankerParams(PARAMS), {}, 3, seed=0, threads=1).scores(values)
    assert np.isnan(scores.missed_share_below).all()


def test_calibrated_probabilities_meet_the_observed_share(trained):
    model, _ = trained
    fresh, target = rows(20_000, seed=9)
    probability = model.scores(fresh).probability
    assert probability.mean() == pytest.approx(target.mean(), abs=0.02)
    top = probability > np.quantile(probability, 0.9)
    assert probability[top].mean() == pytest.approx(target[top].mean(), abs=0.06)


def test_a_model_read_from_its_files_scores_the_same(trained):
    model, values = trained
    again = ContaminationModel.from_files(model.files())
    before, after = model.scores(values), again.scores(values)
    for name in vars(before):
        assert np.array_equal(getattr(before, name), getattr(after, name)), name


def test_files_are_text_without_pickle(trained):
    texts = trained[0].files()
    assert {
        "blend.json", "booster.txt", "booster_linear.json", "calibration.json", "domain.json", "features.json",
        "missed_share.json", "venn_abers.json",
    } <= set(texts)  # fmt: skip
    assert all(texts[name].startswith("tree\n") for name in texts if name.endswith(".txt"))
    assert all(json.loads(texts[name]) for name in texts if name.endswith(".json"))


def counts(n=4_000, rate=2e-5, seed=4):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 2)).astype(np.float32)
    exposure = rng.lognormal(6, 1.5, size=n)
    truth = rate * np.exp(0.8 * values[:, 0]) * exposure
    return values, exposure, truth, rng.poisson(truth).astype(float)


def test_rate_with_exposure_as_weight_gives_back_the_number_of_events():
    values, exposure, truth, count = counts()
    booster, mean_rate = fit_rate(("a", "b"), values, count, exposure, PARAMS, 0)
    expected = (np.exp(booster.raw(values)) * mean_rate * exposure).sum()
    assert expected == pytest.approx(count.sum(), rel=0.03)
    assert truth.sum() == pytest.approx(expected, rel=0.3)


def test_exposure_as_init_score_predicts_many_times_too_much():
    """The wrong form, kept so that nobody brings it back: boosting starts from a rate of 1 per person-year."""
    values, exposure, _, count = counts()
    data = lgb.Dataset(values, label=count, init_score=np.log(exposure))
    wrong = lgb.train({"objective": "poisson", "verbosity": -1, "learning_rate": 0.05, "num_leaves": 6}, data, 50)
    expected = np.exp(wrong.predict(values, raw_score=True) + np.log(exposure)).sum()
    assert expected > 20 * count.sum()


def test_the_rate_does_not_depend_on_the_unit_of_exposure():
    values, exposure, _, count = counts()
    persons = fit_rate(("a", "b"), values, count, exposure, PARAMS, 0)
    thousands = fit_rate(("a", "b"), values, count, exposure / 1000, PARAMS, 0)
    assert np.allclose(persons[0].raw(values), thousands[0].raw(values), atol=1e-6)
    assert thousands[1] == pytest.approx(1000 * persons[1])


def test_a_steady_decline_is_carried_forward_and_pulled_towards_none():
    totals = 1_000 * 0.9 ** np.arange(8)
    factor, change = year_factor(totals, 1)
    assert change == pytest.approx(np.log(0.9), abs=0.01)
    assert factor * totals.mean() == pytest.approx(1_000 * 0.9**8, rel=0.02)
    assert year_factor(np.array([5.0, 3.0]), 1) == (1.0, 0.0)
    further = year_factor(totals, 10)[0] * totals.mean()
    assert further > 1_000 * 0.9**17 * 1.3, "no trend goes on for ever"
    few = year_factor(np.array([2.0, 0.0, 0.0, 1.0]), 1)[1]
    assert abs(few) < 0.15


def test_the_casualty_model_survives_its_files():
    values, exposure, _, count = counts()
    booster, _ = fit_rate(("a", "b"), values, count, exposure, PARAMS, 0)
    weights, scales = {"trees": 0.7, "hurdle": 0.1, "area": 0.2}, {"trees": 0.01, "hurdle": 0.02, "area": 0.03}
    part = Part(trees=booster, hurdle=Hurdle(booster, 1.2), weights=weights, scales=scales, accidents_per_year=12.0)
    cells, scores = np.array([3, 9]), np.array([0.25, 0.5])
    model = CasualtyModel(
        whole=part,
        members=(part,) * 3,
        per_accident=1.3,
        yearly_change=-0.1,
        dispersion=1.1,
        is_index=False,
        dated=True,
        scored_cells=cells,
        scores=scores,
    )
    again = CasualtyModel.from_files(model.files())
    patterns = {"area": np.ones(len(values))}
    for one, other in zip(
        model.casualties(values, exposure, patterns), again.casualties(values, exposure, patterns), strict=True
    ):
        assert np.array_equal(one, other)
    assert (again.per_accident, again.is_index, again.scores.tolist()) == (1.3, False, [0.25, 0.5])
    assert again.files() == model.files()
