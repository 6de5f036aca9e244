"""Names of months in the languages of the field."""

import re
import unicodedata
from functools import cache

from babel.dates import get_day_names, get_month_names
from dateparser.date import DateDataParser

# Where two languages use one name for different months, the first language counts.
LANGUAGES = ["en", "az", "ru", "tr", "fr", "es", "pt", "ar", "uk", "fa"]
# Languages of countries with mines; those of Arabic differ from the Maghreb to Iraq.
LOCALES = (
    *LANGUAGES, "az_Cyrl", "ar_SY", "ar_IQ", "ar_MA", "ar_DZ", "ar_TN", "fa_AF", "ps", "bs", "bs_Cyrl", "sr",
    "sr_Latn", "hr", "mk", "sq", "hy", "ka", "tg", "uz", "uz_Cyrl", "uz_Arab", "ku", "ckb", "km", "lo", "my", "th",
    "si", "ta", "so", "sw", "am", "ti", "pt_PT", "ro", "bg", "de", "it",
)  # fmt: skip
# The second case in Bosnia, Croatia and Serbia: "15. juna 2019".
GENITIVES = (
    "januara", "februara", "marta", "aprila", "maja", "juna", "jula", "avgusta", "septembra", "oktobra", "novembra",
    "decembra",
)  # fmt: skip
ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
# Endings of cases in Azerbaijani and Turkish: "2019-cu ilin martında", "15 Mart'ta".
CASE = re.compile(r"^(.{3,}?)(?:[iu]n(?:d[ae\u0259]n?)?|[dt][ae\u0259]n?)$")
# Other words in dates: "12 de marzo de 2019", "2019-cu il 12 mart", "year" in Russian.
FILLERS = frozenset(
    {
        "de", "del", "d", "of", "the", "st", "nd", "rd", "th", "er", "le", "el",
        "il", "ilde", "ild\u0259", "ilin", "ili", "ayi",
        "ayinin", "cu", "ci", "yil", "yili", "yilinin", "\u0433", "год", "года", "году", "\u0433\u043e", "\u0435",
        "\u0440", "року", "godine", "god", "g", "м", "م", "سنة", "عام", "سال", "ماه", "و",
    }
)  # fmt: skip


def month_of(words: str) -> int:
    """The number of the month that the words of a date name, 0 if they name none or include other words.

    >>> month_of("de Março de"), month_of("мая"), month_of("İyun"), month_of("Tuesday Mar"), month_of("hill")
    (3, 5, 6, 3, 0)
    >>> month_of("XII"), month_of("KASIM"), month_of(". juna ."), month_of("-cu ilin martında")
    (12, 11, 6, 3)
    """
    left = [word for word in folded(words).split() if word not in FILLERS]
    # A weekday adds nothing to the date; any other word might.
    left = [word for word in left if word not in _weekdays()] if len(left) > 1 else left
    return _month(" ".join(left)) if left else 0


@cache
def _month(name: str) -> int:
    names = _names()
    if name in names:
        return names[name]
    stem = CASE.match(name)
    if stem is not None and stem[1] in names:
        return names[stem[1]]
    if len(name) < 3 or len(name.split()) > 1:
        return 0
    found = _parser().get_date_data(f"1 {name} 2000")
    return 0 if found is None or found.date_obj is None or found.date_obj.day != 1 else int(found.date_obj.month)


@cache
def _names() -> dict[str, int]:
    names = {name: number for number, name in enumerate(ROMAN, start=1)}
    for locale in LOCALES:
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in get_month_names(width, context, locale).items():
                    if not any(sign.isdecimal() for sign in name):
                        names.setdefault(folded(name), int(number))
    for number, name in enumerate(GENITIVES, start=1):
        names.setdefault(name, number)
    return names


@cache
def _weekdays() -> frozenset[str]:
    names = {
        word
        for locale in LOCALES
        for width in ("wide", "abbreviated")
        for name in get_day_names(width, "format", locale).values()
        for word in folded(name).split()
    }
    return frozenset(names - _names().keys())


@cache
def _parser() -> DateDataParser:
    return DateDataParser(
        languages=LANGUAGES,
        settings={"DATE_ORDER": "DMY", "STRICT_PARSING": True, "PARSERS": ["absolute-time"]},
    )


def folded(text: str) -> str:
    """Words in small letters without points, commas and accents; the i of Turkish has a point or none."""
    small = unicodedata.normalize("NFKD", re.sub("['\u2019\u02bc]", "", text.casefold()).replace("\u0131", "i"))
    plain = "".join(sign for sign in small if not unicodedata.combining(sign))
    return re.sub(r"[\W_]+", " ", plain).strip()
