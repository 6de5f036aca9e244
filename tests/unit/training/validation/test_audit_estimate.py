import numpy as np
import pytest

from training.validation.audit_sample import horvitz_thompson


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
    # Of n found units none is drawn with chance 0.95^n, which is 5 % at 58.
    assert nothing["estimate_high"] == pytest.approx(np.log(0.05) / np.log(0.95))
    assert horvitz_thompson(np.zeros(4, dtype=bool), np.ones(4))["estimate_high"] == 0
