"""The whole configuration of a country, read from YAML; every message names the key, the value and a remedy."""

import re
from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, Field, ValidationError, field_validator

from features.base import ConfigError, Place, Settings, parse_yaml, place_of, read_yaml
from mlrisk.risk_map import languages
from mlrisk.settings.planning import RankingSettings
from training.settings import TrainConfig

NOT_IN_YAML = ("home_folder", "data_folder")
# Length of a value in a message.
LONGEST_VALUE = 80


# The formats in the order in which they are written; the table of writers holds the same names.
FORMATS = (
    "parquet",
    "cog",
    "gpkg",
    "qgz",
    "csv",
    "xlsx",
    "kml",
    "gpx",
    "calendar",
    "html",
    "pdf",
    "shp",
    "fgdb",
    "stac",
)
# Written only if the config asks for them, because GeoPackage holds the same and more.
OPTIONAL_FORMATS = ("shp", "fgdb")


class OutputSettings(Settings):
    """Where the planner package goes and in which formats."""

    folder: str | Path = Field(
        "outputs", description="relative to the config file, or an address in an object store such as s3://bucket/path"
    )
    formats: tuple[str, ...] = Field(
        tuple(name for name in FORMATS if name not in OPTIONAL_FORMATS), min_length=1, description="see FORMATS"
    )
    task_sheets: int = Field(20, ge=0, le=500, description="first tasks that get a page of their own in the pdf")
    languages: tuple[str, ...] = Field(
        languages(), min_length=1, description="of the reasons: the first one in every file, the others on the page too"
    )

    @field_validator("folder", mode="before")
    @classmethod
    def _place(cls, value: Any) -> Any:
        # An error of pydantic would repeat the value with its password.
        if isinstance(value, str):
            place_of("output.folder", value)
        return value

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(value) - set(FORMATS))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no format: choose from {', '.join(FORMATS)}")
        if "qgz" in value and not {"cog", "gpkg"} <= set(value):
            raise ValueError("qgz shows the files of cog and gpkg: add them, or leave out qgz")
        return value

    @field_validator("languages")
    @classmethod
    def _known_languages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(value) - set(languages()))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no language: choose from {', '.join(languages())}")
        return value


class Config(TrainConfig):
    """Everything that a run depends on."""

    ranking: RankingSettings = RankingSettings()
    output: OutputSettings = OutputSettings()

    @property
    def output_folder(self) -> Place:
        """The folder of the planner package: an absolute path, or an address in an object store."""
        place = place_of("output.folder", self.output.folder)
        return (self.home_folder / place).resolve() if isinstance(place, Path) else place


def load_config(path: str | Path, data: str | Path | None = None, overrides: Sequence[str] = ()) -> Config:
    """Read a YAML config; `data` is the folder of relative sources, `overrides` are texts such as 'seed=3'.

    Raises ConfigError for a missing file, broken YAML, an unknown key (the message lists the valid ones) or a value
    out of range.
    """
    file = Path(path)
    tree = _read_yaml(file)
    for text in overrides:
        _override(tree, text)
    for key in NOT_IN_YAML:
        if key in tree:
            raise ConfigError(f"{file}: {key} cannot be set in a config; valid keys: {', '.join(_keys(Config))}")
    home = file.resolve().parent
    folder = home if data is None else Path(data).resolve()
    if not folder.is_dir():
        raise ConfigError(f"--data ({data}) is not a folder")
    try:
        return Config.model_validate({**tree, "home_folder": home, "data_folder": folder})
    except ValidationError as error:
        # pydantic complains about each kind that a value may have; the first complaint is the relevant one.
        by_key = {_key_of(part): part for part in reversed(error.errors())}
        raise ConfigError("\n".join(_message(file, part) for part in reversed(by_key.values()))) from error


def _read_yaml(file: Path) -> dict[str, Any]:
    tree = read_yaml(file, "config")
    if not isinstance(tree, dict):
        raise ConfigError(f"config ({file}) must be a mapping with the keys {', '.join(_keys(Config))}")
    return tree


