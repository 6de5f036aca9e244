"""From raw scores to probabilities: the curve, its honest judging, and how far regions lie off it."""

import numpy as np
import pytest
from scipy.special import expit

from models.calibration import between_regions, calibrate, cross_calibrated


@pytest.mark.parametrize(("n", "method"), [(900, "platt"), (4_000, "beta"), (20_000, "isotonic")])
def test_the_calibrator_follows_the_number_of_positives(n, method):
    rng = np.random.default_rng(1)
    raw = rng.normal(size=n) * 2
    positive = rng.random(n) < expit(0.5 * raw - 2)
    curve = calibrate(raw, positive, np.ones(n))
    assert curve.method == method
    grid = np.linspace(-4, 4, 50)
    assert (np.diff(curve(grid)) >= 0).all()
    assert np.abs(curve(grid[10:40]) - expit(0.5 * grid[10:40] - 2)).max() < 0.08


def test_a_step_in_which_everything_was_found_is_no_certainty():
    raw = np.linspace(-4, 4, 3_000)
    positive = raw > 0.5
    curve = calibrate(raw, positive, np.ones(3_000))
    top = int(positive.sum())
    assert curve.method == "isotonic"
    assert curve(np.array([4.0]))[0] == pytest.approx((top + 0.5) / (top + 1))
    assert 0 < curve(np.array([-4.0]))[0] == pytest.approx(0.5 / (3_000 - top + 1))


def test_scores_that_order_the_wrong_way_give_the_base_rate():
    rng = np.random.default_rng(0)
    raw = rng.normal(size=1_000)
    positive = rng.random(1_000) < expit(-2 - raw)
    curve = calibrate(raw, positive, np.ones(1_000))
    assert curve.method == "base rate"
    assert np.allclose(curve(raw), positive.mean())


def test_calibration_needs_both_classes():
    with pytest.raises(ValueError, match="0 found of 5"):
        calibrate(np.arange(5.0), np.zeros(5, dtype=bool), np.ones(5))


def test_a_fold_is_calibrated_by_the_others_alone():
    rng = np.random.default_rng(0)
    raw, fold = rng.normal(size=6_000), np.arange(6_000) % 3
    positive = rng.random(6_000) < expit(raw - 2)
    relabelled = np.where(fold == 1, raw > 1, positive)
    before = cross_calibrated(raw, positive, np.ones(6_000), fold)
    after = cross_calibrated(raw, relabelled, np.ones(6_000), fold)
    assert np.array_equal(before[fold == 1], after[fold == 1])
    assert not np.array_equal(before[fold != 1], after[fold != 1])
    own = calibrate(raw[fold != 1], positive[fold != 1], np.ones(4_000))
    assert np.array_equal(before[fold == 1], own(raw[fold == 1]))


def test_a_fold_without_others_to_learn_from_has_no_probability():
    raw, positive = np.array([0.0, 1.0, 2.0, np.nan]), np.array([False, True, True, True])
    assert np.isnan(cross_calibrated(raw, positive, np.ones(4), np.zeros(4))).all()
    halves = cross_calibrated(raw, positive, np.ones(4), np.array([0, 0, 1, 1]))
    assert np.isfinite(halves).tolist() == [False, False, True, False]


@pytest.mark.parametrize(("spread", "off"), [(0.0, 0.15), (0.8, 0.25)])
def test_the_spread_between_regions_is_found_again(spread, off):
    rng = np.random.default_rng(4)
    region = np.repeat(np.arange(60), 1_000)
    raw = rng.normal(-4, 0.5, size=len(region))
    positive = rng.random(len(region)) < expit(raw + spread * rng.normal(size=60)[region])
    assert between_regions(expit(raw), positive, np.ones(len(region)), region) == pytest.approx(spread, abs=off)
    assert np.isnan(between_regions(expit(raw), positive, np.ones(len(region)), np.zeros_like(region)))
