"""Reference pages of the documentation, made from the code: config keys, source columns, output columns, exit codes."""

import sys
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel

from features.base import ConfigError, InputError, MlriskError
from features.sources import COLUMN_TEXTS, SCHEMAS, VOCABULARIES, SourceSpec
from mlrisk.outputs import BANDS, LAYERS, MORE_TASK_COLUMNS, RISK_COLUMN_TEXTS, SHEET_TEXTS, TASK_COLUMNS, layer_text
from mlrisk.settings import Config

MADE = "Made from the code by `python -m mlrisk.commands.reference docs/reference`: edit the code, not this page."
NOT_IN_YAML = ("home_folder", "data_folder")


def pages() -> dict[str, str]:
    """Each page by its file name."""
    return {
        "config.md": config_page(),
        "sources.md": sources_page(),
        "outputs.md": outputs_page(),
        "exit_codes.md": exit_codes_page(),
    }


def config_keys(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Every key of the config with its type, default and meaning, keys of nested settings behind their own.

    Settings under a name of the user's choice have `NAME` in its place, entries of a list `[]`.
    """
    for name, field in model.model_fields.items():
        if not prefix and name in NOT_IN_YAML:
            continue
        key = f"{prefix}{name}"
        inner, ending = _inner_settings(field.annotation)
        if inner is not None and not (inner.__name__ == "SourceSpec" and prefix):
            yield key, "settings", _default(field), field.description or _first_line(inner.__doc__)
            yield from config_keys(inner, f"{key}{ending}.")
            continue
        yield key, _type_text(field.annotation, field.metadata), _default(field), field.description or ""


def config_page() -> str:
    """Every key of the YAML config."""
    rows = [(f"`{key}`", kind, default, text) for key, kind, default, text in config_keys()]
    head = (
        "Keys of nested settings are joined by dots, as `--set` takes them. `NAME` stands for a name of your choice, "
        "`[]` for an entry of a list. A source is a path or the keys of [a source](#a-source). Unknown keys are "
        "refused, and the message lists the valid ones. `mlrisk config schema` writes the JSON schema for editors."
    )
    source = [(f"`{key.strip()}`", kind, default, text) for key, kind, default, text in config_keys(SourceSpec, " ")]
    columns = ("key", "type", "default", "meaning")
    return _page("Config keys", head, _table(columns, rows), "## A source", _table(columns, source))


def sources_page() -> str:
    """Every source with its geometry and the columns that are read."""
    head = (
        "Columns that are not named here never leave the reading of a file: personal data of victims stay out. Map "
        "names of your own with `columns: {ours: theirs}` and values with `values`."
    )
    parts: list[str] = []
    for name, schema in SCHEMAS.items():
        parts.append(f"## {name}\n\nGeometry: {', '.join(schema.geometry)}.")
        rows = [
            (
                f"`{column}`" + (" (required)" if column in schema.required else ""),
                kind,
                COLUMN_TEXTS[column],
                ", ".join(VOCABULARIES.get(column, ())),
            )
            for column, kind in schema.columns.items()
        ]
        parts += [_table(("column", "type", "meaning", "values"), rows)] if rows else ["No columns."]
    return _page("Sources and their columns", head, *parts)


def outputs_page() -> str:
    """Every column of the files of a map, every layer and every band."""
    risk = [(f"`{name}`", column.unit, column.text, column.empty) for name, column in RISK_COLUMN_TEXTS.items()]
    tasks = [(f"`{column.name}`", column.unit, column.text) for column in TASK_COLUMNS]
    tasks += [(f"`{name}`", column.unit, column.text) for name, column in MORE_TASK_COLUMNS.items()]
    layers = [
        (f"`{name}`", f"`{column}`", layer_text(column)) for name, columns in LAYERS.items() for column in columns
    ]
    bands = [(str(number), f"`{name}`", text) for number, (name, text) in enumerate(BANDS.items(), start=1)]
    return _page(
        "Output columns",
        "Every file carries the date of knowledge, the model versions, what was not included, and the sentence that a "
        "low rank is no evidence of absence.",
        "## risk.parquet: one row a cell",
        _table(("column", "unit", "meaning", "empty means"), risk),
        "## survey_tasks: one row a task",
        "Shapefiles keep ten letters of a name; the text file beside each one says which column is which.",
        _table(("column", "unit", "meaning"), tasks),
        "## survey_tasks.xlsx and survey_calendar.xlsx: sheets to print",
        _table(("heading", "meaning"), SHEET_TEXTS.items()),
        "## risk_map.gpkg: layers beside survey_tasks",
        _table(("layer", "column", "meaning"), layers),
        "## risk_map.tif: bands",
        "Empty (NaN) outside the area; probabilities and victims are empty where there is no basis to rank, too. "
        "`risk_classes.tif` has one band, `priority_class`, with 0 outside.",
        _table(("band", "name", "meaning"), bands),
    )


def exit_codes_page() -> str:
    """The meaning of every exit code of the commands."""
    rows = [
        ("0", "done"),
        (str(MlriskError.exit_code), "a run that failed; the message says what would do"),
        (str(ConfigError.exit_code), "usage or config: an unknown key, a value out of range, a missing option"),
        (str(InputError.exit_code), "bad input data: a file that cannot be used, with its rows"),
        ("4", "the gate refused the new model: the earlier one ranks"),
        ("130, 143", "interrupted (Ctrl-C), ended by the system (SIGTERM): earlier outputs are whole"),
    ]
    return _page("Exit codes", "The same for every command.", _table(("code", "meaning"), rows))


def write_pages(folder: Path) -> tuple[Path, ...]:
    """Write every page into a folder; the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        written.append(folder / name)
    return tuple(written)


def _inner_settings(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The settings class in a type, and the text between its key and theirs; None for a plain value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    origin = get_origin(annotation)
    ending = ".NAME" if origin is dict else "[]" if origin in (tuple, list) else ""
    for part in get_args(annotation):
        inner, more = _inner_settings(part)
        if inner is not None:
            return inner, ending + more
    return None, ""


def _type_text(annotation: Any, limits: Iterable[Any]) -> str:
    """A type in the words of YAML, with its limits.

    >>> from annotated_types import Gt, Le
    >>> _type_text(float | None, [Gt(0), Le(1)]), _type_text(tuple[str, ...], [])
    ('number or nothing, > 0, <= 1', 'list of text')
    """
    signs = {"Gt": ">", "Ge": ">=", "Lt": "<", "Le": "<=", "MinLen": "at least", "MaxLen": "at most"}
    bounds = []
    for limit in limits:
        sign = signs.get(type(limit).__name__)
        if sign:
            (value,) = vars(limit).values() if hasattr(limit, "__dict__") else (getattr(limit, limit.__slots__[0]),)
            bounds.append(f"{sign} {value}" + (" long" if sign.startswith("at") else ""))
    return ", ".join([_plain_type(annotation), *bounds])


def _plain_type(annotation: Any) -> str:
    plain = {
        str: "text",
        float: "number",
        int: "whole number",
        bool: "true or false",
        type(None): "nothing",
        Path: "path",
    }
    if isinstance(annotation, type) and not get_args(annotation):
        return plain.get(
            annotation, {"date": "date", "SourceSpec": "source"}.get(annotation.__name__, annotation.__name__)
        )
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(map(str, parts))
    if origin is Annotated:
        return _type_text(parts[0], [limit for part in parts[1:] for limit in getattr(part, "metadata", (part,))])
    if origin is dict:
        return f"{_plain_type(parts[1])} by name"
    if origin in (tuple, list):
        inner = [part for part in parts if part is not Ellipsis]
        several = len(inner) > 1 and len(set(inner)) == 1
        return f"{len(inner)} of {_plain_type(inner[0])}" if several else f"list of {_plain_type(inner[0])}"
    return " or ".join(dict.fromkeys(_plain_type(part) for part in parts)) or str(annotation)


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return ""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, tuple):
        value = list(value)
    return "none" if value is None else f"`{value}`"


def _page(title: str, head: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", MADE, head, *parts]) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
