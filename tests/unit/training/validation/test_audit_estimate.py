import numpy as np
import pytest

from training.validation.audit_sample import horvitz_thompson


@pytest.mark.slow
def test_the_estimate_is_unbiased_and_its_interval_covers():
    rng = np.random.default_rng(0)
    truth = np.arange(5_000) < 400
    chance = np.where(rng.random(5_000) < 0.5, 0.1, 0.3)
    estimates, inside = [], 0
    for _ in range(300):
        drawn = rng.random(5_000) < chance
        figures = horvitz_thompson(truth[drawn], chance[drawn])
        estimates.append(figures["estimate"])
        inside += figures["estimate_low"] <= 400 <= figures["estimate_high"]
    assert np.mean(estimates) == pytest.approx(400, rel=0.02)
    assert 0.85 <= inside / 300 <= 0.95


def test_a_census_is_certain_and_nothing_found_is_no_proof():
    everything = horvitz_thompson(np.arange(10) < 3, np.ones(10))
    assert (everything["estimate_low"], everything["estimate"], everything["estimate_high"]) == (3, 3, 3)
    nothing = horvitz_thompson(np.zeros(10, dtype=bool), np.full(10, 0.05))
    assert (nothing["estimate"], nothing["estimate_low"]) == (0, 0)
    # Half a unit was found, as Jeffreys has it: the 95 % point of gamma(1/2) over 0.05 / 0.95 is 36.
    assert nothing["estimate_high"] == pytest.approx(36.5, abs=3)
    assert horvitz_thompson(np.zeros(4, dtype=bool), np.ones(4))["estimate_high"] == 0


def test_a_group_that_is_seldom_drawn_can_hide_what_was_not_found():
    """The interval by the found units alone covered 0.19 of such audits, 0.13 with probabilities of every size."""
    rng = np.random.default_rng(1)
    chance = rng.choice([0.004, 0.04, 0.4], 4_000)
    truth = (rng.random(4_000) < 0.06) & (chance == 0.004)
    inside = 0
    for _ in range(100):
        drawn = rng.random(4_000) < chance
        figures = horvitz_thompson(truth[drawn], chance[drawn])
        inside += figures["estimate_low"] <= truth.sum() <= figures["estimate_high"]
    assert inside >= 85
