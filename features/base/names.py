"""Names of columns from names in data, for every script and the same in every run."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable

# Latin letters that Unicode does not decompose into a plain letter and an accent.
PLAIN_LETTERS = str.maketrans(
    {"đ": "d", "ð": "d", "ł": "l", "ø": "o", "\u0131": "i", "ə": "e", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
)
DIGEST_LETTERS = 6


def column_names(names: Iterable[str]) -> dict[str, str]:
    """A name of lower-case ASCII letters, digits and underscores for each of different lower-case names.

    If letters are lost, or two names would become the same, a digest of the name distinguishes them.

    >>> column_names(["brčko district", "republika srpska"])
    {'brčko district': 'brcko_district', 'republika srpska': 'republika_srpska'}
    >>> column_names(["a+b", "a-b"])
    {'a+b': 'a_b_300273', 'a-b': 'a_b_d44362'}
    >>> column_names(["население"])
    {'население': '0d8379'}
    """
    plain = {name: _plain(name) for name in names}
    found = {name: re.sub(r"[^0-9a-z]+", "_", text).strip("_") for name, text in plain.items()}
    slugs = list(found.values())
    for name, slug in found.items():
        lost = any(letter.isalnum() and not letter.isascii() for letter in plain[name])
        if lost or not slug or slugs.count(slug) > 1:
            digest = hashlib.sha256(name.encode()).hexdigest()[:DIGEST_LETTERS]
            found[name] = f"{slug}_{digest}".strip("_")
    return found


def _plain(name: str) -> str:
    """The name without accents: letters that Unicode decomposes, and those of PLAIN_LETTERS."""
    apart = unicodedata.normalize("NFKD", name.translate(PLAIN_LETTERS))
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).lower()
