"""Open data: tables of conflict, boundaries, OpenStreetMap in its many extracts, roads, settlements."""

import re
from typing import Any

import numpy as np
import shapely

from features.sources import precision_m, publication_of
from mlrisk.intake.finding import Finding
from mlrisk.intake.looking import Look

# Tags of OpenStreetMap as columns: tag, kind of geometry, source, canonical column of its value.
TAGS: tuple[tuple[str, tuple[str, ...], str, str | None], ...] = (
    ("highway", ("line",), "roads", "road_class"),
    ("waterway", ("line", "polygon"), "rivers", None),
    ("power", ("line", "point"), "power_lines", None),
    ("building", ("polygon",), "buildings", None),
    ("place", ("point",), "settlements", "place"),
    ("landuse", ("polygon",), "land_use", "land_use"),
)
OSM_COLUMNS = frozenset({"osm_id", "osm_way_id", "@id", "osm_type", "other_tags", "osmid", "osm_version"})
# Codes of Geofabrik's layers (description of its free shapefiles): first, last, source, canonical column of fclass.
GEOFABRIK: tuple[tuple[int, int, str, str | None], ...] = (
    (1000, 1099, "settlements", "place"),
    (1500, 1599, "buildings", None),
    (5100, 5199, "roads", "road_class"),
    (7200, 7299, "land_use", "land_use"),
    (8100, 8199, "rivers", None),
)
NAMES = re.compile(r"^(name|name_en|city|town|village|settlement|place_?name|naziv|asciiname|nombre)$")
POPULATION = re.compile(r"^(pop|population|pop_?\d{4}|pop_total|population_\d{4}|inhabitants|poblacion|stanovnika)$")
HOLDERS = ("holder", "controlled_by", "held_by")
# Share of the hull that districts cover: less than all in a winding country, more than all only if they overlap.
LEAST_COVER, MOST_COVER = 0.4, 1.05
# Names of systems in the TravelMapping project are the code of the country followed by letters of the class.
TRAVEL_CLASSES = ((r"sf$|^[a-z]{3}a$", "motorway"), (r"^(asiah|eur)", "trunk"), (r".", "primary"))


def conflict(look: Look) -> tuple[Finding, ...]:
    """Tables of armed conflict with a fixed layout: UCDP GED, ACLED."""
    known = publication_of(look.columns)
    if known is None or known.source != "conflict_events" or "point" not in look.geometry:
        return ()
    named = {ours: look.columns[theirs] for ours, theirs in known.columns.items() if look.columns[theirs] != ours}
    doubts = []
    spec: dict[str, Any] = {"columns": {**named, **look.coordinates}}
    column = next((look.columns[name] for name in look.columns if precision_m(name)), None)
    if column is not None:
        spec["columns"]["location_error_m"] = column
        spec["values"] = {"location_error_m": precision_m(column)}
        doubts.append(
            f"metres of {column} beyond 25 km are typical widths of districts and provinces, which no code states; "
            f"where: {column} <= 2 leaves such events out"
        )
    return (
        Finding(look=look, source="conflict_events", what=f"events of {known.name}", spec=spec, doubts=tuple(doubts)),
    )


def boundaries(look: Look) -> tuple[Finding, ...]:
    """Administrative areas: geoBoundaries, GADM, COD-AB, Natural Earth. The parts are districts, the whole an area."""
    if "polygon" not in look.geometry:
        return ()
    known = publication_of(look.columns)
    names = [name for name in look.columns if NAMES.match(name)]
    if known is not None and known.source == "districts":
        column = look.columns[next(iter(known.columns.values())).casefold()]
        what = known.name
    elif names and look.geometry == {"polygon"} and _cover_the_land(look):
        column, what = look.columns[names[0]], "polygons with names"
    elif look.geometry == {"polygon"} and look.count == 1:
        return (Finding(look=look, source="area", what="one polygon", score=1),)
    else:
        return ()
    doubts = () if known else (f"polygons with names ({column}) are taken as districts: check that they are no other",)
    spec = {"columns": {} if column == "name" else {"name": column}}
    score = 1 / look.count + bool(known)
    found = [Finding(look=look, source="area", what=what, doubts=doubts, score=score)]
    if look.count > 1:
        found.append(Finding(look=look, source="districts", what=what, spec=spec, doubts=doubts, score=look.count))
    return tuple(found)


