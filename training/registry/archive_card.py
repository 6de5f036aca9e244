"""version.json of an export: name, origin and figures of a version."""

import math
import re
from datetime import date
from html.parser import HTMLParser
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

FORMAT = 1
# Names of models: a name that the config allows, and one of the targets.
NAME = r"^[a-z0-9][a-z0-9_-]{0,62}\.(contamination|casualty)$"
# Elements and attributes that occur in reports of mlrisk; all others are refused.
ELEMENTS = (
    "html", "head", "body", "meta", "title", "style", "h1", "h2", "h3", "h4", "p", "pre", "br", "hr", "div", "span",
    "section", "nav", "figure", "figcaption", "img", "ul", "ol", "li", "table", "thead", "tbody", "tr", "td", "th",
    "small", "b", "i", "strong", "em", "code", "a", "details", "summary", "caption", "dl", "dt", "dd",
)  # fmt: skip
ATTRIBUTES = (
    "class", "id", "lang", "alt", "src", "name", "content", "charset", "http-equiv", "href", "colspan", "rowspan",
    "scope", "title", "width", "height",
)  # fmt: skip
LOADED = ("src", "href")


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


def _plain(text: str) -> str:
    if not all(sign.isprintable() or sign in "\n\t" for sign in text):
        raise ValueError("a text holds control characters")
    return text


def _key(text: str) -> str:
    if not text.isprintable() or any(part in ("", ".", "..") for part in text.split("/")):
        raise ValueError("a name of a figure is one printable line and no path")
    return text


Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
TagKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{0,99}$")]
Text = Annotated[str, Field(max_length=5_000), AfterValidator(_plain)]
MetricKey = Annotated[str, Field(max_length=250), AfterValidator(_key)]


class VersionTags(BaseModel):
    """The tags that the program reads; other tags may be any texts."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, Text]

    digest: Digest
    as_of: Annotated[str, AfterValidator(_day)]
    grid: Annotated[str, Field(max_length=500), AfterValidator(_plain)]
    seed: Annotated[str, Field(pattern=r"^-?[0-9]{1,20}$")] = "0"
    unit_m: Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$")] = "1000"


class Card(BaseModel):
    """version.json; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal[1]
    name: Annotated[str, Field(pattern=NAME)]
    number: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}$")]
    digest: Digest
    tags: VersionTags
    params: Annotated[
        dict[Annotated[str, Field(max_length=500), AfterValidator(_plain)], Text], Field(max_length=5_000)
    ]
    metrics: Annotated[dict[MetricKey, float], Field(max_length=50_000)]
    run_tags: Annotated[
        dict[Annotated[str, Field(max_length=250), AfterValidator(_plain)], Text], Field(max_length=1_000)
    ]


def card_of(text: str) -> Card:
    """The card of an export; raises ValueError with its first fault."""
    try:
        card = Card.model_validate_json(text)
        extra = card.tags.__pydantic_extra__
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:80]
        if first["loc"] == ("format",):
            raise ValueError(f"has another format than {FORMAT}: update the older of the two mlrisk") from error
        raise ValueError(f"is no exported version: version.json: {place!r}: {first['msg'][:160]}") from error
    if strange := [
        key for key in extra if not re.fullmatch(r"[a-z][a-z0-9_.]{0,99}", key) or key.startswith("mlflow.")
    ]:
        raise ValueError(f"is no exported version: version.json: the tag {strange[0]!r:.80} is none of ours")
    if card.tags.digest != card.digest:
        raise ValueError("is no exported version: version.json has two digests")
    if any(math.isinf(value) for value in card.metrics.values()):
        raise ValueError("is no exported version: version.json has a figure without end")
    return card


def active_content(page: str) -> str:
    """The first element or attribute of an HTML page that could run or load something, empty if there is none.

    The report of a run is shown beside the map: a report from elsewhere must hold text and pictures alone.

    >>> active_content('<p class="x">a</p>'), active_content('<p onclick="x()">'), active_content("<script>")
    ('', 'onclick of <p>', '<script>')
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    found = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.found:
            return
        if tag not in ELEMENTS:
            self.found = f"<{tag:.40}>"
        names = dict(attrs)
        for name, value in attrs:
            picture = (value or "").startswith(("data:image/png;", "#"))
            if name not in ATTRIBUTES or (name in LOADED and not picture):
                self.found = self.found or f"{name:.40} of <{tag}>"
        if (
            tag == "meta"
            and (names.get("http-equiv") or "content-security-policy").casefold() != "content-security-policy"
        ):
            self.found = self.found or "http-equiv of <meta>"

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style" and any(word in data.casefold() for word in ("url(", "@import", "expression(")):
            self.found = self.found or "a style that loads something"
