"""How QGIS shows each layer of the GeoPackage: symbols by scale, names, map tips, forms and the words of codes."""

from dataclasses import replace

import geopandas as gpd
import pandas as pd

from mlrisk.outputs.qgis_styles import Entry, Rule, VectorStyle
from mlrisk.outputs.task_words import PURPOSE_TEXTS, WORK_TEXTS, teams_text
from mlrisk.outputs.wording import TASK_COLUMNS, Say
from mlrisk.risk_map import CLASSES, EVIDENCE_TEXTS, NO_BASIS

INK, QUIET, HALO, LINE, RECORD = "#1f2430", "#5d564b", "#ffffff", "#5b2a86", "#a5123f"
# Denominators of the scales from which a layer has room: 4,973 names at once would hide the map.
NEAR, NEARER = 200_000, 100_000
# Tasks up to this number in the plan are labelled at every scale.
FIRST_OF_PLAN = 50
TOWN_PEOPLE = 5_000
MAJOR_ROADS = ("motorway", "trunk", "primary")
OTHERS = "coalesce($id <> @atlas_featureid, true) AND "
# Values of `on_record` and their words.
ON_RECORD = {"hazards_cha": "open CHA", "hazards_sha": "open SHA", "hazards_past": "closed"}
RECORD_TEXTS = {
    "hazards_cha": "open confirmed area (CHA)",
    "hazards_sha": "open suspected area (SHA)",
    "hazards_past": "closed or released area",
}
STATUS_TEXTS = {
    "unknown": "not surveyed",
    "evidence_open": "EO found or accident, no area on record",
    "declared": "declared as surveyed in the settings: no record",
    "searched": "surveyed or cleared, no EO recorded",
    "suspected": "open suspected area (SHA)",
    "on_record": "open confirmed area (CHA)",
    "released": "released by the authority (recorded decision)",
}
TASK_GROUPS = {
    "The task": ("plan_order", "rank", "work", "purpose", "asset", "team_days", "teams", "planned", "access_note"),
    "Place": ("district", "mgrs", "longitude", "latitude", "easting_m", "northing_m", "area_m2", "cells"),
    "What is expected": (
        "contamination", "expected_finds", "expected_found", "casualties_per_year", "casualties_averted",
        "open_evidence_cells", "out_of_domain_share", "stability",
    ),
    "Why": ("reason_1", "reason_2", "reason_3"),
}  # fmt: skip
CELL_GROUPS = {
    "The cell": ("rank", "work", "status", "evidence", "priority_text", "task_id", "purpose", "cell_id"),
    "What is expected": ("contamination", "contamination_low", "contamination_high", "casualties_per_year"),
    "Why": ("reason_1", "reason_2", "reason_3"),
}
STYLES = {
    "ranked_cells": VectorStyle(
        kind="fill",
        colour=INK,
        classes_of="priority_class",
        entries=tuple(Entry(cls.code, cls.text, cls.colour) for cls in CLASSES if cls.share_to is not None),
        groups=CELL_GROUPS,
    ),
    "no_basis_to_rank": VectorStyle(kind="fill", colour="", fill=CLASSES[NO_BASIS - 1].colour, hatch="#ffffff"),
    "survey_tasks": VectorStyle(kind="fill", colour=INK, groups=TASK_GROUPS),
    "known_hazards": VectorStyle(kind="fill", colour=RECORD, width=0.5),
    "front_lines": VectorStyle(kind="line", colour=LINE, width=0.7, dash=True),
    "roads": VectorStyle(kind="line", colour="#7a7368", width=0.3),
    "rivers": VectorStyle(kind="line", colour="#4a78b5", width=0.3),
    "settlements": VectorStyle(kind="marker", colour=INK),
    "districts": VectorStyle(kind="fill", colour="#7a7368", width=0.2, label='"name"', label_size=8, label_priority=2),
}
# The type of geometry in a style, and the style of a type.
GEOMETRY = {"marker": "Point", "line": "LineString", "fill": "Polygon"}
FAMILY = {"Point": "marker", "MultiPoint": "marker", "LineString": "line", "MultiLineString": "line"}


def layer_style(name: str, frame: gpd.GeoDataFrame, say: Say = str) -> VectorStyle:
    """The style of the layer for its actual kind of geometry and columns."""
    style, kinds = STYLES[name], pd.unique(frame.geom_type.dropna())
    kind = FAMILY.get(str(kinds[0]), "fill") if len(kinds) else style.kind
    return replace(
        style,
        kind=kind,
        entries=tuple(replace(entry, text=say(entry.text)) for entry in style.entries),
        rules=_rules(name, frame, replace(style, kind=kind), say),
        label=style.label if "name" in frame.columns else "",
        aliases={column.name: say(column.label) for column in TASK_COLUMNS} if style.groups else {},
        groups={say(title): tuple(column for column in names if column in frame.columns)
                for title, names in style.groups.items()},
        values=_values(frame, say) if style.groups else {},
        tip=_tip(name, say),
    )  # fmt: skip


