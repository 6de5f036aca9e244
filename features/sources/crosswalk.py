"""A mapping file from the names and coded values of IMSMA, or of an authority, to the canonical ones."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from features.base import ConfigError, read_yaml
from features.sources.parsing import as_text, translation_key
from features.sources.report import Tally
from features.sources.schema import COORDINATE_ALIASES, SCHEMAS, VOCABULARIES
from features.sources.settings import Scalar, SourceSpec

# Length to which shapefiles cut the names of columns.
SHORT_NAME = 10
PARTS = ("columns", "values")
# Number of unknown values in a message, enough to complete a mapping.
MOST_VALUES_NAMED = 5
LONGEST_VALUE = 40


@dataclass(frozen=True)
class SourceTerms:
    """The terms of one source: `columns` has possible names and `values` translations by canonical name."""

    file: str
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Scalar]] = field(default_factory=dict)


def read_terms(path: Path) -> dict[str, SourceTerms]:
    """The terms of a mapping file by source; raises ConfigError for a missing file and for unknown keys."""
    tree = read_yaml(path, "terms")
    if not isinstance(tree, dict):
        raise ConfigError(f"terms ({path}) must be a mapping with any of the keys {', '.join(SCHEMAS)}")
    _refuse_unknown(path, "", tree, tuple(SCHEMAS))
    return {str(source): _source_terms(path, str(source), given) for source, given in tree.items()}


def _source_terms(path: Path, source: str, given: Any) -> SourceTerms:
    parts = given if isinstance(given, dict) else {"not a mapping": given}
    _refuse_unknown(path, source, parts, PARTS)
    columns, values = parts.get("columns") or {}, parts.get("values") or {}
    ours = tuple(SCHEMAS[source].columns)
    _refuse_unknown(path, f"{source}.columns", columns, (*ours, *COORDINATE_ALIASES))
    _refuse_unknown(path, f"{source}.values", values, ours)
    for name, book in values.items():
        if not isinstance(book, dict) or not all(isinstance(value, (str, int, float, date)) for value in book.values()):
            raise ConfigError(f"terms ({path}): {source}.values.{name} must be {{value in the file: our value}}")
        if name in VOCABULARIES:
            _refuse_unknown(path, f"{source}.values.{name}", {str(value): None for value in book.values()},
                            VOCABULARIES[name])  # fmt: skip
    return SourceTerms(
        path.name,
        {name: (names,) if isinstance(names, str) else tuple(map(str, names)) for name, names in columns.items()},
        {name: {_folded(str(theirs)): value for theirs, value in book.items()} for name, book in values.items()},
    )


def _refuse_unknown(path: Path, where: str, given: Any, valid: Sequence[str]) -> None:
    if not isinstance(given, dict):
        raise ConfigError(f"terms ({path}): {where} must be a mapping with any of the keys {', '.join(valid)}")
    unknown = sorted(str(key) for key in given if key not in valid)
    if unknown:
        place = f"{where}." if where else ""
        raise ConfigError(f"terms ({path}): {place}{unknown[0]} is not known: choose from {', '.join(valid)}")


def with_found_columns(spec: SourceSpec, terms: SourceTerms | None, names: Sequence[str]) -> SourceSpec:
    """The source with the columns that its terms find among the file's `names`; mappings of the config come first.

    If the file has several of the names, the first counts. If no name of the file is longer than ten characters, as in
    shapefiles, a name cut to ten characters also matches, unless two canonical columns share it.
    """
    if terms is None:
        return spec
    folded = {name.strip().casefold(): name for name in reversed(names)}
    taken = {name.casefold() for name in spec.columns.values()}
    found: dict[str, str] = {}
    for ours, theirs in terms.columns.items():
        if ours in spec.columns or (ours in spec.values and not isinstance(spec.values[ours], dict)):
            continue
        hit = next((folded[name.casefold()] for name in theirs if name.casefold() in folded), None)
        if hit is None and ours not in folded and all(len(name) <= SHORT_NAME for name in names):
            short = _shortened(terms, ours)
            hit = next((folded[name] for name in short if name in folded and name not in taken), None)
        if hit is not None:
            found[ours] = hit
    return spec.model_copy(update={"columns": {**found, **spec.columns}})


def _shortened(terms: SourceTerms, ours: str) -> list[str]:
    """Names of a column cut to ten characters, without those that are ambiguous with another column's."""
    others = {name.casefold()[:SHORT_NAME] for other, names in terms.columns.items() if other != ours for name in names}
    return [short for name in terms.columns[ours] if (short := name.casefold()[:SHORT_NAME]) not in others]


def translated(ours: str, column: pd.Series, terms: SourceTerms | None, tally: Tally) -> pd.Series:
    """The column with its known values translated; others stay and are reported by name."""
    book = {} if terms is None else terms.values.get(ours, {})
    if terms is None or not book:
        return column
    text = as_text(column)
    keys = text.map(lambda value: "" if value is None else _folded(value))
    known, ours_already = keys.isin(book.keys()), keys.isin({_folded(str(value)) for value in book.values()})
    other = text[~known & ~ours_already & (keys != "")]
    if known.any():
        tally.note(f"{terms.file}: {int(known.sum())} values of {ours} translated")
    if len(other):
        tally.remark(f"{ours} not in the terms", len(other))
        counts = other.value_counts()
        shown = ", ".join(f"{name[:LONGEST_VALUE]!r} ({n})" for name, n in counts.head(MOST_VALUES_NAMED).items())
        more = f" and {len(counts) - MOST_VALUES_NAMED} more" if len(counts) > MOST_VALUES_NAMED else ""
        tally.note(f"{terms.file} does not know these values of {ours}, kept as they are: {shown}{more}")
    return text.where(~known, keys.map(book)).astype(object)


def _folded(text: str) -> str:
    """The form in which coded values are compared: words alone, so that 'Handed_Over' is 'handed over'.

    >>> _folded(" Suspected_Hazardous-Area "), _folded("2.0"), _folded("-1")
    ('suspected hazardous area', '2', '-1')
    """
    text = translation_key(text)
    if re.fullmatch(r"[-+\d.eE]+", text):
        return text
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()
