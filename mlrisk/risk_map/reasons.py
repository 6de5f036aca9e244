"""Reasons in words: the evidence that raised or lowered a score, with its values and units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from features.base import CLIP_M, DAYS_PER_YEAR, LONGEST_DISTANCE_M, FeatureInfo, Flags, Floats, Floats32
from mlrisk.risk_map.language import Language, placeholders
from models.attribution import Families

# Contributions below this share of their sum are noise to a reader.
LEAST_SHARE = 0.03
REASONS = 3
# Units that a planner knows. A feature of another one is named without its number.
AS_GIVEN = "as given"
SPOKEN_UNITS = ("m", "km", "share", "degrees", "years", "h", "people/km2", "1", "", AS_GIVEN)


@dataclass(frozen=True, eq=False, kw_only=True)
class Cases:
    """Rows to give reasons for: features, their contributions to the log-odds, and which effects are steady.

    `values` and `contributions` have shape (n_rows, n_features), `sums` and `steady` (n_rows, n_families): the sum of
    a family, and whether its sign holds over the models of resampled land.
    """

    names: Sequence[str]
    infos: Mapping[str, FeatureInfo]
    families: Families
    values: Floats32
    contributions: Floats
    sums: Floats
    steady: Flags

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        values: Floats32,
        contributions: Floats,
        infos: Mapping[str, FeatureInfo],
    ) -> "Cases":
        """Cases with the contributions of a single model, where every effect counts as steady."""
        families = families_of(names, infos)
        sums = families.sums(contributions)
        return cls(
            names=names,
            infos=infos,
            families=families,
            values=values,
            contributions=contributions,
            sums=sums,
            steady=np.ones(sums.shape, dtype=bool),
        )

    def moved(self, row: int) -> list[int]:
        """Families with a notable effect on the score of a row, beginning with the one that raised it most."""
        floor = LEAST_SHARE * np.abs(self.sums[row]).sum()
        moving = (np.abs(self.sums[row]) > floor) & self.steady[row]
        return [int(family) for family in np.argsort(-self.sums[row], kind="stable") if moving[family]]

    def strongest(self, row: int, family: int) -> int:
        """The feature of the family with the largest contribution in the direction of the family."""
        signed = self.contributions[row] * np.sign(self.sums[row, family])
        return int(np.argmax(np.where(self.families.place == family, signed, -np.inf)))


def families_of(names: Sequence[str], infos: Mapping[str, FeatureInfo]) -> Families:
    """The families of the features; a column without a family is its own."""
    return Families.of(names, {name: infos[name].family for name in names if name in infos})


def reasons_in_words(cases: Cases, language: Language, as_of: date) -> NDArray[np.object_]:
    """Three reasons for each row, shape (n_rows, 3); empty text where there are fewer.

    Contributions (on the log-odds) are summed by family, because features of one family stand in for each other. The
    first two reasons are families that raised the score, if any did; the third is the one that lowered it most, so that
    readers learn the counter-evidence. Reasons explain the score; they are not causes of contamination.
    """
    texts = np.full((len(cases.values), REASONS), "", dtype=object)
    for row in range(len(cases.values)):
        moved = cases.moved(row)
        raised = [family for family in moved if cases.sums[row, family] > 0]
        lowered = [family for family in moved[::-1] if cases.sums[row, family] < 0]
        order = raised[:2] + lowered[:1] + raised[2:] + lowered[1:]
        spoken = [text for family in order if (text := reason(cases, row, family, language, as_of))]
        texts[row, : len(spoken[:REASONS])] = spoken[:REASONS]
    return texts


def reason(cases: Cases, row: int, family: int, language: Language, as_of: date) -> str:
    """The reason from a family: its evidence, its strongest feature unless the evidence names it, and the effect.

    Empty where the language has no sentence for any of that.
    """
    strongest = cases.names[cases.strongest(row, family)]
    value = dict(zip(cases.names, cases.values[row].tolist(), strict=True))
    lead, named = _lead(cases.families.names[family], value, cases.infos, language, as_of)
    unit = cases.infos[strongest].unit if strongest in cases.infos else ""
    if strongest in named:
        detail = ""
    elif unit == AS_GIVEN:
        # A covariate is named as the authority names its column, in every language.
        shown = quantity_text(strongest, value[strongest], unit, language)
        detail = language.value.format(text=cases.infos[strongest].text, value=shown)
    else:
        detail = _detail(strongest, value[strongest], unit, language)
    if lead and unit not in SPOKEN_UNITS:
        # A name without its number adds nothing to a sentence.
        detail = ""
    text = language.also.format(first=lead, second=detail) if lead and detail else lead or detail
    effect = language.raised if cases.sums[row, family] > 0 else language.lowered
    return effect.format(reason=text) if text else ""


def _detail(name: str, value: float, unit: str, language: Language) -> str:
    """One feature with its value; without it where its unit says nothing to a planner, empty without a text."""
    text = language.own_text(name)
    if not text or unit not in SPOKEN_UNITS:
        return text
    if "{value}" in text:
        sides = text.split("|")
        side = sides[-1] if value < 0 else sides[0]
        return side.format(value=quantity_text(name, abs(value), unit, language)) if np.isfinite(value) else ""
    return language.value.format(text=text, value=quantity_text(name, value, unit, language))


def _lead(
    family: str, value: Mapping[str, float], infos: Mapping[str, FeatureInfo], language: Language, as_of: date
) -> tuple[str, set[str]]:
    """The first of the family's sentences whose features all have values, and the names of these features."""
    for sentence in language.leads.get(family, ()):
        wanted = placeholders(sentence)
        if all(np.isfinite(value.get(name, np.nan)) for name, _ in wanted):
            text = sentence
            for name, how in wanted:
                value_text = (
                    str((as_of - timedelta(days=value[name] * DAYS_PER_YEAR)).year)
                    if how == "year"
                    else quantity_text(name, value[name], infos[name].unit, language)
                )
                text = text.replace(f"{{{name}:{how}}}" if how else f"{{{name}}}", value_text)
            return text, {name for name, _ in wanted}
    return "", set()


