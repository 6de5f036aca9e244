"""Gaps of the shapefile format: the encoding of its texts, and a table that may be lost."""

import warnings
from pathlib import Path

import numpy as np
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from features.base import InputError
from features.sources.encodings import decode_as, likeliest
from features.sources.report import Tally
from features.sources.schema import DATE, SCHEMAS

# In this encoding every byte is a letter, so that texts can be turned back into their bytes.
BYTES = "ISO-8859-1"
LANGUAGE_BYTE = 29
# Neither 0 nor 0x57 ("ANSI") names an encoding.
SAYS_NOTHING = frozenset({0, 0x57})


def shapefile_encoding(source: str, path: Path, opened: str, layer: str, given: str | None, tally: Tally) -> str | None:
    """The encoding of the texts and column names; None if GDAL knows it from .cpg or language byte.

    Raises InputError for records without their table, and for texts that are not in the `given` encoding.
    """
    _refuse_lost_table(source, path, opened, tally)
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


def _stated(path: Path) -> str:
    """The encoding stated by .cpg or the language byte of the .dbf, '' if none is."""
    beside = [part for part in path.parent.glob(f"{path.stem}.*") if part.suffix.casefold() == ".cpg"]
    text = beside[0].read_bytes()[:100].decode("ascii", errors="replace").strip() if beside else ""
    if text:
        return text
    tables = [part for part in path.parent.glob(f"{path.stem}.*") if part.suffix.casefold() == ".dbf"]
    head = tables[0].read_bytes()[: LANGUAGE_BYTE + 1] if tables else b""
    code = head[LANGUAGE_BYTE] if len(head) > LANGUAGE_BYTE else 0
    return "" if code in SAYS_NOTHING else f"language byte {code:#x}"


def _refuse_lost_table(source: str, path: Path, opened: str, tally: Tally) -> None:
    """InputError for shapes without their .dbf, which have no attributes."""
    if opened != str(path) or any(part.suffix.casefold() == ".dbf" for part in path.parent.glob(f"{path.stem}.*")):
        return
    lost = f"{path.name} has no .dbf beside it, which holds what its shapes mean"
    if source in SCHEMAS and DATE in SCHEMAS[source].columns.values():
        raise InputError(f"sources.{source}: {path}: {lost}: ask for the whole set (.shp, .shx, .dbf, .prj)")
    tally.note(f"{lost}: shapes alone are read")
