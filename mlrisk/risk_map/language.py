"""The languages of reasons and texts, one YAML file each; a missing text is replaced by the English one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from string import Formatter

import yaml

from features.base import ConfigError, FeatureInfo

FOLDER = "languages"
NUMBER = re.compile(r"\d+")
DECIMAL = re.compile(r"\d+(?:[.,]\d+)*(?:e-?\d+)?")
# A number as the program writes it, and a text that is only a number, with or without its unit.
NUMERAL = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
FIGURE = re.compile(r"[+\u2212-]?\d+(?:,\d{3})*(?:\.\d+)?(?: (?:%|ha|km²|km|m))?")
# Languages in which the capital of i has its dot.
DOTTED = ("az", "tr")


@dataclass(frozen=True, kw_only=True)
class Language:
    """The texts of one language.

    `leads` gives by family the sentences that state its evidence, with features as placeholders; `texts` names
    features, numbers in their names written as `#` and meant by {0}, {1}, or says them with their {value}, one sentence
    for a positive and after `|` one for a negative value; `units` translates units. `page` has the
    fixed texts of the page, the printed sheets and the tables under their English, numbers written and meant in the
    same way. `decimal` and `thousands` are the signs in numbers, `date_form` is the form of a date (strftime).
    """

    code: str
    name: str
    decimal: str
    thousands: str
    date_form: str
    raised: str
    lowered: str
    value: str
    also: str
    at_least: str
    unknown: str
    units: Mapping[str, str]
    leads: Mapping[str, tuple[str, ...]]
    texts: Mapping[str, str]
    page: Mapping[str, str]

    def say(self, english: str) -> str:
        """A fixed text in this language, or the English one if it has none."""
        if english in self.page:
            return self.page[english]
        pattern = self.page.get(DECIMAL.sub("#", english))
        if pattern:
            return pattern.format(*(self.figures(number) for number in DECIMAL.findall(english)))
        return self.figures(english) if FIGURE.fullmatch(english) else english

    def figures(self, english: str) -> str:
        """The text with numbers in the format of the language, such as a decimal comma."""
        swap = {".": self.decimal, ",": self.thousands}
        return NUMERAL.sub(lambda found: "".join(swap.get(sign, sign) for sign in found[0]), english)

    def day(self, day: date) -> str:
        """A date in the format of the language."""
        return day.strftime(self.date_form)

    def upper(self, text: str) -> str:
        """Upper case by the rules of the language: Azerbaijani has a dotted and a dotless i."""
        return (text.replace("i", "İ") if self.code in DOTTED else text).upper()

    def own_text(self, name: str) -> str:
        """The text of a feature in this language; empty where it has none, and the feature is then no reason."""
        pattern = self.texts.get(name) or self.texts.get(NUMBER.sub("#", name), "")
        return pattern.format(*NUMBER.findall(name), value="{value}")

    def text(self, name: str, infos: Mapping[str, FeatureInfo]) -> str:
        """The text of a feature; if the language has none, the English of the catalogue or else its name."""
        own = self.own_text(name)
        if own and "{value}" not in own:
            return own
        return infos[name].text if name in infos else name.replace("_", " ")


def languages() -> tuple[str, ...]:
    """Codes of the languages, English first; a new one is one file."""
    found = sorted(path.name.removesuffix(".yaml") for path in files("mlrisk.risk_map").joinpath(FOLDER).iterdir()
                   if path.name.endswith(".yaml"))  # fmt: skip
    return ("en", *(code for code in found if code != "en"))


@cache
def language(code: str) -> Language:
    """The language of a code such as 'az'; raises ConfigError for an unknown one."""
    if code not in languages():
        raise ConfigError(f"output.languages ({code}) is not known: there are {', '.join(languages())}")
    tree = yaml.safe_load(files("mlrisk.risk_map").joinpath(FOLDER, f"{code}.yaml").read_text(encoding="utf-8"))
    leads = {family: tuple(sentences) for family, sentences in tree.pop("leads").items()}
    return Language(code=code, leads=leads, **tree)


def placeholders(sentence: str) -> tuple[tuple[str, str], ...]:
    """The features that a sentence names, with the format of each.

    >>> placeholders("{incident_count_1km} within 1 km, the last in {incident_years_since_5km:year}")
    (('incident_count_1km', ''), ('incident_years_since_5km', 'year'))
    """
    return tuple((name, how or "") for _, name, how, _ in Formatter().parse(sentence) if name)
