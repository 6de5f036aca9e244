"""A self-contained HTML page of sections: tables, pictures and texts; every text is escaped, nothing is fetched."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from features.base import printable

TEMPLATES = Path(__file__).with_name("templates")
# Nobody reads a longer list on a page; the JSON file beside the page holds every row.
MOST_ROWS = 60


@dataclass(frozen=True)
class Picture:
    """A PNG and its caption, which also replaces the picture if it cannot be seen."""

    png: bytes
    caption: str

    def __html__(self) -> str:
        """The picture inside a page."""
        return _block("picture", base64.b64encode(self.png).decode(), self.caption)

    @property
    def slug(self) -> str:
        """The first words of the caption as a part of a file name.

        >>> Picture(b"", "The first fifth: recall").slug
        'the-first-fifth'
        """
        words = re.sub(r"[^a-z0-9]+", "-", re.split(r"[.:;,(]", self.caption)[0].casefold()).strip("-")
        return words[:48].strip("-") or "picture"


Block = Markup | Picture


@dataclass(frozen=True)
class Section:
    """A heading and its content."""

    heading: str
    blocks: tuple[Block, ...]
    folded: bool = False


def section(heading: str, *blocks: Block, folded: bool = False) -> Section:
    """A section of a page; a folded one opens where a reader asks for it."""
    return Section(heading, blocks, folded)


def page(title: str, under_title: Iterable[str], notice: str, sections: Sequence[Section]) -> str:
    """The page: title, sentences, notice, the first section, contents, and the other sections."""
    template = _environment().get_template("page.html")
    return template.render(title=title, lead=under_title, notice=notice, sections=sections)


def pictures_of(sections: Iterable[Section]) -> dict[str, bytes]:
    """The pictures of a page as PNG by file name, numbered in the order of the page.

    >>> list(pictures_of([section("Recall", Picture(b"", "The first fifth: recall"), text("none"))]))
    ['01-the-first-fifth.png']
    """
    found = [block for part in sections for block in part.blocks if isinstance(block, Picture)]
    return {f"{place:02d}-{picture.slug}.png": picture.png for place, picture in enumerate(found, start=1)}


def text(*paragraphs: str, soft: bool = False) -> Markup:
    """Paragraphs of plain text."""
    return _block("paragraphs", paragraphs, soft)


def lead(*sentences: str) -> Markup:
    """Sentences that answer what a page is opened for, in large type."""
    return _block("lead", sentences)


def heading(words: str) -> Markup:
    """A heading inside a section."""
    return _block("heading", words)


def big(figure: str, words: str) -> Markup:
    """One number that must not be overlooked, and its meaning."""
    return _block("big", figure, words)


def items(lines: Iterable[str]) -> Markup:
    """A list of lines."""
    return _block("items", list(lines))


def preformatted(content: str) -> Markup:
    """Text in the lines it has."""
    return _block("preformatted", content)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], ours: Iterable[int] = (), texts: int = 1) -> Markup:
    """A table that scrolls by itself; the first `texts` columns are words, the others numbers.

    Text after a line break in a cell is small; rows numbered in `ours` are highlighted. No more than MOST_ROWS rows.
    """
    listed = _block("table", header, rows[:MOST_ROWS], frozenset(ours), texts)
    if len(rows) <= MOST_ROWS:
        return listed
    return listed + text(f"{len(rows) - MOST_ROWS:,} more rows are in the JSON file.", soft=True)


def number(value: object, digits: int = 2) -> str:
    """A figure as text, or the words for one that was not measured.

    >>> number(1234.5, 1), number(float("nan")), number(None)
    ('1,234.5', 'not measured', 'not measured')
    """
    if not isinstance(value, int | float) or not isfinite(value):
        return "not measured"
    return f"{value:,.{digits}f}"


def with_bounds(row: Mapping[str, object], name: str, digits: int = 2) -> str:
    """A figure and, on a line of its own, its 90 % interval."""
    return f"{number(row.get(name), digits)}\n{interval(row, name, digits)}"


def interval(row: Mapping[str, object], name: str, digits: int = 2) -> str:
    """The bounds `name_low` and `name_high` of a figure.

    >>> interval({"recall_low": 0.1, "recall_high": 0.3}, "recall"), interval({}, "recall")
    ('0.10 to 0.30', 'no interval')
    """
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    if not isinstance(low, float) or not isinstance(high, float) or not (isfinite(low) and isfinite(high)):
        return "no interval"
    return f"{low:.{digits}f} to {high:.{digits}f}"


def _block(macro: str, *arguments: object) -> Markup:
    made: Markup = getattr(_blocks(), macro)(*arguments)
    return made


def _shown(value: Any) -> Any:
    """Texts without control signs and the like; markup is made of such texts already."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(TEMPLATES, encoding="utf-8")
    return jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined, finalize=_shown
    )


@cache
def _blocks() -> Any:
    return _environment().get_template("blocks.html").module
