"""The choice of a file in a zip archive: the one that holds rows, or the one that a layer names."""

import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from features.base import InputError
from features.sources.kinds import MAP_SUFFIXES, PARQUET_SUFFIXES, SHEET_SUFFIXES, TABLE_SUFFIXES

# Texts that come with data in an archive.
NOTE = re.compile(r"(?i)(read.?me|licen[cs]e|terms|copyright|lisez|leame|metadata|about).*\.(txt|json|csv)$|\.txt$")
MOST_NAMED = 5
# A damaged archive fails in many ways.
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError)
READABLE = TABLE_SUFFIXES | SHEET_SUFFIXES | PARQUET_SUFFIXES | MAP_SUFFIXES


@dataclass(frozen=True)
class Member:
    """A file in an archive ('': a file geodatabase, which GDAL finds), its suffix, and whether a layer named it.

    `records` marks JSON that is a list of records and no map.
    """

    name: str
    suffix: str = ""
    named: bool = False
    records: bool = False

    @property
    def is_map(self) -> bool:
        """Whether GDAL reads it."""
        return not self.name or (self.suffix in MAP_SUFFIXES and not self.records)


def data_members(names: list[str]) -> list[str]:
    """The names in an archive that are those of tables and maps.

    >>> data_members(["a/roads.shp", "a/roads.dbf", "__MACOSX/a/roads.shp"])
    ['a/roads.shp']
    """
    members = [name for name in names if PurePosixPath(name).suffix.casefold() in READABLE]
    return [name for name in members if "__MACOSX" not in name and ".gdb/" not in name.casefold()]


def without_notes(members: list[str]) -> list[str]:
    """The members without texts on the terms of use, which lie beside the data; all if there is nothing else."""
    return [name for name in members if not NOTE.search(PurePosixPath(name).name)] or members


def zip_members(path: Path) -> list[str]:
    """The tables and maps in a zip archive, in order of name; empty for a file that is none, or is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sorted(without_notes(data_members([info.filename for info in archive.infolist()])))
    except (*BROKEN_ZIP, OSError, ValueError):
        return []


def choose_member(what: str, names: list[str], layer: str | None) -> Member:
    """The file to read among the `names` of an archive; InputError for none, for several, and for an unknown layer."""
    members = data_members(names)
    members = without_notes(members) if layer is None else members
    named = [name for name in members if layer in (name, PurePosixPath(name).name, PurePosixPath(name).stem)]
    chosen = named if len(named) == 1 else members
    if not chosen and any(".gdb/" in name.casefold() for name in names):
        return Member("")
    if not chosen:
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        raise InputError(
            f"{what} holds no table and no map, but {', '.join(names[:MOST_NAMED]) or 'nothing'}{more}: unpack it and "
            "name the file"
        )
    if len(chosen) > 1:
        raise InputError(f"{what} holds {len(members)} files ({', '.join(members)}): name one as layer, or unpack it")
    member = Member(chosen[0], PurePosixPath(chosen[0]).suffix.casefold(), named=bool(named))
    if layer is not None and not named and member.suffix in TABLE_SUFFIXES | PARQUET_SUFFIXES:
        raise InputError(f"{what}: layer ({layer!r}) is not in it: it holds {member.name}")
    return member
