"""Contamination that the ranking put last, as clusters over districts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from features.base import Floats, Integers

# A cluster is what a team reaches from one camp.
REACH_M = 5_000.0
MOST_CLUSTERS = 10
NO_DISTRICT = "no district"


@dataclass(frozen=True, eq=False)
class MissedClusters:
    """`table` has one row for each cluster, the largest first; `cluster` numbers that of each missed cell, -1 alone."""

    table: pd.DataFrame
    cluster: Integers

    @property
    def alone(self) -> int:
        """How many missed cells lie in no listed cluster."""
        return int((self.cluster < 0).sum())


def missed_clusters(missed: pd.DataFrame, district: "pd.Series[str]", reach_m: float = REACH_M) -> MissedClusters:
    """At most ten clusters: again and again the place with most missed cells within reach that are not taken yet.

    `missed` is a table of `training.validation.missed_table`; `district` names the district of each of its rows.
    `ranked_above` and `best_rule_above` are medians of the shares of land ranked above the cells, in [0, 1].
    """
    places = missed[["easting_m", "northing_m"]].to_numpy(dtype=np.float64)
    cluster = np.full(len(places), -1, dtype=np.int64)
    rows = []
    for number in range(MOST_CLUSTERS):
        here = _densest(places, cluster, reach_m)
        if here is None:
            break
        cluster[here] = number
        rows.append(_row(number, missed.iloc[here], district.iloc[here], places[here]))
    return MissedClusters(pd.DataFrame(rows), cluster)


def _densest(places: Floats, cluster: Integers, reach_m: float) -> Integers | None:
    """The free cells within reach of the free cell that has most of them; None where no two lie within reach."""
    free = np.flatnonzero(cluster < 0)
    if not len(free):
        return None
    tree = cKDTree(places[free])
    counts = tree.query_ball_point(places[free], reach_m, return_length=True)
    if counts.max() < 2:
        return None
    return np.asarray(free[tree.query_ball_point(places[free[counts.argmax()]], reach_m, return_sorted=True)])


def _row(number: int, cells: pd.DataFrame, district: "pd.Series[str]", places: Floats) -> dict[str, object]:
    names = district.replace("", NO_DISTRICT).value_counts()
    rule = cells["best_rule"].mode()
    best = "" if rule.empty else str(rule.iloc[0])
    return {
        "cluster": number + 1,
        "district": " and ".join(sorted(names.index[:2], key=lambda name: (-names[name], name))),
        "cells": len(cells),
        "ranked_above": float(cells["surveyed_before"].median()),
        "best_rule": best,
        "best_rule_above": float(cells.loc[cells["best_rule"] == best, "best_rule_before"].median()),
        "easting_m": float(places[:, 0].mean()),
        "northing_m": float(places[:, 1].mean()),
    }
