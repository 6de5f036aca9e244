"""A look at a file before its source is known: columns, kinds of geometry, values and bounds."""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from pyogrio.errors import CRSError, DataLayerError, DataSourceError

from features.base import Flags, Floats, InputError, refuse_special
from features.sources import (
    MAP_SUFFIXES,
    RawTable,
    SourceSpec,
    Tally,
    describe,
    filled_sheets,
    is_raster,
    kind_of,
    read_rows,
    zip_members,
)
from mlrisk.intake.rasters import RasterFacts, look_at_raster

# Number of rows read of a map: they show the values of its tags, and all roads of a country take minutes to read.
SAMPLE_ROWS = 3000
# Files that belong to another file, or that programs keep for their own use.
BESIDE = frozenset(
    {".dbf", ".shx", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".xml", ".qmd", ".qml", ".aux", ".ovr", ".yaml", ".yml"}
    | {".md", ".rst", ".html", ".htm", ".sld", ".lyr", ".lyrx", ".fix", ".tfw", ".license"}
)
# Files that runs leave in the folder of a config.
OWN = frozenset({"outputs", "mlruns", "mlartifacts", "mlflow.db"})
DEGREES = pyproj.CRS("EPSG:4326")
LONGITUDE = re.compile(
    r"^(lon|long|lng|longitude?|longitud|longitud_?x|x_?lon\w*|lon(gitude)?_?(wgs_?84|dd|x)|long_dd|dolgota|долгота|"
    r"довгота|boylam|uzunluq|longitud_?cabecera)$"
)
LATITUDE = re.compile(
    r"^(lat|latitude?|latitud|latitud_?y|y_?lat\w*|lat(itude)?_?(wgs_?84|dd|y)|lat_dd|shirota|широта|enlem|"
    r"latitud_?cabecera)$"
)
GDAL_ERRORS = (ValueError, DataSourceError, DataLayerError, CRSError, RuntimeError)
KINDS = {0: "point", 4: "point", 1: "line", 5: "line", 3: "polygon", 6: "polygon"}


@dataclass(frozen=True, kw_only=True)
class Look:
    """One layer or table of a file. `sample` has its first rows with the columns as they are.

    `bounds` are west, south, east, north in degrees, None without coordinates; `geometry` the kinds that occur.
    `coordinates` names the columns of longitude and latitude if they need a mapping. `where_lost` is the reason why a
    table has no place although it may have one.
    """

    path: str
    layer: str | None = None
    sample: pd.DataFrame = field(default_factory=pd.DataFrame)
    shapes: tuple[shapely.Geometry, ...] = ()
    geometry: frozenset[str] = frozenset()
    count: int = 0
    bounds: tuple[float, float, float, float] | None = None
    crs: pyproj.CRS | None = None
    coordinates: dict[str, str] = field(default_factory=dict)
    raster: RasterFacts | None = None
    where_lost: str = ""

    @property
    def columns(self) -> dict[str, str]:
        """The columns by their names in lower case."""
        return {str(name).strip().casefold(): str(name) for name in reversed(list(self.sample.columns))}

    @property
    def name(self) -> str:
        """The name of the layer in messages."""
        return self.path if self.layer is None else f"{self.path} (layer {self.layer})"

    def values(self, column: str) -> list[str]:
        """The distinct texts of a column, the most frequent first."""
        texts = self.sample[column].dropna().astype(str).str.strip()
        counted = texts[texts != ""].value_counts(sort=False)
        return [str(text) for text in sorted(counted.index, key=lambda text: (-counted[text], text))]


@dataclass(frozen=True)
class Unread:
    """A file or layer that does not become a source, and the reason."""

    path: str
    reason: str


