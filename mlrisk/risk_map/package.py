"""The risk map as a value, which `rank` makes and every writer reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from features.base import NOT_EVIDENCE, kept
from mlrisk.risk_map.priority_classes import priority_class

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from features.base import Grid


@dataclass(frozen=True)
class ModelNote:
    """One model version from which the map was made; `digest` is the sha256 of its folder."""

    target: str
    name: str
    version: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Notes:
    """Metadata of every output file: country, date, models and inputs of the map, and what is missing.

    `inputs` maps a source to the sha256 of its files. `basis` is a sentence if no model of the country ranks.
    """

    country: str
    as_of: date
    policy: str
    models: tuple[ModelNote, ...]
    inputs: dict[str, str]
    not_included: tuple[str, ...]
    warnings: tuple[str, ...]
    basis: str = ""

    NOT_EVIDENCE: ClassVar[str] = NOT_EVIDENCE


@dataclass(frozen=True, eq=False)
class Relief:
    """Hillshade for orientation: grey values, uint8, row 0 in the north, and (west, south, east, north) in metres."""

    shade: NDArray[np.uint8]
    bounds: tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class Package:
    """The risk map of one run.

    `risk` has one row for each cell in the order of `grid.cell_ids()`, with the columns of risk.parquet and `released`
    (bool); `priority` is NaN and `rank` null where there is no basis to rank and on released land. `tasks`, `hazards`
    and the context `layers` (any of front_lines, roads, rivers, settlements, districts; plan_came and plan_left of a
    comparison with an earlier plan) are in the grid CRS and may be empty. `metrics` holds one row for each protocol,
    fold and ranking (model or baseline) with roc_auc, pr_auc, base_rate and recall_1, recall_5, recall_10, recall_20
    (share of the finds in the first 1, 5, 10 and 20 % of the area). `plan` has the effort and the expected outcome of
    the survey plan, as plain values. `sheets` is the number of tasks that get a printed sheet of their own; `languages`
    are those of its texts: reasons in the first are `reason_1`, in a further one `reason_1_az`. `relief` is None
    without a DEM.
    """

    grid: Grid
    risk: pd.DataFrame
    tasks: gpd.GeoDataFrame
    hazards: gpd.GeoDataFrame
    layers: dict[str, gpd.GeoDataFrame]
    notes: Notes
    metrics: pd.DataFrame
    plan: Mapping[str, object] = field(default_factory=dict)
    sheets: int = 20
    languages: tuple[str, ...] = ("en",)
    relief: Relief | None = None

    @cached_property
    def classes(self) -> NDArray[np.int8]:
        """The survey priority class of each cell, (n_cells,)."""
        return kept(priority_class(self.risk))
