"""The section on contamination that the map put last: a map of clusters over districts, and a table of them."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from markupsafe import Markup

from training.reporting.figures import INK, MISSED_COLOUR, PAPER, SOFT, land_map, png_of
from training.reporting.html import Block, Picture, big, number, table, text
from training.reporting.missed_clusters import REACH_M, MissedClusters
from training.reporting.ranking_words import ranking_words
from training.reporting.tables import Computed, ReportInput
from training.validation import HeldOut

CAPTION = "Grey: judged land. Crosses: contamination that the map put last. A circle is a cluster, numbered as below."


def missed_blocks(report: ReportInput, computed: Computed) -> list[Block]:
    """How much the map put last, where, and which simple rule would have ranked it higher."""
    held_out, missed = computed.held_out, computed.missed
    if held_out is None:
        return [text("not measured: no held-out cells were kept")]
    found = int(held_out.positive.sum())
    if missed.empty:
        return [text(f"None of {found:,} cells with EO lies in the lower half of the ranking.")]
    clusters = computed.clusters
    share = f" ({100 * len(missed) / found:.2g} %)" if found else ""
    blocks: list[Block] = [big(f"{len(missed):,}{share}", f"of {found:,} cells with EO lie in the lower half")]
    picture = cluster_map(held_out, missed, clusters, report.districts, report.cell_size_m or 1.0)
    blocks.append(Picture(picture, CAPTION))
    if len(clusters.table):
        blocks.append(text(_where(clusters, len(missed)), soft=True) + _table(clusters.table))
    return [*blocks, text("report.json lists every cell (missed_positives), the worst first.", soft=True)]


def _where(clusters: MissedClusters, missed: int) -> str:
    listed = missed - clusters.alone
    km = f"{REACH_M / 1000:g}"
    rest = f" The other {clusters.alone:,} lie alone or in smaller groups." if clusters.alone else ""
    return f"{listed:,} of them lie in {len(clusters.table)} clusters of cells within {km} km of each other.{rest}"


def _table(clusters: pd.DataFrame) -> Markup:
    header = (
        "no.", "district", "cells", "share of area ranked above", "best simple rule: share above", "easting, m",
        "northing, m",
    )  # fmt: skip
    rows = [
        (
            str(row["cluster"]), str(row["district"]), str(row["cells"]), f"{100 * row['ranked_above']:.0f} %",
            f"{number(100 * row['best_rule_above'], 0)} %\n{ranking_words(str(row['best_rule']))}"
            if row["best_rule"] else "none",
            number(row["easting_m"], 0), number(row["northing_m"], 0),
        )
        for row in clusters.to_dict("records")
    ]  # fmt: skip
    return table(header, rows, (), 2)


def cluster_map(
    held_out: HeldOut,
    missed: pd.DataFrame,
    clusters: MissedClusters,
    districts: gpd.GeoDataFrame | None,
    cell_size_m: float,
) -> bytes:
    """Missed cells and their clusters over judged land, with the borders of districts."""
    from matplotlib.patches import Circle

    figure, axes = land_map(held_out.easting_m, held_out.northing_m, cell_size_m)
    view = axes.axis()
    if districts is not None:
        _borders(axes, districts)
    east, north = missed["easting_m"].to_numpy() / 1000, missed["northing_m"].to_numpy() / 1000
    axes.scatter(east, north, s=16, marker="x", color=MISSED_COLOUR, linewidths=0.8, zorder=3)
    for row in clusters.table.to_dict("records"):
        place = row["easting_m"] / 1000, row["northing_m"] / 1000
        axes.add_patch(Circle(place, REACH_M / 1000, facecolor="none", edgecolor=INK, linewidth=1.0, zorder=4))
        box = {"boxstyle": "round,pad=0.15", "facecolor": PAPER, "edgecolor": INK, "linewidth": 0.6}
        axes.text(*place, str(row["cluster"]), fontsize=8, bbox=box, ha="center", va="center", zorder=5)
    axes.axis(view)
    return png_of(figure)


def _borders(axes: Any, districts: gpd.GeoDataFrame) -> None:
    from matplotlib.collections import LineCollection

    lines = districts.geometry[districts.geom_type.isin(["Polygon", "MultiPolygon"])].boundary.explode()
    parts = [np.asarray(line.coords)[:, :2] / 1000 for line in lines if line is not None and not line.is_empty]
    axes.add_collection(LineCollection(parts, colors=SOFT, linewidths=0.6, zorder=2), autolim=False)