def _tip(name: str, say: Say) -> str:
    """The map tip; QGIS evaluates expressions between [% and %] and escapes nothing."""
    rank = say("Rank {number}").format(number=_safe("rank"))
    reasons = [_safe("reason_1"), _safe("reason_2")]
    if name == "ranked_cells":
        return "<br>".join([f"<b>{rank}</b>", _safe("priority_text"), *reasons])
    if name != "survey_tasks":
        return ""
    number = say("No. {number} in the plan").format(number=_safe("plan_order"))
    days = say("{days} team-days").format(days="[% coalesce(to_string(round(\"team_days\", 1)), '-') %]")
    return "<br>".join([f"<b>{number}</b>", rank, _safe("district"), days, *reasons, _safe("mgrs")])


def _safe(column: str) -> str:
    """The value of a column as text of HTML: names come from data."""
    whole = f"coalesce(to_string(\"{column}\"), '-')"
    return f"[% replace(replace({whole}, '&', '&amp;'), '<', '&lt;') %]"


def _values(frame: gpd.GeoDataFrame, say: Say) -> dict[str, dict[str, str]]:
    """The words of the codes in the columns that the layer has."""
    words = {
        "work": WORK_TEXTS,
        "status": STATUS_TEXTS,
        "evidence": EVIDENCE_TEXTS,
        "purpose": PURPOSE_TEXTS,
    }
    # Teams are words, not codes, where several kinds share a task.
    kinds = sorted(set(frame["asset"]) - {""}) if "asset" in frame.columns else []
    return ({"asset": {name: teams_text(name, say) for name in kinds}} if kinds else {}) | {
        column: {code: say(text) for code, text in texts.items()}
        for column, texts in words.items()
        if column in frame.columns
    }


def _rules(name: str, frame: gpd.GeoDataFrame, style: VectorStyle, say: Say) -> tuple[Rule, ...]:
    """Rules for features that are drawn differently, and the scales from which they are drawn."""
    if name == "survey_tasks":
        return _task_rules(frame, style, say)
    if name == "known_hazards":
        how = {
            "hazards_cha": (0.6, False, RECORD),
            "hazards_sha": (0.5, True, RECORD),
            "hazards_past": (0.2, True, QUIET),
        }
        return tuple(
            Rule(where=f"\"on_record\" = '{code}'", text=say(RECORD_TEXTS[key]),
                 drawn=replace(style, width=how[key][0], dash=how[key][1], colour=how[key][2],
                               halo="" if key == "hazards_past" else HALO,
                               from_scale=NEARER if key == "hazards_past" else 0))
            for key, code in ON_RECORD.items()
        )  # fmt: skip
    if name == "roads":
        major = f'"road_class" IN ({", ".join(repr(road) for road in MAJOR_ROADS)})'
        return _near_and_far(major, replace(style, width=0.5), style, ("main roads", "other roads"), say)
    if name == "settlements":
        named = '"name"' if "name" in frame.columns else ""
        town = replace(style, size=2.4, label=named, label_size=10)
        village = replace(style, size=1.4, label=named, label_size=8)
        return _near_and_far(_towns(frame), town, village, ("towns", "villages"), say)
    return ()


def _towns(frame: gpd.GeoDataFrame) -> str:
    """The expression that selects towns, by the columns of the layer; empty if it has none for that."""
    known = []
    if "place" in frame.columns:
        known.append("\"place\" IN ('city', 'town')")
    if "population" in frame.columns:
        known.append(f'"population" >= {TOWN_PEOPLE}')
    return " OR ".join(known)


def _near_and_far(
    far: str, drawn: VectorStyle, near: VectorStyle, texts: tuple[str, str], say: Say
) -> tuple[Rule, ...]:
    """Features that the expression selects at every scale, the rest from near; all from near if it is empty."""
    rest = Rule(
        where="ELSE" if far else "",
        text=say(texts[1]),
        drawn=replace(near, from_scale=NEARER if near.kind == "marker" else NEAR),
    )
    return (Rule(where=far, text=say(texts[0]), drawn=drawn), rest) if far else (rest,)


def _task_rules(frame: gpd.GeoDataFrame, style: VectorStyle, say: Say) -> tuple[Rule, ...]:
    """Planned tasks by their number in the plan, the others from NEAR on by their rank; all by rank without a plan."""
    drawn = replace(style, width=0.6, halo=HALO, label_priority=8)
    # The task of a printed sheet, above its neighbours.
    chosen = replace(drawn, width=1.4, above=True, label_size=13, label_priority=10)
    if not frame["planned"].any():
        return (
            Rule(where="$id = @atlas_featureid", text=say("this task"), drawn=replace(chosen, label='"rank"')),
            Rule(where=f"{OTHERS}TRUE", text=say("Survey tasks"), drawn=replace(drawn, label='"rank"'),
                 named_from=NEAR),
        )  # fmt: skip
    number, waiting = '"plan_order"', replace(style, colour=QUIET, width=0.4, dash=True, from_scale=NEARER)
    return (
        Rule(where="$id = @atlas_featureid", text=say("this task"), drawn=replace(chosen, label=number)),
        Rule(where=f"{OTHERS}{number} <= {FIRST_OF_PLAN}", text=say("planned"),
             drawn=replace(drawn, label=number, label_size=10)),
        Rule(where=f"{OTHERS}{number} > {FIRST_OF_PLAN}", text=say("planned, later"),
             drawn=replace(drawn, width=0.3, label=number), named_from=NEARER),
        Rule(where=f'{OTHERS}NOT "planned"', text=say("not planned"),
             drawn=replace(waiting, label='"rank"', label_size=7)),
    )  # fmt: skip
