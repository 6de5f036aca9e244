"""Optional formats for older ArcGIS: shapefiles with names of ten characters, and a file geodatabase in a zip."""

import tempfile
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyogrio
import shapely

from features.base import NOT_EVIDENCE
from mlrisk.outputs.code_list import lookup_table
from mlrisk.outputs.geopackage import planner_layers
from mlrisk.outputs.wording import TASK_COLUMNS, heading, notes_json, notes_lines, speaker
from mlrisk.risk_map import Package

# A shapefile keeps ten characters of a name: the driver would cut casualties_per_year and casualties_averted to the
# same name. Every longer name of the layers must be in this table, as a test checks.
SHORT = {
    "contamination": "contam",
    "contamination_low": "contam_lo",
    "contamination_high": "contam_hi",
    "casualties_per_year": "casualt_yr",
    "casualties_averted": "cas_avert",
    "casualties_averted_low": "cas_avt_lo",
    "casualties_averted_high": "cas_avt_hi",
    "expected_finds": "exp_finds",
    "expected_finds_low": "expfnd_lo",
    "expected_finds_high": "expfnd_hi",
    "expected_found": "exp_found",
    "open_evidence_cells": "open_evid",
    "out_of_domain_share": "out_domain",
    "inclusion_prob": "incl_prob",
    "authority_class": "auth_class",
    "access_note": "access",
    "priority_class": "prio_class",
    "priority_text": "prio_text",
    "hazard_type": "haz_type",
    "hazard_status": "haz_status",
}
# The key by which GDAL takes the alias of a field, and the type number of shapely's first multipart geometry.
ALIAS = "GDAL:OGR:alternative_name"
FIRST_MULTIPART = 4
SHAPEFILES = ("survey_tasks", "ranked_cells")
# The longest text of a DBF field; UTF-8 letters of Azerbaijani take two bytes.
MOST_BYTES = 254


def write_shp(package: Package, folder: Path) -> list[Path]:
    """Write survey_tasks and ranked_cells as shapefiles in the grid CRS, and a text file with the warning beside each.

    Texts are cut at 254 bytes; `note` holds the warning on every row, because the format has no metadata.
    """
    layers, when, written = planner_layers(package), package.notes.as_of.isoformat(), []
    for name in SHAPEFILES:
        frame = _short(layers[name]).assign(note=NOT_EVIDENCE)
        path = folder / f"{name}.shp"
        # The header has the date of knowledge and not that of writing, so that the same package gives the same bytes.
        options = {"DBF_DATE_LAST_UPDATE": when, "ENCODING": "UTF-8"}
        pyogrio.write_dataframe(frame, path, driver="ESRI Shapefile", geometry_type="Polygon", layer_options=options)
        about = path.with_suffix(".txt")
        columns = [f"{short}: {name}" for name, short in zip(layers[name].columns, frame.columns, strict=False)]
        about.write_text("\n".join([*notes_lines(package.notes), "", *columns, ""]), encoding="utf-8", newline="\n")
        written += [path.with_suffix(ending) for ending in (".cpg", ".dbf", ".prj", ".shp", ".shx", ".txt")]
    return written


def _short(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    names = {name: short_name(name) for name in frame.columns if name != frame.geometry.name}
    short = frame.rename(columns=names)
    for name in short.select_dtypes(["object", "str"]).columns:
        short[name] = [_cut(text) if isinstance(text, str) else text for text in short[name]]
    return short.astype(dict.fromkeys(short.select_dtypes("bool").columns, "int32"))


def short_name(name: str) -> str:
    """The name of a column in a shapefile.

    >>> short_name("casualties_averted_low"), short_name("reason_1_az"), short_name("rank")
    ('cas_avt_lo', 'reason1_az', 'rank')
    """
    return SHORT.get(name, name if len(name) <= 10 else name.replace("reason_", "reason"))


def _cut(text: str) -> str:
    return text.encode()[:MOST_BYTES].decode("utf-8", errors="ignore")


def write_fgdb(package: Package, folder: Path) -> list[Path]:
    """Write risk_map.gdb.zip with the layers of the GeoPackage, their aliases, the lookup table and a table of notes.

    Its driver numbers and dates the tables, so that two files of the same package differ in those bytes.
    """
    archive = folder / "risk_map.gdb.zip"
    about = {"DOCUMENTATION": f"<metadata><idPurp>{escape(notes_json(package.notes))}</idPurp></metadata>"}
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path = Path(scratch) / "risk_map.gdb"
        for name, frame in planner_layers(package).items():
            kinds = set(frame.geom_type.dropna().str.removeprefix("Multi"))
            if len(kinds) != 1:
                # A feature class has one kind of geometry; mixed and empty layers are only in the GeoPackage.
                continue
            kind = {"Point": "Point", "LineString": "MultiLineString", "Polygon": "MultiPolygon"}[kinds.pop()]
            table = _with_aliases(_int32(frame), kind, package)
            pyogrio.write_arrow(table, path, driver="OpenFileGDB", layer=name, geometry_type=kind, layer_options=about,
                                geometry_name="geometry", crs=package.grid.crs.to_wkt())  # fmt: skip
        for name, table in (("lookup", lookup_table()), ("notes", _notes_table(package))):
            pyogrio.write_dataframe(table, path, driver="OpenFileGDB", layer=name)
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as stream:
            for part in sorted(path.iterdir()):
                stream.write(part, f"risk_map.gdb/{part.name}")
    return [archive]


def _with_aliases(frame: gpd.GeoDataFrame, kind: str, package: Package) -> pa.Table:
    """The layer as Arrow, which alone carries the names that readers see to the driver; multipart unless points."""
    say = speaker(package)
    labels = {column.name: heading(column, say) for column in TASK_COLUMNS}
    shapes = frame.geometry.to_numpy()
    if kind != "Point":
        single = shapely.get_type_id(shapes) < FIRST_MULTIPART
        parts = shapely.multipolygons if kind == "MultiPolygon" else shapely.multilinestrings
        shapes[single] = [parts([shape]) for shape in shapes[single]]
    plain = pa.Table.from_pandas(pd.DataFrame(frame.drop(columns=frame.geometry.name)), preserve_index=False)
    fields = [
        field.with_metadata({ALIAS: labels[field.name]} if field.name in labels else {}) for field in plain.schema
    ]
    geometry = pa.field("geometry", pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"})
    arrays = [*plain.columns, pa.array(shapely.to_wkb(shapes), pa.binary())]
    return pa.Table.from_arrays(arrays, schema=pa.schema([*fields, geometry]))


def _notes_table(package: Package) -> pd.DataFrame:
    return pd.DataFrame({"note": notes_lines(package.notes)}, dtype="str")


def _int32(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Whole numbers as 32 bits if they fit; the driver would turn 64 bits into decimals, so cell_id becomes text."""
    wide = [name for name in frame.columns if str(frame[name].dtype).lower() == "int64"]
    return frame.astype(dict.fromkeys(wide, "str"))