def _override(tree: dict[str, Any], text: str) -> None:
    """Set one dotted key; the value is read as YAML."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set ({text}) must read key=value, such as grid.cell_size_m=250")
    *parents, last = key.strip().split(".")
    place = tree
    for parent in parents:
        if parents[0] == "sources" and isinstance(place.get(parent), str):
            # A source given as a bare path can still get a layer or columns.
            place[parent] = {"path": place[parent]}
        place = place.setdefault(parent, {})
        if not isinstance(place, dict):
            raise ConfigError(f"--set ({text}): {parent} holds no keys of its own")
    place[last] = parse_yaml(value, f"--set ({text}): the value")


def _keys(model: type[BaseModel]) -> list[str]:
    return [name for name in model.model_fields if name not in NOT_IN_YAML]


DAY = "must be a day, written as 2024-07-31"
# By the type of the complaint of pydantic.
REMEDIES = {
    "date_from_datetime_parsing": DAY, "date_parsing": DAY, "date_type": DAY, "date_from_datetime_inexact": DAY,
    "date_past": DAY, "date_future": DAY, "dict_type": "must be a mapping, such as {name: ...}",
}  # fmt: skip
# By a part of its words.
MAPPINGS = {
    "instance of SourceSpec": "must be a path, or {path: ...} with other keys; several files are {path: [a, b]}",
    "instance of SourcesSettings": "must be a mapping: a source and its path in each line, such as roads: roads.gpkg",
}


def _message(file: Path, error: Any) -> str:
    """One line for one complaint of pydantic."""
    location = _location(error)
    key = _key_of(error)
    if error["type"] == "extra_forbidden":
        valid = _keys(_model_at(location[:-1]))
        near = get_close_matches(str(location[-1]), valid, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"{file}: {key} is not a key.{hint} Valid keys: {', '.join(valid)}"
    if error["type"] == "missing":
        return f"{file}: {key} is missing"
    given = error.get("input")
    shown = "" if isinstance(given, (dict, list, tuple)) or len(location) == 0 else f" ({repr(given)[:LONGEST_VALUE]})"
    return f"{file}: {key}{shown}: {_complaint(error, key, given)}"


def _complaint(error: Any, key: str, given: Any) -> str:
    """What is wrong with a value, and what would do."""
    kind = error["type"]
    says = str(error["msg"].removeprefix("Value error, ").replace("a valid tuple", "a list, such as [a, b]"))
    if kind == "string_type" and isinstance(given, bool):
        return "yes, no, on, off, true and false without quotes are truth values in YAML: put it in quotes"
    if kind == "string_type" and isinstance(given, int | float | date):
        return f"{says}: put it in quotes"
    named = next((text for part, text in MAPPINGS.items() if part in says), "")
    if kind == "model_type" and not named:
        return f"must be a mapping with any of the keys {', '.join(_keys(_model_at(_location(error))))}"
    if kind == "string_pattern_mismatch" and key == "name":
        return "must begin with a small letter or a figure, and hold those, - and _ alone, at most 63 of them"
    return named or REMEDIES.get(kind, says)


def _location(error: Any) -> list[Any]:
    """The key that a complaint concerns, without the kinds of value that pydantic tried."""
    return [
        part
        for part in error["loc"]
        if not re.match(r"function-|(str|int|float|bool|date|constrained-.*)$|tuple\[|dict\[|list\[", str(part))
    ]


def _key_of(error: Any) -> str:
    return ".".join(str(part) for part in _location(error))


def _model_at(location: Sequence[Any]) -> type[BaseModel]:
    """The settings class whose keys are valid at a place of the config."""
    model: type[BaseModel] = Config
    for part in location:
        field = model.model_fields.get(str(part))
        if field is None:
            continue
        found = _models_in(field.annotation)
        if not found:
            break
        model = found[0]
    return model


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
