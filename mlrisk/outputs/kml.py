"""KML of the survey tasks for Google Earth and field devices."""

import html
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from features.base import NOT_EVIDENCE, printable
from mlrisk.outputs.map_page_tasks import nearest_places
from mlrisk.outputs.task_words import PlanScope, figure, plan_text, share, short_name, size_text, teams_text, work_text
from mlrisk.outputs.tasks_by_rank import in_plan_order, tasks_by_rank
from mlrisk.outputs.wording import TASK_COLUMNS, Say, first_language, heading, notes_lines, speaker
from mlrisk.risk_map import Package

NAMESPACE = "http://www.opengis.net/kml/2.2"
PURPOSE_FOLDERS = {"explore": "Learning tasks", "audit": "Check tasks"}
# KML writes colours as alpha, blue, green, red.
OUTLINE, FILL, LABEL = "ff3f12a5", "403f12a5", "ffffffff"


def write_kml(package: Package, folder: Path) -> list[Path]:
    """Write survey_tasks.kml in WGS 84: a placemark for each task with its reasons, in folders by team and purpose.

    The warnings describe the document.
    """
    root = ET.Element("kml", {"xmlns": NAMESPACE})
    document = ET.SubElement(root, "Document")
    say = speaker(package)
    text_element(document, "name", say("Survey tasks, {country}").format(country=package.notes.country))
    text_element(
        document,
        "description",
        "".join(f"<p>{html.escape(line)}</p>" for line in notes_lines(package.notes, first_language(package))),
    )
    _style(document)
    scope, tasks = PlanScope.of(package), in_plan_order(tasks_by_rank(package))
    tasks = tasks.assign(place=nearest_places(package, tasks)).to_crs("EPSG:4326")
    folders: dict[str, ET.Element] = {}
    for row in tasks.to_dict("records"):
        name = folder_name(row, scope, say)
        if name not in folders:
            folders[name] = ET.SubElement(document, "Folder")
            text_element(folders[name], "name", name)
        _placemark(folders[name], row, row[tasks.geometry.name], package, scope, say)
    path = folder / "survey_tasks.kml"
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return [path]


def folder_name(row: dict[Any, Any], scope: PlanScope, say: Say) -> str:
    """The folder of a task: the teams that go, learning, check, not planned; without a plan its kind of work."""
    if not scope.planned:
        return work_text(str(row["work"]), say)
    if not row["planned"]:
        return say("Not planned")
    if row["purpose"] in PURPOSE_FOLDERS:
        return say(PURPOSE_FOLDERS[row["purpose"]])
    return teams_text(row["asset"], say) or work_text(str(row["work"]), say)


def _style(document: ET.Element) -> None:
    style = ET.SubElement(document, "Style", {"id": "task"})
    text_element(ET.SubElement(style, "LabelStyle"), "color", LABEL)
    line = ET.SubElement(style, "LineStyle")
    text_element(line, "color", OUTLINE)
    text_element(line, "width", "2")
    text_element(ET.SubElement(style, "PolyStyle"), "color", FILL)
    text_element(ET.SubElement(style, "BalloonStyle"), "text", "<h3>$[name]</h3>$[description]")


def _placemark(
    folder: ET.Element, row: dict[Any, Any], geometry: BaseGeometry, package: Package, scope: PlanScope, say: Say
) -> None:
    placemark = ET.SubElement(folder, "Placemark", {"id": f"task-{int(row['task_id'])}"})
    text_element(placemark, "name", short_name(row, scope, say))
    ET.SubElement(placemark, "Snippet", {"maxLines": "0"})
    text_element(placemark, "description", _balloon(row, package, scope, say))
    text_element(placemark, "styleUrl", "#task")
    extended = ET.SubElement(placemark, "ExtendedData")
    for about in TASK_COLUMNS:
        # Missing values are left out, because viewers would show None or nan.
        if pd.isna(row[about.name]) or row[about.name] == "":
            continue
        data = ET.SubElement(extended, "Data", {"name": about.name})
        text_element(data, "displayName", heading(about, say))
        text_element(data, "value", str(row[about.name]))
    shapes = ET.SubElement(placemark, "MultiGeometry")
    point = ET.SubElement(shapes, "Point")
    text_element(point, "coordinates", f"{row['longitude']:.6f},{row['latitude']:.6f}")
    for polygon in polygons_in(geometry):
        _polygon(shapes, polygon)


def _casualties(per_year: float, say: Say) -> str:
    if not np.isfinite(per_year):
        return say("unknown, no accident is known")
    return say("{number} people per year").format(number=say(figure(per_year, 2)))


def _balloon(row: dict[Any, Any], package: Package, scope: PlanScope, say: Say) -> str:
    """HTML, because viewers read it as such; so all text from data is escaped here and once more as XML."""
    reasons = [str(row[f"reason_{number}"]) for number in (1, 2, 3) if row[f"reason_{number}"]]
    contamination = say("{share} on average; explosive ordnance expected in {some} cells").format(
        share=say(share(row["contamination"])), some=say(figure(row["expected_finds"], 2))
    )
    area = size_text(row, say)
    facts = (
        f"{say('Plan')}: {plan_text(row, scope, say)}",
        f"{say('Rank')}: {row['rank']} ({work_text(str(row['work']), say)})",
        f"{say('District')}: {row['district']}",
        f"{say('Area')}: {area}",
        f"{say('Average probability of EO')}: {contamination}",
        f"{say('Victims per year')}: {_casualties(row['casualties_per_year'], say)}",
        f"{say('Position')}: {row['latitude']:.5f}, {row['longitude']:.5f} (WGS 84); MGRS {row['mgrs']}",
        f"{say('Grid')} ({package.grid.crs.to_string()}): {row['easting_m']:,.0f} E, {row['northing_m']:,.0f} N",
    )
    parts = [f"<p>{html.escape(fact)}</p>" for fact in facts]
    parts.append("<ol>" + "".join(f"<li>{html.escape(reason)}</li>" for reason in reasons) + "</ol>")
    parts.append(f"<p><b>{html.escape(say(NOT_EVIDENCE))}</b> {_as_of(package, say)}</p>")
    return "".join(parts)


def _as_of(package: Package, say: Say) -> str:
    return html.escape(say("As of {date}.").format(date=package.notes.as_of.isoformat()))


def polygons_in(geometry: BaseGeometry) -> list[Polygon]:
    """The polygons of a task."""
    if isinstance(geometry, Polygon):
        return [geometry]
    return list(geometry.geoms) if isinstance(geometry, MultiPolygon) else []


def _polygon(parent: ET.Element, polygon: Polygon) -> None:
    element = ET.SubElement(parent, "Polygon")
    text_element(element, "tessellate", "1")
    rings = [("outerBoundaryIs", polygon.exterior), *(("innerBoundaryIs", hole) for hole in polygon.interiors)]
    for name, ring in rings:
        linear = ET.SubElement(ET.SubElement(element, name), "LinearRing")
        text_element(linear, "coordinates", " ".join(f"{lon:.6f},{lat:.6f}" for lon, lat, *_ in ring.coords))


def text_element(parent: ET.Element, name: str, text: str) -> None:
    """A child of `parent` with a text."""
    # XML 1.0 has no control characters, and a parser would refuse the whole file for one of them.
    ET.SubElement(parent, name).text = printable(text)
