"""Reasons in words: what they say of known cells, in every language."""

import json
import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from features.base.errors import ConfigError
from features.base.feature_info import FeatureInfo
from features.families.registry import FAMILIES
from mlrisk.ranking.scoring import contributions_text
from mlrisk.risk_map.language import language, languages, placeholders
from mlrisk.risk_map.reasons import SPOKEN_UNITS, Cases, quantity, quantity_text, reasons_in_words

AS_OF = date(2024, 12, 31)
CATALOGUE = {info.name: info for module in FAMILIES.values() for info in module.features}


def words(values, contributions, infos=None, code="en", steady=None):
    infos = infos or INFOS
    cases = Cases.of(tuple(infos), values, contributions, infos)
    cases = cases if steady is None else replace(cases, steady=np.array(steady))
    return reasons_in_words(cases, language(code), AS_OF)[0].tolist()


INFOS = {
    "front_line_distance_m": FeatureInfo(
        name="front_line_distance_m", unit="m", family="front_lines", trend=-1, text="distance to the front line"
    ),
    "line_density": FeatureInfo(
        name="line_density", unit="km/km2", family="front_lines", trend=1, text="length of front lines around 1 km"
    ),
    "slope_deg": FeatureInfo(name="slope_deg", unit="degrees", family="terrain", trend=0, text="slope"),
    "road_distance_m": FeatureInfo(
        name="road_distance_m", unit="m", family="roads", trend=0, text="distance to a road"
    ),
}


def test_reasons_name_families_once_with_values_and_what_speaks_against():
    values = np.array([[312.0, 0.4, 33.0, 1_500.0]], dtype=np.float32)
    contributions = np.array([[0.9, 0.3, -0.8, 0.5]])
    texts = words(values, contributions)
    assert texts == [
        "For: 312 m from the front line",
        "For: distance to a road: 1.5 km",
        "Against: slope: 33 degrees",
    ]


@pytest.mark.parametrize(("code", "text"), [("en", "For: hospital {value} min: 34"), ("az", "hospital {value} min")])
def test_a_covariate_is_named_as_its_column_with_its_value(code, text):
    name = "hospital_{value}_min"
    info = FeatureInfo(name=name, unit="as given", family="covariates", trend=0, text=name.replace("_", " "))
    assert text in words(np.array([[34.0]], dtype=np.float32), np.array([[0.9]]), {name: info}, code)[0]


def test_an_unknown_value_is_said_to_be_unknown():
    values = np.array([[np.nan, 0.4, 33.0, 1.0]], dtype=np.float32)
    texts = words(values, np.array([[0.9, 0.0, 0.0, 0.0]]))
    assert texts[0] == "For: distance to the front line: unknown"
    assert texts[1] == ""


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (999.4, "m", "999 m"),
        (0.01234, "1/km2", "0.0123 1/km2"),
        (3.0, "1", "3"),
        (2.87e-5, "1", "0.0000287"),
        (72.91, "m", "73 m"),
        (0.25, "share", "25 %"),
    ],
)
def test_quantities_have_three_digits_and_their_unit(value, unit, text):
    assert quantity(value, unit) == text


KNOWN = {
    "front_line_distance_m": 312.0,
    "front_line_years_held": 26.0,
    "incident_count_1km": 2.0,
    "incident_count_5km": 7.0,
    "incident_years_since_5km": 0.4,
    "incident_distance_m": 850.0,
    "settlement_distance_m": 4_200.0,
    "population_density_2km_per_km2": 12.0,
}


def known_cell(**changes):
    value = KNOWN | changes
    infos = {name: CATALOGUE[name] for name in value}
    return np.array([list(value.values())], dtype=np.float32), infos


def test_reasons_state_the_evidence_with_its_units():
    values, infos = known_cell()
    contributions = np.array([[0.5, 0.4, 0.3, 0.3, 0.1, 0.1, -0.4, -0.1]])
    assert words(values, contributions, infos) == [
        "For: 312 m from a front line that was held for 26 years",
        "For: other accidents within 1 km: 2, within 5 km: 7, the last in 2024",
        "Against: 4.2 km from a settlement, 12 people/km² around 2 km",
    ]
    told_in_azerbaijani = words(values, contributions, infos, "az")
    assert told_in_azerbaijani[0].startswith("Lehinə: 26 il saxlanılmış təmas xəttindən 312 m məsafədə")
    assert "sonuncusunun ili: 2024" in told_in_azerbaijani[1]


