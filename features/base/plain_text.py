"""Texts from data that no spreadsheet runs, no terminal obeys and no reader of XML refuses."""

import unicodedata

# A cell that starts with one of these runs as a formula in a spreadsheet, or did in one of them.
FORMULA_STARTS = ("=", "+", "-", "@")
# Control, format, surrogate and private signs, and those that are no characters; line ends and tabs stay.
HIDDEN = ("Cc", "Cf", "Cs", "Cn", "Co")
# Letters of Persian, Arabic and Indian scripts join by these two.
JOINERS = "\u200c\u200d"


def printable(text: str) -> str:
    r"""The text without control, format and private signs and without what is no character; lines and tabs stay.

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
    r"""Text that no spreadsheet runs as a formula, whatever stands before its first visible sign.

    Its first visible sign is looked at in the form to which Unicode normalises it: full-width signs run in some
    spreadsheets too.

    >>> plain("=1+1"), plain("\u200b=1"), plain("\uff1d1") == "'\uff1d1", plain("T\u0259rt\u0259r")
    ("'=1+1", "'=1", True, 'Tərtər')
    """
    clean = printable(text)
    first = next((sign for sign in clean if not sign.isspace() and sign not in JOINERS), "")
    starts = unicodedata.normalize("NFKC", first).lstrip().startswith(FORMULA_STARTS)
    # An apostrophe of its own also keeps a tab or a line end from being skipped before a formula.
    return f"'{clean}" if starts or clean[:1] in ("\t", "\n") else clean
