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
from mlrisk.ranking.policies import POLICIES, ranked
from mlrisk.settings.planning import TaskSettings

UTM = pyproj.CRS("EPSG:32638")
GRID = Grid.from_area(box(500_000, 4_400_000, 510_000, 4_407_500), UTM, 250)


def risk_map(seed: int, grid: Grid = GRID) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    centres = grid.centres_m()
    score = np.sin(centres[:, 0] / 900) + np.cos(centres[:, 1] / 700) + rng.normal(0, 0.3, grid.n_cells)
    probability = 1 / (1 + np.exp(3 - score))
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
            "released": rng.random(grid.n_cells) < 0.05,
            "evidence": rng.choice(["unknown", "searched", "found"], grid.n_cells, p=[0.8, 0.15, 0.05]),
            "mask": "",
            "district": "north",
            "reason_1": "one",
            "reason_2": "two",
            "reason_3": "",
        }
    )


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


def test_expected_finds_are_the_sum_of_the_probabilities():
    risk = risk_map(6)
    task = tasks_of(risk).iloc[0]
    inside = gpd.points_from_xy(risk["easting_m"], risk["northing_m"]).within(task.geometry)
    assert task.expected_finds == pytest.approx(risk.loc[inside, "contamination"].sum())


def test_nothing_ranked_gives_an_empty_plan_with_its_columns():
    tasks = tasks_of(risk_map(7).assign(in_domain=False))
    assert len(tasks) == 0
    assert {"task_id", "rank", "area_m2", "reason_1", "longitude"} <= set(tasks.columns)


def test_cells_larger_than_a_task_are_a_task_each():
    grid = Grid.from_area(box(500_000, 4_400_000, 540_000, 4_430_000), UTM, 5_000)
    risk = ranked(risk_map(1, grid).assign(in_domain=True, released=False), "contamination")
    groups = group_cells(grid, risk["rank"].to_numpy(dtype=float), TaskSettings())
    assert set(survey_tasks(grid, risk, groups)["cells"]) == {1}
