"""Dates that people state loosely: about a year, a season, the end of a month, a decade, a day that is not known."""

import re

from features.sources.months import FILLERS, folded

LOOSE = "that are approximate, or a part of a year or month, read as the last day that it can be"
# "About", in the languages of the field.
ABOUT = (
    "circa ca cca c about around approx approximately approximate est estimated roughly vers environ env hacia "
    "alrededor aprox aproximadamente cerca por volta около примерно приблизительно ок прибл близько орієнтовно oko "
    "otprilike təxminən yaklaşık حوالي تقريبا حدود تقریبا etwa ungefähr um"
)
# The beginning, the middle and the end.
PARTS = (
    "early mid middle late later end beginning start début milieu fin principios principio comienzos mediados finales "
    "fines inicio inícios meados finais final начало начале середина середине конец конце початок початку середині "
    "кінець кінці početak početkom sredina sredinom kraj krajem əvvəli əvvəlində ortası ortasında sonu sonunda başı "
    "başında أوائل منتصف أواخر اوایل اواسط اواخر anfang mitte ende"
)
# Spring, summer and autumn, by the word alone: which months they are differs between the hemispheres.
SEASONS = (
    "spring summer autumn fall printemps été automne primavera verano verão otoño outono весна весной весны лето летом "
    "лета осень осенью осени навесні літо влітку осінь восени proljeće proljeća proljeću ljeto ljeta jesen jeseni yaz "
    "yazı yazında yay yayı yayında payız payızı payızında ilkbahar bahar baharı sonbahar ربيع صيف خريف بهار تابستان "
    "پاییز خزان frühling frühjahr sommer herbst"
)
WINTERS = (
    "winter hiver invierno inverno зима зимой зимы взимку zima zime zimi qış qışı qışında kış kışı kışında شتاء زمستان"
)
SIGNS = re.compile(r"[~\u2248\u2243?()\[\]]|\+/-|\u00b1")
WORD = re.compile(r"[^\W\d_]+")
UNKNOWN_DAY = re.compile(
    r"^(?:xx|\?{1,2}|__|--)(?=[./-]\d{1,2}[./-]\d{4}$)|(?<=^\d{4}[./-]\d{2}[./-])(?:xx|\?{1,2}|__)$", re.IGNORECASE
)
DECADE = re.compile(
    r"^(?:the |les |los |os )?(?:années |años |anos )?(?P<y>(?:19|20)\d)0-?\s?(?:s|er|\u0445|\u0435|ых|ті|ci illər)?"
    r"(?: годы| \u0433\u0433| роки)?$"
)
YEARS = re.compile(r"^(?P<a>\d{4})(?:\s?[-/\u2013]\s?(?:\d{4}|\d{2}))?$")


def _words(text: str) -> frozenset[str]:
    return frozenset(folded(word) for word in text.split())


_ABOUT, _PARTS, _SEASONS, _WINTERS = _words(ABOUT), _words(PARTS), _words(SEASONS), _words(WINTERS)
_BETWEEN = _words(
    "de del d of the in le la les el il ilin ili году года год годов \u0433 \u0440 року \u0443 \u0432 no do da na"
    " godine"
)


def stated_loosely(text: str) -> str | None:
    """The date in a text that states it loosely, of which the last day counts; None for any other text.

    A winter ends in March of the year after the one that it is named by. Words such as before and after say nothing of
    the last day and are not read.

    >>> [stated_loosely(text) for text in ("circa 1993", "spring 1993", "winter 1993/94", "end of June 1993", "1990s")]
    ['1993', '1993', '1994-03', 'June 1993', '1999']
    >>> stated_loosely("before 1993"), stated_loosely("15 June 1993"), stated_loosely("??.06.1993")
    (None, None, '1993-06')
    """
    text = text.strip()
    if UNKNOWN_DAY.search(text):
        return "-".join(sorted(re.findall(r"\d+", text), key=len, reverse=True))
    decade = DECADE.match(text)
    if decade is not None and not text.isdecimal():
        return f"{decade['y']}9"
    words = [(word, folded(word)) for word in WORD.findall(text)]
    season = [plain for _, plain in words if plain in _SEASONS | _WINTERS]
    loose = [word for word, plain in words if plain in _ABOUT | _PARTS]
    plain = SIGNS.sub(" ", text)
    if not season and not loose and plain == text:
        return None
    dropped = {word for word, plain in words if plain in _ABOUT | _PARTS | _SEASONS | _WINTERS | _BETWEEN | FILLERS}
    inner = " ".join(WORD.sub(lambda match: "" if match[0] in dropped else match[0], plain).split())
    inner = re.sub(r"^[\s.,:;-]+|[\s.,:;-]+$", "", inner)
    if not season:
        return inner if inner and inner != text else None
    years = YEARS.match(inner)
    if years is None or len(season) > 1:
        return None
    return f"{int(years['a']) + 1}-03" if season[0] in _WINTERS else inner
