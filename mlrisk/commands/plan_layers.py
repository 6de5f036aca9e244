"""Layers that compare the plan with that of an earlier map."""

import geopandas as gpd

from mlrisk.followup import planned_overlap


def plan_layers(earlier: gpd.GeoDataFrame | None, tasks: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """`plan_came`, planned tasks that the earlier plan had not, and `plan_left`, those that it had alone.

    Nothing where one of the two has no plan.
    """
    overlap = planned_overlap(earlier, tasks)
    if overlap is None:
        return {}
    return {"plan_came": overlap.came[["geometry"]], "plan_left": overlap.went[["geometry"]]}