def inspect_files(folder: Path, own: frozenset[str] = frozenset()) -> Iterator[Look | Unread]:
    """A look at every regular file below the folder, in order of name, except `own` files of the program.

    Outputs and the store of models in the folder are ignored too.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix.casefold() not in BESIDE)
    for path in files:
        inside = path.relative_to(folder)
        if inside.as_posix() in own or inside.parts[0] in OWN:
            continue
        if any(part.startswith(".") or part.casefold().endswith(".gdb") for part in inside.parts[:-1]):
            continue
        if inside.name.startswith(".") or (path.is_dir() and path.suffix.casefold() != ".gdb"):
            continue
        try:
            refuse_special(path)
            yield from _looks(path, inside.as_posix())
        except InputError as error:
            yield Unread(inside.as_posix(), str(error).replace("sources.area: ", "").replace(f"{path}: ", ""))
        except OSError as error:
            yield Unread(inside.as_posix(), error.strerror or str(error))


def _looks(path: Path, name: str) -> list[Look | Unread]:
    if is_raster(path):
        return [_raster_look(name, look_at_raster(path))]
    kind = kind_of(path)
    # The sheets of a workbook, the files of an archive.
    parts = filled_sheets(path) if kind == "sheet" else zip_members(path) if kind == "archive" else []
    if len(parts) > 1:
        return [_part_look(path, name, part) for part in parts]
    if kind in ("text", "sheet", "parquet", "records", "archive", "gzip"):
        raw = read_rows("area", path, SourceSpec(path=str(path)), Tally())
        return [_table_look(name, raw)]
    return _map_looks(path, name)


def _part_look(path: Path, name: str, part: str) -> Look | Unread:
    """One sheet of a workbook or file of an archive of several, some of which may be lists of codes."""
    shown = f"{name} (layer {part})"
    try:
        if kind_of(path) == "archive" and PurePosixPath(part).suffix.casefold() in MAP_SUFFIXES:
            return _archived_look(f"/vsizip/{path.resolve()}/{part}", name, part) or Unread(shown, "it holds no rows")
        raw = read_rows("area", path, SourceSpec(path=str(path), layer=part), Tally())
    except InputError as error:
        return Unread(shown, str(error).replace("sources.area: ", "").replace(f"{path}: ", ""))
    except GDAL_ERRORS as error:
        return Unread(shown, f"GDAL cannot read it: {error}")
    return _table_look(name, raw, part)


def _archived_look(opened: str, name: str, member: str) -> Look | None:
    """The only layer of a map in an archive. InputError for several layers, of which a config cannot name one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layers = [str(layer) for layer, _ in pyogrio.list_layers(opened)]
        if len(layers) != 1:
            raise InputError(f"it holds {len(layers)} layers: unpack it")
        return _layer_look(opened, name, layers[0], shown=member)


def _raster_look(name: str, facts: RasterFacts) -> Look:
    return Look(path=name, bounds=facts.bounds, crs=facts.crs, raster=facts, count=facts.pixels)


