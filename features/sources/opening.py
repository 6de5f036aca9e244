"""The input border: every source of a configuration opened once, in the grid's CRS, with an account of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import isfinite
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from shapely.geometry import MultiPoint
from shapely.geometry.base import BaseGeometry

from features.base import DATED_BY, ConfigError, Grid, InputError, Integers, dates_of, scale_of, words
from features.sources.columns import take_canonical
from features.sources.coordinates import Home
from features.sources.coregistration import disagreements
from features.sources.covariate_tables import leave_unique, take_numeric
from features.sources.crosswalk import SourceTerms, read_terms
from features.sources.digests import digest_files
from features.sources.raster_opening import open_raster
from features.sources.rasters import RasterSource
from features.sources.readers import find_files, is_raster
from features.sources.report import SourceReport, Tally
from features.sources.schema import AREA, NO_ROADS, POINT, POLYGON, ROAD_CLASSES, SCHEMAS
from features.sources.settings import FOR_RECORDS, SourceSpec, SourcesSettings
from features.sources.vectors import make_polygonal, read_vector

__all__ = ["KEEP_AROUND_M", "RasterSource", "SourceReport", "SourceSpec", "Sources", "SourcesSettings"]
__all__ += ["open_area", "open_sources"]

# Distance features are capped at 50 km: records further away cannot change them, but slow every search.
KEEP_AROUND_M = 50_000.0
# Authorities work beyond the edge of their UTM zone; swapped axes or a lost sign cause greater errors.
AROUND_DOMAIN_M = 500_000.0
# A greater error of distances is noted.
MOST_SCALE_ERROR = 0.02
# Sources whose records make labels.
LABEL_SOURCES = frozenset({"survey", "finds", "incidents", "hazard_areas", "land_release"})

# Names of road classes that a remark shows.
MOST_CLASSES = 5


@dataclass(frozen=True, kw_only=True)
class Sources:
    """All sources of a run. A source that is not configured, or without a kept row, has no key.

    `rows` has the number of each record of a vector source in its file, counted through the files of the source.
    """

    grid: Grid
    vectors: dict[str, gpd.GeoDataFrame]
    rasters: dict[str, RasterSource]
    covariates: tuple[RasterSource | gpd.GeoDataFrame, ...]
    reports: tuple[SourceReport, ...]
    rows: Mapping[str, Integers] = field(default_factory=dict)


def open_sources(specs: SourcesSettings, grid: Grid, base: Path, home_folder: Path | None = None) -> Sources:
    """Open every configured source; paths are relative to `base`, those of terms to `home_folder` (`base` if none).

    Vectors come in the grid's CRS with canonical columns alone. Raises InputError for sources that cannot be opened or
    are wrong as a whole, ConfigError for an unknown `crs`; single wrong records are counted in the reports.
    """
    vectors: dict[str, gpd.GeoDataFrame] = {}
    rasters: dict[str, RasterSource] = {}
    reports: list[SourceReport] = []
    rows: dict[str, Integers] = {}
    home = Home(grid.crs, grid.bounds, KEEP_AROUND_M)
    for name, spec in _configured(specs):
        if name == "dem" or (name == "land_use" and is_raster(Path(spec.paths[0]))):
            rasters[name], report = open_raster(name, spec, grid, base)
        else:
            table, report, numbers = _open_vector(name, spec, home, base, home_folder or base)
            if not table.empty:
                vectors[name], rows[name] = table, numbers
        reports.append(report)
    covariates: list[RasterSource | gpd.GeoDataFrame] = []
    names: set[str] = set()
    for spec in specs.covariates:
        covariate, report = _open_covariate(spec, specs, grid, home, base, names)
        if covariate is not None:
            covariates.append(covariate)
            remarks = disagreements(covariate, rasters["dem"], grid) if "dem" in rasters else []
            report = replace(report, notes=(*report.notes, *remarks))
        reports.append(report)
    return Sources(
        grid=grid, vectors=vectors, rasters=rasters, covariates=tuple(covariates), reports=tuple(reports), rows=rows
    )


def open_area(
    spec: SourceSpec | str | Sequence[SourceSpec | str], crs: pyproj.CRS, base: Path
) -> tuple[BaseGeometry, SourceReport]:
    """The area of interest in `crs`: polygons joined into one, or the points of a table as a MultiPoint.

    Raises InputError for lines, for polygons mixed with points, and if nothing is left.
    """
    given = [spec] if isinstance(spec, SourceSpec | str) else list(spec)
    specs = [SourceSpec(path=one) if isinstance(one, str) else one for one in given]
    for one in specs:
        for key in FOR_RECORDS:
            if getattr(one, key):
                raise ConfigError(f"grid.area: {key} ({getattr(one, key)!r}) is for records alone: leave it out here")
    tally = Tally()
    home = Home(crs, *_domain(crs))
    paths = tuple(path for one in specs for path in one.paths)
    # The digest is taken before reading, here and below, so that a file that is replaced meanwhile differs from it.
    digest = digest_files(tuple(file for one in specs for file in find_files("area", one, base)))
    try:
        tables = [
            read_vector("area", one, AREA.geometry, home, base, partial(take_canonical, "area", one, AREA), tally)
            for one in specs
        ]
    except InputError as error:
        # The area is no source: its key is another.
        raise InputError(str(error).replace("sources.area", "grid.area", 1)) from error
    parts = [part for table in tables for part in table.geometry]
    kinds = {POINT if part.geom_type.endswith("Point") else POLYGON for part in parts}
    if len(kinds) != 1:
        why = "holds polygons and points: give one of them" if kinds else "holds no polygon and no point"
        if "out of area" in tally.set_aside and not kinds:
            why = f"lies outside the domain of {crs.to_string()}: check grid.crs and the CRS of the area"
        set_aside = f"; set aside: {', '.join(f'{n} {reason}' for reason, n in tally.set_aside.items())}"
        raise InputError(f"grid.area: {', '.join(paths)} {why}{set_aside if tally.set_aside else ''}")
    area: BaseGeometry
    if kinds == {POINT}:
        area = MultiPoint(list(shapely.get_parts(parts)))
    else:
        area = shapely.union_all(make_polygonal(np.array(parts, dtype=object)))
    scale = scale_of(area, crs)
    if scale is not None and max(abs(scale[0] - 1), abs(scale[1] - 1)) > MOST_SCALE_ERROR:
        tally.note(f"a metre of {crs.to_string()} is {scale[0]:.2f} to {scale[1]:.2f} m here, by direction")
    return area, tally.report("area", ", ".join(paths), digest, len(parts))


def _domain(crs: pyproj.CRS) -> tuple[tuple[float, float, float, float], float]:
    """Bounds of the domain of a CRS in its metres, and the tolerance of an area beyond them."""
    use = crs.area_of_use
    everywhere = (-1e9, -1e9, 1e9, 1e9)
    if use is None:
        return everywhere, AROUND_DOMAIN_M
    to_crs = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    bounds = to_crs.transform_bounds(use.west, use.south, use.east, use.north)
    return (bounds if all(map(isfinite, bounds)) else everywhere), AROUND_DOMAIN_M


def _configured(specs: SourcesSettings) -> list[tuple[str, SourceSpec]]:
    named = ((name, getattr(specs, name)) for name in ("dem", *SCHEMAS))
    return [(name, spec) for name, spec in named if spec is not None]


def _open_vector(
    name: str, spec: SourceSpec, home: Home, base: Path, home_folder: Path
) -> tuple[gpd.GeoDataFrame, SourceReport, Integers]:
    base = home_folder if spec.beside_config else base
    tally, schema = Tally(), SCHEMAS[name]
    files, terms = find_files(name, spec, base), None
    if spec.terms is not None:
        # The mapping of words is an input like the file whose words it maps.
        files = (*files, home_folder / spec.terms)
        terms = _terms_of(name, read_terms(files[-1]), files[-1])
    digest = digest_files(files)
    take = partial(take_canonical, name, spec, schema, terms=terms, latest_hours=home.latest_hours())
    table = read_vector(name, spec, schema.geometry, home, base, take, tally, terms)
    if "hazard_status" in table:
        table = _dated_statuses(table, spec, tally)
    if "road_class" in table and len(table):
        _ask_for_classes(table, tally)
    return table, tally.report(name, ", ".join(spec.paths), digest, len(table)), tally.rows


def _ask_for_classes(table: gpd.GeoDataFrame, tally: Tally) -> None:
    """Remark on road classes that are not OSM's: their roads are in no group until the config translates them."""
    names = words(table, "road_class")
    known = np.array([*NO_ROADS, *(name for group in ROAD_CLASSES.values() for name in group)])
    other = (names != "") & ~np.isin(np.char.replace(names, "_link", ""), known)
    if other.any():
        shown, count = np.unique(names[other], return_counts=True)
        most = [str(name) for name in shown[np.argsort(-count, kind="stable")][:MOST_CLASSES]]
        tally.remark("road_class that is not OSM's", int(other.sum()))
        tally.note(
            f"road_class: {int(other.sum())} roads have classes that are not OSM's ({', '.join(most)}): say what they "
            f"are with values: {{road_class: {{{most[0]}: primary}}}}"
        )


