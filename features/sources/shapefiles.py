"""Gaps of the shapefile format: the encoding of its texts, and a table that may be lost."""

import struct
import warnings
from pathlib import Path

import numpy as np
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from features.base import InputError, read_bytes, refuse_special
from features.sources.encodings import decode_as, likeliest
from features.sources.report import Tally
from features.sources.schema import DATE, SCHEMAS

# In this encoding every byte is a letter, so that texts can be turned back into their bytes.
BYTES = "ISO-8859-1"
LANGUAGE_BYTE = 29
HEAD_BYTES, MOST_CPG_BYTES = 32, 10_000
# Neither 0 nor 0x57 ("ANSI") names an encoding.
SAYS_NOTHING = frozenset({0, 0x57})


def shapefile_encoding(source: str, path: Path, opened: str, layer: str, given: str | None, tally: Tally) -> str | None:
    """The encoding of the texts and column names; None if GDAL knows it from .cpg or language byte.

    Raises InputError for records without their table, and for texts that are not in the `given` encoding.
    """
    refuse_broken_set(source, path, opened, tally)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            meta, _, _, fields = pyogrio.raw.read(opened, layer=layer, read_geometry=False, encoding=BYTES)
    except (ValueError, DataSourceError, DataLayerError, RuntimeError):
        return given
    texts = [str(name) for name in meta["fields"]]
    for field in fields:
        if field.dtype == object:
            texts += np.unique(field[[isinstance(value, str) for value in field]]).tolist()
    content = "\n".join(texts).encode(BYTES, errors="replace")
    if given is not None:
        decode_as(content, given, f"sources.{source}: the table of {path}")
        return given
    if content.isascii():
        return None
    stated = _stated(path)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        if stated:
            return None
        encoding = likeliest(content)
        tally.note(f"no .cpg: encoding {encoding}, the likeliest: if letters are wrong, give encoding")
        return encoding
    if stated and "utf" not in stated.casefold().replace("65001", "utf"):
        tally.note(f"texts are UTF-8, although {stated} is stated beside them")
    return "UTF-8"


def refuse_lost_index(source: str, path: Path) -> None:
    """InputError for shapes without their .shx: GDAL would write one beside them."""
    if path.suffix.casefold() == ".shp" and _beside(path, ".shx") is None:
        raise InputError(
            f"sources.{source}: {path} has no .shx beside it: ask for the whole set (.shp, .shx, .dbf, .prj), or make "
            f"one with `ogr2ogr --config SHAPE_RESTORE_SHX YES new.shp {path.name}`"
        )


def _beside(path: Path, suffix: str) -> Path | None:
    found = sorted(
        part for part in path.parent.iterdir() if part.stem == path.stem and part.suffix.casefold() == suffix
    )
    if not found:
        return None
    refuse_special(found[0])
    return found[0]


def _refuse_other_table(what: str, table: Path, index: Path | None) -> None:
    """InputError for a .dbf that is cut off, or has another number of rows than there are shapes."""
    with table.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES:
        raise InputError(f"{what}: {table.name} beside it is cut off: ask for the whole set anew")
    rows, start, length = struct.unpack_from("<IHH", head, 4)
    if table.stat().st_size < start + rows * length:
        raise InputError(
            f"{what}: {table.name} beside it is cut off: it states {rows:,} rows; ask for the whole set anew"
        )
    shapes = None if index is None else (index.stat().st_size - 100) // 8
    if shapes is not None and shapes != rows:
        raise InputError(
            f"{what} has {shapes:,} shapes and {table.name} {rows:,} rows: they belong to different files, or one is "
            "cut off; ask for the whole set anew"
        )


def _stated(path: Path) -> str:
    """The encoding stated by .cpg or the language byte of the .dbf, '' if none is."""
    beside, table = _beside(path, ".cpg"), _beside(path, ".dbf")
    text = "" if beside is None else read_bytes(beside, MOST_CPG_BYTES).decode("ascii", errors="replace").strip()
    if text:
        return text
    head = b""
    if table is not None:
        with table.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    code = head[LANGUAGE_BYTE] if len(head) > LANGUAGE_BYTE else 0
    return "" if code in SAYS_NOTHING else f"language byte {code:#x}"


def refuse_broken_set(source: str, path: Path, opened: str, tally: Tally) -> None:
    """InputError for shapes without their .dbf, which have no attributes, and for a .dbf of other shapes."""
    if opened != str(path):
        return
    table = _beside(path, ".dbf")
    if table is not None:
        _refuse_other_table(f"sources.{source}: {path}", table, _beside(path, ".shx"))
        return
    lost = f"{path.name} has no .dbf beside it, which holds what its shapes mean"
    if source in SCHEMAS and DATE in SCHEMAS[source].columns.values():
        raise InputError(f"sources.{source}: {path}: {lost}: ask for the whole set (.shp, .shx, .dbf, .prj)")
    tally.note(f"{lost}: shapes alone are read")
