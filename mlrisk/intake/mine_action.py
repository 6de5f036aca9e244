"""Records of mine action: exports of IMSMA and of authorities, recognised by names of columns or by values."""

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from features.sources import SCHEMAS, SourceTerms, read_terms
from mlrisk.intake.finding import Finding
from mlrisk.intake.looking import Look

TERMS_FILE = "imsma_core.yaml"
RECORDS = ("hazard_areas", "land_release", "finds", "incidents", "minefield_records", "survey")
# Names that occur in tables of all kinds and therefore identify none.
COMMON = frozenset(
    {
        "activity",
        "asset",
        "category",
        "conclusion",
        "confidence",
        "effort",
        "erw",
        "fatalities",
        "inhabitants",
        "method",
    }
    | {"name", "outcome", "place", "population", "purpose", "quantity", "qty", "result", "status", "technique", "type"}
    | {"uxo", "year", "end_date", "start_date", "date_start", "date_end", "enddate", "startdate", "handover_date"}
    | {"longitude", "latitude", "reliability", "classification", "subcategory", "depth_m", "accuracy", "date_created"}
)
CUT = 10
# For layers without typical columns: words in their values, the source, constants of the source.
WORDS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (r"\b(lifted|destroyed|removed|disposed)\b|\b(mine|uxo|device|ordnance)s? found\b|обнаружен", "finds", {}),
    (r"\bcancel|annul|anulad|отмен", "land_release", {"release_type": "cancelled"}),
    (r"\breduc|сокращ", "land_release", {"release_type": "reduced"}),
    (r"\bclear(ed|ance)|déminé|despejad|očišćen|очищен|разминирован|təmizlən", "land_release",
     {"release_type": "cleared"}),
    (r"\bconfirmed|\bCHA\b|подтвержд|confirmad", "hazard_areas", {"hazard_type": "CHA"}),
    (r"\bsuspect|\bSHA\b|sospech|sumnjiv|подозр|şübhəli|hazard(ous)? area|minefield|campo minado", "hazard_areas",
     {"hazard_type": "SHA"}),
    (r"\baccident|\bincident|\bvictim|accidente|несчастн|qəza|nesreć", "incidents", {}),
)  # fmt: skip
FRONT = re.compile(
    r"cease-? ?fire|line of (contact|control|separation)|contact line|front ?line|defen[cs]e line|"
    r"confrontation line|линия (соприкосновения|фронта)|təmas xətti|withdrawal",
    re.IGNORECASE,
)
FRONT_KINDS = (("cease", "ceasefire_line"), ("defen", "defence_line"), ("withdrawal", "withdrawal_route"))
FEWEST_COVARIATES = 8
OUTCOME = {"1": "found", "0": "searched", "-1": "unknown"}
MOST_WORDS = 30


@cache
def imsma_terms() -> tuple[Path, Mapping[str, SourceTerms]]:
    """The mapping file of IMSMA's terms, in the package or its repository, and its content."""
    here = Path(__file__).parent
    file = next(path for path in (here / TERMS_FILE, here.parents[1] / "configs/terms" / TERMS_FILE) if path.exists())
    return file, read_terms(file)


def by_columns(look: Look) -> tuple[Finding, ...]:
    """Records whose columns have names of IMSMA, of the GICHD requirements, or of mlrisk."""
    names = set(look.columns)
    cut = all(len(name) <= CUT for name in names)
    _, terms = imsma_terms()
    users = Counter(
        name for source in RECORDS for name in {one for many in terms[source].columns.values() for one in many}
    )
    matched: dict[str, int] = {}
    for source in RECORDS:
        if not look.geometry & set(SCHEMAS[source].geometry):
            continue
        # A name that several kinds of records share does not distinguish them.
        own = {name for many in terms[source].columns.values() for name in many if users[name] == 1}
        own |= {
            name for name in SCHEMAS[source].columns if sum(name in SCHEMAS[other].columns for other in RECORDS) == 1
        }
        own -= COMMON
        own = {name[:CUT] for name in own} if cut else own
        matched[source] = len(own & names)
    best = max(matched, key=lambda source: matched[source], default="")
    if not best or not matched[best]:
        return ()
    rivals = [source for source in matched if source != best and matched[source] == matched[best]]
    doubts = [f"it could as well be {' or '.join(rivals)}"] if rivals else []
    if best == "incidents" and {"victim_id", "sex", "age"} & names:
        doubts.append("one row seems to be a victim: count them to one row an accident")
    spec = {"terms": TERMS_FILE, "columns": look.coordinates}
    what = f"{best.replace('_', ' ')}, columns of IMSMA or GICHD"
    return (Finding(look=look, source=best, what=what, spec=spec, doubts=tuple(doubts), score=matched[best]),)


def by_words(look: Look) -> tuple[Finding, ...]:
    """Records whose kind is stated in the values of a column, as in layers drawn from maps."""
    found: dict[str, list[tuple[str, str, dict[str, str]]]] = {}
    for column in look.sample.columns:
        values = look.values(column)
        if not 0 < len(values) <= MOST_WORDS:
            continue
        kinds = [(value, *kind) for value in values if (kind := _kind_of(value, look.geometry))]
        if len(kinds) * 2 > len(values):
            found[str(column)] = [(value, source, constants) for value, source, constants in kinds]
    if not found:
        return ()
    column, kinds = next(iter(found.items()))
    several = len({source for _, source, _ in kinds}) > 1
    return tuple(
        _worded(
            look,
            column,
            source,
            [(value, constants) for value, of, constants in kinds if of == source],
            several=several,
        )
        for source in dict.fromkeys(source for _, source, _ in kinds)
    )


