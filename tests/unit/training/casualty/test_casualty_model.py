from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import spearmanr

from models.casualty import HURDLE
from models.mixture import dispersion, mixture_weights, prior_by_evidence, shares
from models.rates import RateSpread, rate_range, rate_spread
from tests.support.simulated_history import BLOCK, N, quick, simulated_rows
from training.casualty.baselines import BASELINES, CONSTANT, KERNELS
from training.casualty.fitting import expected_casualties, fit_casualty, unit_table
from training.registry.model_files import write_version
from training.validation.count_metrics import area_figures, recall_of_counts, skill, tenths


def settings(**casualty):
    return SimpleNamespace(casualty=quick(**casualty), seed=1, compute=SimpleNamespace(threads=1))


@pytest.fixture(scope="module")
def made():
    return simulated_rows()


@pytest.fixture(scope="module")
def model(made):
    rows, now, _ = made
    return fit_casualty(settings(), rows, now, BLOCK, 4)


@pytest.mark.slow
def test_the_total_is_that_of_the_register_and_the_order_that_of_the_truth(made, model):
    _, now, rate = made
    expected, low, high = expected_casualties(model, now, 1)
    assert expected.sum() == pytest.approx(2 * rate.sum(), rel=0.1)
    assert spearmanr(expected, rate)[0] > 0.85
    assert (low < expected).all()
    assert (expected < high).all()
    # Members alone covered 7 to 14 % of the units of a synthetic country, 38 to 46 % of the tenth with the most.
    inside = (low < 2 * rate) & (2 * rate < high)
    top = expected >= np.quantile(expected, 0.9)
    assert inside.mean() > 0.8
    assert inside[top].mean() > 0.8
    assert expected[top].sum() == pytest.approx(2 * rate[top].sum(), rel=0.15)
    least, most = model.total_interval()
    assert least < 2 * rate.sum() < most
    # Bounds of units add up to far more than what the total can be.
    assert most < high.sum()


@pytest.mark.slow
def test_the_model_beats_a_constant_rate_and_kernels_on_a_year_that_it_has_not_seen(made, model):
    rows, now, rate = made
    observed = np.random.default_rng(99).poisson(rate).astype(float)
    ours = expected_casualties(model, now, 1)[0] / model.per_accident
    for name in (CONSTANT, KERNELS):
        pattern = BASELINES[name](rows, now, np.ones(N, dtype=bool)).pattern
        assert skill(observed, ours, pattern * rate.sum() / pattern.sum()) > 0


@pytest.mark.slow
def test_a_model_of_some_units_knows_nothing_of_the_others(made):
    rows, now, _ = made
    learned = np.arange(N) < N // 2
    before = fit_casualty(settings(), rows, now, BLOCK, 0, learned)
    changed = rows.accidents * np.where(learned[rows.unit], 1, 7)
    after = fit_casualty(
        settings(), type(rows)(**{**vars(rows), "accidents": changed}), now, BLOCK, 0, learned
    )  # fmt: skip
    assert before.files() == after.files()


def test_few_accidents_make_an_index_at_the_recorded_mean():
    rows, now, _ = simulated_rows(accidents_a_year=8)
    model = fit_casualty(settings(), rows, now, BLOCK, 4)
    assert model.is_index
    expected = expected_casualties(model, now, 1)[0]
    assert np.allclose(expected / expected.sum(), now.patterns[:, 4] / now.patterns[:, 4].sum())
    assert expected.sum() == pytest.approx(rows.casualties.sum() / 6)
    low, high = model.total_interval()
    assert low < expected.sum() < high
    assert high / low < 3
    assert not fit_casualty(settings(fewest_accidents=10), rows, now, BLOCK, 0).is_index


@pytest.mark.slow
def test_clumped_counts_are_noticed_and_get_a_hurdle_and_others_do_not(made, model):
    assert HURDLE not in model.whole.weights
    rows, now, _ = simulated_rows(clumped=True)
    clumped = fit_casualty(settings(), rows, now, BLOCK, 0)
    assert clumped.dispersion > 1.5
    assert HURDLE in clumped.whole.weights
    assert HURDLE not in fit_casualty(settings(hurdle="never"), rows, now, BLOCK, 0).whole.weights
    always = fit_casualty(settings(hurdle="always"), *made[:2], BLOCK, 0)
    assert always.whole.weights[HURDLE] > 0


@pytest.mark.slow
def test_severity_moves_what_the_trees_learn_only_under_its_own_loss(made):
    rows, now, _ = made
    deadly = rows.unit < N // 2
    severe = type(rows)(**{**vars(rows), "killed": np.where(deadly, 3, 0) * rows.accidents})
    plain, again = (fit_casualty(settings(), one, now, BLOCK, 0).whole.trees.text for one in (rows, severe))
    assert plain == again
    weighted, heavier = (
        fit_casualty(settings(loss="tweedie", death_weight=weight), severe, now, BLOCK, 0).whole.trees.text
        for weight in (1, 10)
    )
    assert len({plain, weighted, heavier}) == 3


@pytest.mark.slow
def test_years_of_war_move_the_level_and_no_place(made):
    rows, now, _ = made
    war = np.where(rows.period == 0, 3, 1)
    often = type(rows)(**{**vars(rows), "accidents": rows.accidents * war, "casualties": rows.casualties * war})
    calm, grown = (
        expected_casualties(fit_casualty(settings(), one, now, BLOCK, 0), now, 1)[0] for one in (rows, often)
    )
    assert np.corrcoef(np.log(calm), np.log(grown))[0, 1] > 0.9


