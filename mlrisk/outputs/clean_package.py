"""A package whose texts no program rejects and no spreadsheet runs; every writer gets such a package."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import geopandas as gpd
import pandas as pd

from features.base import plain, printable
from mlrisk.risk_map import Notes, Package

Table = TypeVar("Table", pd.DataFrame, gpd.GeoDataFrame)


def clean_package(package: Package) -> Package:
    """The package without control characters and the like in its texts; tables without any are unchanged."""
    return replace(
        package,
        risk=clean_table(package.risk, printable),
        tasks=clean_table(package.tasks, printable),
        hazards=clean_table(package.hazards, printable),
        layers={name: clean_table(table, printable) for name, table in package.layers.items()},
        notes=_clean_notes(package.notes),
        metrics=clean_table(package.metrics, printable),
    )


def clean_table(table: Table, clean: Callable[[str], str] = plain) -> Table:
    """The table with `clean` applied to each text; columns in which nothing changes keep their type."""
    changed = {}
    for name in table.columns:
        column = table[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype("str") if any(clean(text) != text for text in column.cat.categories) else column
        if column.dtype != object and not isinstance(column.dtype, pd.StringDtype):
            continue
        texts = {value: clean(value) for value in pd.unique(column.dropna()) if isinstance(value, str)}
        texts = {before: after for before, after in texts.items() if before != after}
        if texts:
            values = [texts.get(value, value) if isinstance(value, str) else value for value in column]
            changed[name] = pd.Series(values, index=column.index, dtype=column.dtype)
    return table.assign(**changed) if changed else table


def _clean_notes(notes: Notes) -> Notes:
    return replace(
        notes,
        country=printable(notes.country),
        not_included=tuple(printable(text) for text in notes.not_included),
        warnings=tuple(printable(text) for text in notes.warnings),
    )
