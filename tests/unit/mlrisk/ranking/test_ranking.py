import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label
from shapely.geometry import box

from features.base.errors import ConfigError
from features.base.grid import Grid
from mlrisk.planning.tasks import group_cells, survey_tasks
from mlrisk.ranking import policies
from mlrisk.ranking.policies import POLICIES, new_finds, odds_left, ranked, residual_factor
from mlrisk.settings.planning import TaskSettings
from training.evidence import NO_WORK, NON_TECHNICAL_SURVEY, STATUS_NAMES, WORK_OF, WORKS

UTM = pyproj.CRS("EPSG:32638")
GRID = Grid.from_area(box(500_000, 4_400_000, 510_000, 4_407_500), UTM, 250)


def risk_map(seed: int, grid: Grid = GRID) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    centres = grid.centres_m()
    score = np.sin(centres[:, 0] / 900) + np.cos(centres[:, 1] / 700) + rng.normal(0, 0.3, grid.n_cells)
    probability = 1 / (1 + np.exp(3 - score))
    released = rng.random(grid.n_cells) < 0.05
    return pd.DataFrame(
        {
            "cell_id": grid.cell_ids(),
            "easting_m": centres[:, 0],
            "northing_m": centres[:, 1],
            "contamination": probability,
            "contamination_low": probability / 2,
            "contamination_high": np.minimum(1, probability * 2),
            "contamination_score": np.round(score, 1),
            "casualties_per_year": rng.exponential(0.01, grid.n_cells).round(3),
            "in_domain": rng.random(grid.n_cells) > 0.1,
            "released": released,
            "status": np.where(released, "released", "unknown"),
            "work": np.where(released, NO_WORK, NON_TECHNICAL_SURVEY),
            "evidence": rng.choice(["unknown", "searched", "found"], grid.n_cells, p=[0.8, 0.15, 0.05]),
            "mask": "",
            "district": "north",
            "reason_1": "one",
            "reason_2": "two",
            "reason_3": "",
        }
    )


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(POLICIES)), st.integers(0, 100), st.randoms(use_true_random=False))
def test_the_order_of_rows_never_changes_a_rank(policy, seed, random):
    risk = risk_map(seed)
    shuffled = risk.sample(frac=1, random_state=random.randint(0, 10_000))
    first = ranked(risk, policy).set_index("cell_id")["rank"]
    second = ranked(shuffled, policy).set_index("cell_id")["rank"]
    assert first.sort_index().equals(second.sort_index())


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_ranks_count_up_without_gaps_and_skip_what_has_no_basis(policy):
    risk = ranked(risk_map(1), policy)
    rankable = risk["in_domain"] & ~risk["released"]
    assert sorted(risk.loc[rankable, "rank"]) == list(range(1, int(rankable.sum()) + 1))
    assert risk.loc[~rankable, ["rank", "priority"]].isna().all(axis=None)
    assert str(risk["rank"].dtype) == "Int32"


@pytest.mark.parametrize("known", [0, 1, 40])
def test_sorting_in_small_parts_gives_the_order_of_all_also_where_priorities_are_unknown(known, monkeypatch):
    risk = risk_map(3)
    risk.loc[risk.index[known:], "contamination_score"] = np.nan
    whole = ranked(risk, "contamination")
    monkeypatch.setattr(policies, "SORTED_AT_ONCE", 7)
    pd.testing.assert_frame_equal(ranked(risk, "contamination"), whole)


@pytest.mark.parametrize(
    ("policy", "column"), [("contamination", "contamination_score"), ("casualty", "casualties_per_year")]
)
def test_a_policy_orders_by_its_column(policy, column):
    risk = ranked(risk_map(2), policy).dropna(subset="rank").sort_values("rank")
    assert risk[column].is_monotonic_decreasing


def test_casualty_policy_without_accidents_says_what_would_do():
    with pytest.raises(ConfigError, match="use contamination"):
        ranked(risk_map(0).assign(casualties_per_year=np.nan), "casualty")


def tasks_of(risk, **limits):
    land = ranked(risk, "contamination")
    groups = group_cells(GRID, land["rank"].to_numpy(dtype=float, na_value=np.nan), TaskSettings(**limits))
    return survey_tasks(GRID, land, groups)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1_000), st.floats(0.1, 1.0), st.floats(1.0, 6.0))
def test_tasks_are_contiguous_disjoint_and_within_their_limits(seed, least_km2, greatest_km2):
    risk = risk_map(seed)
    tasks = tasks_of(risk, least_km2=least_km2, greatest_km2=greatest_km2, number=30)
    covered = np.zeros(GRID.shape, dtype=int)
    allowed = np.zeros(GRID.shape, dtype=bool)
    allowed[GRID.mask] = (risk["in_domain"] & ~risk["released"]).to_numpy()
    for task in tasks.itertuples():
        assert task.area_m2 / 1e6 <= greatest_km2 + 1e-9
        inside = np.zeros(GRID.shape, dtype=bool)
        places = gpd.points_from_xy(*GRID.centres_m().T).within(task.geometry)
        inside[GRID.mask] = places
        assert inside.sum() == task.cells
        assert label(inside)[1] == 1
        assert (allowed | ~inside).all()
        covered += inside
    assert covered.max() <= 1


def test_the_first_task_holds_the_best_cell():
    risk = risk_map(5)
    tasks = tasks_of(risk)
    best = ranked(risk, "contamination").set_index("rank").loc[1]
    assert tasks.iloc[0].geometry.contains(gpd.points_from_xy([best.easting_m], [best.northing_m])[0])
    assert tasks["rank"].tolist() == list(range(1, len(tasks) + 1))


