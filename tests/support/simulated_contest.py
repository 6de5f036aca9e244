"""A contest of a made-up champion and challenger, on land and on a register whose truth is known."""

from types import SimpleNamespace

import numpy as np
from scipy.stats import norm

from training.retraining.casualty_contest import CasualtyArena
from training.retraining.contest import NEWEST, Arena

CELLS = 600
# Six districts of 10 by 10 cells side by side.
NUMBER = np.arange(CELLS)
PLACES = 500.0 * np.column_stack([10 * (NUMBER // 100) + NUMBER % 10, NUMBER % 100 // 10]) + 250.0


def arena(champion=1.0, challenger=1.0, name=NEWEST, flipped=(), weak=(), stated=None, seed=0):
    """Six districts of 100 cells, in some the labels are turned round, in others the challenger knows nothing."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=CELLS)
    positive = truth + rng.normal(size=CELLS) > 0.8
    district = np.repeat([f"district {n}" for n in range(6)], 100).astype(object)
    ours = challenger * truth + 0.3 * rng.normal(size=CELLS)
    ours[np.isin(district, weak)] = -truth[np.isin(district, weak)]
    theirs = champion * truth + 0.3 * rng.normal(size=CELLS)
    probability = norm.cdf(theirs - 0.8) if stated is None else np.full(CELLS, stated)
    positive = positive ^ np.isin(district, flipped)
    return Arena(
        name=name,
        cell=np.arange(CELLS),
        champion=theirs,
        challenger=ours,
        stated_champion=probability,
        stated_challenger=probability,
        positive=positive,
        area=np.ones(CELLS),
        centres_m=PLACES,
        block_m=10_000.0,
        cell_size_m=500.0,
        fold=np.zeros(CELLS, dtype=np.int64),
        district=district,
        origin=np.where(np.arange(CELLS) % 2, "people", "model").astype(object),
    )


def contest(*arenas, domains=(0.9, 0.9), missing=(), casualty=None):
    named = {one.name: one for one in arenas}
    domain = {"domain_champion": domains[0], "domain_challenger": domains[1]}
    domain["looked_at"] = np.zeros(0)
    return SimpleNamespace(arenas=arenas, arena=named.get, missing=missing, new=(), casualty=casualty, **domain)


def accidents(strength, seed=0, few=1.0):
    """20 by 20 km of units whose rate is known to the champion, and to the challenger as far as `strength` says."""
    rng = np.random.default_rng(seed)
    danger = rng.normal(size=400)
    rate = few * np.exp(danger - 1)
    ours = few * np.exp(strength * danger - 1)
    places = 1_000.0 * np.column_stack([np.arange(400) % 20, np.arange(400) // 20]) + 500.0
    observed = rng.poisson(rate).astype(float)
    return CasualtyArena(
        observed=observed,
        champion=rate,
        challenger=ours * rate.sum() / ours.sum(),
        centres_m=places,
        side_m=1_000.0,
        block_m=5_000.0,
    )
