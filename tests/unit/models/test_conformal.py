"""Conformal control of missed hazards: the bound holds on blocks not seen, and says no where it cannot."""

import numpy as np
import pytest

from models.missed_share import MissedShare, fit_missed_share


def blocks(n, seed, cells=30):
    """Blocks whose hazards lie at scores that differ from block to block; the first cell of each is found."""
    rng = np.random.default_rng(seed)
    block = np.repeat(np.arange(n), cells)
    raw = rng.normal(size=n)[block] + rng.normal(size=len(block))
    return raw, (rng.random(len(block)) < 0.3) | (np.arange(len(block)) % cells == 0), block


def test_the_bound_in_closed_form():
    raw = np.array([1.0, 2.0, 3.0, 4.0, 9.0])
    positive = np.array([True, True, True, False, False])
    control = fit_missed_share(raw, positive, np.array([0, 0, 1, 1, 2]))
    assert control.blocks == 2
    asked = control(np.array([0.0, 1.0, 1.5, 2.0, 3.0, 99.0]))
    assert asked.tolist() == pytest.approx([1 / 3, 1.5 / 3, 1.5 / 3, 2 / 3, 1, 1])


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.1, 0.3])
def test_on_average_no_more_is_missed_than_promised(alpha):
    """Over many draws of calibration blocks and one new block, and not much less: the bound is not idle."""
    missed = []
    for seed in range(400):
        raw, positive, block = blocks(21, seed)
        new = block == 20
        threshold = fit_missed_share(raw[~new], positive[~new], block[~new]).threshold(alpha)
        missed.append((raw[new & positive] < threshold).mean())
    assert alpha - 1 / 21 - 0.03 < np.mean(missed) <= alpha + 0.015


def test_less_than_the_blocks_can_show_is_refused():
    control = fit_missed_share(*blocks(9, 0))
    assert control.least == pytest.approx(0.1)
    assert np.isfinite(control.threshold(0.1))
    with pytest.raises(ValueError, match=r"alpha \(0.05\) is below 1 / \(blocks \+ 1\) = 0.1, all that 9 block"):
        control.threshold(0.05)
    assert control(np.array([-99.0])).tolist() == [control.least]


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, float("nan")])
def test_alpha_is_a_share(alpha):
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        fit_missed_share(*blocks(9, 0)).threshold(alpha)


def test_what_lies_below_the_threshold_is_what_the_bound_allows():
    raw, positive, block = blocks(40, 3)
    control = fit_missed_share(raw, positive, block)
    threshold = control.threshold(0.2)
    assert (control(raw[raw < threshold]) <= 0.2).all()
    assert (control(raw[raw >= threshold]) > 0.2).all()


def test_blocks_without_hazards_do_not_dilute_the_bound():
    raw, positive, block = blocks(12, 4)
    empty = np.full(500, 99)
    control = fit_missed_share(raw, positive, block)
    diluted = fit_missed_share(np.append(raw, np.zeros(500)), np.append(positive, empty < 0), np.append(block, empty))
    assert diluted == control


def test_without_a_hazard_nothing_is_promised():
    control = fit_missed_share(np.arange(5.0), np.zeros(5, dtype=bool), np.arange(5))
    assert control(np.array([-1.0, 9.0])).tolist() == [1, 1]
    with pytest.raises(ValueError, match="0 block"):
        control.threshold(0.5)


def test_thinned_steps_are_never_below_the_full_ones():
    raw, positive, block = blocks(300, 5, cells=60)
    thin = fit_missed_share(raw, positive, block)
    assert len(thin.score) == 2_000 < positive.sum()
    asked = np.sort(raw)[::900]
    share = [[(raw[positive & (block == b)] <= s).mean() for b in range(300)] for s in asked]
    full = (np.sum(share, axis=1) + 1) / 301
    assert (thin(asked) >= full - 1e-9).all()
    assert np.abs(thin(asked) - full).max() < 0.01


def test_it_survives_its_text():
    control = fit_missed_share(*blocks(9, 0))
    assert MissedShare.from_text(control.text()) == control
