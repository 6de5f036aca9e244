"""Venn-Abers: the same p0 and p1 as the library, and an interval that holds on regions never seen."""

import warnings

import numpy as np
import pytest
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from models.venn_abers import FEWEST_REGIONS, HIGH, LOW, VennAbers, combined, fit_venn_abers, inductive


def scored(n, seed=0, offset=0.0):
    rng = np.random.default_rng(seed)
    raw = rng.normal(-2, 1.5, size=n)
    return raw, rng.random(n) < expit(raw + offset)


def country(regions, cells, spread, seed):
    """Regions whose log-odds lie off the score by a normal offset each."""
    rng = np.random.default_rng(seed)
    region = np.repeat(np.arange(regions), cells)
    raw = rng.normal(-3, 1.2, size=len(region))
    return raw, rng.random(len(region)) < expit(raw + spread * rng.normal(size=regions)[region]), region


def test_it_is_isotonic_regression_with_the_cell_added():
    """The definition, bin by bin: refit with one more cell, found or not."""
    raw, positive = scored(300)
    steps = inductive(raw, positive, np.ones(300), bins=300)
    for score in (-4.0, -2.0, 0.0):
        place = np.searchsorted(steps.edge, score, side="right")
        inside = steps.edge[place - 1]
        for label, ends in ((0, steps.low), (1, steps.high)):
            fitted = IsotonicRegression().fit(np.append(raw, inside), np.append(positive, label))
            assert ends[place] == pytest.approx(fitted.predict([inside])[0], abs=1e-6)


def test_it_is_what_the_library_gives():
    venn_abers = pytest.importorskip("venn_abers")
    raw, positive = scored(200, seed=3)
    steps = inductive(raw, positive, np.ones(200), bins=200)
    library = venn_abers.VennAbers()
    probability = expit(raw)
    asked = np.sort(raw)[5:-5]
    with warnings.catch_warnings():
        # The library divides by zero and takes the minimum of an empty array on its way.
        warnings.simplefilter("ignore", RuntimeWarning)
        library.fit(np.column_stack([1 - probability, probability]), positive.astype(int))
        p, ends = library.predict_proba(np.column_stack([1 - expit(asked), expit(asked)]))
    low, high = steps(asked)
    assert low == pytest.approx(ends[:, 0], abs=1e-9)
    assert high == pytest.approx(ends[:, 1], abs=1e-9)
    assert combined(low, high) == pytest.approx(p[:, 1], abs=1e-9)


def test_a_row_counts_by_its_area():
    raw, positive = np.array([0.0, 0.0, 1.0, 1.0]), np.array([False, True, False, True])
    twice = inductive(np.repeat(raw, 2), np.repeat(positive, 2), np.ones(8))
    weighed = inductive(raw, positive, np.full(4, 2.0))
    assert np.array_equal(twice.low, weighed.low)
    assert np.array_equal(twice.high, weighed.high)


def coverage(model, raw, positive, region):
    """Share of (region, decile) bins of 50 cells or more whose observed share lies in the mean interval."""
    low, high = model(raw)
    held = []
    for number in np.unique(region):
        rows = np.flatnonzero(region == number)
        parts = np.array_split(rows[np.argsort(raw[rows], kind="stable")], 10)
        held += [low[part].mean() <= positive[part].mean() <= high[part].mean() for part in parts]
    return np.mean(held)


@pytest.mark.slow
def test_the_interval_covers_regions_that_it_has_not_seen_and_a_pooled_one_does_not():
    held = []
    for seed in range(6):
        raw, positive, region = country(40, 600, 1.0, seed)
        model = fit_venn_abers(raw, positive, np.ones(len(raw)), region)
        pooled = fit_venn_abers(raw, positive, np.ones(len(raw)), np.zeros_like(region))
        held.append([coverage(one, *country(40, 600, 1.0, seed + 50)) for one in (model, pooled)])
    assert (model.regions, pooled.regions) == (40, 0)
    assert np.mean(held, axis=0)[0] == pytest.approx(HIGH - LOW, abs=0.04)
    assert np.mean(held, axis=0)[1] < 0.3


def test_it_is_narrower_where_regions_agree():
    width = []
    for spread in (0.0, 1.5):
        raw, positive, region = country(30, 2_000, spread, seed=5)
        low, high = fit_venn_abers(raw, positive, np.ones(len(raw)), region)(raw)
        width.append((high - low).mean())
    assert width[0] < 0.5 * width[1]


def test_both_ends_rise_with_the_score_and_lie_between_zero_and_one():
    raw, positive, region = country(20, 400, 1.0, seed=7)
    model = fit_venn_abers(raw, positive, np.ones(len(raw)), region)
    low, high = model(np.linspace(-50, 50, 2_000))
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) >= 0).all()
    assert (low <= high).all()
    assert low.min() >= 0
    assert high.max() <= 1


def test_small_regions_and_too_few_of_them_do_not_count():
    raw, positive, region = country(FEWEST_REGIONS, 300, 1.0, seed=7)
    assert fit_venn_abers(raw, positive, np.ones(len(raw)), region).regions == FEWEST_REGIONS
    assert fit_venn_abers(raw, positive, np.ones(len(raw)), np.maximum(region, 1)).regions == 0
    assert fit_venn_abers(raw, positive, np.ones(len(raw)), np.arange(len(raw)) // 100).regions == 0


def test_it_survives_its_text():
    raw, positive, region = country(8, 300, 1.0, seed=7)
    model = fit_venn_abers(raw, positive, np.ones(len(raw)), region)
    assert VennAbers.from_text(model.text()) == model


def test_one_score_for_all_is_one_step():
    model = fit_venn_abers(np.zeros(3_000), np.arange(3_000) % 10 == 0, np.ones(3_000), np.arange(3_000) // 300)
    assert model.edge == ()
    low, high = model(np.array([-1.0, 0.0, 1.0]))
    assert ((low < 0.1) & (high > 0.1)).all()
