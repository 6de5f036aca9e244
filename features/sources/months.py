"""Names of months in the languages of the field."""

import re
import unicodedata
from functools import cache

from babel.dates import get_month_names
from dateparser.date import DateDataParser

# Where two languages use one name for different months, the first language counts.
LANGUAGES = ["en", "az", "ru", "tr", "fr", "es", "pt", "ar", "uk", "fa"]
# Names that dateparser lacks: short ones in Persian, those of Syria and Iraq, Afghanistan, Bosnia and Serbia.
LOCALES = ("fa", "ar_SY", "fa_AF", "ps", "bs", "sr", "sr_Latn")
# Other words in dates: "12 de marzo de 2019", "2019-cu il 12 mart", "year" in Russian.
FILLERS = frozenset(
    {
        "de", "del", "d", "of", "the", "st", "nd", "rd", "th", "er", "il", "ildə", "ili", "cu", "cü", "ci", "cı",
        "yıl", "yılı", "\u0433", "год", "года", "году", "\u0440", "року", "godine", "god", "م", "سنة", "عام", "سال",
    }
)  # fmt: skip


def month_of(words: str) -> int:
    """The number of the month that the words of a date name, 0 if they name none or include other words.

    >>> month_of("de Março de"), month_of("мая"), month_of("İyun"), month_of("Tuesday Mar"), month_of("hill")
    (3, 5, 6, 3, 0)
    """
    left = [word for word in _folded(words).split() if word not in FILLERS]
    # A weekday adds nothing to the date; any other word might.
    left = [word for word in left if not _is_weekday(word)] if len(left) > 1 else left
    return _month(" ".join(left)) if left else 0


@cache
def _month(name: str) -> int:
    known = _names().get(name)
    if known is not None:
        return known
    if len(name) < 3 or len(name.split()) > 1:
        return 0
    found = _parser().get_date_data(f"1 {name} 2000")
    return 0 if found is None or found.date_obj is None or found.date_obj.day != 1 else int(found.date_obj.month)


@cache
def _is_weekday(name: str) -> bool:
    if len(name) < 2 or not name.isalpha():
        return False
    found = _parser().get_date_data(f"{name}, 4 March 2000")
    return found is not None and found.date_obj is not None and _month(name) == 0


@cache
def _names() -> dict[str, int]:
    names: dict[str, int] = {}
    for locale in LOCALES:
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in get_month_names(width, context, locale).items():
                    names.setdefault(_folded(name), int(number))
    return names


@cache
def _parser() -> DateDataParser:
    return DateDataParser(
        languages=LANGUAGES,
        settings={"DATE_ORDER": "DMY", "STRICT_PARSING": True, "PARSERS": ["absolute-time"]},
    )


def _folded(text: str) -> str:
    """Words in small letters without points, commas and accents that only capitals have (İ)."""
    text = unicodedata.normalize("NFC", text.casefold().replace("i\u0307", "i"))
    return re.sub(r"[\s.,'\u2019-]+", " ", text).strip()
