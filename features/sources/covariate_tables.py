"""Covariates in tables of points: any number of numeric columns, under names that every tool can carry."""

import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from features.base import Floats, InputError, column_names
from features.sources.column_names import QUOTE, shown_names
from features.sources.columns import Faults
from features.sources.parsing import as_text, parse_numbers
from features.sources.report import Tally
from features.sources.schema import COORDINATE_ALIASES
from features.sources.settings import SourceSpec

# A column is numeric if nearly all its values are numbers; an occasional "n.d." is a missing value.
NUMERIC_SHARE = 0.9
RESERVED = frozenset({"geometry"})


def plain_name(name: str) -> str:
    """A column name in lower-case ASCII letters, digits and underscores (LightGBM refuses JSON's special characters).

    If letters of another script are lost, a digest of the name identifies the column in every file of a source.

    >>> plain_name("No. Víctimas por Declaración"), plain_name("Homicidio, Masacre"), plain_name("2020")
    ('no_victimas_por_declaracion', 'homicidio_masacre', 'n2020')
    >>> plain_name("население")
    'column_0d8379'
    """
    plain = column_names([name.casefold()])[name.casefold()]
    return _as_word(plain, name)


def _as_word(plain: str, name: str) -> str:
    """A plain name that begins with a letter; the digest of a name without Latin letters gets a word in front."""
    latin = any(letter.isascii() and letter.isalnum() for letter in unicodedata.normalize("NFKD", name))
    return f"column_{plain}" if not latin else f"n{plain}" if plain[0].isdigit() else plain


def leave_unique(name: str, names: set[str]) -> str:
    """The plain form of `name`, numbered if `names` or a reserved name has it already; adds itself to `names`.

    >>> taken = {"area"}
    >>> leave_unique("Area", taken), leave_unique("ÁREA", taken)
    ('area_2', 'area_3')
    """
    plain = plain_name(name)
    unique, number = plain, 2
    while unique in names or unique in RESERVED:
        unique, number = f"{plain}_{number}", number + 1
    names.add(unique)
    return unique


def take_numeric(
    spec: SourceSpec,
    answers: Mapping[str, str],
    names: frozenset[str],
    path: Path,
    table: pd.DataFrame,
    tally: Tally,
) -> tuple[pd.DataFrame, Faults]:
    """Every numeric column, or those that `columns` names, under plain names; text is left out.

    `answers` (folded column -> source) belong to a source of labels and stay out. `names` are those that other
    covariates have; they are not changed, so that a column has one name in all the files of a source.
    """
    chosen = _chosen(spec, path, table)
    used = set(names)
    taken: dict[str, Floats] = {}
    texts: list[str] = []
    # Names that differ only in accents are distinguished by themselves, not by their order in the file.
    slugs = column_names(name.casefold() for name in chosen)
    for ours, theirs in chosen.items():
        if theirs.casefold() in answers:
            tally.note(f"column {theirs!r} left out: sources.{answers[theirs.casefold()]} reads it")
            continue
        known = int(as_text(table[theirs]).notna().sum())
        parsed = parse_numbers(table[theirs])
        lost = parsed.not_understood
        if known and lost.sum() > (1 - NUMERIC_SHARE) * known:
            texts.append(theirs)
            continue
        tally.repair("decimal comma", parsed.decimal_commas)
        if lost.any():
            tally.note(
                f"{theirs!r}: {int(lost.sum())} values are no numbers and count as missing ({tally.where(lost)})"
            )
        if parsed.thousands.any():
            numbers = f"{int(parsed.thousands.sum())} numbers read as thousands ({tally.where(parsed.thousands)})"
            tally.note(f"{theirs!r}: {numbers}")
        plain = leave_unique(_as_word(slugs[ours.casefold()], ours), used)
        if not ours.isascii():
            tally.note(f"column {plain} is {ours!r}")
        taken[plain] = parsed.values
    if texts:
        tally.note(f"text columns left out: {shown_names(texts, QUOTE, among=table.columns)}")
    if not taken:
        raise InputError(f"sources.covariates: {path} has no numeric column besides the coordinates")
    tally.note(f"{len(taken)} numeric columns")
    return pd.DataFrame(taken, index=range(len(table))), {}


def _chosen(spec: SourceSpec, path: Path, table: pd.DataFrame) -> dict[str, str]:
    """The file's names by canonical name, before names are made plain."""
    present = [str(name) for name in table.columns]
    coordinates = {*COORDINATE_ALIASES, "geometry"}
    named = {ours: theirs for ours, theirs in spec.columns.items() if ours not in coordinates}
    missing = sorted(set(named.values()) - set(present))
    if missing:
        raise InputError(
            f"sources.covariates: {path} has no column {', '.join(map(repr, missing))}; it has {shown_names(present)}"
        )
    return named or {name: name for name in present}
