"""The risk map as a GeoDataFrame that draws itself: in the classes of every map, and as the page of its folder."""

import html
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd

from features.base import NOT_EVIDENCE, InputError
from mlrisk.risk_map.priority_classes import CLASSES, priority_class

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Page:
    """The map page of an output folder; notebooks show it."""

    path: Path

    def _repr_html_(self) -> str:
        page = html.escape(self.path.read_text(encoding="utf-8"), quote=True)
        return f'<iframe srcdoc="{page}" width="100%" height="800" style="border:0"></iframe>'


class RiskFrame(gpd.GeoDataFrame):  # type: ignore[misc]
    """A risk map with one row for each cell: a GeoDataFrame whose `plot` and `explore` show it as planners see it."""

    @property
    def _constructor(self) -> type["RiskFrame"]:
        return RiskFrame

    def plot(self, work: str = "non_technical_survey", ax: "Axes | None" = None) -> "Axes":
        """Draw the survey priority classes of one list of work with matplotlib; land of other lists is left out.

        Returns the axes. Land without a rank has the colour of its class, never that of low priority.
        """
        from matplotlib.figure import Figure

        if ax is None:
            ax = Figure(figsize=(7, 7), layout="constrained").subplots()
        here = self[self["work"].isin([work, "none"])] if "work" in self else self
        codes = priority_class(here)
        for one in CLASSES:
            rows = codes == one.code
            if rows.any():
                ax.scatter(
                    here["easting_m"][rows], here["northing_m"][rows], s=3, marker="s", color=one.colour, label=one.text
                )
        ax.set(xlabel="easting, m", ylabel="northing, m", aspect="equal")
        ax.set_title(NOT_EVIDENCE, fontsize=8)
        ax.legend(loc="upper left", bbox_to_anchor=(0, -0.08), fontsize=7, markerscale=3)
        return ax

    def explore(self, *_: Any, **__: Any) -> Page:
        """The map page that `mlrisk rank` wrote beside the map; InputError if there is none. No network."""
        path = Path(self.attrs.get("folder", ".")) / "map.html"
        if not path.is_file():
            raise InputError(f"{path} does not exist: rank with html among output.formats, and load the map from there")
        return Page(path)
