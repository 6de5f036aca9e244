"""The kernels of prediction give the bits of the libraries that they stand for."""

from functools import cache

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import cKDTree

from models.attribution import kernel_engine
from models.boosting import Boosted
from models.linear import N_KNOTS, quantiles
from models.nearness import INSIDE, OUTSIDE, UNDECIDED, near_any
from models.rank_terms import RankTable
from models.tree_scores import score_table
from models.trees import MOST_LEAVES, trees_of

N_FEATURES = 5
NAMES = tuple(f"f{number}" for number in range(N_FEATURES))
# Tiny values count as zero in LightGBM, and thresholds lie between values of training.
TINY = np.float32(1e-35)
CELLS = arrays(
    np.float32,
    st.tuples(st.integers(0, 300), st.just(N_FEATURES)),
    elements=st.one_of(
        st.floats(width=32),
        st.floats(-3, 3, width=32),
        st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, TINY, -TINY, np.nextafter(TINY, np.float32(1))]),
    ),
)


def learned(n=600, seed=0):
    """Values of which some are unknown, whole, never unknown or constant, and a target that depends on them."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, N_FEATURES)).astype(np.float32)
    values[rng.random(n) < 0.2, 0] = np.nan
    values[:, 1] = np.round(values[:, 1])
    values[:, 2] = np.where(rng.random(n) < 0.5, 0, np.abs(values[:, 2]))
    values[:, 3] = 7
    return values, (np.nan_to_num(values[:, 0], nan=1.0) + values[:, 1] * values[:, 2] + rng.normal(size=n) > 0)


@cache
def trained(name):
    """A booster as the text that LightGBM writes, with the settings of this name beside those of our trees."""
    ours = {"objective": "cross_entropy", "num_leaves": 8, "min_data_in_leaf": 5, "bagging_fraction": 0.7}
    values, target = learned()
    by_category = [1] if name == "by category" else []
    lesson = lgb.Dataset(values, target.astype(float), categorical_feature=by_category)
    wanted = ours | {"verbosity": -1, "num_threads": 1} | (KNOWN | UNKNOWN)[name]
    return lgb.train(wanted, lesson, 20).model_to_string()


KNOWN = {
    "small": {},
    "full": {"num_leaves": MOST_LEAVES},
    "stumps": {"num_leaves": 2},
    "leaves alone": {"min_data_in_leaf": 599},
    "rates": {"objective": "poisson"},
    "drawn thresholds": {"extra_trees": True},
}
UNKNOWN = {
    "zero is missing": {"zero_as_missing": True},
    "by category": {"min_data_per_group": 5, "cat_smooth": 1},
    "regressions in leaves": {"linear_tree": True},
    "a mean of trees": {"boosting": "rf", "bagging_freq": 1},
    "too many leaves": {"num_leaves": MOST_LEAVES + 20},
}


@pytest.mark.parametrize("name", KNOWN)
@settings(deadline=None)  # the first call may compile
@given(values=CELLS)
def test_scores_of_trees_are_those_of_lightgbm_to_the_last_bit(name, values):
    text = trained(name)
    table = score_table(trees_of(text, N_FEATURES))
    own = lgb.Booster(model_str=text).predict(values, raw_score=True) if len(values) else np.empty(0)
    assert table.raw(values).tobytes() == own.tobytes()


@pytest.mark.parametrize("name", KNOWN)
@settings(deadline=None)
@given(values=CELLS)
def test_contributions_are_those_of_lightgbm(name, values):
    boosted = Boosted(trained(name), NAMES)
    assert boosted.contribution_table is not None
    found = kernel_engine(boosted, values, 1)
    np.testing.assert_allclose(found, boosted.contributions(values, 1), rtol=0, atol=1e-12)


def test_contributions_by_trees_that_the_kernel_does_not_know_are_lightgbms():
    boosted = Boosted(trained("too many leaves"), NAMES)
    values, _ = learned(seed=1)
    assert (kernel_engine(boosted, values, 1) == boosted.contributions(values, 1)).all()


@pytest.mark.parametrize("name", UNKNOWN)
def test_trees_that_the_kernel_does_not_know_are_left_to_lightgbm(name):
    text = trained(name)
    assert trees_of(text, N_FEATURES) is None
    values, _ = learned(seed=1)
    own = lgb.Booster(model_str=text).predict(values, raw_score=True)
    assert (Boosted(text, NAMES).raw(values) == own).all()


def test_a_split_by_a_feature_that_is_not_there_is_left_to_lightgbm():
    text = trained("small")
    assert trees_of(text, N_FEATURES) is not None
    assert trees_of(text, 1) is None


def test_rows_of_another_width_are_refused():
    with pytest.raises(lgb.basic.LightGBMError, match="number of features"):
        Boosted(trained("small"), NAMES).raw(np.zeros((3, N_FEATURES + 1), dtype=np.float32))


@settings(deadline=None)  # the first call may compile
@given(values=CELLS, seed=st.integers(0, 9))
def test_terms_of_ranks_are_those_of_interp_to_the_last_bit(values, seed):
    rng = np.random.default_rng(seed)
    knots = [np.sort(rng.normal(size=101)), np.sort(rng.integers(0, 4, 101)), np.zeros(101), [0, 1, 1], [-1e-45, 1]]
    slope, bend = rng.normal(size=(2, N_FEATURES))
    expected = np.empty(values.shape)
    for number, row in enumerate(knots):
        knot = np.unique(row)
        level = np.array([np.flatnonzero(np.equal(row, one)).mean() for one in knot]) / (len(row) - 1)
        column = values[:, number].astype(np.float64)
        rank = np.where(np.isfinite(column), np.interp(column, knot, level), 0.5) - 0.5
        expected[:, number] = rank * slope[number] + rank**2 * bend[number]
    assert (RankTable.of(knots).terms(values, slope, bend) == expected).all()


@given(column=arrays(np.float32, st.integers(0, 250), elements=st.floats(width=32)))
def test_quantiles_are_those_of_numpy_to_the_last_bit(column):
    known = column[np.isfinite(column)].astype(np.float64)
    expected = np.quantile(known, np.linspace(0, 1, N_KNOTS)) if len(known) else np.zeros(N_KNOTS)
    assert (quantiles(column) == expected).all()


@settings(deadline=None)
@given(seed=st.integers(0, 99), width=st.integers(1, 40), distance=st.sampled_from([0.0, 0.5, 2.0, 5.0]))
def test_rows_near_a_point_are_those_of_a_tree(seed, width, distance):
    rng = np.random.default_rng(seed)
    points, rows = rng.normal(size=(40, width)), rng.normal(size=(200, width))
    rows[:20] = points[:20]
    expected = cKDTree(points).query(rows)[0] <= distance
    assert (near_any(rows, points, distance) == np.where(expected, INSIDE, OUTSIDE)).all()


def test_a_row_at_the_distance_itself_is_left_undecided_unless_another_point_is_nearer():
    points, rows = np.array([[0.0, 0.0], [9.0, 0.0]]), np.array([[0.3, 0.4], [0.3, 0.39], [0.3, 0.41], [8.5, 0.0]])
    assert near_any(rows, points, 0.5).tolist() == [UNDECIDED, INSIDE, OUTSIDE, UNDECIDED]
    assert near_any(rows, np.vstack([points, rows[:1]]), 0.5).tolist() == [INSIDE, INSIDE, INSIDE, UNDECIDED]