def test_weights_find_the_patterns_that_made_the_counts():
    rng = np.random.default_rng(3)
    patterns = rng.gamma(0.3, size=(4_000, 3))
    share = shares(patterns, np.zeros(4_000, dtype=int))
    count = rng.poisson(5_000 * (0.7 * share[:, 0] + 0.3 * share[:, 2])).astype(float)
    assert mixture_weights(share, count) == pytest.approx([0.7, 0.0, 0.3], abs=0.03)
    assert mixture_weights(share, count, 1e9) == pytest.approx([1 / 3] * 3, abs=1e-3)


def test_dispersion_is_one_for_poisson_counts_and_more_for_clumped_ones():
    rng = np.random.default_rng(4)
    mean = rng.gamma(1.0, size=20_000)
    poisson = dispersion(rng.poisson(mean).astype(float), mean)
    assert poisson.pearson == pytest.approx(1, abs=0.05)
    assert not poisson.is_overdispersed
    clumped = dispersion(rng.negative_binomial(0.5, 0.5 / (0.5 + mean)).astype(float), mean)
    # The variance of a negative binomial is m + m^2 / k.
    assert clumped.pearson == pytest.approx(1 + mean.mean() / 0.5, rel=0.15)
    assert clumped.is_overdispersed


def test_figures_by_area_have_closed_forms():
    count = np.array([6.0, 3.0, 1.0, *np.zeros(97)])
    assert recall_of_counts(count, count, np.ones(100), 0.02) == pytest.approx(0.9)
    assert recall_of_counts(np.zeros(100), count, np.ones(100), 0.02) == pytest.approx(0.02)
    backwards = area_figures(-np.arange(100.0)[::-1], count, np.ones(100))
    assert backwards["recall_10"] == 0
    best = area_figures(count, count, np.ones(100))
    assert (best["recall_1"], best["pai_1"], best["pei_1"]) == pytest.approx((0.6, 60, 1))
    assert skill(count, count + 0.01, np.full(100, 0.1)) > 0.9
    assert skill(count, np.full(100, 0.1), np.full(100, 0.1)) == 0


def test_tenths_hold_every_unit_once():
    rng = np.random.default_rng(5)
    expected, observed = rng.gamma(1, size=1_003), rng.poisson(1.0, 1_003).astype(float)
    table = tenths(expected, observed)
    assert table["units"].sum() == 1_003
    assert table["observed"].sum() == observed.sum()
    assert table["expected"].is_monotonic_increasing


@pytest.mark.slow
@pytest.mark.parametrize("hurdle", ["never", "always"])
def test_mlflow_alone_expects_what_the_model_expects(made, tmp_path, hurdle):
    import mlflow.pyfunc

    rows, now, _ = made
    model = fit_casualty(settings(hurdle=hurdle), rows, now, BLOCK, 0)
    assert (HURDLE in model.whole.weights) == (hurdle == "always")
    write_version(tmp_path / "casualty", model.files())
    opened = mlflow.pyfunc.load_model(str(tmp_path / "casualty"))
    table = unit_table(now)
    assert np.abs(opened.predict(table) - expected_casualties(model, now, 1)[0]).max() < 1e-12
    with pytest.raises(Exception, match="pattern: presence"):
        opened.predict(table.drop(columns="pattern: presence"))


@pytest.mark.slow
def test_the_spread_of_rates_is_found_again_with_and_without_land_where_nothing_is():
    rng = np.random.default_rng(0)
    expected, score = rng.uniform(0.5, 3, 4_000), rng.uniform(0.1, 0.9, 4_000)
    for shape in (0.5, 2.0, 8.0):
        rate = expected * rng.gamma(shape, 1 / shape, len(expected))
        everywhere = rate_spread(rng.poisson(rate).astype(float), expected, score)
        assert (everywhere.shape, everywhere.belief) == (pytest.approx(shape, rel=0.25), 0)
        here = rng.random(4_000) < score
        some = rate_spread(rng.poisson(np.where(here, rate / score, 0)).astype(float), expected, score)
        assert (some.shape, some.belief) == (pytest.approx(shape, rel=0.25), 1)
    assert rate_spread(np.zeros(5), np.ones(5), score[:5]) == RateSpread()
    # Too few accidents to speak against the score.
    assert rate_spread(rng.poisson(expected / 100).astype(float), expected / 100, score).belief == 1


def test_a_range_holds_nine_tenths_of_the_rates_and_begins_at_nothing_where_nothing_may_be():
    rng = np.random.default_rng(0)
    for chance in (1.0, 0.97, 0.8, 0.3):
        rate = np.where(rng.random(200_000) < chance, rng.gamma(2.0, 0.5 / chance, 200_000), 0)
        low, high = rate_range(np.ones(1), np.array([chance]), np.array([2.0]))
        assert ((low <= rate) & (rate <= high)).mean() == pytest.approx(0.9, abs=0.003)
        assert (low[0] == 0) == (chance < 0.95)


def test_the_prior_is_the_one_that_held_out_years_speak_for():
    rng = np.random.default_rng(0)
    right = rng.gamma(0.3, 1, 300)
    pattern = np.tile(np.column_stack([right, rng.gamma(0.3, 1, (300, 9))]), (2, 1))
    group = np.repeat([0, 1], 300)
    share = shares(pattern, group)
    one_pattern = rng.poisson(40 * share[:, 0]).astype(float)
    every_pattern = rng.poisson(20 * share.mean(axis=1)).astype(float)
    least, most = (prior_by_evidence(share, count, group, (0.03, 2.0)) for count in (one_pattern, every_pattern))
    assert (least, most) == (0.03, 2.0)
    assert prior_by_evidence(share, one_pattern, np.zeros(600, dtype=int), (0.03, 2.0)) == 2.0
