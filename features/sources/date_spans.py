"""Texts around a date, and spans of time: quarters, years from one to another, several days."""

import re
from dataclasses import dataclass

WHOLE_QUARTERS = "of whole quarters read as the last day"
SPANS = "of several days, months or years read as the last one"
QUOTES = "'\"\u2019\u2018\u201c\u201d\u201e\u00ab\u00bb`"
# "at" before a time of the day.
AT = re.compile(
    r"\s(?:at|\u00e0|\u00e0s|a las|\u0432|\u043e|saat|um|\u0627\u0644\u0633\u0627\u0639\u0629)\s+(?=\d{1,2}[:h.]\d{2})",
    re.IGNORECASE,
)
# "Sat Jun 15 10:00:00 UTC 2019", as Unix and Java write it.
UNIX_FORM = re.compile(
    r"^(?:[A-Za-z]{3},?\s+)?(?P<m>[A-Za-z]{3,9})\s+(?P<d>\d{1,2})\s+(?P<time>\d{1,2}:\d{2}(?::\d{2})?)\s+"
    r"(?:(?P<zone>[A-Z]{2,5}|[+-]\d{4})\s+)?(?P<y>\d{4})$"
)
KNOWN_ZONE = re.compile(r"^(?:UTC|GMT|Z|[+-]\d{4})$")
QUARTER_WORDS = "quarter|qtr|\u043a\u0432\u0430\u0440\u0442\u0430\u043b\u0430?|kvartal|r\u00fcb|trimestre|\u00e7eyrek"
ENDINGS = r"(?:st|nd|rd|th|-?\u0439|-?ci|-?c\u0131|-?c\u00fc|er|e|\u00ba|\.)?"
QUARTERS = (
    re.compile(r"^(?P<y>\d{4})[-/ ]?[QTqt]\s?(?P<q>[1-4])$"),
    re.compile(r"^[QTqt]\s?(?P<q>[1-4])[-/ ,]*(?P<y>\d{4})$"),
    re.compile(
        rf"^(?P<q>[1-4]|I{{1,3}}|IV){ENDINGS}\s*(?:{QUARTER_WORDS})\s*,?\s*(?:of |de |del )?(?P<y>\d{{4}})\b[^\d]*$",
        re.IGNORECASE,
    ),
)
NUMERALS = {"I": 1, "II": 2, "III": 3, "IV": 4}
YEARS = re.compile(r"^(?P<a>\d{4})\s?[-/\u2013]\s?(?P<b>\d{4}|\d{2})$")
DAYS_OF_MONTH = re.compile(r"^(?P<a>\d{1,2})\s?[-\u2013/]\s?(?P<b>\d{1,2})(?P<rest>[. ].*\d{4}.*)$")
TO = "to|or|ou|oder|ili|veya|bis|al|au|hasta|until|\u0438\u043b\u0438|\u0434\u043e|\u043f\u043e"
BOTH_DATES = re.compile(rf"^(?P<a>[^\W_].*\d)(?:\s(?:-|\u2013|{TO})\s|\s?\u2013\s?)(?P<b>(?:[^\W_].*)?\d{{4}})$")
BOTH_NUMBERS = re.compile(r"^(?P<a>\d{1,2}[./]\d{1,2}[./]\d{4})\s?[-\u2013]\s?(?P<b>\d{1,2}[./]\d{1,2}[./]\d{4})$")
BOTH_MONTHS = re.compile(r"^(?P<a>[^\W\d_]+)\s?[-/\u2013]\s?(?P<b>[^\W\d_]+)\.?\s+(?P<y>\d{4})$")


@dataclass(frozen=True)
class Span:
    """The texts of the first and the last date of a span, and the phrase that says how it is read."""

    ends: tuple[str, str]
    reading: str


def cleaned(text: str) -> str:
    """The text without quotes, blanks around it, and words before a time of the day.

    >>> cleaned("Sat Jun 15 10:00:00 UTC 2019"), cleaned("15 décembre 2019 à 14h30"), cleaned("'2019-06-15")
    ('15 Jun 2019 10:00:00 UTC', '15 décembre 2019 14h30', '2019-06-15')
    """
    plain = re.sub(f"[{QUOTES}]", "", text).strip() if not re.search(r"\w['\u2019]\w", text) else text.strip()
    match = UNIX_FORM.match(plain)
    if match is not None:
        zone = match["zone"] if match["zone"] and KNOWN_ZONE.match(match["zone"]) else ""
        return f"{match['d']} {match['m']} {match['y']} {match['time']} {zone}".strip()
    return AT.sub(" ", plain)


def span_of(text: str) -> Span | None:
    """The two ends of a span of time; None for any other text.

    >>> span_of("Q3 2004").ends, span_of("2018/19").ends, span_of("15-17.06.2019").ends
    (('2004-07', '2004-09'), ('2018', '2019'), ('15.06.2019', '17.06.2019'))
    """
    for pattern in QUARTERS:
        match = pattern.match(text)
        if match is not None:
            quarter = NUMERALS.get(match["q"].upper()) or int(match["q"])
            return Span((f"{match['y']}-{3 * quarter - 2:02}", f"{match['y']}-{3 * quarter:02}"), WHOLE_QUARTERS)
    match = YEARS.match(text)
    if match is not None:
        last = match["b"] if len(match["b"]) == 4 else match["a"][:2] + match["b"]
        return Span((match["a"], last), SPANS)
    match = DAYS_OF_MONTH.match(text)
    if match is not None:
        return Span((match["a"] + match["rest"], match["b"] + match["rest"]), SPANS)
    match = BOTH_MONTHS.match(text)
    if match is not None:
        return Span((f"{match['a']} {match['y']}", f"{match['b']} {match['y']}"), SPANS)
    match = BOTH_NUMBERS.match(text) or BOTH_DATES.match(text)
    return None if match is None else Span((match["a"], match["b"]), SPANS)
