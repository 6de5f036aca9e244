"""Contributions: engines against shap's own, and which families count as a reason."""

import sys
import threading

import numpy as np
import pytest

from models import attribution as explain
from models.attribution import ENGINES, Families, steady, strongest_interaction, tree_contributions
from models.boosting import BoostingParams, fit

PARAMS = BoostingParams(
    n_trees=60,
    learning_rate=0.1,
    num_leaves=16,
    max_depth=6,
    min_leaf_share=0.002,
    feature_fraction=1.0,
    bagging_fraction=1.0,
    lambda_l2=1.0,
)
FEATURES = ("a", "b", "c", "d", "e")


@pytest.fixture(scope="module")
def land():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(6_000, 5)).astype(np.float32)
    values[rng.random(values.shape) < 0.05] = np.nan
    values[:, 3] = np.round(values[:, 3] * 2) / 2
    return values


@pytest.fixture(scope="module")
def model(land):
    rng = np.random.default_rng(4)
    known = np.nan_to_num(land)
    found = known[:, 0] + known[:, 1] * known[:, 2] + rng.normal(size=len(land)) > 0.5
    return fit(land, found.astype(float), np.ones(len(land)), FEATURES, "binary", PARAMS, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_every_engine_gives_the_values_of_shap_and_adds_up(engine, model, land):
    shap = pytest.importorskip("shap")
    explainer = shap.TreeExplainer(model.booster)
    rows = land[:300]
    found = tree_contributions(model, rows, 1, engine)
    expected = explainer.shap_values(rows)
    expected = expected[-1] if isinstance(expected, list) else expected
    np.testing.assert_allclose(found, expected, atol=1e-5)
    base = model.raw(rows, 1) - found.sum(axis=1)
    np.testing.assert_allclose(base, base[0], atol=1e-5)


@pytest.mark.slow
def test_thresholds_are_met_as_lightgbm_meets_them(model, land):
    # Values on a threshold fall to the other side where a float32 column rounds the threshold.
    np.testing.assert_allclose(ENGINES["woodelf"](model, land, 1), ENGINES["lightgbm"](model, land, 1), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("broken", [lambda *_: 1 / 0, lambda _, values, __: np.ones((len(values), 5))])
def test_an_engine_that_fails_or_differs_is_told_of_and_not_used(broken, model, land, monkeypatch):
    monkeypatch.setitem(explain.ENGINES, "woodelf", broken)
    with pytest.warns(RuntimeWarning, match="LightGBM's own are used"):
        found = tree_contributions(model, land, 1, "woodelf")
    np.testing.assert_array_equal(found, model.contributions(land, 1))


def test_rows_and_none_need_no_other_engine(model, land, monkeypatch):
    monkeypatch.setitem(explain.ENGINES, "woodelf", lambda *_: pytest.fail("called"))
    assert tree_contributions(model, land, 1).shape == land.shape
    assert tree_contributions(model, land[:10], 1).shape == (10, 5)
    assert tree_contributions(model, land[:0], 1).shape == (0, 5)
    with pytest.raises(KeyError):
        tree_contributions(model, land[:10], 1, "no such engine")


def test_family_sums_keep_what_moved_the_score():
    families = Families.of(FEATURES, {"a": "roads", "b": "roads", "c": "terrain", "d": "terrain"})
    sums = families.sums(np.array([[1.0, 2.0, 4.0, -8.0, 16.0]]))
    assert dict(zip(families.names, sums[0], strict=True)) == {"e": 16.0, "roads": 3.0, "terrain": -4.0}


def test_a_sum_whose_sign_turns_over_resampled_land_is_not_steady():
    sums = np.array([[1.0, -1.0, 0.5]])
    same, turned = np.array([[0.2, -3.0, 0.1]]), np.array([[0.2, -3.0, -0.1]])
    assert steady(sums, [same] * 9 + [turned]).tolist() == [[True, True, True]]
    assert steady(sums, [same] * 8 + [turned] * 2).tolist() == [[True, True, False]]
    assert steady(sums, []).all()


@pytest.mark.slow
def test_the_pair_that_works_together_is_named(land):
    rng = np.random.default_rng(5)
    known = np.nan_to_num(land)
    both = (known[:, 1] > 0) == (known[:, 2] > 0)
    found = rng.random(len(land)) < np.where(both, 0.8, 0.2)
    pair = strongest_interaction(fit(land, found.astype(float), np.ones(len(land)), FEATURES, "binary", PARAMS, seed=0),
                                 np.array([0, 1, 1, 0, 0], dtype=np.float32))  # fmt: skip
    assert {pair.first, pair.second} == {"b", "c"}
    assert pair.effect > 0.3


@pytest.mark.slow
def test_contributions_leave_the_streams_of_the_process_alone(model, land, capfd):
    streams, other = (sys.stdout, sys.stderr), []
    done = threading.Event()

    def watch():
        while not done.is_set():
            other.append((sys.stdout, sys.stderr))

    thread = threading.Thread(target=watch)
    thread.start()
    ENGINES["woodelf"](model, land, 1)
    strongest_interaction(model, land[0])
    done.set()
    thread.join()
    assert all(pair == streams for pair in other)
    assert capfd.readouterr() == ("", "")
