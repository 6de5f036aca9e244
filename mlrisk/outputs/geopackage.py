"""GeoPackage 1.3 with the styles inside: the first cells and the tasks for QGIS, ArcGIS and field devices."""

import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from mlrisk.outputs.cell_rasters import on_grid, polygons_of
from mlrisk.outputs.clean_package import clean_table
from mlrisk.outputs.code_list import lookup_table
from mlrisk.outputs.map_page_overlays import hazard_areas
from mlrisk.outputs.qgis_layers import GEOMETRY, ON_RECORD, layer_style
from mlrisk.outputs.qgis_styles import vector_qml
from mlrisk.outputs.tasks_by_rank import tasks_by_rank
from mlrisk.outputs.wording import TASK_COLUMNS, Say, check_columns, notes_tags, speaker
from mlrisk.outputs.written_files import check_layers
from mlrisk.risk_map import CLASSES, NO_BASIS, Package

# Polygons for a whole country are slow everywhere; the raster and the Parquet file hold every cell.
MOST_CELLS = 20_000
MOST_NO_BASIS_VERTICES = 300_000
CELL_COLUMNS = (
    "cell_id",
    "rank",
    "work",
    "status",
    "evidence",
    "contamination",
    "contamination_low",
    "contamination_high",
    "casualties_per_year",
    "priority",
    "reason_1",
    "reason_2",
    "reason_3",
    "task_id",
    "purpose",
    "inclusion_prob",
)
TEXTS = dict.fromkeys(("work", "status", "evidence", "purpose", "reason_1", "reason_2", "reason_3"), "str")
# Only columns that a planner needs are written: a source may hold more than it should.
CONTEXT_COLUMNS = {
    "known_hazards": ("hazard_type", "hazard_status", "source", "on_record"),
    "front_lines": ("held_from", "held_to", "kind"),
    "roads": ("road_class", "bridge"),
    "rivers": (),
    "settlements": ("name", "place", "population", "planned_population"),
    "districts": ("name",),
}


def write_gpkg(package: Package, folder: Path) -> list[Path]:
    """Write risk_map.gpkg: ranked_cells, no_basis_to_rank, survey_tasks, known_hazards and the context there is."""
    path = folder / "risk_map.gpkg"
    path.unlink(missing_ok=True)
    layers, tags = planner_layers(package), notes_tags(package.notes)
    for name, frame in layers.items():
        _write_layer(path, name, frame, tags)
    pyogrio.write_dataframe(lookup_table(), path, layer="lookup", driver="GPKG", layer_metadata=tags)
    when = f"{package.notes.as_of.isoformat()}T00:00:00.000Z"
    _write_aliases(path, layers)
    _write_styles(path, layers, when, speaker(package))
    check_layers(path, {name: len(frame) for name, frame in layers.items()} | {"lookup": len(lookup_table())})
    return [path]


def planner_layers(package: Package) -> dict[str, gpd.GeoDataFrame]:
    """The layers for a GIS by name, in the order of drawing, with the columns that a planner needs and no others."""
    layers = {
        "ranked_cells": _cells(package),
        "no_basis_to_rank": _no_basis(package),
        "survey_tasks": _tasks(package),
        "known_hazards": _hazards(package),
    }
    layers |= {name: package.layers[name] for name in CONTEXT_COLUMNS if name in package.layers}
    kept = {
        name: [column for column in CONTEXT_COLUMNS.get(name, tuple(frame.columns)) if column in frame.columns]
        for name, frame in layers.items()
    }
    return {
        name: clean_table(gpd.GeoDataFrame(frame[kept[name]], geometry=frame.geometry))
        for name, frame in layers.items()
    }


def _cells(package: Package) -> gpd.GeoDataFrame:
    """The first MOST_CELLS ranked cells as squares, by rank."""
    check_columns(package.risk, (*CELL_COLUMNS, "easting_m", "northing_m", "released"), "risk")
    early = np.flatnonzero(package.risk["rank"].le(MOST_CELLS).fillna(value=False))
    rank = package.risk["rank"].iloc[early].to_numpy(dtype=np.int32)
    first = early[np.argsort(rank, kind="stable")][:MOST_CELLS]
    classes = package.classes[first].astype(np.int32)
    risk = package.risk.iloc[first].astype({"rank": "int32", **TEXTS}).assign(priority_class=classes)
    half = package.grid.cell_size_m / 2
    east, north = risk["easting_m"].to_numpy(), risk["northing_m"].to_numpy()
    squares = shapely.box(east - half, north - half, east + half, north + half)
    texts = {cls.code: cls.text for cls in CLASSES}
    cells = risk[["rank", "priority_class", *(name for name in CELL_COLUMNS if name != "rank")]]
    cells = cells.assign(priority_text=cells["priority_class"].map(texts))
    return gpd.GeoDataFrame(cells.reset_index(drop=True), geometry=squares, crs=package.grid.crs)


