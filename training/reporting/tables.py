"""The input of a validation report, and the tables that follow from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd

from training.reporting.explanation import Explanation
from training.reporting.missed_clusters import MissedClusters, missed_clusters
from training.validation import MISSED_COLUMNS, HeldOut, missed_table, pooled_table, probability_table, worst_regions

# Protocols in the order of their importance for promotion; the last only shows the optimism gap.
PROTOCOLS = {
    "as_of": "judged on what was recorded after the date of knowledge",
    "leave_region_out": "judged on regions that the model had not seen",
    "knndm": "judged on folds as far from what was learned as the land to be predicted",
    "random": "random cells held out: too optimistic, shown for the gap alone",
}
HONEST, DISHONEST = "leave_region_out", "random"
GAP_FIGURES = ("recall_5", "recall_10", "recall_20", "roc_auc", "pr_auc")


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportInput:
    """The input of a report.

    `table` has one row for each protocol, fold and ranking, with figures as columns (means over folds as fold 'mean');
    `held_out` the judged cells by protocol, empty where none were kept. `explanations` are plain dicts of one fold
    each, with `protocol` and `fold`; those of knndm may hold `quantiles`, `to_predict_m`, `between_folds_m` and
    `wasserstein_m`. `sensitivity` and `ablation` are tables with words in their first column. `casualty` has `figures`,
    `years` and `tenths` of casualty risk, see training.casualty.judging. `explained` is the explanation of the scores
    of all land. `promises` are sentences on the meaning of the probability and on promises that are not made; `ranges`
    and `bounds` are the tests of the likely range and of the bound on missed hazards on other land than they were
    learned from; `missing` names data that would improve the map. `districts` are polygons with a `name` in
    the CRS of the held-out cells. Texts may hold anything: they are escaped.
    """

    title: str
    as_of: str
    question: str
    table: pd.DataFrame
    held_out: Mapping[str, HeldOut] = field(default_factory=dict)
    cell_size_m: float = 0.0
    model: str = "mlrisk"
    seed: int = 0
    draws: int = 200
    picture_dpi: int = 220
    explanations: Sequence[Mapping[str, Any]] = ()
    sensitivity: pd.DataFrame = field(default_factory=pd.DataFrame)
    ablation: pd.DataFrame = field(default_factory=pd.DataFrame)
    warnings: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    casualty: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    explained: Explanation | None = None
    promises: Sequence[str] = ()
    ranges: pd.DataFrame = field(default_factory=pd.DataFrame)
    bounds: pd.DataFrame = field(default_factory=pd.DataFrame)
    missing: Sequence[str] = ()
    districts: gpd.GeoDataFrame | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Computed:
    """Tables that the page and the JSON share; `protocol` is that of the pictures and missed cells."""

    protocol: str | None
    held_out: HeldOut | None
    pooled: pd.DataFrame
    missed: pd.DataFrame
    clusters: MissedClusters
    probability: pd.DataFrame
    gap: dict[str, float]
    worst: pd.DataFrame


def compute(report: ReportInput) -> Computed:
    """Every table of the report that follows from its input."""
    protocol = next((name for name in PROTOCOLS if name in report.held_out), next(iter(report.held_out), None))
    held_out = report.held_out[protocol] if protocol else None
    cell_ha = report.cell_size_m**2 / 10_000 if report.cell_size_m else None
    ordered = [name for name in (*PROTOCOLS, *report.held_out) if name in report.held_out]
    pooled = [
        pooled_table(name, report.held_out[name], report.model, report.seed, report.draws, cell_ha)
        for name in dict.fromkeys(ordered)
    ]
    missed = pd.DataFrame(columns=MISSED_COLUMNS) if held_out is None else missed_table(held_out, report.model)
    rows = report.table
    judged = len(rows) > 0 and "recall_10" in rows
    return Computed(
        protocol=protocol,
        held_out=held_out,
        pooled=pd.concat(pooled, ignore_index=True) if pooled else pd.DataFrame(),
        missed=missed,
        clusters=missed_clusters(missed, _districts_of(missed, report.districts)),
        probability=pd.DataFrame() if held_out is None else probability_table(held_out, report.seed, report.draws),
        gap=optimism_gap(rows, report.model),
        worst=worst_regions(rows) if judged else pd.DataFrame(),
    )


def optimism_gap(rows: pd.DataFrame, model: str = "mlrisk") -> dict[str, float]:
    """The model's figures on random folds minus those on held-out regions, as means; NaN if one was not run."""
    gap = dict.fromkeys(GAP_FIGURES, float("nan"))
    if not len(rows):
        return gap
    ours = rows[(rows["ranking"] == model) & (rows["fold"] != "mean")]
    means = {name: ours[ours["protocol"] == name] for name in (HONEST, DISHONEST)}
    return {
        name: float(means[DISHONEST][name].mean() - means[HONEST][name].mean()) if name in ours else float("nan")
        for name in gap
    }


def _districts_of(missed: pd.DataFrame, districts: gpd.GeoDataFrame | None) -> "pd.Series[str]":
    """The name of the district of each missed cell; empty outside all of them."""
    names = pd.Series("", index=missed.index, dtype=object)
    if districts is None or missed.empty or "name" not in districts:
        return names
    points = gpd.GeoDataFrame(
        index=missed.index,
        geometry=gpd.points_from_xy(missed["easting_m"], missed["northing_m"], crs=districts.crs),
    )
    joined = points.sjoin(districts[["name", "geometry"]], how="left", predicate="within")
    # A centre on a shared border belongs to the first of its districts.
    return joined.loc[~joined.index.duplicated(), "name"].fillna("").astype(str)
