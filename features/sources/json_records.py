"""Lists of records in JSON, as web services hand them out: one object a record, or one a line."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from features.base import InputError, Integers
from features.sources.encodings import decode
from features.sources.report import Tally

# Names under which services state the number of all records, and the address of the next page.
COUNTS, NEXT = ("count", "total", "totalCount", "total_count", "matched"), ("next", "nextPage", "@odata.nextLink")


def read_records(what: str, content: bytes, tally: Tally) -> tuple[pd.DataFrame, Integers] | None:
    """The records as a table of texts, and the number of each; None for JSON that holds no list of records.

    Objects within a record become columns such as `place.name`; a geometry (GeoJSON) and lists stay texts.
    """
    text = decode(content, None, what).text.lstrip("\ufeff")
    records = _records(text, what, tally)
    if not records:
        return None
    rows = [_flat(record, "") for record in records]
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pd.DataFrame({name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names})
    return table, np.arange(1, len(table) + 1)


def _records(text: str, what: str, tally: Tally) -> list[dict[str, Any]]:
    try:
        found = json.loads(text, object_pairs_hook=_refuse_twice(what))
    except (ValueError, RecursionError):
        return _of_lines(text, what)
    if isinstance(found, dict):
        lists = {name: value for name, value in found.items() if _are_records(value)}
        if len(lists) > 1:
            raise InputError(f"{what} holds several lists of records ({', '.join(lists)}): save one of them as CSV")
        if not lists:
            return []
        (name, records), *_ = lists.items()
        tally.note(f"records from {name!r}")
        more = max((found[key] for key in COUNTS if isinstance(found.get(key), int)), default=0)
        if more > len(records) or any(found.get(key) for key in NEXT):
            shown = f"{more:,} records in all" if more > len(records) else "a next page"
            tally.note(
                f"it is one page of a service that says there is more ({shown}): fetch the other pages and list them "
                "all as path"
            )
        return list(records)
    return found if _are_records(found) else []


def _refuse_twice(what: str) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    """A maker of objects that refuses a name given twice, of which one value would be lost."""

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1] if len({*names}) < len(names) else []
        if twice:
            raise InputError(f"{what}: a record gives {twice[0]!r} twice: keep one")
        return dict(pairs)

    return made


def _of_lines(text: str, what: str) -> list[dict[str, Any]]:
    """The objects of a text that has one a line; empty if any line is none."""
    try:
        hook = _refuse_twice(what)
        records = [json.loads(line, object_pairs_hook=hook) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return []
    return records if _are_records(records) else []


def _are_records(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _flat(record: dict[str, Any], before: str) -> dict[str, str | None]:
    """The values of a record as texts, those of objects within it under joined names."""
    flat: dict[str, str | None] = {}
    for name, value in record.items():
        if isinstance(value, dict) and not ("type" in value and "coordinates" in value):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[f"{before}{name}"] = _text(value)
    return flat


def _text(value: object) -> str | None:
    """A value as text; a pair of numbers, such as a place, without brackets."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