def _no_basis(package: Package) -> gpd.GeoDataFrame:
    """Land with no basis to rank, so that it appears hatched and not as a blank between ranked cells."""
    unranked = on_grid(package.grid, package.classes == NO_BASIS, False)
    shapes = polygons_of(unranked, package.grid.transform, MOST_NO_BASIS_VERTICES)
    text = [CLASSES[NO_BASIS - 1].text] * len(shapes)
    return gpd.GeoDataFrame({"priority_text": text}, geometry=shapes, crs=package.grid.crs)


def _hazards(package: Package) -> gpd.GeoDataFrame:
    """Areas on record with `on_record`: whether they are open, and confirmed or suspected."""
    hazards = package.hazards.assign(on_record="")
    for key, text in ON_RECORD.items():
        hazards.loc[hazard_areas(package, key).index, "on_record"] = text
    return hazards


def _tasks(package: Package) -> gpd.GeoDataFrame:
    tasks = tasks_by_rank(package).drop(columns="contributions", errors="ignore")
    return tasks.astype({"rank": "int32", "task_id": "int32", "cells": "int32"})


def _write_layer(path: Path, name: str, frame: gpd.GeoDataFrame, tags: dict[str, str]) -> None:
    # QGIS draws no layer without a type, even one that is filled later: an empty layer has that of its style.
    families = set(frame.geom_type.dropna().str.removeprefix("Multi")) or {GEOMETRY[layer_style(name, frame).kind]}
    only = families.pop() if len(families) == 1 else None
    pyogrio.write_dataframe(
        frame,
        path,
        layer=name,
        driver="GPKG",
        # ArcGIS needs one type for each layer; a source that mixes points and polygons stays as it is.
        geometry_type=("Point" if only == "Point" and not _multi(frame) else f"Multi{only}") if only else "Unknown",
        promote_to_multi=only is not None and (only != "Point" or _multi(frame)),
        dataset_options={"VERSION": "1.3"},
        layer_options={"GEOMETRY_NAME": "geom", "DESCRIPTION": tags["not_evidence"]},
        dataset_metadata=tags,
        layer_metadata=tags,
    )


def _multi(frame: gpd.GeoDataFrame) -> bool:
    return bool(frame.geom_type.str.startswith("Multi").any())


def _write_aliases(path: Path, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Names and meanings of the columns in the schema extension of GeoPackage, for ArcGIS and GDAL."""
    rows = [
        (layer, about.name, about.label, f"{about.text} Unit: {about.unit}." if about.unit else about.text)
        for layer in ("ranked_cells", "survey_tasks")
        for about in TASK_COLUMNS
        if about.name in layers[layer].columns
    ]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, "
            "title TEXT, description TEXT, mime_type TEXT, constraint_name TEXT, "
            "CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name), CONSTRAINT gdc_tn UNIQUE (table_name, name))"
        )
        database.executemany(
            "INSERT INTO gpkg_data_columns (table_name, column_name, name, title, description) VALUES (?, ?, ?, ?, ?)",
            [(layer, column, label, label, text) for layer, column, label, text in rows],
        )
        database.execute(
            "INSERT INTO gpkg_extensions VALUES ('gpkg_data_columns', NULL, 'gpkg_schema', "
            "'http://www.geopackage.org/spec/#extension_schema', 'read-write')"
        )


def _write_styles(path: Path, layers: dict[str, gpd.GeoDataFrame], when: str, say: Say) -> None:
    """The table of default styles for QGIS, which requires these columns and the empty strings."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), "
            "f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), "
            "styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), "
            "update_time DATETIME)"
        )
        for name, frame in layers.items():
            database.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
                "styleName, styleQML, styleSLD, useAsDefault, description, owner, update_time) "
                "VALUES ('', '', ?, 'geom', ?, ?, '', 1, ?, '', ?)",
                (name, name, vector_qml(layer_style(name, frame, say)), "mlrisk default", when),
            )
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', 'QGIS styles', ?, 0)",
            (when,),
        )
        # The date of knowledge, not of writing: only summary.json differs from run to run.
        database.execute("UPDATE gpkg_contents SET last_change = ?", (when,))
        database.execute("UPDATE gpkg_metadata_reference SET timestamp = ?", (when,))
