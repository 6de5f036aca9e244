"""Files that GDAL opens besides the one that a source names: none of them may be a pipe, a socket or a device."""

import os
import re
from pathlib import Path

from features.base import read_bytes, refuse_special

MOST_VRT_BYTES = 50_000_000
# A virtual file of virtual files of virtual files is a mistake.
DEEPEST = 5
PART = re.compile(r"<(?:SourceFilename|SrcDataSource|SourceDataset)(?P<keys>[^>]*)>(?P<name>[^<]+)<")


def refuse_special_parts(path: Path) -> None:
    """OSError if a companion of a file, or a part of a virtual one, is no regular file: opening it may never end."""
    _refuse_special_beside(path)
    if path.suffix.casefold() == ".vrt" and path.is_file():
        _refuse_special_in(path, DEEPEST)


def _refuse_special_beside(path: Path) -> None:
    with os.scandir(path.parent) as entries:
        for entry in entries:
            if not entry.name.startswith(f"{path.stem}.") or entry.is_file() or entry.is_dir():
                continue
            # A link to nowhere is no danger.
            if not entry.is_symlink() or Path(entry.path).exists():
                raise OSError(0, f"{entry.name} beside it is a pipe, a socket or a device")


def _refuse_special_in(path: Path, depth: int) -> None:
    text = read_bytes(path, MOST_VRT_BYTES).decode("utf-8", errors="replace")
    for match in PART.finditer(text):
        name = match["name"].strip()
        part = path.parent / name if "1" in match["keys"] else Path(name)
        if not part.exists():
            continue
        try:
            refuse_special(part)
        except OSError as error:
            raise OSError(0, f"{name}, of which it is made: {error.strerror}") from error
        if part.suffix.casefold() == ".vrt" and part.is_file():
            if depth == 0:
                raise OSError(0, "it is made of virtual files that are made of each other")
            _refuse_special_in(part, depth - 1)
