"""Figures and tables as JSON: null for a number that is not finite."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd


def json_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as mappings of plain values, None for a value that is missing or not finite.

    >>> json_rows(pd.DataFrame({"fold": ["north"], "recall": [float("nan")]}))
    [{'fold': 'north', 'recall': None}]
    """
    return [{str(key): plain(value) for key, value in row.items()} for row in frame.to_dict("records")]


def json_text(record: Mapping[str, Any]) -> str:
    """The record as JSON text with null for every figure that is not a number."""
    return json.dumps(plain(record), indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def plain(value: Any) -> Any:
    """The value in types of JSON: numpy scalars and arrays as Python's, None for a number that is not finite."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not isfinite(value):
        return None
    return None if value is pd.NA or value is pd.NaT else value
