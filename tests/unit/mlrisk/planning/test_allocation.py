"""Facts of spending team-days: optimal, never worse with more of them, and exact beside a solver."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp

from mlrisk.planning.allocation import PARTS, Jobs, allocate, greedy, in_order, koopman

SEEDS = st.integers(0, 100_000)


def made_jobs(seed: int, kinds: int, tasks: int = 12, detection: float | None = None) -> Jobs:
    """Tasks of one to six cells; a kind is quick but cannot work everywhere."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(tasks), rng.integers(1, 7, tasks))
    days = rng.lognormal(0, 0.4, len(task)) * np.array([4.0, 0.5, 1.5])[:kinds, None]
    shut = rng.random((kinds, tasks)) < np.array([0.0, 0.5, 0.3])[:kinds, None]
    days[shut[:, task]] = np.inf
    chance = rng.uniform(0.4, 0.95, kinds) if detection is None else np.full(kinds, detection)
    return Jobs(
        task=task,
        value=rng.lognormal(0, 1.2, len(task)),
        days=days,
        detection=chance,
        order=rng.permutation(tasks),
    )


@settings(max_examples=150, deadline=None)
@given(SEEDS, st.sampled_from([greedy, koopman]), st.integers(0, 1), st.floats(0.1, 20), st.floats(0, 10))
def test_more_days_of_any_kind_never_find_less(seed, rule, kind, days, more):
    jobs = made_jobs(seed, 2)
    less = allocate(jobs, np.array([days, days]), rule, 2)
    capacity = np.array([days, days])
    capacity[kind] += more
    assert allocate(jobs, capacity, rule, 2).value(jobs) >= less.value(jobs) * (1 - 1e-9)


@settings(max_examples=100, deadline=None)
@given(SEEDS, st.sampled_from([greedy, koopman, in_order]), st.floats(0, 30), st.floats(0, 6))
def test_no_kind_goes_to_a_task_for_less_than_the_least_days(seed, rule, capacity, least):
    jobs = replace(made_jobs(seed, 2), least_days=least)
    jobs = replace(jobs, days=np.maximum(jobs.days, least / np.bincount(jobs.task)[jobs.task]))
    days = allocate(jobs, np.array([capacity, capacity / 2]), rule, 2).days(jobs)
    days = np.where(np.isfinite(days), days, 0)
    assert (days[days > 1e-9] >= least - 1e-6).all()
    assert (days.sum(axis=1) <= np.array([capacity, capacity / 2]) * (1 + 1e-9) + 1e-9).all()


def test_days_too_few_to_begin_a_task_go_on_with_those_that_were_begun():
    jobs = Jobs(
        task=np.arange(3),
        value=np.array([9.0, 1.0, 1.0]),
        days=np.array([[2.0, 0.5, 0.5]]),
        detection=np.array([0.8]),
        order=np.arange(3),
        least_days=0.5,
    )
    # Three parts of the first take 1.5 days, its fourth is worth more a day than the second task; 0.3 days are left.
    assert allocate(jobs, np.array([2.3]), greedy, 2).days(jobs).tolist() == [[pytest.approx(2.3), 0.0, 0.0]]
    assert allocate(jobs, np.array([2.6]), greedy, 1).days(jobs).tolist() == [[pytest.approx(2.0), 0.5, 0.0]]


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from([greedy, koopman, in_order]), st.floats(0, 40))
def test_no_kind_spends_more_days_than_it_has_or_works_where_it_cannot(seed, rule, days):
    jobs = made_jobs(seed, 3)
    capacity = np.array([days, days / 2, days / 3])
    made = allocate(jobs, capacity, rule, 2)
    assert (made.days(jobs).sum(axis=1) <= capacity * (1 + 1e-9) + 1e-9).all()
    workable = np.array([np.bincount(jobs.task[np.isfinite(one)], minlength=jobs.n_tasks) > 0 for one in jobs.days])
    assert (made.passes[~workable] == 0).all()
    assert ((made.left >= 0) & (made.left <= 1)).all()


