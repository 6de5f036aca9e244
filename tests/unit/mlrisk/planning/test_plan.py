"""The survey plan as a whole: what no plan may do, what more teams bring, and what it says of bad input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label as pieces

from mlrisk.planning.audit_draw import audit_draw
from mlrisk.planning.effort import audit_days, cell_days
from mlrisk.planning.exploration import _squares, best_of_squares
from mlrisk.ranking.policies import POLICIES
from tests.support.sample_plan import GRID, TEAMS, plain_land, plan_of, settings_of
from training.evidence import WORK_OF, WORKS

NO_SHARES = {"explore_share": 0.0, "audit_share": 0.0, "district_floor": 0.0}
ALL = sorted(POLICIES)


@pytest.fixture(scope="module")
def land() -> pd.DataFrame:
    return plain_land()


@pytest.mark.slow
@pytest.mark.parametrize("policy", ALL)
def test_no_cell_that_is_masked_or_released_is_in_a_task_and_none_in_two(land, policy):
    plan = plan_of(land, settings_of(policy))
    taken = plan.cells["task_id"].notna().to_numpy()
    assert taken.any()
    assert not taken[(land["mask"] != "") | land["released"]].any()
    sizes = plan.cells["task_id"].value_counts().sort_index()
    assert sizes.tolist() == plan.tasks["cells"].tolist()
    for task in plan.tasks.itertuples():
        inside = np.zeros(GRID.shape, dtype=bool)
        inside[GRID.mask] = (plan.cells["task_id"] == task.task_id).fillna(False)
        assert pieces(inside)[1] == 1
        assert task.area_m2 <= 1e6 + 1e-6
        assert task.geometry.area == pytest.approx(task.area_m2)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ALL)
def test_no_kind_works_longer_than_its_season(land, policy):
    plan = plan_of(land, settings_of(policy))
    for name, days in plan.totals["capacity_by_asset"].items():
        # Chance may draw more audit cells than the share pays for; nothing else may go beyond the season.
        assert plan.totals["team_days_by_asset"][name] <= days * 1.15


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.sampled_from(["harm_per_day", "search"]), st.integers(0, 50), st.integers(1, 6), st.integers(1, 5))
def test_more_teams_never_find_less(policy, seed, number, more):
    land, value = plain_land(seed), {"harm_per_day": "casualties_averted_per_year", "search": "expected_found_cells"}

    def brings(dogs):
        teams = {**TEAMS, "dogs": {"number": dogs, "works": WORKS}}
        return plan_of(land, settings_of(policy, **NO_SHARES, assets=teams)).totals[value[policy]]

    assert brings(number + more) >= brings(number) * (1 - 1e-9)


@pytest.mark.slow
def test_more_days_never_find_less_with_all_shares(land):
    brings = [
        plan_of(land, settings_of(audit_share=0.0, plan={"working_days": days})).totals["casualties_averted_per_year"]
        for days in (5, 10, 20, 40, 80)
    ]
    assert brings == sorted(brings)


def test_doubling_every_rate_halves_the_days_of_every_task(land):
    quick = {
        name: {**team, "rate_m2_per_day": rate * 2}
        for (name, team), rate in zip(TEAMS.items(), (1000, 9000), strict=True)
    }
    once, twice = settings_of("contamination", **NO_SHARES), settings_of("contamination", **NO_SHARES, assets=quick)
    days = [cell_days(land, chosen.assets, chosen.plan, 62_500.0) for chosen in (once, twice)]
    assert days[1] == pytest.approx(days[0] / 2)
    # A short task takes half a day at any rate.
    long = {"plan": {"working_days": 10_000, "least_days": 0}}
    done = [plan_of(land, chosen.model_copy(update={})) for chosen in (
        settings_of("contamination", **{**NO_SHARES, **long}),
        settings_of("contamination", **{**NO_SHARES, **long}, assets=quick),
    )]  # fmt: skip
    assert done[1].totals["team_days"] == pytest.approx(done[0].totals["team_days"] / 2)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ALL)
def test_what_a_task_expects_is_the_sum_over_its_cells(land, policy):
    plan = plan_of(land, settings_of(policy))
    searched = land["evidence"].eq("searched").to_numpy()
    chance = land["contamination"].to_numpy()
    residual = np.where(searched, 0.2 / (1 - 0.8 * chance), 1.0)
    done = plan.tasks[plan.tasks["planned"]]
    # What is found on new land already is no find of the season.
    new = land["evidence"].ne("found").to_numpy()
    found = pd.Series(new * chance * residual * plan.cells["season_detection"]).groupby(plan.cells["task_id"]).sum()
    assert done["expected_found"].to_numpy() == pytest.approx(found.loc[done["task_id"]].to_numpy())
    averted = pd.Series(land["casualties_per_year"] * residual * plan.cells["season_detection"])
    averted = averted.groupby(plan.cells["task_id"]).sum()
    assert done["casualties_averted"].to_numpy() == pytest.approx(averted.loc[done["task_id"]].to_numpy())
    assert (plan.tasks["casualties_averted_low"] <= plan.tasks["casualties_averted"] + 1e-12).all()
    assert (plan.tasks["casualties_averted_high"] >= plan.tasks["casualties_averted"] - 1e-12).all()


def test_exploration_and_audit_are_marked_and_have_their_share(land):
    plan = plan_of(land, settings_of(explore_share=0.3, audit_share=0.2))
    tasks = plan.tasks
    assert {"survey", "explore", "audit"} == set(tasks["purpose"])
    assert tasks.loc[tasks["purpose"] == "audit", "reason_1"].str.startswith("Check task, drawn at random").all()
    assert tasks.loc[tasks["purpose"] == "explore", "reason_1"].str.startswith("Learning task:").all()
    assert tasks.loc[tasks["purpose"] != "audit", "inclusion_prob"].isna().all()
    assert plan.totals["team_days_by_purpose"]["explore"] <= 0.3 * 100 + 1e-6
    drawn = plan.cells["purpose"].eq("audit")
    assert not land.loc[drawn.to_numpy(), "evidence"].eq("found").any()
    assert plan.cells.loc[drawn, "inclusion_prob"].between(0, 1, inclusive="right").all()
    # Land without a basis to rank is explored and audited, though it has no rank.
    explored = plan.cells["purpose"].eq("explore").to_numpy()
    assert (~land["in_domain"].to_numpy()[explored]).any()


def test_exploration_goes_to_small_places_apart_from_each_other(land):
    wide = land.assign(contamination_low=0.0, contamination_high=np.where(land["easting_m"] < 502_000, 0.9, 0.5))
    tasks = plan_of(wide, settings_of(explore_share=0.3, audit_share=0.0)).tasks
    tasks = tasks[tasks["purpose"] == "explore"]
    assert len(tasks) > 3
    assert (tasks["area_m2"] <= 250_000 + 1e-6).all()
    # The widest land lies in the west as a whole; squares of three kilometres have one task each.
    squares = np.floor(tasks.geometry.representative_point().get_coordinates().to_numpy() / 3_000)
    assert len(np.unique(squares, axis=0)) >= len(tasks) - 2
    assert (tasks.geometry.centroid.x > 503_000).any()


def test_the_best_of_a_square_is_its_highest_open_cell():
    rng = np.random.default_rng(0)
    score, open_ = rng.integers(0, 9, GRID.n_cells).astype(float), rng.random(GRID.n_cells) < 0.3
    best = best_of_squares(GRID, score, open_, 1_000)
    square = np.floor(GRID.centres_m() / 1_000)
    numbers = _squares(GRID.centres_m(), 1_000)
    for row in range(0, GRID.n_cells, 37):
        inside = np.flatnonzero((square == square[row]).all(axis=1) & open_)
        wanted = inside[np.lexsort((GRID.cell_ids()[inside], -score[inside]))][0] if len(inside) else -1
        assert best.loc[numbers[row], "row"] == wanted


def test_the_audit_spends_its_share_in_the_mean_and_draws_each_cell_as_it_says(land):
    chosen = settings_of(audit_share=0.25)
    days = cell_days(land, chosen.assets, chosen.plan, 62_500.0)
    capacity = 0.25 * np.array([80.0, 20.0])
    frame = plan_of(land, chosen).cells["inclusion_prob"].notna().to_numpy()
    drawn, spent = np.zeros(len(land)), np.zeros(2)
    for seed in range(400):
        hit, chance, kind = audit_draw(frame, land["cell_id"].to_numpy(), days, capacity, seed)
        drawn += hit
        spent += [days[one][hit & (kind == one)].sum() for one in range(2)]
    assert spent / 400 == pytest.approx(capacity, rel=0.06)
    # Each cell is drawn as often as its probability says, within the noise of 400 draws.
    noise = np.sqrt(chance * (1 - chance) / 400)
    assert np.abs(drawn / 400 - chance).max() < 5 * noise.max()
    assert plan_of(land, chosen).cells["inclusion_prob"].fillna(0).to_numpy() == pytest.approx(chance)


@pytest.mark.slow
def test_a_poor_district_gets_its_floor(land):
    poor = land.assign(
        contamination=np.where(land["district"] == "west", land["contamination"] * 1e-3, land["contamination"]),
        casualties_per_year=np.where(land["district"] == "west", 1e-9, land["casualties_per_year"]),
    )
    effort = {}
    for floor in (0.0, 0.5):
        settings_ = settings_of(
            explore_share=0.0,
            audit_share=0.0,
            district_floor=floor,
            tasks={"number": 400, "greatest_km2": 1, "worst_share": 1.0},
        )
        districts = plan_of(poor, settings_).districts.set_index("district")
        effort[floor] = districts.loc["west", "effort_share"]
        assert districts["effort_share"].sum() == pytest.approx(1)
    free = (land["mask"] == "") & ~land["released"]
    share = (land["district"] == "west")[free].mean()
    assert effort[0.0] < 0.01
    assert effort[0.5] == pytest.approx(0.5 * share, rel=0.02)


@pytest.mark.slow
def test_members_that_agree_leave_every_planned_task_steady(land):
    same = np.tile(land["contamination"].to_numpy(), (4, 1))
    tasks = plan_of(land, settings_of("search"), members=same).tasks
    survey = tasks[tasks["purpose"] == "survey"]
    assert survey["stability"].tolist() == survey["planned"].astype(float).tolist()
    wild = land["contamination"].to_numpy() * np.random.default_rng(0).lognormal(0, 1.5, (8, len(land)))
    steady = plan_of(land, settings_of("search"), members=wild).tasks["stability"].dropna()
    assert steady.between(0, 1).all()
    assert ((steady > 0) & (steady < 1)).mean() > 0


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(st.sampled_from(ALL), st.integers(0, 1_000))
def test_the_order_of_rows_changes_nothing(policy, seed):
    land = plain_land(2)
    turn = np.random.default_rng(seed).permutation(len(land))
    members = np.random.default_rng(0).random((3, len(land)))
    first = plan_of(land, settings_of(policy), members=members)
    second = plan_of(land.iloc[turn].reset_index(drop=True), settings_of(policy), members=members[:, turn])
    assert first.cells.equals(second.cells)
    assert first.tasks.drop(columns="geometry").equals(second.tasks.drop(columns="geometry"))


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(st.sampled_from(ALL), st.integers(0, 1_000))
def test_another_seed_draws_another_audit_and_the_same_seed_the_same(policy, seed):
    land = plain_land(1)
    first, second = (plan_of(land, settings_of(policy, audit_share=0.3), seed=seed) for _ in range(2))
    assert first.cells.equals(second.cells)
    assert first.tasks.drop(columns="geometry").equals(second.tasks.drop(columns="geometry"))


def test_without_teams_there_are_tasks_and_a_note(land):
    plan = plan_of(land, settings_of(assets={}))
    assert len(plan.tasks) > 0
    assert not plan.tasks["planned"].any()
    assert set(plan.tasks["purpose"]) == {"survey"}
    assert any("no teams were entered" in note for note in plan.notes)


def test_more_teams_than_land_say_how_many_days_are_idle(land):
    plan = plan_of(land, settings_of(plan={"working_days": 100_000}))
    assert any("team-days find no work" in note for note in plan.notes)
    assert plan.tasks.loc[plan.tasks["purpose"] == "survey", "planned"].mean() > 0.9


def test_land_that_is_masked_as_a_whole_has_an_empty_plan_and_says_so(land):
    plan = plan_of(land.assign(mask="season: flooded"), settings_of())
    assert len(plan.tasks) == 0
    assert any("every cell is masked" in note for note in plan.notes)
    assert plan.cells["task_id"].isna().all()
    assert {"planned", "team_days", "asset", "stability", "access_note"} <= set(plan.tasks.columns)


def test_ground_decides_who_goes(land):
    steep = plan_of(land.assign(slope_deg=25.0), settings_of())
    assert "machines" not in " ".join(steep.tasks["asset"])
    far = plan_of(land.assign(base_m=200_000.0), settings_of())
    assert not far.tasks["planned"].any()
    assert any("team-days find no work" in note for note in far.notes)


@pytest.mark.parametrize("policy", ["harm_per_day", "search", "contamination"])
def test_no_task_of_the_plan_takes_less_than_half_a_day_and_each_finds_its_week(land, policy):
    """A tenth of the days still goes to learning tasks, which are small."""
    quick = {"dogs": {"number": 4, "works": WORKS, "rate_m2_per_day": 400_000.0, "coverage": 1.0}}
    few = {"plan": {"working_days": 4}, "tasks": {"greatest_km2": 1, "number": 400, "worst_share": 1.0}}
    plan = plan_of(land, settings_of(policy, assets=quick, **few))
    planned = plan.tasks[plan.tasks["planned"] & plan.tasks["purpose"].ne("audit")]
    assert (plan.tasks["area_m2"] / 400_000 < 0.4).any()
    assert planned["team_days"].min() >= 0.5 - 1e-9
    assert planned["week"].notna().all()
    assert set(planned["purpose"]) == {"survey", "explore"}
    assert plan.totals["team_days_by_purpose"]["explore"] >= 0.1 * 16 * 0.7
    on_tasks = plan.what_if["kinds"][0]["usable"] * 16
    assert planned["team_days"].sum() <= on_tasks + 1e-6
    assert on_tasks > 12


def test_the_estimate_knows_the_days_of_each_task_and_keeps_learning_and_check_tasks(land):
    settings_given = settings_of("harm_per_day")
    plan = plan_of(land, settings_given)
    known = plan.what_if
    assert [kind["name"] for kind in known["kinds"]] == list(plan.totals["capacity_by_asset"])
    assert known["whole_tasks"] is False
    assert plan_of(land, settings_of("contamination")).what_if["whole_tasks"] is True
    days = cell_days(
        land, {name: settings_given.assets[name] for name in TEAMS}, settings_given.plan, GRID.cell_size_m**2
    )
    for job, task in zip(known["tasks"], plan.tasks.itertuples(), strict=True):
        inside = (plan.cells["task_id"] == task.task_id).fillna(False).to_numpy(bool)
        if task.purpose != "survey":
            assert sum(job["fixed"]) == pytest.approx(task.team_days if task.planned else 0, abs=1e-3)
            continue
        assert job["fixed"] is None
        for place, one in enumerate(job["days"]):
            able = np.isfinite(days[place]) & inside
            if able.sum() < settings_given.plan.least_workable_share * inside.sum() or not able.any():
                assert one is None
            else:
                assert one == pytest.approx(max(days[place][able].sum(), settings_given.plan.least_days), abs=1e-3)
    assert plan_of(land, settings_of(assets={})).what_if == {}


def three_works(land):
    """The same land with areas on record and suspected areas in blocks, and some open evidence."""
    east = ((land["easting_m"] - 500_000) // 2000).to_numpy() % 4
    found = land["evidence"].eq("found").to_numpy()
    status = np.select([east == 1, east == 2, found], ["suspected", "on_record", "evidence_open"], land["evidence"])
    status = np.where(land["released"], "released", status)
    work = np.array([WORK_OF[name] for name in status], dtype=object)
    return land.assign(status=status, work=work)


BY_WORK = {
    "nts_teams": {"number": 2, "rate_m2_per_day": 300_000.0},
    "dogs": {"number": 4},
    "deminers": {"number": 40, "works": ["clearance"]},
}


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["contamination", "harm_per_day", "search"])
def test_each_work_goes_to_teams_that_do_it(land, policy):
    mixed = three_works(land)
    plan = plan_of(mixed, settings_of(policy, assets=BY_WORK, audit_share=0))
    tasks = plan.tasks[plan.tasks["planned"]]
    assert set(tasks["work"]) == set(WORKS)
    for work, kinds in (
        ("non_technical_survey", {"nts_teams"}),
        ("technical_survey", {"dogs"}),
        ("clearance", {"dogs", "deminers"}),
    ):
        teams = {name for text in tasks.loc[tasks["work"] == work, "asset"] for name in text.split(" + ")}
        assert teams <= kinds, work
    inside = plan.cells["task_id"].notna().to_numpy()
    of_task = plan.tasks.set_index("task_id")["work"].reindex(plan.cells.loc[inside, "task_id"]).to_numpy()
    assert (mixed["work"].to_numpy()[inside] == of_task).all()
    assert (plan.tasks.groupby("work")["rank"].min() == 1).all()


def test_open_evidence_is_surveyed_before_other_new_land(land):
    mixed = three_works(land)
    few = {**BY_WORK, "nts_teams": {"number": 1, "rate_m2_per_day": 20_000.0}}
    tasks = plan_of(mixed, settings_of("search", assets=few, audit_share=0, explore_share=0)).tasks
    survey = tasks[tasks["work"].eq("non_technical_survey")]
    planned = survey[survey["planned"]]
    assert len(planned)
    assert (planned["open_evidence_cells"] > 0).all()


def test_dogs_alone_leave_new_land_unplanned_and_the_plan_says_so(land):
    plan = plan_of(three_works(land), settings_of(assets={"dogs": {"number": 4}}, audit_share=0))
    assert not plan.tasks.loc[plan.tasks["work"].eq("non_technical_survey"), "planned"].any()
    assert any("no team of ranking.assets does non technical survey" in note for note in plan.notes)
    assert "explore" not in set(plan.tasks["purpose"])


def test_clearance_takes_all_of_the_ground(land):
    mixed = three_works(land)
    chosen = settings_of(assets={"dogs": {"number": 1}})
    days = cell_days(mixed, chosen.assets, chosen.plan, 62_500.0)[0]
    survey = audit_days(mixed, chosen.assets, chosen.plan, 62_500.0)[0]
    clearance, technical = mixed["work"].eq("clearance").to_numpy(), mixed["work"].eq("technical_survey").to_numpy()
    assert days[clearance] == pytest.approx(10 * survey[clearance])
    assert days[technical] == pytest.approx(survey[technical])
    assert np.isinf(days[mixed["work"].eq("non_technical_survey")]).all()
