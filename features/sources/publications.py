"""Published tables that many countries use: their marks, and the places of canonical columns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Publication:
    """A published layout: its source, its marks (columns in lower case), and its names by canonical name."""

    name: str
    source: str
    marks: tuple[str, ...]
    columns: Mapping[str, str]


# The first layout whose marks a table has all counts.
PUBLICATIONS: tuple[Publication, ...] = (
    Publication(
        name="UCDP GED",
        source="conflict_events",
        marks=("date_start", "type_of_violence", "best"),
        columns={"date": "date_start", "fatalities": "best", "event_type": "type_of_violence"},
    ),
    Publication(
        name="ACLED",
        source="conflict_events",
        marks=("event_date", "sub_event_type", "fatalities"),
        columns={"date": "event_date", "fatalities": "fatalities", "event_type": "event_type"},
    ),
    Publication(
        name="geoBoundaries",
        source="districts",
        marks=("shapename", "shapeid", "shapetype"),
        columns={"name": "shapeName"},
    ),
    *(
        Publication(
            name=f"GADM level {level}",
            source="districts",
            marks=(f"gid_{level}", f"name_{level}"),
            columns={"name": f"NAME_{level}"},
        )
        for level in (5, 4, 3, 2, 1)
    ),
    Publication(name="GADM level 0", source="districts", marks=("gid_0", "country"), columns={"name": "COUNTRY"}),
    *(
        Publication(
            name=f"common operational dataset (COD-AB) level {level}",
            source="districts",
            marks=(f"adm{level}_en", f"adm{level}_pcode"),
            columns={"name": f"ADM{level}_EN"},
        )
        for level in (4, 3, 2, 1, 0)
    ),
    Publication(
        name="Natural Earth admin",
        source="districts",
        marks=("featurecla", "adm0_a3", "name"),
        columns={"name": "NAME"},
    ),
)


def publication_of(names: Iterable[str]) -> Publication | None:
    """The published layout that a table with these columns has.

    >>> publication_of(["event_date", "SUB_EVENT_TYPE", "fatalities", "latitude"]).name
    'ACLED'
    """
    known = {name.strip().casefold() for name in names}
    return next((one for one in PUBLICATIONS if known.issuperset(one.marks)), None)


def looks_like(source: str, names: Iterable[str]) -> str:
    """The probable layout of a table in which a column is missing, as the beginning of a sentence; '' if unknown.

    >>> looks_like("conflict_events", ["event_date", "sub_event_type", "fatalities"])
    'this looks like an ACLED table: date is event_date; '
    """
    found = publication_of(names)
    if found is None:
        return ""
    return f"{_sentence(found, source)}; "


def unmapped_columns(source: str, names: Iterable[str], taken: Iterable[str]) -> str:
    """A sentence on canonical columns that a published table has under other names and none `taken`; '' if none.

    >>> unmapped_columns("conflict_events", ["event_date", "sub_event_type", "fatalities"], ["fatalities"])
    'this looks like an ACLED table: date is event_date: give columns'
    """
    found = publication_of(names)
    if found is None or found.source != source or set(found.columns) <= set(taken):
        return ""
    return f"{_sentence(found, source)}: give columns"


def _sentence(found: Publication, source: str) -> str:
    article = "an" if found.name[0] in "AEIO" else "a"
    mapped = [f"{ours} is {theirs}" for ours, theirs in found.columns.items() if ours != theirs]
    if found.source != source:
        mapped = [f"it belongs under {found.source}"]
    return f"this looks like {article} {found.name} table: {', '.join(mapped)}"
