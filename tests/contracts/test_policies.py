"""Every policy of POLICIES: one score a cell, which depends on that cell alone."""

import numpy as np
import pandas as pd
import pytest

from features.base.errors import ConfigError
from mlrisk.planning.authority import with_need
from mlrisk.planning.effort import with_effort
from mlrisk.ranking.policies import POLICIES, policy_of, ranked
from mlrisk.settings.planning import POLICY_NAMES
from tests.support.sample_plan import GRID, plain_land, settings_of

every_policy = pytest.mark.parametrize("name", POLICIES)


@pytest.fixture(scope="module")
def land():
    """Land with all that a policy may ask for: cost and detection of the teams, and the authority's need."""
    settings = settings_of()
    return with_need(
        with_effort(plain_land(), settings.assets, settings.plan, GRID.cell_size_m**2), {}, settings.authority
    )


def test_the_table_and_the_settings_name_the_same():
    assert tuple(POLICIES) == POLICY_NAMES


@every_policy
def test_a_score_is_a_finite_number_for_every_cell(name, land):
    score = POLICIES[name](land)
    assert score.shape == (len(land),)
    assert score.dtype == np.float64
    assert np.isfinite(score).all()
    assert len(np.unique(score)) > len(land) / 2


@every_policy
def test_a_score_depends_on_its_cell_alone_and_repeats(name, land):
    score = POLICIES[name](land)
    assert np.array_equal(POLICIES[name](land), score)
    drawn = np.random.default_rng(1).permutation(len(land))[: len(land) // 3]
    assert np.array_equal(POLICIES[name](land.iloc[drawn].reset_index(drop=True)), score[drawn])


@every_policy
def test_the_table_stays_as_it_is(name, land):
    before = land.copy()
    POLICIES[name](land)
    pd.testing.assert_frame_equal(land, before)


@every_policy
def test_more_contamination_never_comes_later(name, land):
    """Of two cells that are alike in all else, the one where ordnance is likelier is surveyed no later."""
    columns = ["contamination", "contamination_high", "contamination_score"]
    more = land.assign(**{column: land[column] + 0.01 for column in columns}, evidence="unknown")
    assert (POLICIES[name](more) >= POLICIES[name](land.assign(evidence="unknown"))).all()


@every_policy
def test_ranks_count_from_one_and_land_without_a_basis_has_none(name, land):
    made = ranked(land, name)
    rankable = land["in_domain"] & ~land["released"]
    assert sorted(made.loc[rankable, "rank"]) == list(range(1, int(rankable.sum()) + 1))
    assert made.loc[~rankable, ["rank", "priority"]].isna().all(axis=None)
    first = made[rankable].sort_values("rank")["priority"].to_numpy()
    assert (np.diff(first) <= 0).all()


@every_policy
def test_what_needs_casualties_says_so_where_none_are_known(name, land):
    unknown = land.assign(casualties_per_year=np.nan)
    if name in {"casualty", "harm_per_day"}:
        with pytest.raises(ConfigError, match=rf"ranking\.policy \({name}\) needs a casualty model.*use contamination"):
            POLICIES[name](unknown)
    else:
        assert np.isfinite(POLICIES[name](unknown)).all()


def test_an_unknown_policy_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=f"by ear.*choose from {', '.join(POLICIES)}"):
        policy_of("by ear")