def test_a_best_cell_that_stands_alone_gets_its_task_too():
    risk = risk_map(5).assign(in_domain=True, released=False)
    alone = int(risk["contamination_score"].idxmin())
    risk.loc[alone, "contamination_score"] = 99.0
    task = tasks_of(risk, least_km2=0.5, worst_share=0.01).iloc[0]
    place = gpd.points_from_xy(risk.loc[[alone], "easting_m"], risk.loc[[alone], "northing_m"])[0]
    assert task.geometry.contains(place)
    assert task.area_m2 == 0.5e6


def test_expected_finds_are_the_sum_of_the_probabilities_where_nothing_is_found_yet():
    risk = risk_map(6)
    task = tasks_of(risk).iloc[0]
    inside = gpd.points_from_xy(risk["easting_m"], risk["northing_m"]).within(task.geometry)
    new = risk["evidence"].ne("found")
    assert task.expected_finds == pytest.approx(risk.loc[inside & new, "contamination"].sum())


def works(seed: int) -> pd.DataFrame:
    """A map in which every status of a cell occurs."""
    risk = risk_map(seed)
    status = np.random.default_rng(seed).choice(STATUS_NAMES, len(risk))
    work = np.array([WORK_OF[name] for name in status], dtype=object)
    found = np.isin(status, ("evidence_open", "on_record"))
    return risk.assign(
        status=status,
        work=work,
        evidence=np.where(found, "found", np.where(status == "searched", "searched", "unknown")),
        released=status == "released",
        odds_left=np.where(status == "searched", 0.2, 1.0),
    )


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_ranks_count_from_one_within_each_work(policy):
    risk = ranked(works(8), policy)
    for work in WORKS:
        rankable = risk[risk["work"].eq(work) & risk["in_domain"]]
        assert sorted(rankable["rank"]) == list(range(1, len(rankable) + 1))
    assert risk.loc[risk["work"].eq(NO_WORK), ["rank", "priority"]].isna().all(axis=None)


def test_open_evidence_comes_first_in_survey_of_new_land():
    risk = ranked(works(9), "contamination")
    survey = risk[risk["work"].eq(NON_TECHNICAL_SURVEY)].dropna(subset="rank").sort_values("rank")
    is_open = survey["status"].eq("evidence_open").to_numpy()
    assert is_open[: is_open.sum()].all()
    assert 0 < is_open.sum() < len(survey)


def test_land_is_cleared_in_the_order_of_harm_whatever_the_policy():
    orders = [
        ranked(works(10), policy).query("work == 'clearance'").dropna(subset="rank").sort_values("rank")
        for policy in ("contamination", "explore", "casualty")
    ]
    for order in orders:
        assert order["casualties_per_year"].is_monotonic_decreasing
        assert order["cell_id"].tolist() == orders[0]["cell_id"].tolist()


def test_searched_land_ranks_where_unsearched_land_of_its_residual_probability_does():
    chance = np.array([0.05, 0.1, 0.2, 0.4])
    risk = risk_map(11).head(4).assign(
        contamination_score=np.log(chance / (1 - chance)), contamination=chance, in_domain=True,
        work=NON_TECHNICAL_SURVEY, status=["unknown", "unknown", "unknown", "searched"],
        odds_left=[1.0, 1.0, 1.0, 0.2],
    )  # fmt: skip
    # A find is missed with probability 0.2: 0.4 falls to 0.4 x 0.2 / (1 - 0.4 x 0.8) = 0.1176, between 0.1 and 0.2.
    assert ranked(risk, "contamination")["rank"].tolist() == [4, 3, 1, 2]


def test_where_a_find_was_dealt_with_survey_can_add_only_the_rest_of_the_cell():
    chance = np.array([0.05, 0.1, 0.6])
    risk = risk_map(11).head(3).assign(
        contamination_score=np.log(chance / (1 - chance)), contamination=chance, in_domain=True,
        work=NON_TECHNICAL_SURVEY, status=["unknown", "unknown", "searched"],
        odds_left=odds_left(np.zeros(3, bool), np.array([False, False, True]), np.array([0.0, 0.4, 0.95])),
    )  # fmt: skip
    # Odds of 1.5 times the 0.05 of the cell that no area covers: 0.075, a probability of 0.07.
    assert residual_factor(risk)[2] * 0.6 == pytest.approx(0.075 / 1.075)
    assert ranked(risk, "contamination")["rank"].tolist() == [3, 1, 2]


def test_searched_land_keeps_what_the_measured_detection_leaves():
    searched, no = np.array([True, False]), np.zeros(2, bool)
    assert odds_left(searched, no, np.zeros(2), detection=0.55) == pytest.approx([0.45, 1.0])


def test_new_finds_leave_out_what_is_found_on_new_land_alone():
    risk = works(12)
    count = new_finds(risk)
    assert (count[risk["status"] == "evidence_open"] == 0).all()
    on_record = risk["status"].eq("on_record").to_numpy()
    assert count[on_record] == pytest.approx(risk["contamination"].to_numpy()[on_record])


def test_nothing_ranked_gives_an_empty_plan_with_its_columns():
    tasks = tasks_of(risk_map(7).assign(in_domain=False))
    assert len(tasks) == 0
    assert {"task_id", "rank", "area_m2", "reason_1", "longitude"} <= set(tasks.columns)


def test_cells_larger_than_a_task_are_a_task_each():
    grid = Grid.from_area(box(500_000, 4_400_000, 540_000, 4_430_000), UTM, 5_000)
    risk = ranked(risk_map(1, grid).assign(in_domain=True, released=False), "contamination")
    groups = group_cells(grid, risk["rank"].to_numpy(dtype=float), TaskSettings())
    assert set(survey_tasks(grid, risk, groups)["cells"]) == {1}
