import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from training.validation.probability_metrics import calibration_error, probability_figures, reliability


@pytest.fixture
def cells():
    rng = np.random.default_rng(5)
    logit = rng.normal(-2, 1.5, 20_000)
    positive = rng.random(20_000) < 1 / (1 + np.exp(-logit))
    return logit, positive, rng.uniform(0.1, 1, 20_000)


def _of(logit):
    return 1 / (1 + np.exp(-logit))


def test_scores_are_those_of_scikit_learn(cells):
    logit, positive, area = cells
    figures = probability_figures(_of(logit), positive, area)
    assert figures["brier"] == pytest.approx(brier_score_loss(positive, _of(logit), sample_weight=area))
    assert figures["log_loss"] == pytest.approx(log_loss(positive, _of(logit), sample_weight=area))


def test_recalibration_is_an_unpenalised_logistic_regression(cells):
    logit, positive, area = cells
    oracle = LogisticRegression(C=np.inf, tol=1e-9).fit(2 * logit[:, None] + 1, positive, sample_weight=area)
    figures = probability_figures(_of(2 * logit + 1), positive, area)
    assert figures["calibration_slope"] == pytest.approx(oracle.coef_[0, 0], abs=1e-4)
    assert figures["calibration_intercept"] == pytest.approx(oracle.intercept_[0], abs=1e-4)
    assert figures["calibration_slope"] == pytest.approx(0.5, abs=0.03)


def test_calibration_error_is_the_area_weighted_gap_of_the_deciles(cells):
    logit, positive, area = cells
    assert probability_figures(_of(logit), positive, area)["calibration_error"] < 0.015
    order = np.argsort(logit)
    gaps = [abs((area[rows] * (_of(logit)[rows] - positive[rows])).sum()) for rows in np.array_split(order, 10)]
    error = probability_figures(_of(logit), positive, area)["calibration_error"]
    assert error == pytest.approx(sum(gaps) / area.sum(), abs=2e-4)


def test_one_probability_for_all_is_one_bin_with_its_gap():
    positive = np.arange(10) < 3
    assert probability_figures(np.full(10, 0.5), positive)["calibration_error"] == pytest.approx(0.2)
    assert np.isnan(probability_figures(np.full(10, 0.5), positive)["calibration_slope"])
    assert len(reliability(np.full(10, 0.5), positive)) == 1


def test_cells_without_a_probability_are_left_out_and_one_outcome_judges_nothing():
    figures = probability_figures(np.array([0.2, 0.9, np.nan]), np.array([False, True, True]))
    assert figures["brier"] == pytest.approx((0.04 + 0.01) / 2)
    assert np.isnan(probability_figures(np.array([0.2, 0.9]), np.array([True, True]))["brier"])
    assert reliability(np.array([np.nan]), np.array([True])).empty


def test_separated_outcomes_have_no_slope():
    assert np.isnan(probability_figures(np.array([0.1, 0.2, 0.8, 0.9]), np.arange(4) > 1)["calibration_slope"])


def test_calibration_error_in_closed_form():
    probability = np.repeat([0.1, 0.6], 50)
    positive = np.concatenate([np.arange(50) < 10, np.arange(50) < 25])
    area = np.repeat([1.0, 3.0], 50)
    assert calibration_error(probability, positive, np.ones(100)) == pytest.approx(0.1)
    assert calibration_error(probability, np.arange(100) % 2 == 0, area) == pytest.approx((0.4 + 3 * 0.1) / 4)
    assert calibration_error(probability, probability + 0.2) == pytest.approx(0.2)
    assert np.isnan(calibration_error(probability[:0], positive[:0], area[:0]))