def _dated_statuses(table: gpd.GeoDataFrame, spec: SourceSpec, tally: Tally) -> gpd.GeoDataFrame:
    """The table with the day from which each status counts: its own, else that of the file.

    The dates of a record tell when it was written, not when its status changed. A file is no older than the newest date
    in it; without any date its statuses are always valid, like its records.
    """
    stated = dates_of(table, "status_date")
    undated = np.isnat(stated) & table["hazard_status"].notna().to_numpy(dtype=bool)
    if not undated.any():
        return table.assign(status_date=stated)
    dates = np.concatenate([dates_of(table, name) for name in ("status_date", *DATED_BY)])
    written, why = np.fmax.reduce(dates), "the newest date in the file"
    if spec.file_date is not None:
        written, why = np.datetime64(spec.file_date.isoformat(), "ns"), "file_date"
    since = "count at every date: the file holds no date and file_date gives none"
    if not np.isnat(written):
        since = f"count from {np.datetime_as_string(written, unit='D')} on, {why}"
    tally.note(f"hazard_status: {int(undated.sum())} statuses without a status_date {since}")
    return table.assign(status_date=np.where(undated, written, stated))


def _terms_of(source: str, terms: dict[str, SourceTerms], file: Path) -> SourceTerms:
    if source not in terms:
        raise ConfigError(f"sources.{source}.terms ({file}) has no {source}: it has {', '.join(terms) or 'nothing'}")
    return terms[source]