def test_a_sentence_is_not_said_where_a_part_of_it_is_unknown():
    values, infos = known_cell(front_line_years_held=np.nan, incident_years_since_5km=np.nan)
    texts = words(values, np.array([[0.5, 0.0, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0]]), infos)
    assert texts[0] == "For: 312 m from the front line"
    assert texts[1] == "For: other accidents within 1 km: 2, within 5 km: 7, the nearest 850 m away"


def test_the_feature_that_moved_the_score_most_is_told_beside_the_evidence():
    infos = {name: CATALOGUE[name] for name in ("settlement_distance_m", "abandoned_settlement_distance_m")}
    texts = words(np.array([[900.0, 40.0]], dtype=np.float32), np.array([[0.1, 0.6]]), infos)
    assert texts[0] == "For: 900 m from a settlement; distance to an abandoned settlement: 40 m"


def test_what_resampled_land_turns_round_is_no_reason():
    values, contributions = np.zeros((1, 4), np.float32), np.array([[0.9, 0.3, -0.8, 0.5]])
    shown = words(values, contributions, steady=[[False, True, True]])
    assert not any("front" in text for text in shown)
    assert len([text for text in shown if text]) == 2


def test_a_distance_at_the_end_of_what_is_measured_is_at_least_that():
    assert quantity_text("road_distance_m", 50_000.0, "m", language("en")) == "at least 50 km"
    assert quantity_text("hazard_area_distance_clipped_m", 5_000.0, "m", language("az")) == "ən azı 5 km"
    assert quantity_text("road_distance_m", 4_000.0, "m", language("en")) == "4 km"


# Not shown to planners in any language: comparisons that only a statistician reads, and how sure a holder is.
UNSPOKEN = re.compile(r"control_confidence_|incident_ratio_|line_distance_(ratio|difference)_|upslope_area_")
HOLDER = re.compile(r"holder|\bside\b|land of|\bnegative\b|\bpositive\b", re.IGNORECASE)
NUMERAL = re.compile(r"\d[\d.,\u00a0]*")


@pytest.mark.parametrize("code", languages())
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_every_feature_of_the_catalogue_is_spoken_of_as_people_do(code, sign):
    """Each feature alone as the reason: words of the language, known units, no holder, at most three digits."""
    silent = set()
    for name, info in CATALOGUE.items():
        values = np.array([[sign * (0.123456 if info.unit == "share" else 12_345.678)]], dtype=np.float32)
        text = words(values, np.array([[0.9]]), {name: info}, code)[0]
        if not text:
            silent.add(name)
            continue
        assert not HOLDER.search(text), text
        unit = info.unit in SPOKEN_UNITS
        assert unit or not re.search(r"(?<!\w)(ln|log10|1/|km/km|log )", text), text
        own = set(NUMERAL.findall(name))
        for number in NUMERAL.findall(text):
            digits = re.sub(r"[^\d]", "", number).strip("0")
            assert len(digits) <= 3 or number in own, text
        if code != "en":
            assert info.text not in text, text
    unspoken = {name for name in CATALOGUE if UNSPOKEN.search(name)}
    assert silent == unspoken, f"features are named under `texts` in mlrisk/risk_map/languages/{code}.yaml"


@pytest.mark.parametrize("code", languages())
def test_sentences_name_features_that_there_are(code):
    named = {name for lines in language(code).leads.values() for line in lines for name, _ in placeholders(line)}
    assert named <= set(CATALOGUE)
    assert set(language(code).leads) == set(language("en").leads)


def test_a_language_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(ConfigError, match="az"):
        language("xx")


def test_contributions_of_a_cell_are_those_that_are_told_of_with_the_one_that_raised_it_most_first():
    values = np.array([[312.0, 0.4, 33.0, 1_500.0]], dtype=np.float32)
    cases = Cases.of(tuple(INFOS), values, np.array([[0.9, 0.3, -0.8, 0.01]]), INFOS)
    assert json.loads(contributions_text(cases)[0]) == {"front_lines": 1.2, "terrain": -0.8}
    assert contributions_text(cases)[0].startswith('{"front_lines"')
