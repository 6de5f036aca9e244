"""Rules of the field: closed forms, monotone directions, and an order without a probability."""

import numpy as np
import pytest

from models.field_rules import FieldRules, PriorModel, Rule

LINE = Rule("front_line_distance_m", 0.3, 2000.0)
ACCIDENTS = Rule("incident_density_2km_per_km2", 0.1, 0.05)
ABSENT = Rule("bridge_distance_m", 0.6, 500.0)


def rules():
    return FieldRules.of((LINE, ACCIDENTS, ABSENT), (ACCIDENTS.feature, LINE.feature, "slope_deg"))


def test_weights_of_the_features_that_are_there_add_up_to_one():
    assert [(rule.feature, rule.weight) for rule in rules().rules] == [
        (LINE.feature, pytest.approx(0.75)), (ACCIDENTS.feature, pytest.approx(0.25)),
    ]  # fmt: skip


def test_the_score_is_the_weighted_sum_of_closed_forms():
    values = np.array([[0.0, 0.0], [2000.0, 0.05], [0.0, 1e9], [np.nan, 0.05]], dtype=np.float32)
    inverse = np.exp(-1)
    expected = [0.75, 0.75 * inverse + 0.25 * (1 - inverse), 1.0, 0.25 * (1 - inverse)]
    np.testing.assert_allclose(rules().raw(values), expected, rtol=1e-6)


def test_nearer_and_more_never_lower_the_score():
    steps = np.linspace(0, 20_000, 400, dtype=np.float32)
    still = np.zeros_like(steps)
    assert (np.diff(rules().raw(np.column_stack([steps, still]))) <= 0).all()
    assert (np.diff(rules().raw(np.column_stack([still, steps / 1e5]))) >= 0).all()


def test_a_rule_speaks_against_a_cell_beyond_its_reach_alone():
    moved = rules().contributions(np.array([[1999.0, 0.051], [2001.0, 0.049], [np.nan, np.nan]], dtype=np.float32))
    assert np.sign(moved).tolist() == [[1, 1], [-1, -1], [0, 0]]


def test_rules_give_an_order_and_no_probability():
    scores = PriorModel(rules()).scores(np.array([[10.0, 1.0], [np.nan, np.nan]], dtype=np.float32))
    assert np.isnan(scores.probability).all()
    assert scores.in_domain.tolist() == [True, False]
    assert scores.members.shape == (0, 2)
