"""Sixty seasons of audit by the functions that the commands call: drawn anew, and intervals that cover."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from mlrisk.followup.audit_sample import map_audit
from mlrisk.planning.audit_draw import audit_draw, season_seed

SIZE, SEASONS = 4_000, 60
IDS = np.arange(SIZE) + 1_000_000
FRAME = np.ones(SIZE, dtype=bool)


def season(year, days, capacity, truth, detection=0.8):
    """One season: drawn, searched with this detection, and the estimate of what the map missed."""
    drawn, chance, _ = audit_draw(FRAME, IDS, days, capacity, season_seed(0, str(year)))
    seen = drawn & truth & (np.random.default_rng(year).random(SIZE) < detection)
    cells = pd.DataFrame(
        {
            "purpose": np.where(drawn, "audit", ""),
            "inclusion_prob": chance,
            "season_detection": np.where(drawn, detection, 0.0),
        }
    )
    figures, _ = map_audit(cells, drawn.astype(float), seen, FRAME)
    return drawn, figures["missed"]


def kinds(equal):
    """Team-days of a check by two kinds of team: one that reaches all land, or one for the near and one for the far."""
    far = np.arange(SIZE) % 2 == 1
    quick, slow = np.where(far, np.inf, 1.0), np.where(far, 1.0, np.inf)
    return (np.ones((1, SIZE)), np.array([200.0])) if equal else (np.stack([quick, slow]), np.array([400.0, 40.0]))


@pytest.mark.slow
@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize("where", ["anywhere", "seldom drawn"])
def test_every_season_draws_anew_and_the_interval_covers(equal, where):
    days, capacity = kinds(equal)
    truth = np.random.default_rng(5).random(SIZE) < 0.06
    truth &= (np.arange(SIZE) % 2 == 1) | (where == "anywhere")
    done = [season(2_000 + year, days, capacity, truth) for year in range(SEASONS)]
    inside = np.mean([f["estimate_low"] <= truth.sum() <= f["estimate_high"] for _, f in done])
    assert inside >= 0.85
    again = [(one & other).sum() / one.sum() for (one, _), (other, _) in pairwise(done)]
    assert np.mean(again) < 0.3
    assert np.mean([f["estimate"] for _, f in done]) == pytest.approx(truth.sum(), rel=0.2)


def test_within_a_season_the_draw_stays_and_more_cells_only_add():
    days, capacity = kinds(equal=True)
    seed = season_seed(0, "2025")
    first = audit_draw(FRAME, IDS, days, capacity, seed)
    assert np.array_equal(first[0], audit_draw(FRAME, IDS, days, capacity, seed)[0])
    more = audit_draw(FRAME, IDS, days, capacity, seed, least_cells=600)
    assert more[1].sum() == pytest.approx(600)
    assert not (first[0] & ~more[0]).any()
    assert np.array_equal(audit_draw(FRAME, IDS, days, capacity, seed, least_cells=50)[0], first[0])
