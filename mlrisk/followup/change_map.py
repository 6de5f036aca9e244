"""A map of what changed: tasks that came, left and stayed, over cells that moved up and back."""

from typing import Any

import geopandas as gpd
import numpy as np

from features.base import Floats
from mlrisk.followup.map_changes import Changes
from mlrisk.followup.task_overlap import TaskOverlap
from training.reporting import Picture, land_map, png_of

UP, BACK, CAME, LEFT, STAYED = "#d55e00", "#56a0d3", "#7a1022", "#0b3c8c", "#1f2430"
CAPTION = (
    "Outlines: tasks of the plan. Dots: cells whose place in the ranking moved by more than a twentieth of the land."
)


def change_picture(changes: Changes, centres_m: Floats, cell_size_m: float) -> Picture:
    """The map; `centres_m` (n, 2) are those of all cells."""
    figure, axes = land_map(centres_m[:, 0], centres_m[:, 1], cell_size_m)
    view = axes.axis()
    moved = changes.moved
    step = (moved["place_now"] - moved["place_before"]).to_numpy(dtype=np.float64)
    east, north = moved["easting_m"].to_numpy() / 1000, moved["northing_m"].to_numpy() / 1000
    for label, rows, colour in (("moved up", step < 0, UP), ("moved back", step > 0, BACK)):
        text = f"cells that {label} ({int(rows.sum()):,})"
        axes.scatter(east[rows], north[rows], s=3, marker="s", linewidths=0, color=colour, label=text)
    overlap = changes.tasks if changes.plan is None else changes.plan
    _outlines(axes, overlap)
    axes.axis(view)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return Picture(png_of(figure), CAPTION)


def _outlines(axes: Any, overlap: TaskOverlap) -> None:
    from matplotlib.collections import LineCollection

    groups = (
        ("tasks that stayed", overlap.stayed, STAYED, 0.5, "-"),
        ("tasks that left", overlap.went, LEFT, 1.3, "--"),
        ("tasks that came", overlap.came, CAME, 1.5, "-"),
    )
    for label, tasks, colour, width, dash in groups:
        text = f"{label} ({len(tasks):,})"
        lines = LineCollection(_rings(tasks), colors=colour, linewidths=width, linestyles=dash, label=text, zorder=3)
        axes.add_collection(lines, autolim=False)


def _rings(tasks: gpd.GeoDataFrame) -> list[Floats]:
    parts = tasks.geometry.boundary.explode()
    return [np.asarray(line.coords)[:, :2] / 1000 for line in parts if line is not None and not line.is_empty]
