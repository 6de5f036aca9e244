"""Texts from data made harmless for spreadsheets, terminals and XML readers."""

import unicodedata

# A cell that starts with one of these runs as a formula in a spreadsheet, or did in one of them.
FORMULA_STARTS = ("=", "+", "-", "@")
# Control, format, surrogate and private characters and noncharacters, except line ends and tabs.
HIDDEN = ("Cc", "Cf", "Cs", "Cn", "Co")
# Persian, Arabic and Indian scripts need these two to join letters.
JOINERS = "\u200c\u200d"


def printable(text: str) -> str:
    r"""The text without control, format and private characters and noncharacters; line ends and tabs stay.

    >>> printable("a\x07b\u202ec\ufffe d")
    'abc d'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        sign
        for sign in text.replace("\r\n", "\n").replace("\r", "\n")
        if sign in "\n\t" or sign in JOINERS or unicodedata.category(sign) not in HIDDEN
    )


def plain(text: str) -> str:
    r"""Text that no spreadsheet runs as a formula, whatever precedes its first visible character.

    That character is tested in its form normalised by Unicode, because some spreadsheets also run full-width signs.

    >>> plain("=1+1"), plain("\u200b=1"), plain("\uff1d1") == "'\uff1d1", plain("T\u0259rt\u0259r")
    ("'=1+1", "'=1", True, 'Tərtər')
    """
    clean = printable(text)
    first = next((sign for sign in clean if not sign.isspace() and sign not in JOINERS), "")
    starts = unicodedata.normalize("NFKC", first).lstrip().startswith(FORMULA_STARTS)
    # An apostrophe also prevents that a tab or a line end is skipped before a formula.
    return f"'{clean}" if starts or clean[:1] in ("\t", "\n") else clean
