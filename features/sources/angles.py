"""Angles as people write them: degrees with minutes, seconds, or the letter of a hemisphere."""

import re

# West to east and south to north: letters that may stand at a longitude and at a latitude.
HEMISPHERES = ("EW", "NS")
# The same in Russian and Ukrainian: eastern and western longitude, northern and southern latitude.
CYRILLIC = (
    (r"(?:\u0432|\u0441\u0445?)\.?\s?\u0434\.?$", "E"), (r"\u0437\.?\s?\u0434\.?$", "W"),
    (r"(?:\u0441|\u043f\u043d)\.?\s?\u0448\.?$", "N"), (r"(?:\u044e|\u043f\u0434)\.?\s?\u0448\.?$", "S"),
)  # fmt: skip
# Directions by their names in English, French, Spanish, Portuguese, German, Turkish and Bosnian.
DIRECTIONS = {
    "E": "east|est|este|leste|ost|osten|do\u011fu|istok", "W": "west|westen|ouest|oeste|bat\u0131|zapad",
    "N": "north|nord|norden|norte|kuzey|sjever", "S": "south|sud|s\u00fcd|s\u00fcden|sur|sul|g\u00fcney|jug",
}  # fmt: skip
# Letters of languages, for a longitude alone: west in French, Spanish and Portuguese; east in Portuguese.
LETTERS = {"O": "W", "L": "E"}
WORD = re.compile(r"(?<![^\W\d_])[^\W\d_]+(?=\.?$)|^[^\W\d_]+")
ANGLE = re.compile(
    r"^(?P<before>[NSEW])?\s*(?P<sign>[-+])?(?P<d>\d{1,3}(?:[.,]\d+)?)\s*(?:[\u00b0\u00ba:dD*]|\s)?\s*"
    r"(?:(?P<m>\d{1,2}(?:[.,]\d+)?)\s*(?:['\u2032\u2019:mM]|\s)?\s*"
    r"(?:(?P<s>\d{1,2}(?:[.,]\d+)?)\s*(?:\"|\u2033|\u201d|''|\u2019\u2019|s)?)?)?\s*(?P<after>[NSEW])?$",
    re.IGNORECASE,
)


def degrees_of(text: str, axis: int) -> float:
    r"""Decimal degrees of an angle with minutes, seconds or a letter of its hemisphere; NaN for anything else.

    >>> degrees_of("40\u00b012'30''N", 1), degrees_of("W 3 30", 0), degrees_of("46 45", 1), degrees_of("46 75 10", 1)
    (40.208333333333336, -3.5, 46.75, nan)
    >>> degrees_of("3 30 O", 0), degrees_of("3.5\u00b0 Oeste", 0), degrees_of("3.5 Est", 0), degrees_of("3.5 O", 1)
    (-3.5, -3.5, 3.5, nan)
    """
    text = text.strip()
    for written, letter in CYRILLIC:
        text = re.sub(written, letter, text, flags=re.IGNORECASE)
    text = WORD.sub(lambda match: _letter_of(match[0], axis), text).rstrip(".")
    match = ANGLE.match(text)
    letters = HEMISPHERES[axis]
    if match is None or (match["before"] and match["after"]):
        return float("nan")
    letter = (match["before"] or match["after"] or "").upper()
    if letter and letter not in letters:
        return float("nan")
    degrees, minutes, seconds = (float((match[part] or "0").replace(",", ".")) for part in ("d", "m", "s"))
    if minutes >= 60 or seconds >= 60 or (match["m"] and not degrees.is_integer()):
        return float("nan")
    south = letter in ("S", "W") or match["sign"] == "-"
    value = degrees + minutes / 60 + seconds / 3600
    return -value if south else value


def _letter_of(word: str, axis: int) -> str:
    """The English letter of a direction that a word or a letter of another language names; the word if it is none."""
    if axis == 0 and word.upper() in LETTERS:
        return LETTERS[word.upper()]
    return next((letter for letter, names in DIRECTIONS.items() if word.casefold() in names.split("|")), word)


def says_o(text: str) -> bool:
    """Whether a longitude has the letter O, which is west in French, Spanish and Portuguese, and east in German.

    >>> says_o("3\u00b030'O"), says_o("3\u00b030' Ouest")
    (True, False)
    """
    return any(word.upper() == "O" for word in WORD.findall(text.strip()))