def quantity_text(name: str, value: float, unit: str, language: Language) -> str:
    """The value of a feature with its unit; a distance at the limit of measurement is stated as "at least"."""
    if not np.isfinite(value):
        return language.unknown
    text = language.figures(quantity(value, unit, language.units))
    end = CLIP_M if name.endswith("_clipped_m") else LONGEST_DISTANCE_M if name.endswith("_distance_m") else np.inf
    return language.at_least.format(value=text) if value >= end else text


def quantity(value: float, unit: str, units: Mapping[str, str] | None = None) -> str:
    """A value with its unit, with three significant digits; `units` translates them.

    >>> quantity(1234.0, "m")
    '1.23 km'
    >>> quantity(0.25, "share"), quantity(0.08, "years"), quantity(1234.0, "people/km2")
    ('25 %', '1 month', '1,230 people/km2')
    >>> quantity(float("nan"), "m")
    'unknown'
    """
    if not np.isfinite(value):
        return "unknown"
    if unit == "m" and abs(value) >= 1000:
        value, unit = value / 1000, "km"
    elif unit == "share":
        value, unit = value * 100, "%"
    elif unit == "years" and 0 <= value < 0.95:
        value = max(1, round(value * 12))
        unit = "month" if value == 1 else "months"
    # Three digits, and never an exponent: planners read 0.0000287, not 2.87e-05.
    value = float(f"{value:.3g}")
    # A record does not lie to the decimetre.
    whole = unit == "m" or abs(value) >= 100
    digits = f"{value:,.0f}" if whole else np.format_float_positional(value, trim="-")
    return digits if unit in ("", "1", AS_GIVEN) else f"{digits} {(units or {}).get(unit, unit)}"
