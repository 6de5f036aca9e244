"""KML of the survey tasks for Google Earth and field devices."""

import html
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from features.base import NOT_EVIDENCE
from mlrisk.outputs.tasks_by_rank import tasks_by_rank
from mlrisk.outputs.wording import TASK_COLUMNS, Say, heading, notes_lines, plan_text, speaker
from mlrisk.risk_map import Package

NAMESPACE = "http://www.opengis.net/kml/2.2"
# KML writes colours as alpha, blue, green, red.
OUTLINE, FILL, LABEL = "ff3f12a5", "403f12a5", "ffffffff"


def write_kml(package: Package, folder: Path) -> list[Path]:
    """Write survey_tasks.kml: a placemark a task, in WGS 84, with its reasons; the warnings describe the document."""
    root = ET.Element("kml", {"xmlns": NAMESPACE})
    document = ET.SubElement(root, "Document")
    say = speaker(package)
    _text(document, "name", say("Survey tasks, {country}").format(country=package.notes.country))
    _text(document, "description", "".join(f"<p>{html.escape(line)}</p>" for line in notes_lines(package.notes, say)))
    _style(document)
    tasks = tasks_by_rank(package).to_crs("EPSG:4326")
    for row in tasks.to_dict("records"):
        _placemark(document, row, row[tasks.geometry.name], package, say)
    path = folder / "survey_tasks.kml"
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return [path]


def _style(document: ET.Element) -> None:
    style = ET.SubElement(document, "Style", {"id": "task"})
    _text(ET.SubElement(style, "LabelStyle"), "color", LABEL)
    line = ET.SubElement(style, "LineStyle")
    _text(line, "color", OUTLINE)
    _text(line, "width", "2")
    _text(ET.SubElement(style, "PolyStyle"), "color", FILL)
    _text(ET.SubElement(style, "BalloonStyle"), "text", "<h3>$[name]</h3>$[description]")


def _placemark(document: ET.Element, row: dict[Any, Any], geometry: BaseGeometry, package: Package, say: Say) -> None:
    placemark = ET.SubElement(document, "Placemark", {"id": f"task-{int(row['task_id'])}"})
    _text(placemark, "name", say("Survey rank {rank}").format(rank=int(row["rank"])))
    ET.SubElement(placemark, "Snippet", {"maxLines": "0"})
    _text(placemark, "description", _balloon(row, package, say))
    _text(placemark, "styleUrl", "#task")
    extended = ET.SubElement(placemark, "ExtendedData")
    for about in TASK_COLUMNS:
        data = ET.SubElement(extended, "Data", {"name": about.name})
        _text(data, "displayName", heading(about, say))
        _text(data, "value", str(row[about.name]))
    shapes = ET.SubElement(placemark, "MultiGeometry")
    point = ET.SubElement(shapes, "Point")
    _text(point, "coordinates", f"{row['longitude']:.6f},{row['latitude']:.6f}")
    for polygon in _polygons(geometry):
        _polygon(shapes, polygon)


def _casualties(per_year: float, say: Say) -> str:
    if not np.isfinite(per_year):
        return say("unknown, no accident is known")
    return say("{number} people per year").format(number=f"{per_year:.4f}")


def _balloon(row: dict[Any, Any], package: Package, say: Say) -> str:
    """HTML, because viewers read it as such; so all text from data is escaped here and once more as XML."""
    reasons = [str(row[f"reason_{number}"]) for number in (1, 2, 3) if row[f"reason_{number}"]]
    contamination = say("{share} on average; explosive ordnance expected in {some} cells").format(
        share=f"{row['contamination']:.1%}", some=f"{row['expected_finds']:.1f}"
    )
    area = say("{area} ha in {cells} cells").format(area=f"{row['area_m2'] / 10_000:,.1f}", cells=int(row["cells"]))
    facts = (
        f"{say('District')}: {row['district']}",
        f"{say('Area')}: {area}",
        f"{say('Contamination')}: {contamination}",
        f"{say('Casualty risk')}: {_casualties(row['casualties_per_year'], say)}",
        f"{say('Plan')}: {plan_text(row, say)}",
        f"{say('Position')}: {row['latitude']:.5f}, {row['longitude']:.5f} (WGS 84); MGRS {row['mgrs']}",
        f"{say('Grid')} ({package.grid.crs.to_string()}): {row['easting_m']:,.0f} E, {row['northing_m']:,.0f} N",
    )
    parts = [f"<p>{html.escape(fact)}</p>" for fact in facts]
    parts.append("<ol>" + "".join(f"<li>{html.escape(reason)}</li>" for reason in reasons) + "</ol>")
    parts.append(f"<p><b>{html.escape(say(NOT_EVIDENCE))}</b> {_as_of(package, say)}</p>")
    return "".join(parts)


def _as_of(package: Package, say: Say) -> str:
    return html.escape(say("As of {date}.").format(date=package.notes.as_of.isoformat()))


def _polygons(geometry: BaseGeometry) -> list[Polygon]:
    if isinstance(geometry, Polygon):
        return [geometry]
    return list(geometry.geoms) if isinstance(geometry, MultiPolygon) else []


def _polygon(parent: ET.Element, polygon: Polygon) -> None:
    element = ET.SubElement(parent, "Polygon")
    _text(element, "tessellate", "1")
    rings = [("outerBoundaryIs", polygon.exterior), *(("innerBoundaryIs", hole) for hole in polygon.interiors)]
    for name, ring in rings:
        linear = ET.SubElement(ET.SubElement(element, name), "LinearRing")
        _text(linear, "coordinates", " ".join(f"{lon:.6f},{lat:.6f}" for lon, lat, *_ in ring.coords))


def _text(parent: ET.Element, name: str, text: str) -> None:
    # XML 1.0 has no control characters, and a parser would refuse the whole file for one of them.
    ET.SubElement(parent, name).text = "".join(sign for sign in text if sign >= " " or sign in "\t\n")
