"""Small files of an authority around one grid, opened as a source."""

from pathlib import Path

import geopandas as gpd
import pyproj
import shapely

from features.base import Grid
from features.sources import SourceReport, Sources, SourcesSettings, open_sources

UTM = pyproj.CRS("EPSG:32638")
LEFT, BOTTOM = 640_000, 4_400_000
GRID = Grid.from_area(shapely.box(LEFT, BOTTOM, LEFT + 20_000, BOTTOM + 20_000), UTM, 1000)


def opened(base: Path, **specs: object) -> Sources:
    return open_sources(SourcesSettings.model_validate(specs), GRID, base)


def table_of(
    base: Path, content: str | bytes, source: str = "incidents", name: str = "a.csv", **spec: object
) -> tuple[gpd.GeoDataFrame, SourceReport]:
    """The records kept from a file and its report; easting and northing of a CSV are its columns E and N."""
    (base / name).write_bytes(content.encode() if isinstance(content, str) else content)
    header = content.splitlines()[0] if isinstance(content, str) and content else ""
    if {"E", "N"} <= set(header.replace(";", ",").split(",")):
        columns = {"longitude": "E", "latitude": "N", **spec.pop("columns", {})}
        spec |= {"crs": "EPSG:32638", "columns": columns}
    return kept(opened(base, **{source: {"path": name, **spec}}), source)


def kept(sources: Sources, source: str) -> tuple[gpd.GeoDataFrame, SourceReport]:
    return sources.vectors.get(source, gpd.GeoDataFrame(geometry=[])), sources.reports[-1]


def box(number: int = 0) -> shapely.Polygon:
    """A square of 500 m inside the grid, another for each number."""
    return shapely.box(LEFT + 600 * number, BOTTOM + 5_000, LEFT + 600 * number + 500, BOTTOM + 5_500)