def _open_covariate(
    spec: SourceSpec, specs: SourcesSettings, grid: Grid, home: Home, base: Path, names: set[str]
) -> tuple[RasterSource | gpd.GeoDataFrame | None, SourceReport]:
    """One covariate source under unique names; None for a table of which nothing is kept."""
    if is_raster(Path(spec.paths[0])):
        chosen = next(iter(spec.columns), Path(spec.paths[0]).stem)
        return open_raster("covariates", spec, grid, base, leave_unique(chosen, names))
    if spec.resampling != "auto":
        raise ConfigError(
            f"sources.covariates: {spec.paths[0]} is a table, resampling ({spec.resampling!r}) is for rasters: "
            "leave it out"
        )
    tally = Tally()
    digest = digest_files(find_files("covariates", spec, base))
    take = partial(take_numeric, spec, _answers(spec, specs, base), frozenset(names))
    table = read_vector("covariates", spec, (POINT,), home, base, take, tally)
    names.update(str(name) for name in table.columns if name != "geometry")
    report = tally.report("covariates", ", ".join(spec.paths), digest, len(table))
    return (None if table.empty else table), report


def _answers(spec: SourceSpec, specs: SourcesSettings, base: Path) -> dict[str, str]:
    """Columns of the covariates' file (folded) that a source of labels reads from the same file: column -> source.

    A table of surveyed cells holds the outcome beside the covariates; as a covariate it would reveal the labels.
    """
    files = {(base / path).resolve() for path in spec.paths}
    answers: dict[str, str] = {}
    for name, other in _configured(specs):
        if name in LABEL_SOURCES and files & {(base / path).resolve() for path in other.paths}:
            columns = {other.columns.get(ours, ours) for ours in SCHEMAS[name].columns}
            answers |= {column.casefold(): name for column in columns}
    return answers
