"""The choice of a file in a zip archive: the one that holds rows, or the one that a layer names."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from features.base import InputError
from features.sources.kinds import MAP_SUFFIXES, PARQUET_SUFFIXES, SHEET_SUFFIXES, TABLE_SUFFIXES

# Texts that come with data in an archive.
NOTE = re.compile(r"(?i)(read.?me|licen[cs]e|terms|copyright|lisez|leame|metadata|about).*\.(txt|json|csv)$|\.txt$")
MOST_NAMED = 5
READABLE = TABLE_SUFFIXES | SHEET_SUFFIXES | PARQUET_SUFFIXES | MAP_SUFFIXES


@dataclass(frozen=True)
class Member:
    """A file in an archive ('': a file geodatabase, which GDAL finds), its suffix, and whether a layer named it."""

    name: str
    suffix: str = ""
    named: bool = False

    @property
    def is_map(self) -> bool:
        """Whether GDAL reads it."""
        return not self.name or self.suffix in MAP_SUFFIXES


def choose_member(what: str, names: list[str], layer: str | None) -> Member:
    """The file to read among the `names` of an archive; InputError for none, for several, and for an unknown layer."""
    members = [name for name in names if PurePosixPath(name).suffix.casefold() in READABLE]
    members = [name for name in members if "__MACOSX" not in name and ".gdb/" not in name.casefold()]
    if len(members) > 1 and layer is None:
        # A note on the terms of use lies beside the data.
        members = [name for name in members if not NOTE.search(PurePosixPath(name).name)] or members
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