def _map_looks(path: Path, name: str) -> list[Look | Unread]:
    """One look for each layer that holds rows."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            layers = [str(layer) for layer, _ in pyogrio.list_layers(path)]
            several = len(layers) > 1
            looks = [_layer_look(str(path), name, layer, layer if several else None) for layer in layers]
    except GDAL_ERRORS as error:
        return [Unread(name, describe(path) or f"GDAL cannot read it: {error}")]
    # Formats such as that of OpenStreetMap list all their layers, even empty ones.
    filled = [look for look in looks if look is not None]
    return [*filled] or [Unread(name, "it holds no rows")]


def _layer_look(opened: str, name: str, layer: str, shown: str | None) -> Look | None:
    """The look at one layer, which a config has to name as `shown`; None if it is empty."""
    table = pyogrio.read_dataframe(opened, layer=layer, max_features=SAMPLE_ROWS, on_invalid="ignore")
    if table.empty:
        return None
    if not isinstance(table, gpd.GeoDataFrame):
        return table_look(name, pd.DataFrame(table), None, None, len(table), shown)
    count, bounds = len(table), None
    if count == SAMPLE_ROWS and not opened.casefold().endswith((".pbf", ".osm")):
        info = pyogrio.read_info(opened, layer=layer, force_feature_count=True, force_total_bounds=True)
        count, bounds = int(info["features"]), info["total_bounds"]
    crs = None if table.crs is None else pyproj.CRS(table.crs)
    geometry = np.asarray(table.geometry.array, dtype=object)
    return table_look(name, pd.DataFrame(table.drop(columns=table.geometry.name)), geometry, crs, count, shown, bounds)


def _table_look(name: str, raw: RawTable, layer: str | None = None) -> Look:
    return table_look(name, raw.table, raw.geometry, raw.crs, len(raw.table), layer)


def table_look(
    name: str,
    table: pd.DataFrame,
    geometry: object,
    crs: pyproj.CRS | None,
    count: int,
    layer: str | None = None,
    bounds: tuple[float, float, float, float] | None = None,
) -> Look:
    """The look at rows with their geometry, or with longitude and latitude in columns."""
    if geometry is not None:
        shapes = np.asarray(geometry, dtype=object)
        shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
        kinds = frozenset(KINDS[kind] for kind in set(shapely.get_type_id(shapes).tolist()) & set(KINDS))
        total = shapely.total_bounds(shapes) if bounds is None else bounds
        # Coordinate columns need no mapping if there is a geometry, which takes precedence.
        return Look(
            path=name, layer=layer, sample=table, shapes=tuple(shapes[:SAMPLE_ROWS]), geometry=kinds, count=count,
            bounds=_degrees(total, crs), crs=crs,
        )  # fmt: skip
    found, lost = _coordinates(table)
    if lost or not found:
        return Look(path=name, layer=layer, sample=table, count=count, where_lost=lost)
    longitudes, latitudes = (_numbers(table[found[key]]) for key in ("longitude", "latitude"))
    inside = _on_earth(longitudes, latitudes)
    box = _box(longitudes[inside], latitudes[inside])
    read = {"longitude": ("longitude", "lon", "lng", "long"), "latitude": ("latitude", "lat")}
    named = {ours: theirs for ours, theirs in found.items() if theirs.casefold() not in read[ours]}
    points = shapely.points(longitudes[inside], latitudes[inside])
    return Look(
        path=name, layer=layer, sample=table, shapes=tuple(points[:SAMPLE_ROWS]), geometry=frozenset({"point"}),
        count=count, bounds=box, crs=DEGREES,
        coordinates=found if named else {},
    )  # fmt: skip


def _coordinates(table: pd.DataFrame) -> tuple[dict[str, str], str]:
    """The columns of longitude and latitude, or the reason why there are none."""
    found: dict[str, str] = {}
    for ours, pattern in (("longitude", LONGITUDE), ("latitude", LATITUDE)):
        names = [str(name) for name in table.columns if pattern.match(str(name).strip().casefold())]
        if names:
            found[ours] = names[0]
    if len(found) < 2:
        return {}, "it has no geometry, and no columns of longitude and latitude that are known by their names"
    inside = _on_earth(_numbers(table[found["longitude"]]), _numbers(table[found["latitude"]]))
    if not len(inside) or inside.mean() < 0.5:
        return {}, f"{found['longitude']} and {found['latitude']} hold no degrees: give columns and crs"
    return found, ""


def _box(longitudes: Floats, latitudes: Floats) -> tuple[float, float, float, float]:
    return float(longitudes.min()), float(latitudes.min()), float(longitudes.max()), float(latitudes.max())


def _numbers(column: pd.Series) -> Floats:
    text = column.astype("string").str.strip().str.replace(",", ".", regex=False)
    numbers: Floats = pd.to_numeric(text, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers


def _on_earth(longitudes: Floats, latitudes: Floats) -> Flags:
    with np.errstate(invalid="ignore"):
        inside = (np.abs(longitudes) <= 180) & (np.abs(latitudes) <= 90) & ((longitudes != 0) | (latitudes != 0))
    return np.asarray(inside, dtype=np.bool_)


def _degrees(bounds: object, crs: pyproj.CRS | None) -> tuple[float, float, float, float] | None:
    box = np.asarray(bounds, dtype=np.float64)
    if not np.isfinite(box).all():
        return None
    if crs is not None:
        turned = pyproj.Transformer.from_crs(crs, DEGREES, always_xy=True)
        box = np.asarray(turned.transform_bounds(*box))
    elif np.abs(box).max() > 360:
        return None
    return float(box[0]), float(box[1]), float(box[2]), float(box[3])
