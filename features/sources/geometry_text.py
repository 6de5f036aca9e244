"""Geometry as text: WKT, EWKT, hexadecimal WKB, GeoJSON, fixes of forms, MGRS, pairs; GDAL makes curves linear."""

import csv
import struct
import warnings
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray

from features.base import Flags, temporary_folder
from features.sources.places_in_text import places_of, points_of

CURVED = r"(?i)CURVE|CIRCULARSTRING|MULTISURFACE|TIN\b|POLYHEDRALSURFACE|TRIANGLE"
# PostgreSQL and SQL Server put a sign before the figures.
HEX = r"^(?:0x|\\x)?(?:00|01)[0-9A-Fa-f]{8,}$"
# OpenDataKit and KoBo: latitude, longitude, altitude and accuracy of each fix, with ';' between them.
FIXES = r"^-?\d+(?:\.\d+)? -?\d+(?:\.\d+)? -?\d+(?:\.\d+)? \d+(?:\.\d+)?(?:\s*;|$)"
# Surfaces of flat faces have the bytes of (multi)polygons under other numbers: ISO 19125, OGC 06-103r4.
POLYHEDRAL, TIN, TRIANGLE = 15, 16, 17
AS_POLYGONS = {POLYHEDRAL: 6, TIN: 6, TRIANGLE: 3}
EWKB_Z, EWKB_M, EWKB_SRID = 0x80000000, 0x40000000, 0x20000000


@dataclass(frozen=True, kw_only=True)
class TextGeometry:
    """Geometries (None: no text, or an unreadable one), flags of unreadable texts, and the stated SRIDs.

    `closed` is the number of geometries whose open rings were closed, `degrees` the number of places in WGS84 by the
    form of their texts.
    """

    geometry: NDArray[np.object_]
    unreadable: Flags
    srids: tuple[int, ...]
    closed: int = 0
    degrees: dict[str, int] = field(default_factory=dict)


def parse_geometry(texts: pd.Series) -> TextGeometry:
    """Geometries of texts in any of the forms, each row by itself.

    >>> parse_geometry(pd.Series(["SRID=4326;POINT (1 2)", "POINT (1", None])).unreadable.tolist()
    [False, True, False]
    """
    text = texts.astype(object).where(texts.notna(), "").astype(str).str.strip()
    stated = text.str.extract(r"(?i)^SRID=(\d+);", expand=False)
    text = text.str.replace(r"(?i)^SRID=\d+;\s*", "", regex=True)
    geometry = np.full(len(text), None, dtype=object)
    fixes = text.str.match(FIXES).to_numpy(bool)
    hexed, curved = text.str.match(HEX).to_numpy(bool), text.str.contains(CURVED, regex=True).to_numpy(bool)
    marked = text.str.startswith("{").to_numpy(bool)
    plain = (text != "").to_numpy() & ~hexed & ~curved & ~marked & ~fixes
    # GEOS tries to read any text in this place as a number, and complains about its size.
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        texts_of_wkt = text[plain].to_numpy(object)
        geometry[plain] = shapely.from_wkt(texts_of_wkt, on_invalid="fix")
        strict = shapely.from_wkt(texts_of_wkt, on_invalid="ignore")
        geometry[marked] = shapely.from_geojson(text[marked].to_numpy(object), on_invalid="ignore")
    geometry[fixes] = [_of_fixes(value) for value in text[fixes]]
    if hexed.any():
        geometry[hexed] = geometry_of_wkb([_bytes(value) for value in text[hexed]])
    if curved.any():
        geometry[curved] = _by_gdal(text[curved].tolist())
    srids = {int(value) for value in stated.dropna().unique()}
    found = shapely.get_srid(geometry)
    srids |= {int(value) for value in np.unique(found[hexed & (found > 0)])}
    closed = int((shapely.is_missing(strict) & ~shapely.is_missing(geometry[plain])).sum())
    unreadable = (text != "").to_numpy() & shapely.is_missing(geometry)
    degrees = _fill_places(geometry, text, unreadable) if unreadable.any() else {}
    known = tuple(sorted(srids - {0}))
    return TextGeometry(geometry=geometry, unreadable=unreadable, srids=known, closed=closed, degrees=degrees)


