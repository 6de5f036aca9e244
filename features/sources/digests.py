"""Digests of files with all their parts: a change of any part changes the digest."""

import hashlib
import re
import time
import warnings
from glob import escape
from pathlib import Path

import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

from features.base import InputError
from features.sources.readers import is_raster

# Files of one stem that are read as one.
FAMILIES = (
    (".shp", ".shx", ".dbf", ".prj", ".cpg"), (".tab", ".dat", ".map", ".id", ".ind"), (".mif", ".mid"),
    (".gml", ".gfs", ".xsd"),
)  # fmt: skip
MADE_ANEW = (".aux.xml", ".ovr", ".rrd")


# A file that was changed more recently than this may change again without a newer modification time.
YOUNG_SECONDS = 3.0
# Digests by file attributes; a run needs that of each source when it opens it, and again for all together.
_DIGESTS: dict[tuple[tuple[str | int | bytes, ...], ...], str] = {}


def digest_files(paths: tuple[Path, ...]) -> str:
    """SHA-256 of the bytes of the files one after another, including their parts.

    These are the other files of a shapefile or a MapInfo table, the files in a .gdb, the journal of a GeoPackage, the
    companions of a raster, and the parts of a virtual file. A process reads files once, and again if their size or
    modification time has changed.
    """
    parts = [part for path in paths for part in parts_of(path)]
    placing = [_placing(part) for part in parts]
    key, youngest = _as_described(parts, placing)
    if key in _DIGESTS:
        return _DIGESTS[key]
    total, began = hashlib.sha256(), time.time()
    for part, place in zip(parts, placing, strict=True):
        with part.open("rb") as stream:
            while block := stream.read(1 << 20):
                total.update(block)
        total.update(place)
    digest = total.hexdigest()
    if youngest + YOUNG_SECONDS < began and _as_described(parts, placing)[0] == key:
        _DIGESTS[key] = digest
    return digest


def _as_described(parts: list[Path], placing: list[bytes]) -> tuple[tuple[tuple[str | int | bytes, ...], ...], float]:
    """Name, number, size, modification times and path of each file; and the latest of the times in seconds."""
    states = [(str(part.resolve()), part.stat(), place) for part, place in zip(parts, placing, strict=True)]
    key = tuple((name, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns, place) for name, now, place in states)
    return key, max((max(now.st_mtime, now.st_ctime) for _, now, _ in states), default=0.0)


def parts_of(path: Path, *, strict: bool = False) -> list[Path]:
    """The files that are read for a source with this `path`, itself first.

    Data outside local files, such as the archive or the database of a virtual file, are left out; with `strict` they
    are an InputError.
    """
    if path.is_dir():
        return sorted(part for part in path.rglob("*") if part.is_file())
    suffix = path.suffix.casefold()
    family = next((family for family in FAMILIES if suffix in family), ())
    beside = [part for part in path.parent.glob(f"{escape(path.stem)}.*") if part.suffix.casefold() in family]
    wal = path.with_name(f"{path.name}-wal")
    beside += [wal] if suffix == ".gpkg" and wal.is_file() else []
    if is_raster(path):
        names = _named_by(path)
        away = [name for name in names if not name.is_file()]
        if strict and away:
            raise InputError(f"{path} is made of {away[0]}, which is no local file: nobody can tell whether it changed")
        beside += [part for name in names if name.is_file() for part in parts_of(name, strict=strict)]
    return [path, *sorted(set(beside) - {path})]


def _named_by(path: Path) -> set[Path]:
    """Files that GDAL reads for a raster or a virtual file, but for pyramids and statistics, which viewers rebuild."""
    found = _opened(path)
    if found is not None:
        names = {Path(name) for name in found[0]}
    else:
        # A virtual table: GDAL lists the parts of virtual rasters only.
        text = path.read_text(encoding="utf-8", errors="replace") if path.suffix.casefold() == ".vrt" else ""
        names = {path.parent / name.strip() for name in re.findall(r"<SrcDataSource[^>]*>([^<]+)<", text)}
    return {name for name in names - {path} if not name.name.casefold().endswith(MADE_ANEW)}


def _placing(path: Path) -> bytes:
    """Position and meaning of the values of a raster, which an auxiliary file may hold."""
    found = _opened(path) if is_raster(path) else None
    return found[1].encode() if found is not None else b""


def _opened(path: Path) -> tuple[list[str], str] | None:
    """Names of a raster's files, and its position and meaning of values as text; None if it is not a raster."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path) as dataset:
                header = (dataset.crs, tuple(dataset.transform), dataset.nodatavals, dataset.scales, dataset.offsets)
                return list(dataset.files), repr(header)
    except RasterioIOError:
        return None
