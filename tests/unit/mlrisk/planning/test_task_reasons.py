"""Reasons of tasks: the parts of the policy's order beside contamination, and no reason that most tasks begin with."""

import geopandas as gpd
import numpy as np
import pytest

from mlrisk.planning.task_reasons import with_task_reasons


def tasks_of(n: int = 5, **changes: object) -> gpd.GeoDataFrame:
    """Tasks of one cell each, alike but for what a test changes."""
    columns: dict[str, object] = {
        "work": ["technical_survey"] * n,
        "purpose": ["survey"] * n,
        "cells": np.ones(n),
        "contamination": np.full(n, 0.2),
        "casualties_per_year": np.full(n, 0.01),
        "out_of_domain_share": np.zeros(n),
        "inclusion_prob": np.full(n, np.nan),
        "reason_1": [f"For: line {name}" for name in "abcde"[:n]],
        "reason_2": ["For: roads"] * n,
        "reason_3": ["Against: slope"] * n,
    }
    return gpd.GeoDataFrame(columns | changes)


def reasons(tasks: gpd.GeoDataFrame, row: int, policy: str, days: object = None) -> list[str]:
    spent = np.ones(len(tasks)) if days is None else np.asarray(days, dtype=np.float64)
    return with_task_reasons(tasks, spent, policy, ("en",))[["reason_1", "reason_2", "reason_3"]].iloc[row].tolist()


def test_a_ranking_by_victims_averted_speaks_of_people_and_of_work() -> None:
    tasks = tasks_of(casualties_per_year=[0.09, 0.01, 0.012, 0.011, 0.001])
    days = [8.0, 2.0, 2.0, 2.0, 1.0]
    assert reasons(tasks, 0, "harm_per_day", days) == [
        "For: people are more exposed here than in 80 % of the tasks",
        "For: line a",
        "Against: more work a hectare than in 80 % of the tasks (team-days: 8)",
    ]
    assert reasons(tasks, 4, "harm_per_day", days) == [
        "For: less work a hectare than in 80 % of the tasks (team-days: 1)",
        "For: line e",
        "Against: people are less exposed here than in 80 % of the tasks",
    ]
    # Finds per team-day knows no people, and an order by probability neither.
    assert "exposed" not in " ".join(reasons(tasks, 0, "search", days))
    assert reasons(tasks, 0, "contamination", days) == ["For: line a", "For: roads", "Against: slope"]


def test_at_most_half_of_the_tasks_begin_with_the_same_reason() -> None:
    """Numbers apart: 3 km from a line and 4 km from a line are one reason. The last task gives way."""
    same = tasks_of(reason_1=["For: 3 km off", "For: 4 km off", "For: 5.5 km off", "For: line d", "For: line e"],
                    reason_2=[f"For: road {name}" for name in "abcde"])  # fmt: skip
    assert reasons(same, 1, "contamination") == ["For: 4 km off", "For: road b", "Against: slope"]
    assert reasons(same, 2, "contamination") == ["For: road c", "For: 5.5 km off", "Against: slope"]
    assert reasons(same, 3, "contamination") == ["For: line d", "For: road d", "Against: slope"]


def test_what_all_tasks_have_is_the_first_reason_of_none() -> None:
    swapped = tasks_of(reason_1=["For: roads"] * 5, reason_2=[f"For: line {name}" for name in "abcde"])
    assert reasons(swapped, 0, "contamination") == ["For: line a", "For: roads", "Against: slope"]


def test_land_without_a_basis_has_no_figure_among_its_reasons() -> None:
    tasks = tasks_of(casualties_per_year=[0.09, 0.01, 0.012, 0.011, 0.001], out_of_domain_share=[1.0, 0, 0, 0, 0])
    assert "exposed" not in " ".join(reasons(tasks, 0, "casualty"))


@pytest.mark.parametrize("days", [np.inf, np.nan])
def test_a_task_that_no_team_can_do_says_nothing_of_days(days: float) -> None:
    assert "team-days" not in " ".join(reasons(tasks_of(), 2, "harm_per_day", [1.0, 2.0, days, 4.0, 5.0]))
