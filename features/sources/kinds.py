"""The kind of a file: by its name, and by its first bytes if the name is unknown or wrong."""

import json
import re
from pathlib import Path
from typing import Literal

from features.base import refuse_special

Kind = Literal["text", "sheet", "parquet", "records", "raster", "archive", "gzip", "map"]

SHEET_SUFFIXES = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})
TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
RASTER_SUFFIXES = frozenset({".tif", ".tiff", ".vrt", ".img", ".asc", ".bil", ".hgt", ".nc", ".dt0", ".dt1", ".dt2"})
PARQUET_SUFFIXES = frozenset({".parquet", ".geoparquet", ".pq"})
# Names that a map or table of points in an archive may have.
MAP_SUFFIXES = frozenset(
    {
        ".dxf", ".fgb", ".geojson", ".geojsonl", ".geojsons", ".gml", ".gpkg", ".gpx", ".json", ".kml", ".kmz", ".mif",
        ".ndjson", ".osm", ".pbf", ".shp", ".sqlite", ".tab", ".topojson",
    }
)  # fmt: skip
# Suffixes that many kinds of file share.
NO_SUFFIXES = frozenset({"", ".dat", ".data", ".out", ".lst", ".bak", ".psv"})
HEAD_BYTES = 4096
JSON_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})
# What a map in JSON has in its first bytes: GeoJSON, TopoJSON, the answers of ArcGIS.
MAP_IN_JSON = re.compile(
    rb'"type"\s*:\s*"(FeatureCollection|Feature|Topology)"|"features"|"geometryType"|"displayFieldName"'
)
# JSON is read whole only to name its kind.
MOST_JSON_BYTES = 50_000_000
MOST_ERROR_KEYS = 4

OLE, ZIP, GZIP, PARQUET = b"\xd0\xcf\x11\xe0", b"PK\x03\x04", b"\x1f\x8b", b"PAR1"
SIGNS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself: fetch it with `git lfs pull`"),
    (b"%PDF", "a PDF: ask for the data behind it, as a map or table"),
    (b"Rar!", "a RAR archive: unpack it and name the file in it"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it and name the file in it"),
    (b"\xff\xd8\xff", "a JPEG picture: ask for the data behind it, as a map or table"),
    (b"\x89PNG", "a PNG picture: ask for the data behind it, as a map or table"),
    (b"\x00\x01\x00\x00Standard", "an Access database: export its tables as CSV or .xlsx"),
    (b"AC10", "a drawing of AutoCAD (DWG): save it as DXF"),
    (b"ARROW1", "an Arrow or Feather file: save it as Parquet"),
    (b"\x80\x04\x95", "a pickle of Python: save it as Parquet or CSV"),
    (b"\x80\x05\x95", "a pickle of Python: save it as Parquet or CSV"),
)
# Files that name data and hold none, archives that are not opened, parts of other formats: by the end of the name.
SUFFIX_TEXTS = {
    **dict.fromkeys(
        (".qgs", ".qgz", ".mxd", ".aprx", ".lyr", ".lyrx", ".qlr", ".qml", ".sld", ".pmf"),
        "it is a project or style of a GIS, which names data and holds none: export its layer as a GeoPackage",
    ),
    **dict.fromkeys(
        (".doc", ".docx", ".rtf", ".odt", ".ppt", ".pptx"), "it is a document: ask for its table as CSV or .xlsx"
    ),
    **dict.fromkeys((".tar", ".tgz", ".gz", ".bz2", ".xz"), "it is an archive: unpack it and name the file in it"),
    **dict.fromkeys((".dat", ".map", ".id", ".ind"), "it may be a part of a MapInfo table: name its .tab"),
    **dict.fromkeys((".sbn", ".sbx", ".prj", ".cpg", ".qix"), "it is a part of a shapefile: name its .shp"),
    **dict.fromkeys((".ovr", ".aux", ".tfw", ".hdr"), "it is a part of a raster: name the raster itself"),
}


def is_raster(path: Path) -> bool:
    """Whether the name is that of a raster."""
    return path.suffix.casefold() in RASTER_SUFFIXES