def _cover_the_land(look: Look) -> bool:
    """Whether polygons adjoin and leave few gaps, as districts do and lakes or hazards do not."""
    hull = shapely.convex_hull(shapely.GeometryCollection(list(look.shapes))).area
    covered = float(shapely.area(np.array(look.shapes, dtype=object)).sum())
    return bool(LEAST_COVER * hull <= covered <= MOST_COVER * hull)


def geofabrik(look: Look) -> tuple[Finding, ...]:
    """Layers of Geofabrik's free extracts: osm_id, code, fclass."""
    if not {"osm_id", "code", "fclass"} <= set(look.columns):
        return ()
    code = int(float(look.values(look.columns["code"])[0]))
    for first, last, source, ours in GEOFABRIK:
        if first <= code <= last:
            spec = {"columns": {} if ours is None else {ours: look.columns["fclass"]}}
            # Only points of places are used, because polygons repeat them.
            score = 2 if source != "settlements" or look.geometry == {"point"} else 1
            return (Finding(look=look, source=source, what="a layer of Geofabrik", spec=spec, score=score),)
    values = ", ".join(look.values(look.columns["fclass"])[:3])
    return (Finding(look=look, source="", what=f"a layer of Geofabrik ({values}) that no source takes"),)


def openstreetmap(look: Look) -> tuple[Finding, ...]:
    """Extracts of OpenStreetMap: .pbf, HOT and Overpass exports, tables of places. Each tag is a column."""
    columns = look.columns
    if not OSM_COLUMNS & set(columns):
        return ()
    # A country's extract has thousands of crossings before its first place, so that a column is taken as proof of
    # values.
    whole = look.path.casefold().endswith(".pbf")
    tags = [tag for tag, *_ in TAGS if tag in columns and (whole or look.values(columns[tag]))]
    found = []
    for tag, kinds, source, ours in TAGS:
        if not look.geometry & set(kinds):
            continue
        spec: dict[str, Any] | None = None
        if tag in tags:
            spec = _tag_spec(look, columns[tag], ours)
        elif tag == "power" and "other_tags" in columns and (whole or _has_tag(look, "power")):
            spec = {"where": """other_tags LIKE '%"power"=>"line"%'"""}
        if spec is not None and source == "settlements":
            spec["columns"] = {**_people(look), **spec.get("columns", {})}
        if spec is not None:
            spec["columns"] = {**look.coordinates, **spec.get("columns", {})}
            score = 2 + _filled(look, spec["columns"].get("population", "population"))
            found.append(Finding(look=look, source=source, what=f"OpenStreetMap, {tag}", spec=spec, score=score))
    return tuple(found)


def _tag_spec(look: Look, column: str, ours: str | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"columns": {} if ours in (None, column) else {ours: column}}
    texts = look.sample[column]
    if "other_tags" in look.columns or (texts.isna() | (texts.astype("string").str.strip() == "").fillna(True)).any():
        spec["where"] = f'"{column}" IS NOT NULL' if look.layer or not look.coordinates else f"\"{column}\" <> ''"
    return spec


def _has_tag(look: Look, tag: str) -> bool:
    texts = look.sample[look.columns["other_tags"]].dropna().astype(str)
    return bool(texts.str.contains(f'"{tag}"=>"line"', regex=False).any())


def _people(look: Look) -> dict[str, str]:
    """A mapping for columns of names and numbers of people that have other names than the canonical ones."""
    named = {}
    for ours, pattern in (("name", NAMES), ("population", POPULATION)):
        theirs = [original for name, original in look.columns.items() if pattern.match(name)]
        if theirs and ours not in look.columns:
            named[ours] = theirs[0]
    return named


