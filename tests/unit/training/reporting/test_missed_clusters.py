"""Clusters of contamination that the ranking put last."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from tests.support.sample_held_out import sample_held_out
from training.reporting.missed_clusters import MOST_CLUSTERS, NO_DISTRICT, missed_clusters
from training.reporting.tables import ReportInput, compute
from training.validation.held_out import missed_table


def missed(places):
    return pd.DataFrame(
        {
            "easting_m": [float(east) for east, _ in places], "northing_m": [float(north) for _, north in places],
            "surveyed_before": np.linspace(0.9, 0.6, len(places)), "best_rule": "distance to the line",
            "best_rule_before": 0.25,
        }
    )  # fmt: skip


def test_cells_within_reach_make_a_cluster_and_lone_cells_none():
    places = [(0, 0), (1_000, 0), (2_000, 0), (50_000, 0), (51_000, 0), (90_000, 0)]
    found = missed_clusters(missed(places), pd.Series(["A", "A", "B", "B", "B", ""]))
    assert found.table["cells"].tolist() == [3, 2]
    assert found.table["district"].tolist() == ["A and B", "B"]
    assert found.table["easting_m"].tolist() == [1_000, 50_500]
    assert found.table["ranked_above"].iloc[0] == pytest.approx(0.84)
    assert found.cluster.tolist() == [0, 0, 0, 1, 1, -1]
    assert found.alone == 1


def test_the_densest_place_is_the_middle_and_ten_clusters_are_most():
    line = [(2_500 * step, 0) for step in range(5)]
    assert missed_clusters(missed(line), pd.Series([""] * 5)).table["cells"].tolist() == [5]
    many = [(30_000 * place + 500 * cell, 0) for place in range(14) for cell in range(2)]
    found = missed_clusters(missed(many), pd.Series([""] * len(many)))
    assert len(found.table) == MOST_CLUSTERS
    assert found.alone == 8
    assert set(found.table["district"]) == {NO_DISTRICT}


def test_nothing_missed_makes_no_cluster():
    none = missed_table(sample_held_out(), "mlrisk")[:0]
    assert len(missed_clusters(none, pd.Series(dtype=object)).table) == 0


def test_clusters_of_a_report_lie_in_the_districts_that_it_gives():
    held_out = sample_held_out()
    middle = float(np.median(held_out.easting_m))
    halves = [box(0, 0, middle + 1, 1e7), box(middle + 1, 0, 1e7, 1e7)]
    districts = gpd.GeoDataFrame({"name": ["west", "east"]}, geometry=halves, crs="EPSG:32633")
    source = ReportInput(
        title="t", as_of="2024-07-31", question="q", table=pd.DataFrame(), held_out={"as_of": held_out}, draws=10,
        cell_size_m=500.0, districts=districts,
    )  # fmt: skip
    table = compute(source).clusters.table
    assert len(table) > 1
    inside = table[~table["district"].str.contains(" and ")]
    assert (inside["district"] == np.where(inside["easting_m"] <= middle + 1, "west", "east")).all()