def _fill_places(geometry: NDArray[np.object_], text: pd.Series, unreadable: Flags) -> dict[str, int]:
    """Fill in points of grid references and of pairs of degrees, and unflag them; returns their numbers by form."""
    places, degrees = places_of(text[unreadable])
    geometry[unreadable] = points_of(places)
    unreadable &= shapely.is_missing(geometry)
    return degrees


def geometry_of_wkb(blobs: "list[bytes | None]") -> NDArray[np.object_]:
    """Geometries of WKB with closed rings; surfaces of flat faces (TIN, polyhedral) as polygons, None if unreadable."""
    plain = [None if blob is None else polygons_of_surface(blob) for blob in blobs]
    return np.asarray(shapely.from_wkb(np.array(plain, dtype=object), on_invalid="fix"), dtype=object)


def polygons_of_surface(blob: bytes) -> bytes:
    """The WKB of a surface of flat faces as that of a (multi)polygon with the same faces; other WKB as it is."""
    if not is_surface(blob):
        return blob
    try:
        out = bytearray(blob)
        kind, at = _renumber(out, 0)
        if kind in (POLYHEDRAL, TIN):
            order = "<" if out[0] == 1 else ">"
            (count,) = struct.unpack_from(f"{order}I", out, at)
            at += 4
            for _ in range(count):
                _, at = _renumber(out, at)
                at = _after_rings(out, at)
    except (struct.error, IndexError):
        return blob
    return bytes(out)


def is_surface(blob: bytes) -> bool:
    """Whether WKB holds a surface of flat faces, which GEOS does not know."""
    return len(blob) >= 9 and _kind(blob, 0)[0] in AS_POLYGONS


def _kind(blob: bytes | bytearray, at: int) -> tuple[int, str, int]:
    """Type without its dimensions, byte order and the whole type number of the geometry that begins at `at`."""
    order = "<" if blob[at] == 1 else ">"
    (number,) = struct.unpack_from(f"{order}I", blob, at + 1)
    return (number & 0xFFFF) % 1000, order, number


def _renumber(blob: bytearray, at: int) -> tuple[int, int]:
    """Give a face or surface the type number of a (multi)polygon; returns its old type and the start of its content."""
    kind, order, number = _kind(blob, at)
    struct.pack_into(f"{order}I", blob, at + 1, number - kind + AS_POLYGONS.get(kind, kind))
    return kind, at + (9 if number & EWKB_SRID else 5)


def _after_rings(blob: bytearray, at: int) -> int:
    """The end of the rings of the polygon whose content begins at `at`, after its header."""
    order = "<" if blob[at - 5] == 1 else ">"
    (number,) = struct.unpack_from(f"{order}I", blob, at - 4)
    thousands = (number & 0xFFFF) // 1000
    size = 2 + bool(number & EWKB_Z or thousands in (1, 3)) + bool(number & EWKB_M or thousands in (2, 3))
    (rings,) = struct.unpack_from(f"{order}I", blob, at)
    at += 4
    for _ in range(rings):
        (points,) = struct.unpack_from(f"{order}I", blob, at)
        at += 4 + points * size * 8
    return at


def _of_fixes(text: str) -> shapely.Geometry | None:
    """A point, a line, or for a closed line a polygon, from fixes of a survey form; None for other text."""
    try:
        fixes = [tuple(map(float, fix.split())) for fix in text.split(";") if fix.strip()]
        places = [(longitude, latitude) for latitude, longitude, _, _ in fixes]
    except ValueError:
        return None
    if len(places) == 1:
        return shapely.Point(places[0])
    closed = len(places) > 3 and places[0] == places[-1]
    return shapely.Polygon(places) if closed else shapely.LineString(places)


def _bytes(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text.removeprefix("0x").removeprefix("\\x"))
    except ValueError:
        return None


def _by_gdal(texts: list[str]) -> NDArray[np.object_]:
    """Geometries of WKT that GEOS does not read: GDAL makes arcs linear (steps of 4 degrees)."""
    with temporary_folder() as folder:
        file = folder / "curves.csv"
        with file.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([["row", "wkt"], *enumerate(texts)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, _, blobs, fields = pyogrio.raw.read(
                file, columns=["row"], GEOM_POSSIBLE_NAMES="wkt", KEEP_GEOM_COLUMNS="NO"
            )
    found = np.full(len(texts), None, dtype=object)
    found[np.asarray(fields[0], dtype=np.int64)] = geometry_of_wkb(list(blobs))
    return found