def exact(jobs: Jobs, capacity: np.ndarray, most_passes: int, whole: bool) -> float:
    """The best value by HiGHS: kinds of one detection, so the n-th part of a survey finds q (1 - q)^(n - 1) of it."""
    kinds, tasks, q = len(capacity), jobs.n_tasks, 1 - (1 - float(jobs.detection[0])) ** (1 / PARTS)
    value = np.bincount(jobs.task, jobs.value, tasks)
    days = np.array([np.bincount(jobs.task, one, tasks) for one in jobs.days]) / PARTS
    able = np.isfinite(days)
    pieces = most_passes * kinds * PARTS
    gain = np.concatenate([value * q * (1 - q) ** n for n in range(pieces)])
    # Variables: parts of surveys of task t by kind k, then the first, second ... part of task t; as many as of those.
    cost = np.concatenate([np.zeros(kinds * tasks), -gain])
    budget = np.zeros((kinds, len(cost)))
    for kind in range(kinds):
        budget[kind, kind * tasks : (kind + 1) * tasks] = np.where(able[kind], days[kind], 0)
    link = np.hstack([np.tile(np.eye(tasks), kinds), -np.tile(np.eye(tasks), pieces)])
    most = np.concatenate([np.where(able, most_passes * PARTS, 0).ravel(), np.ones(tasks * pieces)])
    done = milp(
        cost,
        constraints=[LinearConstraint(budget, ub=capacity), LinearConstraint(link, 0, 0)],
        bounds=(0, most),
        integrality=np.full(len(cost), int(whole)),
    )
    assert done.success
    return float(-done.fun)


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [1, 2, 3])
@pytest.mark.parametrize("detection", [0.6, 0.9])
def test_the_greedy_plan_comes_within_five_per_cent_of_the_exact_optimum(kinds, detection):
    shares = []
    for seed in range(8):
        jobs = made_jobs(seed, kinds, detection=detection)
        capacity = np.random.default_rng([seed, 1]).uniform(3, 25, kinds)
        made = allocate(jobs, capacity, greedy, 2).value(jobs)
        assert made <= exact(jobs, capacity, 2, whole=False) * (1 + 1e-6)
        shares.append(made / exact(jobs, capacity, 2, whole=True))
    assert min(shares) >= 0.95, sorted(shares)[:5]


def test_koopman_equals_the_closed_form_for_two_cells():
    # Both cells are searched when ln(9) < a B: then z1 - z2 = ln(p1 / p2) / a and z1 + z2 = B (Stone 1975).
    a = -np.log(1 - 0.5)
    z = koopman(np.array([0.9, 0.1]), np.ones(2), 0.5, 6.0, 10, np.arange(2))
    assert z == pytest.approx([3 + np.log(9) / a / 2, 3 - np.log(9) / a / 2], abs=1e-9)
    assert koopman(np.array([0.9, 0.1]), np.ones(2), 0.5, 2.0, 10, np.arange(2)) == pytest.approx([2.0, 0.0])


def test_koopman_is_incremental():
    value, days = np.array([3.0, 2.0, 0.5, 0.01]), np.array([1.0, 2.0, 1.0, 1.0])
    efforts = [koopman(value, days, 0.7, budget, 9, np.arange(4)) for budget in (1.0, 2.0, 5.0, 9.0)]
    assert all((later >= earlier - 1e-9).all() for earlier, later in pairwise(efforts))


def test_two_surveys_find_what_the_first_left():
    jobs = Jobs(
        task=np.array([0, 0]),
        value=np.array([1.0, 3.0]),
        days=np.array([[1.0, 1.0]]),
        detection=np.array([0.8]),
        order=np.array([0]),
    )
    assert allocate(jobs, np.array([4.0]), greedy, 2).value(jobs) == pytest.approx(4 * (1 - 0.2**2))
    assert allocate(jobs, np.array([1.0]), greedy, 2).value(jobs) == pytest.approx(4 * (1 - 0.2**0.5))


def test_an_order_is_kept_whatever_the_days_are_worth():
    jobs = Jobs(
        task=np.arange(3),
        value=np.array([0.1, 9.0, 5.0]),
        days=np.array([[2.0, 2.0, 2.0]]),
        detection=np.array([0.8]),
        order=np.array([0, 2, 1]),
    )
    assert allocate(jobs, np.array([3.0]), in_order, 2).passes.tolist() == [[1.0, 0.0, 0.5]]


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from([greedy, koopman, in_order]))
def test_the_order_of_cells_changes_nothing(seed, rule):
    jobs = made_jobs(seed, 2)
    turn = np.random.default_rng(seed).permutation(len(jobs.task))
    turned = replace(jobs, task=jobs.task[turn], value=jobs.value[turn], days=jobs.days[:, turn])
    capacity = np.array([6.0, 5.0])
    first, second = allocate(jobs, capacity, rule, 2), allocate(turned, capacity, rule, 2)
    assert second.passes == pytest.approx(first.passes, abs=1e-9)


def test_a_task_of_which_little_can_be_worked_is_left_alone():
    days = np.array([[1.0, np.inf, np.inf]])
    jobs = Jobs(
        task=np.zeros(3, dtype=np.int64),
        value=np.ones(3),
        days=days,
        detection=np.array([0.8]),
        order=np.array([0]),
        least_workable_share=0.5,
    )
    assert allocate(jobs, np.array([9.0]), greedy, 1).passes.tolist() == [[0.0]]
