"""Texts from data: no spreadsheet runs them, no reader of XML refuses them."""

import unicodedata
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.base import plain, printable

SIGNS = tuple("=+-@")
STARTS = [sign for sign in map(chr, range(0x11000)) if unicodedata.normalize("NFKC", sign).strip()[:1] in SIGNS]
BEFORE = st.text(
    st.sampled_from(" \t\n\r\x00\x0b\x0c\x1f\x85\u00a0\u00ad\u200b\u200c\u200e\u202e\u2060\u3000\ufeff\ufffe")
)


def runs(text: str) -> bool:
    """Whether a spreadsheet could take it for a formula: blanks and what is not visible are skipped."""
    seen = unicodedata.normalize("NFKC", text)
    visible = [sign for sign in seen if unicodedata.category(sign)[0] not in "CZ"]
    return bool(visible) and visible[0] in "=+-@"


def test_full_width_small_and_raised_signs_are_among_the_starts():
    assert {"=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufe62", "\ufe63", "\u207a"} <= set(STARTS)


@pytest.mark.slow
@given(BEFORE, st.sampled_from(STARTS), st.text())
def test_no_formula_stays_one(before, start, rest):
    assert runs(before + start + rest)
    assert not runs(plain(before + start + rest))


@pytest.mark.slow
@given(st.text())
def test_any_text_is_harmless_and_stays_so(text):
    clean = plain(text)
    assert not runs(clean)
    assert printable(clean) == clean
    # Each reader of XML takes it as it is; one that splits lines gives the same lines.
    ET.fromstring(ET.tostring(_element(clean), encoding="unicode"))  # noqa: S314 our own text


@given(st.text(st.characters(whitelist_categories=("L", "N")), min_size=1))
def test_names_stay_as_they_are(text):
    name = "".join(sign for sign in text if unicodedata.normalize("NFKC", sign)[:1] not in SIGNS)
    assert plain(f"a{name}") == f"a{name}"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\u00a0=1", "\uff1d1", "\u200b=1"])
def test_what_begins_a_formula_has_an_apostrophe_before_it(text):
    assert plain(text) == f"'{printable(text)}"


def test_sentences_stay_as_they_are():
    text = "312 m from the line held 1994-2020, Ağdam & Füzuli; \u0645\u06cc\u200c\u0631\u0648\u062f"
    assert plain(text) == text


def _element(text):
    element = ET.Element("a")
    element.text = text
    return element