def kind_of(path: Path) -> Kind:
    """The way in which a file is read. OSError if it cannot be opened, or is a pipe or a device."""
    refuse_special(path)
    suffix = path.suffix.casefold()
    if is_raster(path):
        return "raster"
    if path.is_dir() or path.name.casefold().endswith(".gdb.zip") or suffix == ".kmz":
        return "map"
    head = first_bytes(path)
    kind: Kind = "map"
    if head.startswith((PARQUET, GZIP)):
        kind = "parquet" if head.startswith(PARQUET) else "gzip"
    elif suffix in SHEET_SUFFIXES or suffix in TABLE_SUFFIXES:
        kind = _table_kind(head, suffix)
    elif head.startswith(ZIP):
        kind = "archive"
    elif suffix in NO_SUFFIXES and is_text(head):
        kind = "text"
    elif suffix in JSON_SUFFIXES and is_record_json(head):
        kind = "records"
    return kind


def first_bytes(path: Path) -> bytes:
    """The beginning of a file."""
    with path.open("rb") as stream:
        return stream.read(HEAD_BYTES)


def is_text(head: bytes) -> bool:
    """Whether the first bytes may be delimited text: no binary, no JSON, no XML."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    return wide or (
        bool(start) and b"\x00" not in head and not start.startswith((b"{", b"[", b"<", *(s for s, _ in SIGNS)))
    )


def is_record_json(head: bytes) -> bool:
    """Whether the first bytes are those of JSON that is no map.

    >>> is_record_json(b'[{"lon": 1}]'), is_record_json(b'{"type": "FeatureCollection"')
    (True, False)
    """
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return start.startswith((b"{", b"[")) and MAP_IN_JSON.search(start) is None


def is_markup(head: bytes) -> bool:
    """Whether the first bytes are those of HTML or XML, in UTF-8 or UTF-16."""
    return head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").startswith(b"<")


def describe(path: Path) -> str:
    """The probable kind of an unreadable file and a remedy, as the end of a sentence; '' if unknown."""
    try:
        refuse_special(path)
        head = b"" if path.is_dir() else first_bytes(path)
    except OSError as error:
        return error.strerror or str(error)
    if not head.strip() and not path.is_dir():
        return "it is empty"
    by_name = SUFFIX_TEXTS.get(path.suffix.casefold(), "")
    if head.lstrip().startswith((b"{", b"[")) and not by_name:
        return describe_json(path.read_bytes() if path.stat().st_size <= MOST_JSON_BYTES else b"")
    return by_name or describe_head(head)


def describe_head(head: bytes) -> str:
    """The probable kind of a file by its first bytes, as the end of a sentence; '' if unknown."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    known = [f"it is {text}" for sign, text in SIGNS if head.startswith(sign)]
    if b"<table" in start and start.startswith(b"<"):
        known = ["it is a web page with a table: open it in a spreadsheet and save it as .xlsx"]
    elif start.startswith((b"<!doctype html", b"<html")):
        known = ["it is a web page, such as a login or an error: download the file anew"]
    elif b"schemas-microsoft-com:office:spreadsheet" in start:
        known = ["it is an XML spreadsheet of an old Excel: save it as .xlsx"]
    elif start.startswith(b"<"):
        known = ["it is XML, not a table: save it as CSV"]
    elif head.startswith(OLE):
        known = ["it is a document of an old Office: save it as .xlsx or CSV"]
    elif start.startswith((b"{", b"[")):
        known = ["it is JSON, not a table: save it as CSV"]
    return known[0] if known else ""


def describe_json(content: bytes) -> str:
    """Whether JSON is cut off, the error of a service, or whole and no map; cut off if it is empty."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return "it is JSON that is cut off, or no map: check that the download was complete"
    if isinstance(found, dict) and "error" in found and len(found) <= MOST_ERROR_KEYS:
        return f"it is the error of a service ({str(found['error'])[:200]}): download the file anew"
    return "it is JSON of another kind than a map: save it as GeoJSON or CSV"


def _table_kind(head: bytes, suffix: str) -> Kind:
    """The kind of a table by its content: exports name HTML, text and workbooks alike .xls or .csv."""
    if head.startswith((OLE, ZIP)):
        return "sheet"
    if is_markup(head) or (suffix in SHEET_SUFFIXES and not is_text(head)):
        return "sheet"
    return "text"
