"""The gate, check by check, on land whose champion and challenger are made up."""

import numpy as np
import pytest
from sklearn.metrics import mean_poisson_deviance

from features.table.build import FeatureTable
from tests.support.simulated_contest import CELLS, NUMBER, accidents, arena, contest
from training.retraining.casualty_contest import worse_by
from training.retraining.contest import REGIONS, Arena
from training.retraining.gate import (
    CHECKS,
    check_calibration,
    check_casualty,
    check_contradiction,
    check_districts,
    check_domain,
    check_independent,
    check_recall,
    check_sources,
    judged_by_gate,
)
from training.retraining.loss import blocks_of, loss_of
from training.settings.config import RetrainingSettings
from training.validation.block_bootstrap import block_times
from training.validation.count_metrics import deviance
from training.validation.drift import population_stability, reference_of

SETTINGS = RetrainingSettings()


def failed(checks):
    return [check.name for check in checks if not check.passed]


@pytest.mark.slow
def test_equals_pass_every_check():
    regions = Arena(**{**vars(arena(name=REGIONS, seed=1)), "fold": (np.arange(CELLS) // 100) % 3})
    checks = judged_by_gate(contest(arena(), regions, casualty=accidents(1.0)), SETTINGS)
    assert not failed(checks)
    assert len(checks) >= len(CHECKS)
    assert [check.name for check in checks if not check.judged] == ["memory"]


def test_a_worse_challenger_is_refused_where_it_is_worse():
    assert failed(check_recall(contest(arena(challenger=0.1), arena(name=REGIONS)), SETTINGS)) == [
        "recall, newest results"
    ]
    assert failed(check_recall(contest(arena(), arena(name=REGIONS, challenger=0.1)), SETTINGS)) == [
        "recall, held-out regions"
    ]
    assert not failed(check_recall(contest(arena(champion=0.1)), SETTINGS))


def test_margin_and_doubt_and_budget_are_read():
    made = contest(arena(challenger=0.1))
    assert failed(check_recall(made, SETTINGS))
    assert not failed(check_recall(made, RetrainingSettings(margin=0.9)))
    assert not failed(check_recall(made, RetrainingSettings(doubt=1.0)))
    assert "at 20 %" in check_recall(made, RetrainingSettings(budget_percent=20))[0].text


def test_what_no_ranking_asked_for_is_judged_apart():
    made = arena()
    odd = np.arange(CELLS) % 2 == 1
    bad = Arena(**{**vars(made), "challenger": np.where(odd, -made.challenger, made.challenger)})
    checks = check_independent(contest(bad), SETTINGS)
    assert failed(checks) == ["independent results"]
    assert "model 300, people 300" in checks[0].text
    assert not failed(check_independent(contest(made), SETTINGS))
    nobody = Arena(**{**vars(bad), "origin": np.full(CELLS, "", dtype=object)})
    assert not check_independent(contest(nobody), SETTINGS)[0].judged


def test_one_district_that_is_lost_is_named():
    weak = contest(arena(weak=("district 3",)))
    checks = check_districts(weak, SETTINGS)
    assert failed(checks) == ["districts, newest results"]
    assert "district 3 (" in checks[0].text
    assert "district 2 (" not in checks[0].text
    assert not failed(check_districts(weak, RetrainingSettings(district_margin=0.9)))
    assert not failed(check_districts(weak, RetrainingSettings(district_doubt=1.0)))
    few = check_districts(weak, RetrainingSettings(least_found=99))
    assert not failed(few)
    assert not few[0].judged


def test_results_that_turn_a_district_round_are_refused():
    checks = check_contradiction(contest(arena(flipped=("district 1",))), SETTINGS)
    assert failed(checks) == ["contradiction"]
    assert "district 1: " in checks[0].text
    assert "district 0: " not in checks[0].text
    assert "times better with found and searched turned round" in checks[0].text
    assert not failed(check_contradiction(contest(arena(flipped=("district 1",))), RetrainingSettings(most_turned=1e9)))
    assert not failed(check_contradiction(contest(arena()), SETTINGS))


@pytest.mark.parametrize("stated", [0.05, 0.2, 0.6])
def test_a_district_where_nothing_is_found_cries_no_wolf(stated):
    made = arena(stated=stated)
    none = Arena(**{**vars(made), "positive": made.positive & (made.district != "district 4")})
    assert not failed(check_contradiction(contest(none), SETTINGS))
    # Nor does it make the others look odd: they hold what they held.
    only = np.isin(made.district, ["district 3", "district 4"])
    pair = Arena(**{n: v[only] if isinstance(v, np.ndarray) else v for n, v in vars(none).items()})
    assert not failed(check_contradiction(contest(pair), SETTINGS))


def test_a_district_whose_share_is_off_beside_the_others_is_refused():
    made = arena()
    few = np.where(made.district == "district 2", 0.002, 0.3)
    # Far more than was stated, not far less.
    much = np.where(made.district == "district 2", 0.6, 0.3)
    assert not failed(check_contradiction(contest(Arena(**{**vars(made), "stated_champion": much})), SETTINGS))
    off = contest(Arena(**{**vars(made), "stated_champion": few}))
    checks = check_contradiction(off, SETTINGS)
    assert failed(checks) == ["contradiction"]
    assert "district 2: " in checks[0].text
    assert not failed(check_contradiction(off, RetrainingSettings(most_shift=9)))
    # What is off everywhere is a matter of calibration.
    assert not failed(check_contradiction(contest(arena(stated=0.002)), SETTINGS))


def test_calibration_domain_and_sources():
    made = arena(name=REGIONS)
    fold = (np.arange(CELLS) // 100) % 2
    # In every second fold the challenger's score stands for other odds: a curve of the one misleads in the other.
    turned = Arena(**{**vars(made), "fold": fold, "challenger": made.challenger + 4 * fold})
    assert failed(check_calibration(contest(turned), SETTINGS)) == ["calibration"]
    # Where one region holds most of the land, a curve that the few others give says nothing of its level.
    most = (np.arange(CELLS) >= CELLS // 8).astype(np.int64)
    (check,) = check_calibration(contest(Arena(**{**vars(turned), "fold": most})), SETTINGS)
    assert (check.judged, "1.3 equal regions" in check.text) == (False, True)
    assert not failed(check_calibration(contest(turned), RetrainingSettings(most_calibration_error=1.0)))
    assert not failed(check_calibration(contest(Arena(**{**vars(made), "fold": fold})), SETTINGS))
    assert not check_calibration(contest(made), SETTINGS)[0].judged
    assert failed(check_domain(contest(domains=(0.9, 0.8)), SETTINGS)) == ["domain"]
    assert not failed(check_domain(contest(domains=(0.9, 0.8)), RetrainingSettings(most_domain_loss=0.2)))
    gone = check_sources(contest(missing=("slope_deg",)), SETTINGS)
    assert failed(gone) == ["sources"]
    assert "slope_deg" in gone[0].text


@pytest.mark.slow
def test_casualty_risk_must_not_be_worse_on_the_newest_accidents():
    assert not failed(check_casualty(contest(casualty=accidents(1.0)), SETTINGS))
    worse = contest(casualty=accidents(0.0))
    checks = check_casualty(worse, SETTINGS)
    assert failed(checks) == ["casualty risk"]
    assert "newest accidents in 400 units" in checks[0].text
    figures = checks[0].figures
    assert f"champion {figures['champion']:.4f}, challenger {figures['challenger']:.4f}" in checks[0].text
    assert figures["share_beyond"] > SETTINGS.doubt
    assert not failed(check_casualty(worse, RetrainingSettings(casualty_margin=1.0, doubt=0.9)))
    few = check_casualty(contest(casualty=accidents(0.0, few=0.01)), SETTINGS)
    assert not failed(few)
    assert not few[0].judged


def test_a_draw_of_the_casualty_contest_is_the_deviance_of_its_units_repeated():
    made, block = accidents(0.5), np.arange(400) // 40
    place, times = block_times(block, 3, 20)
    drawn = worse_by(made, block, 20, seed=3)
    for row in range(20):
        rows = np.repeat(np.arange(400), times[row].astype(int)[place])
        # The floor under expectations is that of all units: nothing here is near it.
        both = [mean_poisson_deviance(made.observed[rows], one[rows]) for one in (made.champion, made.challenger)]
        assert drawn[row] == pytest.approx(both[1] / both[0] - 1)
    assert np.abs(worse_by(accidents(1.0), np.arange(400), 20)).max() < 1e-9


def test_too_few_blocks_leave_the_share_as_it_is():
    made = accidents(0.5)
    whole = deviance(made.observed, made.challenger) / deviance(made.observed, made.champion) - 1
    assert worse_by(made, np.arange(400) // 200, 20) == pytest.approx([whole])


def test_the_same_scores_lose_nothing_on_any_draw():
    made = arena()
    same = Arena(**{**vars(made), "challenger": made.champion})
    loss = loss_of(same, "recall_10")
    assert loss.loss == 0
    assert (loss.draws == 0).all()
    assert loss.share_beyond(0.0) == 0


def test_blocks_are_halved_until_there_are_enough_of_them():
    made = arena()
    # 30 by 5 km: three blocks of 10 km, six of 5 km, 24 of 2.5 km.
    assert len(np.unique(blocks_of(made, np.ones(CELLS, dtype=bool)))) == 24
    # A district of 5 by 5 km has four of 2.5 km and 16 of 1.25 km, which is two cells and a half.
    assert len(np.unique(blocks_of(made, NUMBER < 100))) == 16
    wide = Arena(**{**vars(made), "cell_size_m": 2_500.0})
    assert len(np.unique(blocks_of(wide, NUMBER < 100))) == 1


def test_nothing_new_is_told_as_not_judged():
    checks = judged_by_gate(contest(), SETTINGS)
    assert not failed(checks)
    assert [check.name for check in checks if not check.judged] == ["memory", "recall", "calibration", "casualty risk"]


def test_population_stability_of_the_same_land_is_zero_and_grows_with_a_shift():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5_000, 2)).astype(np.float32)
    values[:200, 1] = np.nan
    table = FeatureTable(("a", "b"), values)
    reference = reference_of(table)
    assert population_stability(reference, table)["psi"].abs().max() < 1e-9
    # Between two normal distributions a standard deviation apart the symmetric divergence is 1; ten bins see less.
    moved = FeatureTable(("a", "b"), values + np.array([1.0, 0.0], dtype=np.float32))
    found = population_stability(reference, moved).set_index("feature")
    assert 0.7 < found.loc["a", "psi"] < 1.0
    assert found.loc["b", "psi"] == pytest.approx(0, abs=1e-9)
    assert found.loc["b", "unknown"] == pytest.approx(0.04)


def test_a_model_is_asked_with_unknown_values_for_what_vanished():
    table = FeatureTable(("a", "b"), np.arange(6, dtype=np.float32).reshape(3, 2))
    asked = table.reindexed(("b", "gone"))
    assert asked[:, 0].tolist() == [1.0, 3.0, 5.0]
    assert np.isnan(asked[:, 1]).all()
