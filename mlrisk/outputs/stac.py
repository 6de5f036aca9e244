"""STAC item of the package: one JSON file by which a catalogue finds the map and its limits."""

import json
import re
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import pyproj
import pystac
import shapely

from features.base import NOT_EVIDENCE
from mlrisk.outputs.wording import notes_lines, notes_record
from mlrisk.risk_map import Package

ITEM = "stac_item.json"
PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
GEOPACKAGE = "application/geopackage+sqlite3"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# File -> title, media type and role of its asset; a file that is not there has no asset.
ASSETS = {
    "risk_map.tif": ("Contamination, interval, casualties, class, domain and evidence", pystac.MediaType.COG, "data"),
    "risk_classes.tif": ("Classes of survey priority", pystac.MediaType.COG, "visual"),
    "risk.parquet": ("Every cell of the area", "application/vnd.apache.parquet", "data"),
    "risk_map.gpkg": ("First cells, survey tasks, known hazards, with QGIS styles", GEOPACKAGE, "data"),
    "survey_tasks.shp": ("Survey tasks", "application/vnd.shp", "data"),
    "ranked_cells.shp": ("First cells", "application/vnd.shp", "data"),
    "risk_map.gdb.zip": ("The layers of the GeoPackage", "application/zip", "data"),
    "survey_tasks.csv": ("Survey tasks", "text/csv", "data"),
    "survey_tasks.xlsx": ("Survey tasks", XLSX, "data"),
    "survey_tasks.gpx": ("Survey tasks for handheld receivers", "application/gpx+xml", "data"),
    "survey_tasks.kml": ("Survey tasks", "application/vnd.google-earth.kml+xml", "data"),
    "survey_sheets.pdf": ("Overview and one sheet a task, to print", pystac.MediaType.PDF, "overview"),
    "map.html": ("Interactive map, without a network", pystac.MediaType.HTML, "overview"),
}


def write_stac(package: Package, folder: Path) -> list[Path]:
    """Write stac_item.json for the files that are in `folder`; hrefs are relative to it."""
    item = pystac.Item(
        id=_name(f"{package.notes.country}-{package.notes.as_of.isoformat()}"),
        geometry=shapely.geometry.mapping(_footprint(package)),
        bbox=[round(value, 6) for value in _footprint(package).bounds],
        datetime=datetime.combine(package.notes.as_of, time(), tzinfo=UTC),
        properties=_properties(package),
        stac_extensions=[PROJECTION],
    )
    for file, (title, media_type, role) in ASSETS.items():
        if (folder / file).exists():
            raster = _projection(package) if file.endswith(".tif") else {}
            roles = [role, "metadata"] if file == "risk.parquet" else [role]
            asset = pystac.Asset(f"./{file}", title, NOT_EVIDENCE, media_type, roles, raster)
            item.add_asset(file.replace(".", "_"), asset)
    path = folder / ITEM
    record = item.to_dict(include_self_link=False, transform_hrefs=False)
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return [path]


def _name(text: str) -> str:
    """The id, of letters, digits and hyphens alone, because it becomes a file name in most catalogues.

    >>> _name("../Azərbaycan <b>-2024-07-31")
    'azərbaycan-b-2024-07-31'
    """
    return re.sub(r"\W+", "-", text.lower()).strip("-")


def _footprint(package: Package) -> Any:
    """The bounds of the grid in degrees; their sides are curved, so each is divided into eight."""
    west, south, east, north = package.grid.bounds
    box = shapely.segmentize(shapely.box(west, south, east, north), max(east - west, north - south) / 8)
    to_degrees = pyproj.Transformer.from_crs(package.grid.crs, "EPSG:4326", always_xy=True)
    return shapely.transform(box, lambda x, y: tuple(v.round(6) for v in to_degrees.transform(x, y)), interleaved=False)


def _projection(package: Package) -> dict[str, Any]:
    grid = package.grid
    epsg = grid.crs.to_epsg()
    named = {"proj:code": f"EPSG:{epsg}"} if epsg else {"proj:code": None, "proj:wkt2": grid.crs.to_wkt()}
    return {
        **named,
        "proj:shape": list(grid.shape),
        "proj:transform": list(grid.transform)[:6],
        "proj:bbox": list(grid.bounds),
    }


def _properties(package: Package) -> dict[str, Any]:
    notes = {f"mlrisk:{name}": value for name, value in notes_record(package.notes).items()}
    return {
        "title": f"Survey priority, {package.notes.country}, data up to {package.notes.as_of.isoformat()}",
        "description": " ".join(notes_lines(package.notes)),
        "gsd": float(package.grid.cell_size_m),
        **_projection(package),
        **notes,
    }
