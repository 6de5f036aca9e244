"""GPX 1.1 of the survey tasks for handheld receivers and phones: a waypoint for each task, its outline as a track."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from shapely.geometry.base import BaseGeometry

from features.base import NOT_EVIDENCE
from mlrisk.outputs.kml import polygons_in, text_element
from mlrisk.outputs.map_page_tasks import nearest_places
from mlrisk.outputs.task_words import PlanScope, plan_text, short_name
from mlrisk.outputs.tasks_by_rank import in_plan_order, tasks_by_rank
from mlrisk.outputs.wording import Say, first_language, notes_lines, speaker
from mlrisk.risk_map import Package

NAMESPACE = "http://www.topografix.com/GPX/1/1"
SCHEMA = f"{NAMESPACE} {NAMESPACE}/gpx.xsd"
# The longest track that many devices draw.
SYMBOL = "Flag, Blue"


def write_gpx(package: Package, folder: Path) -> list[Path]:
    """Write survey_tasks.gpx in WGS 84: the tasks of the plan in its order, all tasks by rank if there is no plan.

    Waypoints are named by number and place. The warnings are in the metadata and the shortest of them at every point.
    """
    attributes = {"version": "1.1", "creator": "mlrisk", "xmlns": NAMESPACE,
                  "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance", "xsi:schemaLocation": SCHEMA}  # fmt: skip
    root, say, scope = ET.Element("gpx", attributes), speaker(package), PlanScope.of(package)
    metadata = ET.SubElement(root, "metadata")
    text_element(metadata, "name", say("Survey tasks, {country}").format(country=package.notes.country))
    text_element(metadata, "desc", "\n".join(notes_lines(package.notes, first_language(package))))
    tasks = in_plan_order(tasks_by_rank(package))
    tasks = tasks.assign(place=nearest_places(package, tasks))
    tasks = (tasks[tasks["planned"].astype(bool)] if scope.planned else tasks).to_crs("EPSG:4326")
    rows = tasks.to_dict("records")
    # The order of the schema: all waypoints before all tracks.
    for row in rows:
        _waypoint(root, row, scope, say)
    for row in rows:
        _track(root, row, row[tasks.geometry.name], scope, say)
    path = folder / "survey_tasks.gpx"
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return [path]


def _waypoint(root: ET.Element, row: dict[Any, Any], scope: PlanScope, say: Say) -> None:
    point = ET.SubElement(root, "wpt", {"lat": f"{row['latitude']:.6f}", "lon": f"{row['longitude']:.6f}"})
    text_element(point, "name", short_name(row, scope, say))
    reasons = [str(row[f"reason_{number}"]) for number in (1, 2, 3) if row[f"reason_{number}"]]
    lines = (plan_text(row, scope, say), f"MGRS {row['mgrs']}", str(row["district"]), *reasons, say(NOT_EVIDENCE))
    text_element(point, "desc", "\n".join(line for line in lines if line))
    text_element(point, "sym", SYMBOL)


def _track(root: ET.Element, row: dict[Any, Any], shape: BaseGeometry, scope: PlanScope, say: Say) -> None:
    track = ET.SubElement(root, "trk")
    text_element(track, "name", short_name(row, scope, say))
    for polygon in polygons_in(shape):
        for ring in (polygon.exterior, *polygon.interiors):
            segment = ET.SubElement(track, "trkseg")
            for longitude, latitude, *_ in ring.coords:
                ET.SubElement(segment, "trkpt", {"lat": f"{latitude:.6f}", "lon": f"{longitude:.6f}"})
