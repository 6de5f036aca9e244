"""The files of a config as tables, and what they say of cells: where ordnance was found, where land was searched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from benchmarks.analyst.frame import Array, Frame

SEARCHED = ("cleared", "reduced", "cancelled")
FOUND = ("find", "accident", "CHA")
ENDED = ("cancelled", "discredited", "closed", "released", "handed over", "cleared")


def read(settings: Mapping[str, Any], folder: Path, name: str) -> gpd.GeoDataFrame:
    """A source in the CRS of the grid with the config's names, records up to as_of; empty where there is none."""
    source, crs = settings["sources"].get(name), settings["grid"]["crs"]
    if source is None:
        return gpd.GeoDataFrame(geometry=[], crs=crs)
    source = {"path": source} if isinstance(source, str) else source
    path = folder / source["path"]
    names = {theirs: ours for ours, theirs in source.get("columns", {}).items()}
    if path.suffix == ".csv":
        table = pd.read_csv(path).rename(columns=names | {"lon": "longitude", "lat": "latitude"})
        table = table.dropna(subset=["longitude", "latitude"])
        places = gpd.points_from_xy(table.pop("longitude"), table.pop("latitude"))
        table = gpd.GeoDataFrame(table, geometry=places, crs="EPSG:4326")
    else:
        table = gpd.read_file(path, **({"layer": source["layer"]} if "layer" in source else {})).rename(columns=names)
    for column, value in source.get("values", {}).items():
        table[column] = table[column].replace(value) if isinstance(value, dict) and column in table else value
    table = table[table.geometry.notna() & ~table.geometry.is_empty].drop_duplicates().to_crs(crs)
    table.geometry = table.geometry.make_valid()
    return known(table, pd.Timestamp(settings["as_of"]))


def known(table: gpd.GeoDataFrame, day: pd.Timestamp) -> gpd.GeoDataFrame:
    """Records that were there on the day: by the date of recording, else of the event; undated ones stay."""
    for column in ("recorded_date", "record_date", "end_date", "date"):
        if column in table:
            when = pd.to_datetime(table[column], errors="coerce")
            return table[when.isna() | (when <= day)].reset_index(drop=True)
    return table.reset_index(drop=True)


def labels(frame: Frame, settings: Mapping[str, Any], tables: Mapping[str, gpd.GeoDataFrame]) -> tuple[Array, Array]:
    """Where ordnance was found, and where land was searched and none was, booleans (rows, columns)."""
    chosen = settings.get("contamination", {}).get("labels", {})
    kinds = chosen.get("found", FOUND)
    areas, releases = tables["hazard_areas"], tables["land_release"]
    if "hazard_status" in areas:
        ended = areas["hazard_status"].str.lower().isin(ENDED)
        if "status_date" in areas:
            ended &= ~(pd.to_datetime(areas["status_date"], errors="coerce") > pd.Timestamp(settings["as_of"]))
        areas = areas[~ended]
    found = frame.burnt(areas.geometry[areas["hazard_type"].isin(kinds)] if len(areas) else (), touched=False)
    for kind, source in (("find", "finds"), ("accident", "incidents")):
        if kind in kinds:
            found = found | frame.burnt(tables[source].geometry, touched=False)
    kept = chosen.get("searched", SEARCHED)
    searched = frame.burnt(releases.loc[releases["release_type"].isin(kept)].geometry, touched=False)
    for declared in chosen.get("declared_searched", ()):
        box = gpd.GeoSeries([shapely.box(*declared["bounds"])], crs="EPSG:4326").segmentize(0.05).to_crs(frame.crs)
        searched |= frame.burnt(box, touched=False)
    return found, searched & ~found
