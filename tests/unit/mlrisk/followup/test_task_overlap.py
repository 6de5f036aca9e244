"""Which tasks two plans share, by the land that they cover."""

import warnings

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import LineString, Polygon, box

from mlrisk.commands.plan_layers import plan_layers
from mlrisk.followup.task_overlap import covered_share, task_overlap

UTM = "EPSG:32638"


def tasks(*shapes) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"task_id": range(1, len(shapes) + 1)}, geometry=list(shapes), crs=UTM)


def test_the_covered_share_is_the_part_of_the_area():
    one = tasks(box(0, 0, 100, 100), box(200, 0, 300, 100), box(400, 0, 500, 100))
    other = tasks(box(25, 0, 100, 100), box(0, 0, 25, 50), box(280, 50, 400, 100))
    assert covered_share(one, other) == pytest.approx([0.875, 0.1, 0.0])


def test_half_of_the_land_makes_a_task_the_same_job():
    old, new = tasks(box(0, 0, 100, 100)), tasks(box(50, 0, 150, 100), box(49, 0, 50, 100))
    overlap = task_overlap(old, new)
    assert overlap.kept == 2
    assert len(overlap.came) == 0
    assert len(overlap.went) == 0
    assert len(task_overlap(old, tasks(box(51, 0, 151, 100))).came) == 1


def test_a_task_without_area_is_covered_by_nothing():
    # A file that people edited may hold a task whose outline has collapsed.
    flat = tasks(Polygon([(0, 0), (50, 0), (0, 0)]), LineString([(0, 0), (9, 9)]), Polygon(), None, box(0, 0, 10, 10))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        share = covered_share(flat, tasks(box(-1, -1, 99, 99)))
    assert share.tolist() == [0.0, 0.0, 0.0, 0.0, 1.0]


def test_plans_in_two_systems_are_compared_in_the_new_one():
    new = tasks(box(500_000, 4_400_000, 501_000, 4_401_000))
    overlap = task_overlap(new.to_crs("EPSG:32637"), new)
    assert overlap.kept == 1
    assert overlap.came.crs == overlap.went.crs == UTM


def test_an_empty_plan_covers_nothing():
    assert covered_share(tasks(box(0, 0, 1, 1)), tasks()).tolist() == [0.0]
    assert covered_share(tasks(), tasks(box(0, 0, 1, 1))).shape == (0,)
    assert np.isfinite(covered_share(tasks(), tasks())).all()


def test_planned_tasks_alone_are_compared_and_a_map_without_a_plan_not():
    old = tasks(box(0, 0, 100, 100), box(200, 0, 300, 100)).assign(planned=[1, 0])
    new = tasks(box(0, 0, 100, 100), box(200, 0, 300, 100)).assign(planned=[True, True])
    layers = plan_layers(old, new)
    assert layers["plan_came"].total_bounds.tolist() == [200, 0, 300, 100]
    assert len(layers["plan_left"]) == 0
    assert len(plan_layers(new, old)["plan_left"]) == 1
    assert plan_layers(None, new) == {}
    assert plan_layers(old.assign(planned=0), new) == {}
