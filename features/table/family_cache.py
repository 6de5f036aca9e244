"""A cache of feature families under keys of their data, settings and code; a new model does not invalidate it."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from features.as_of import Snapshot
from features.base import ArrayCache, FeatureInfo, Floats32, Grid, key_of
from features.families import FAMILIES
from features.sources.rasters import RasterSource

PACKAGE = Path(__file__).parents[1]
# Libraries on which values depend besides the program's own code.
LIBRARIES = ("numba", "numpy", "pyproj", "rasterio", "scipy", "shapely")
Columns = Mapping[str, Floats32]


def kept_columns(memory: ArrayCache, keys: Mapping[str, str]) -> dict[str, Columns]:
    """The columns of the families that are kept, by family; a family without a column has an empty mapping."""
    found: dict[str, Columns] = {}
    for family, key in keys.items():
        arrays = memory.read(key)
        if arrays is not None:
            found[family] = dict(zip(arrays["names"].tolist(), arrays["values"], strict=True))
    return found


def keep_columns(
    memory: ArrayCache, keys: Mapping[str, str], columns: Columns, infos: Mapping[str, FeatureInfo]
) -> None:
    """Keep the columns (n_cells,) of the families under their `keys`."""
    for family, key in keys.items():
        names = [name for name in columns if infos[name].family == family]
        values = np.stack([columns[name] for name in names]) if names else np.empty((0, 0), dtype=np.float32)
        memory.write(key, {"names": np.array(names, dtype=np.str_), "values": values})


def family_keys(grid: Grid, snapshot: Snapshot, families: Iterable[str]) -> dict[str, str]:
    """The key of each family on this grid: of the sources that it names, the date where one is dated, and its code."""
    place: list[str | NDArray[np.bool_]] = [
        grid.crs.to_wkt(),
        str((grid.cell_size_m, grid.row_min, grid.column_min)),
        np.asarray(grid.mask),
    ]
    libraries = [f"{name} {version(name)}" for name in LIBRARIES]
    land = key_of([*place, *libraries, code_of_rooms()])
    return {family: key_of([land, family, code_of(family), *_read(snapshot, family)]) for family in families}


def _read(snapshot: Snapshot, family: str) -> Iterator[str]:
    """All that a family may read, as texts."""
    known = FAMILIES[family]
    infos = [*known.features, *(known.described(snapshot) if known.described else ())]
    names = sorted({source for info in infos for source in info.sources} | ({"covariates"} & {family}))
    vectors = [name for name in names if name in snapshot.sources.vectors]
    yield from (f"{name} {snapshot.cached(_table_key, name)}" for name in vectors)
    yield from (
        f"{name} {_raster_key(snapshot, name, snapshot.sources.rasters[name])}"
        for name in names
        if name in snapshot.sources.rasters
    )
    if vectors:
        yield str({**asdict(snapshot.context), "own_event_sources": sorted(snapshot.context.own_event_sources)})
    if "covariates" in names:
        for one in snapshot.sources.covariates:
            yield content_of(one) if isinstance(one, gpd.GeoDataFrame) else _raster_key(snapshot, "", one)


def _table_key(snapshot: Snapshot, source: str) -> str:
    return content_of(snapshot.table(source))


def content_of(table: gpd.GeoDataFrame) -> str:
    """A key of the rows of a table: geometries, values and the names of its columns."""
    plain = pd.DataFrame(table.drop(columns=table.geometry.name))
    shapes = shapely.to_wkb(np.asarray(table.geometry.array))
    values = [f"{name} {plain[name].dtype}\n{plain[name].to_list()!r}" for name in plain]
    return key_of([*(b"" if shape is None else shape for shape in shapes), *values])


def _raster_key(snapshot: Snapshot, name: str, raster: RasterSource) -> str:
    reports = [one.digest for one in snapshot.sources.reports if name in {"", one.source}]
    facts = {field: str(value) for field, value in vars(raster).items() if field != "paths"}
    return key_of([*reports, str(facts)])


@cache
def code_of_rooms() -> str:
    """A key of the code that all families share."""
    paths = sorted(path for path in PACKAGE.rglob("*.py") if "families" not in path.parts)
    return key_of(part for path in paths for part in (path.relative_to(PACKAGE).as_posix(), path.read_bytes()))


@cache
def code_of(family: str) -> str:
    """A key of the module of a family and of those modules of families that it imports."""
    wanted, code = [family], {}
    while wanted:
        module = wanted.pop()
        path = PACKAGE / "families" / f"{module}.py"
        if module in code or not path.is_file():
            continue
        code[module] = path.read_bytes()
        for node in ast.walk(ast.parse(code[module])):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("features.families"):
                last = (node.module or "").rsplit(".", 1)[-1]
                wanted += [alias.name for alias in node.names] if last == "families" else [last]
    return key_of(part for module in sorted(code) for part in (module, code[module]))
