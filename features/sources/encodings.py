"""The encoding of a text: by its byte order mark, UTF-8 if that decodes, the given one, or the likeliest one."""

import codecs
from dataclasses import dataclass

from charset_normalizer import from_bytes

from features.base import ConfigError, InputError
from features.sources.report import name_rows

# Code pages of the languages in which registers of mine action are kept.
CODE_PAGES = ["cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1256", "cp866", "koi8_r"]
LATIN = frozenset({"cp1250", "cp1252", "cp1254"})
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
# Letters of one code page that are rare in the languages of the others, as bytes.
BOSNIAN = frozenset(b"\x8a\x8e\x9a\x9e")  # Š Ž š ž
TURKIC = frozenset(b"\xdd\xde\xfd\xfe")  # İ Ş ı ş
CARONS, ACUTE = frozenset(b"\xc6\xe6\xc8\xe8"), frozenset(b"\xe9\xc9\xea\xe0")  # ć č, which French has as æ è; é ê à
# A file that is UTF-8 but for a few lines was put together from several.
FEW = 0.1
DETECTED_BY = 1 << 18


@dataclass(frozen=True)
class Decoded:
    """A text, the Python name of its encoding, and a remark on how it was found (may be empty)."""

    text: str
    encoding: str
    note: str = ""


def decode(content: bytes, given: str | None, what: str) -> Decoded:
    """The text of `content`; `given` is the encoding that the configuration names, `what` begins messages.

    Raises ConfigError for an unknown encoding, InputError for content that is invalid in the given one.
    """
    if given is not None:
        return Decoded(decode_as(content, given, what), given)
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return Decoded(decode_as(content, encoding, what), encoding, f"encoding {encoding}")
    wide = _wide(content)
    if wide:
        return Decoded(decode_as(content, wide, what), wide, f"encoding {wide}")
    try:
        return Decoded(content.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        pass
    broken = _broken_lines(content)
    if broken:
        note = f"bytes that are no UTF-8 in {name_rows(broken, 'line')}: read as \ufffd"
        return Decoded(content.decode("utf-8", errors="replace"), "utf-8", note)
    encoding = likeliest(content)
    note = f"encoding {encoding}, the likeliest: if letters are wrong, give encoding"
    return Decoded(content.decode(encoding, errors="replace"), encoding, note)


def decode_as(content: bytes, encoding: str, what: str) -> str:
    """The text in a named encoding; ConfigError for an unknown name, InputError if the text is invalid in it."""
    try:
        return content.decode(encoding)
    except LookupError as error:
        raise ConfigError(f"{what}: encoding ({encoding!r}) is not known: give one such as utf-8 or cp1251") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{what} is not in {encoding} (line {line}): give another encoding, or leave it out"
        ) from error


def likeliest(content: bytes) -> str:
    """The code page in which the letters of a text that is not UTF-8 are most plausible.

    >>> likeliest("Агдам, Физули".encode("cp1251")), likeliest("Ağdam, Xocalı".encode("cp1254"))
    ('cp1251', 'cp1254')
    >>> likeliest("Brčko, Šamac".encode("cp1250")), likeliest("Forêt, Près".encode("cp1252"))
    ('cp1250', 'cp1252')
    """
    # Only lines with letters beyond ASCII are informative; figures and headers would outweigh them.
    telling = b"\n".join(line for line in content.splitlines() if not line.isascii())[:DETECTED_BY]
    best = from_bytes(telling, cp_isolation=CODE_PAGES).best()
    found = "cp1252" if best is None else best.encoding
    if found not in LATIN:
        return found
    letters = set(telling)
    if letters & BOSNIAN or (letters & CARONS and not letters & (ACUTE | TURKIC)):
        return "cp1250"
    return "cp1254" if letters & (TURKIC | {0xD0, 0xF0}) else "cp1252"


def _wide(content: bytes) -> str:
    """UTF-16 without a byte order mark: every other byte of its figures and separators is 0."""
    head = content[:4096]
    if len(head) < 4 or head.count(0) < len(head) / 4:
        return ""
    return "utf-16-be" if head[::2].count(0) > head[1::2].count(0) else "utf-16-le"


def _broken_lines(content: bytes) -> list[int]:
    """Lines (from 1) that are not UTF-8, if they are few among the lines with letters beyond ASCII."""
    broken, letters = [], 0
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.isascii():
            continue
        letters += 1
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            broken.append(number)
    return broken if len(broken) <= FEW * letters else []