def _kind_of(value: str, geometry: frozenset[str]) -> tuple[str, dict[str, str]] | None:
    for words, source, constants in WORDS:
        if re.search(words, value, re.IGNORECASE) and geometry & set(SCHEMAS[source].geometry):
            return source, constants
    return None


def _worded(look: Look, column: str, source: str, kinds: list[tuple[str, dict[str, str]]], *, several: bool) -> Finding:
    spec: dict[str, Any] = {"columns": dict(look.coordinates)}
    ours = next((key for _, constants in kinds for key in constants), None)
    if ours is not None:
        spec["columns"][ours] = column
        spec["values"] = {ours: {value: constants[ours] for value, constants in kinds}}
    if several:
        listed = ", ".join("'" + value.replace("'", "''") + "'" for value, _ in kinds)
        spec["where"] = f'"{column}" IN ({listed})'
    words = ", ".join(repr(value) for value, _ in kinds[:3])
    doubts = [f"taken as {source} because {column} says {words}"]
    if not any("date" in name or "year" in name for name in look.columns):
        doubts.append("it carries no date: taken as known at as_of")
    return Finding(look=look, source=source, what=f"{source.replace('_', ' ')}, by its words ({words})", spec=spec,
                   doubts=tuple(doubts))  # fmt: skip


def front_lines(look: Look) -> tuple[Finding, ...]:
    """Lines that are called a front, a line of contact or a ceasefire line, or have the columns of mlrisk."""
    if "line" not in look.geometry:
        return ()
    if {"held_from", "held_to", "front_side"} & set(look.columns):
        return (Finding(look=look, source="front_lines", what="front lines with dates", score=2),)
    for column in look.sample.columns:
        values = look.values(column)
        fronts = [value for value in values if FRONT.search(value)]
        if not fronts or len(values) > MOST_WORDS:
            continue
        kind = next((ours for part, ours in FRONT_KINDS if part in fronts[0].casefold()), "line_of_contact")
        spec: dict[str, Any] = {"values": {"kind": kind}}
        if len(fronts) < len(values) or look.sample[column].isna().any():
            spec = {"where": f'"{column}" IN ({", ".join(_quoted(value) for value in fronts)})', **spec}
        doubt = f"the lines of {', '.join(fronts)} are taken as kind {kind}; give held_from and held_to where known"
        return (
            Finding(look=look, source="front_lines", what="front lines, by name", spec=spec, doubts=(doubt,), score=1),
        )
    return ()


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def colombian_events(look: Look) -> tuple[Finding, ...]:
    """The register of Descontamina Colombia with its codes of events: accidents and finds in one table."""
    columns = look.columns
    if not {"tipo_evento", "año", "municipio"} <= set(columns) or not set(look.values(columns["tipo_evento"])) <= set(
        "12345678"
    ):
        return ()
    named = {"year": columns["año"], **look.coordinates}
    what = "register of events of Descontamina Colombia"
    code = columns["tipo_evento"]
    doubt = f"codes of {code} by the key of the register: 1, 2 accidents; 3, 4, 6, 7 finds"
    return (
        Finding(look=look, source="incidents", what=what, score=2, doubts=(doubt,),
                spec={"where": f"{code} IN ('1', '2')", "columns": named}),
        Finding(look=look, source="finds", what=what, score=2,
                spec={"where": f"{code} IN ('3', '4', '6', '7')", "columns": named}),
    )  # fmt: skip


def victims(look: Look) -> tuple[Finding, ...]:
    """Accidents by place and month, with killed and injured."""
    columns = look.columns
    if "point" not in look.geometry or not {"killed", "injured"} <= set(columns):
        return ()
    named = {
        ours: columns[theirs] for ours, theirs in (("year", "year"), ("activity", "actividad")) if theirs in columns
    }
    named = {ours: theirs for ours, theirs in named.items() if ours != theirs}
    seat = [name for name in look.columns if "cabecera" in name]
    doubts = ("coordinates seem to be those of a municipality's seat: give location_error_m",) if seat else ()
    spec = {"columns": {**named, **look.coordinates}, "values": {"location_error_m": 5000} if seat else {}}
    return (Finding(look=look, source="incidents", what="accidents with killed and injured", spec=spec, doubts=doubts,
                    score=1 if seat else 3),)  # fmt: skip


def surveyed_cells(look: Look) -> tuple[Finding, ...]:
    """Points of a regular grid with many numerical columns: cells of a study, perhaps with survey outcomes."""
    if look.geometry != {"point"} or not _on_lattice(look):
        return ()
    numeric = [name for name in look.sample.columns if _is_number(look.values(name))]
    if len(numeric) < FEWEST_COVARIATES:
        return ()
    spec = {"columns": dict(look.coordinates)}
    what = "cells of a study, points on a grid"
    outcome = next((name for name in numeric if re.search("outcome|result|mines?_", name.casefold())
                    and set(look.values(name)) <= set(OUTCOME)), None)  # fmt: skip
    found = [
        Finding(look=look, source="area", what=what, spec=spec, score=-1),
        Finding(look=look, source="covariates", what=what, spec=spec),
    ]
    if outcome is not None:
        doubt = f"{outcome} is read as 1 found, 0 searched, -1 unknown; an area nobody searched must not be 0"
        known = {**spec, "columns": {**spec["columns"], "outcome": outcome}, "values": {"outcome": OUTCOME}}
        found.append(Finding(look=look, source="survey", what=what, spec=known, doubts=(doubt,)))
    return tuple(found)


def _is_number(values: list[str]) -> bool:
    return bool(values) and all(re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", value) for value in values[:50])


def _on_lattice(look: Look) -> bool:
    points = shapely.get_coordinates(np.array(look.shapes, dtype=object))
    lines = sum(len(np.unique(points[:, axis].round(7))) for axis in (0, 1))
    return len(points) >= 50 and lines < len(points) / 2
