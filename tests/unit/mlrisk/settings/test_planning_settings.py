"""What settings a plan takes, and what it says of those that it cannot use."""

import numpy as np
import pytest

from features.base.errors import ConfigError
from mlrisk.planning.audit_draw import audit_draw, permanent_random
from mlrisk.planning.authority import with_need
from mlrisk.ranking.policies import policy_of
from mlrisk.settings.config import load_config
from mlrisk.settings.planning import ANAMA_WEIGHTS, AuthoritySettings
from tests.support.sample_plan import plain_land

BASE = """
name: made
as_of: 2024-07-31
grid: {crs: "EPSG:32638", cell_size_m: 500, area: area.gpkg}
sources: {}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "made.yaml"
    path.write_text(BASE)
    return lambda *more: load_config(path, overrides=more)


def test_known_kinds_need_a_number_alone_and_any_key_can_be_overridden(config):
    ranking = config("ranking.assets.dogs.number=12", "ranking.assets.dogs.cost_per_day=450").ranking
    assert ranking.assets["dogs"].number == 12
    assert ranking.assets["dogs"].rate_m2_per_day == 1000
    assert ranking.assets["dogs"].cost_per_day == 450


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("ranking.assets.rats.number=2", "rats has no rate_m2_per_day.*use nts_teams, deminers, dogs, machines"),
        ("ranking.assets.drones.number=2", "drones has no rate_m2_per_day"),
        ("ranking.assets.dogs.rate_m2_per_day=0", "ranking.assets.dogs.rate_m2_per_day.*greater than 0"),
        ("ranking.assets.dogs.speed=3", "ranking.assets.dogs.speed is not a key.*travel_km_per_hour"),
        ("ranking.policy=danger", "'danger' is no policy: choose from contamination, casualty, harm_per_day, search"),
        ("ranking.plan.months=[13]", "are no months"),
        ("ranking.explore_share=0.97", "must not exceed 1"),
        ("ranking.authority.weights.beauty=1", "beauty is no criterion: choose from casualties"),
        ("ranking.authority.weights={casualties: -1, water: 2}", "must not be negative"),
    ],
)
def test_what_cannot_be_used_is_named_with_what_would_do(config, override, message):
    with pytest.raises(ConfigError, match=message):
        config(override)


def test_weights_that_do_not_sum_to_one_are_brought_to_one_and_the_plan_says_so():
    authority = AuthoritySettings(weights={"casualties": 3.0, "farmland": 1.0})
    assert authority.shares == {"casualties": 0.75, "farmland": 0.25}
    assert "sum to 4" in authority.notes[0]
    assert AuthoritySettings().notes == ()
    assert sum(ANAMA_WEIGHTS.values()) == pytest.approx(1, abs=1e-3)


def test_the_authoritys_order_of_six_classes():
    land = plain_land()
    n = len(land)
    none = np.zeros(n)
    indicators = {"return": none.copy(), "farmland": none.copy(), "works": none.copy()}
    dangerous = land["casualties_per_year"].rank(pct=True).to_numpy()
    calm = np.flatnonzero(dangerous < 0.8)
    indicators["farmland"][calm[:10]] = 1
    indicators["works"][calm[5:10]] = 1
    indicators["return"][calm[8:10]] = 1
    done = with_need(land, indicators, AuthoritySettings())
    assert done["authority_class"].to_numpy()[calm[:12]].tolist() == [5] * 5 + [4] * 3 + [3] * 2 + [6] * 2
    assert (done["authority_class"].to_numpy()[dangerous > 0.91] == 1).all()
    assert done["need"].between(0, 1).all()
    heavier = AuthoritySettings(weights={"farmland": 1.0})
    assert set(with_need(land, indicators, heavier)["need"].unique()) == {0.0, 1.0}


def test_an_unknown_policy_lists_the_known_ones():
    with pytest.raises(ConfigError, match="choose from contamination, casualty, harm_per_day, search, authority, exp"):
        policy_of("nearest")


def test_the_draw_keeps_to_its_frame_and_more_days_only_add_cells():
    rng = np.random.default_rng(3)
    frame, ids = rng.random(4000) < 0.7, rng.permutation(4000)
    days = np.stack([rng.uniform(1, 2, 4000), np.where(rng.random(4000) < 0.5, 0.2, np.inf)])
    before = np.zeros(4000, dtype=bool)
    for much in (10.0, 40.0, 400.0, 1e9):
        drawn, chance, kind = audit_draw(frame, ids, days, np.array([much, much / 10]), 5)
        assert not drawn[~frame].any()
        assert (drawn | ~before).all()
        assert (chance[frame] > 0).all()
        assert np.isfinite(days[kind, np.arange(4000)])[frame].all()
        before = drawn
    assert drawn.sum() == frame.sum()
    turn = rng.permutation(4000)
    again, _, _ = audit_draw(frame[turn], ids[turn], days[:, turn], np.array([40.0, 4.0]), 5)
    first, _, _ = audit_draw(frame, ids, days, np.array([40.0, 4.0]), 5)
    assert (again == first[turn]).all()


def test_lasting_numbers_are_uniform_and_differ_by_seed():
    one, two = (permanent_random(np.arange(200_000), seed) for seed in (0, 1))
    assert np.histogram(one, 20)[0] / 200_000 == pytest.approx(np.full(20, 0.05), abs=0.003)
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.01
