"""How a configuration names a source: its path, layer, rows and columns."""

from datetime import date
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from features.base import Settings
from features.sources.kinds import is_raster
from features.sources.schema import COORDINATE_ALIASES, SCHEMAS, TEXT

Scalar = str | int | float | bool | date

# Columns of words in every source that has them.
WORDS = frozenset(ours for schema in SCHEMAS.values() for ours, kind in schema.columns.items() if kind == TEXT)
# Keys that concern records, and keys that concern tables.
FOR_RECORDS = ("values", "terms", "date_order", "time_zone", "file_date", "beside_config", "duplicates")
FOR_TABLES = (*FOR_RECORDS, "layer", "where", "encoding")


class SourceSpec(Settings):
    """One source: a path, or a path with the keys needed to read it. A bare string is `{path: string}`."""

    path: str | tuple[str, ...] = Field(
        description="File, or list of files read one after another; relative to the configuration or to --data"
    )
    layer: str | tuple[str, ...] | None = Field(
        None, description="Layer of the file (sheet of a workbook, file of an archive), or a list of them"
    )
    where: str | None = Field(None, description="SQL where clause that selects rows, as GDAL reads it; for CSV too")
    columns: dict[str, str] = Field(default_factory=dict, description="Our column name: the name in the file")
    values: dict[str, Scalar | dict[str, Scalar]] = Field(
        default_factory=dict, description="Our column name: a constant, or {value in the file: our value}"
    )
    terms: str | None = Field(
        None, description="Mapping file of column names and coded values, such as that of IMSMA; beside the config"
    )
    crs: str | None = Field(None, description="CRS of the file where it states none or a wrong one, e.g. EPSG:4326")
    beside_config: Literal[True] | None = Field(
        None, description="true: the path is relative to the config whatever --data is; for tables that come with it"
    )
    file_date: date | None = Field(
        None,
        description="day on which the file was written: statuses of hazard areas without a status_date count from it. "
        "None: from the newest date that the file holds",
    )
    duplicates: Literal["keep"] | None = Field(
        None,
        description="keep: records that say the same of the same place are several, as where an event is counted once "
        "a victim; without it the first stays and the others are set aside",
    )
    encoding: str | None = Field(None, description="Encoding of a text or shapefile that is not read rightly: cp1251")
    date_order: Literal["DMY", "MDY", "YMD"] | None = Field(
        None, description="Order of figures in dates such as 03/04/2001; DMY unless the column shows another"
    )
    time_zone: str | None = Field(
        None, description="Where times with a zone are turned into days, e.g. Asia/Baku; a time's own zone if not given"
    )

    resampling: Literal["auto", "nearest", "mean", "sum"] = Field(
        "auto",
        description="How a raster of covariates meets the cells: its nearest pixel, the mean, or the sum (for counts)",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, given: object) -> object:
        return {"path": given} if isinstance(given, str) else given

    @field_validator("path")
    @classmethod
    def _some_path(cls, path: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not path or any(not part for part in path):
            raise ValueError(f"path ({path!r}) must name at least one file")
        return path

    @field_validator("values", mode="before")
    @classmethod
    def _text_keys(cls, values: object) -> object:
        """YAML reads the key in `1: found` as a number, but the file's values are compared as text."""
        if not isinstance(values, dict):
            return values
        return {
            ours: {str(theirs): value for theirs, value in given.items()} if isinstance(given, dict) else given
            for ours, given in values.items()
        }

    @field_validator("values")
    @classmethod
    def _no_truth_for_words(
        cls, values: dict[str, Scalar | dict[str, Scalar]]
    ) -> dict[str, Scalar | dict[str, Scalar]]:
        """YAML reads an unquoted yes or no as a truth value, which is no word of a column of texts."""
        for ours, given in values.items():
            for value in given.values() if isinstance(given, dict) else [given]:
                if isinstance(value, bool) and ours in WORDS:
                    raise ValueError(
                        f"{ours}: {str(value).lower()}: yes, no, on, off, true and false without quotes are truth "
                        "values in YAML: put it in quotes"
                    )
        return values

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        if zone is not None:
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError("is no time zone: give one such as Asia/Baku") from error
        return zone

    @property
    def paths(self) -> tuple[str, ...]:
        """The file(s) as a tuple."""
        return (self.path,) if isinstance(self.path, str) else self.path

    @property
    def one_layer(self) -> str | None:
        """The layer if exactly one is given, else None."""
        return None if isinstance(self.layer, tuple) else self.layer

    @property
    def layers(self) -> tuple[str | None, ...]:
        """The layer(s) as a tuple; (None,) where the file has one."""
        return self.layer if isinstance(self.layer, tuple) else (self.layer,)


class SourcesSettings(Settings):
    """The sources of a country. All are optional; a source that is missing drops its features."""

    dem: SourceSpec | None = Field(None, description="Elevation raster in metres")
    front_lines: SourceSpec | None = Field(None, description="Lines of contact, defence lines, withdrawal routes")
    control_areas: SourceSpec | None = Field(None, description="Who held the land: polygons with a holder")
    control_points: SourceSpec | None = Field(None, description="Who held each place at a date: points with a holder")
    roads: SourceSpec | None = Field(None, description="Roads as lines")
    incidents: SourceSpec | None = Field(None, description="Accidents with explosive ordnance, points")
    conflict_events: SourceSpec | None = Field(None, description="Fighting with dates, points")
    hazard_areas: SourceSpec | None = Field(None, description="Suspected and confirmed hazardous areas")
    minefield_records: SourceSpec | None = Field(None, description="Handed-over minefield records: a prior, no label")
    land_release: SourceSpec | None = Field(None, description="Cancelled, reduced and cleared land, polygons")
    finds: SourceSpec | None = Field(None, description="Explosive ordnance found, points")
    settlements: SourceSpec | None = Field(None, description="Settlements with population and planned return")
    land_use: SourceSpec | None = Field(None, description="Land use, polygons or a raster of classes")
    rivers: SourceSpec | None = Field(None, description="Rivers and canals")
    power_lines: SourceSpec | None = Field(None, description="Power lines and pylons")
    buildings: SourceSpec | None = Field(None, description="Buildings")
    districts: SourceSpec | None = Field(None, description="Districts, polygons with a name")
    survey: SourceSpec | None = Field(None, description="Survey results: found, searched or unknown")
    covariates: tuple[SourceSpec, ...] = Field((), description="Rasters or tables of points, taken as they are")

    @model_validator(mode="after")
    def _known_columns(self) -> "SourcesSettings":
        for name, schema in SCHEMAS.items():
            spec = getattr(self, name)
            if spec is None:
                continue
            _refuse_resampling(name, spec)
            if spec.file_date is not None and "hazard_status" not in schema.columns:
                raise ValueError(f"{name}.file_date ({spec.file_date}) is for hazard_areas alone: leave it out here")
            known = (*schema.columns, *COORDINATE_ALIASES, "geometry")
            for part, named in (("columns", spec.columns), ("values", spec.values)):
                unknown = sorted(set(named) - set(known))
                if unknown:
                    raise ValueError(
                        f"{name}.{part} names {', '.join(map(repr, unknown))}: the left side is our name, "
                        f"one of {', '.join(known)}"
                    )
        if self.dem is not None:
            _refuse_resampling("dem", self.dem)
            _refuse_without_effect("dem", self.dem, ("columns", *FOR_TABLES), "a raster")
        if self.land_use is not None and is_raster(Path(self.land_use.paths[0])):
            _refuse_without_effect("land_use", self.land_use, ("columns", *FOR_TABLES), "a raster of classes")
        for spec in self.covariates:
            raster = is_raster(Path(spec.paths[0]))
            keys, what = (FOR_TABLES, "a raster") if raster else (FOR_RECORDS, "a table of covariates")
            _refuse_without_effect("covariates", spec, keys, what)
        return self


def _refuse_without_effect(name: str, spec: SourceSpec, keys: tuple[str, ...], what: str) -> None:
    """ValueError for a key that would have no effect."""
    for key in keys:
        given = getattr(spec, key)
        if given is not None and given != {}:
            raise ValueError(
                f"{name}.{key} ({given!r}) has no effect on {what} ({', '.join(spec.paths)}): leave it out"
            )


def _refuse_resampling(name: str, spec: SourceSpec) -> None:
    if spec.resampling != "auto":
        raise ValueError(
            f"{name}.resampling ({spec.resampling!r}) is for rasters of covariates alone: leave it out here"
        )