def _filled(look: Look, column: str) -> float:
    """Share of the rows that have a value in a column."""
    if column.casefold() not in look.columns:
        return 0.0
    texts = look.sample[look.columns[column.casefold()]].astype("string").str.strip()
    return float((texts.notna() & (texts != "")).mean())


def roads(look: Look) -> tuple[Finding, ...]:
    """Roads of the TravelMapping project, or lines with classes of OpenStreetMap in the canonical column."""
    columns = look.columns
    if "line" not in look.geometry:
        return ()
    if {"road_class", "bridge"} & set(columns):
        return (Finding(look=look, source="roads", what="roads", score=2),)
    if not {"system", "route", "region"} <= set(columns):
        return ()
    systems = sorted(look.values(columns["system"]))
    classes = {
        system: next(ours for pattern, ours in TRAVEL_CLASSES if re.search(pattern, system)) for system in systems
    }
    spec = {"columns": {"road_class": columns["system"]}, "values": {"road_class": classes}}
    doubt = "classes of roads are guessed from the names of their systems: " + ", ".join(
        f"{system} {ours}" for system, ours in classes.items()
    )
    return (Finding(look=look, source="roads", what="routes of TravelMapping", spec=spec, doubts=(doubt,), score=1),)


def other_lines(look: Look) -> tuple[Finding, ...]:
    """Rivers and power lines by their tag, and a single line without attributes, which may be a front."""
    if "line" not in look.geometry:
        return ()
    for tag, source in (("waterway", "rivers"), ("power", "power_lines")):
        if tag in look.columns:
            return (Finding(look=look, source=source, what=source.replace("_", " "), score=1),)
    if look.count > 20 or any(not _is_id(name) for name in look.columns):
        return ()
    doubt = (
        "a line without attributes is taken as a former front (kind line_of_contact): delete it if it is another line"
    )
    return (Finding(look=look, source="front_lines", what="a line without attributes", doubts=(doubt,),
                    spec={"values": {"kind": "line_of_contact"}}),)  # fmt: skip


def _is_id(name: str) -> bool:
    return bool(re.fullmatch(r"fid|id|objectid|ogc_fid|gid|shape_?le?ng(th)?|length", name))


def control(look: Look) -> tuple[Finding, ...]:
    """Control of land: areas with a holder, or places with the holder of each at a date."""
    holder = next((look.columns[name] for name in HOLDERS if name in look.columns), None)
    if holder is None:
        return ()
    named = {} if holder == "holder" else {"holder": holder}
    if "polygon" in look.geometry:
        return (Finding(look=look, source="control_areas", what="who held the land", spec={"columns": named}),)
    doubt = "lines between the sides are inferred from it: say whose reading of which maps it is"
    return (Finding(look=look, source="control_points", what="who held each place, by date", doubts=(doubt,),
                    spec={"columns": {**named, **look.coordinates}}),)  # fmt: skip


def settlements(look: Look) -> tuple[Finding, ...]:
    """Places with a name and a number of people, or with a kind of place."""
    people = [name for name in look.columns if POPULATION.match(name)]
    names = [name for name in look.columns if NAMES.match(name)]
    if "point" not in look.geometry or not names or not (people or "place" in look.columns):
        return ()
    spec = {"columns": {**_people(look), **look.coordinates}}
    score = _filled(look, spec["columns"].get("population", "population")) + np.log10(look.count + 1) / 10
    return (Finding(look=look, source="settlements", what="places with people", spec=spec, score=float(score)),)


def land_use(look: Look) -> tuple[Finding, ...]:
    """Polygons with land use in the canonical column."""
    if "polygon" in look.geometry and "land_use" in look.columns:
        return (Finding(look=look, source="land_use", what="land use", score=1),)
    return ()
