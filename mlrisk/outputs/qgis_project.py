"""mlrisk.qgz: a QGIS project of the files beside it, with themes and printed sheets, opened by a double click."""

import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import geopandas as gpd
import jinja2
from markupsafe import Markup

from features.base import NOT_EVIDENCE
from mlrisk.outputs.geopackage import planner_layers
from mlrisk.outputs.geotiff import BANDS, CLASS_ENTRIES
from mlrisk.outputs.qgis_layers import GEOMETRY, NEARER, layer_style
from mlrisk.outputs.qgis_styles import Entry, classes_root, scale_root, vector_root
from mlrisk.outputs.task_words import PlanScope
from mlrisk.outputs.wording import Say, first_language, notes_lines, speaker
from mlrisk.risk_map import (
    CONTAMINATION_SCALE,
    EVIDENCE_CODES,
    EVIDENCE_COLOURS,
    EVIDENCE_TEXTS,
    Package,
    casualty_scale,
)

Bounds = tuple[float, float, float, float]
GPKG, RASTER, CLASSES_FILE = "risk_map.gpkg", "risk_map.tif", "risk_classes.tif"
# The groups of the layer tree from top to bottom, with the keys of their layers.
GROUPS = {
    "Plan": ("survey_tasks",),
    "On record": ("known_hazards", "front_lines"),
    "Places": ("settlements", "districts", "roads", "rivers"),
    "Land": ("ranked_cells", "no_basis_to_rank", "classes", "contamination", "likely_range", "victims", "evidence"),
}
NAMES = {
    "survey_tasks": "Survey tasks",
    "known_hazards": "Hazardous areas on record",
    "front_lines": "Former front lines",
    "settlements": "Settlements",
    "districts": "Districts",
    "roads": "Roads",
    "rivers": "Rivers",
    "ranked_cells": "The first cells, one by one",
    "no_basis_to_rank": "no basis to rank",
    "classes": "Survey priority",
    "contamination": "Probability of EO",
    "likely_range": "How unsure",
    "victims": "Victims per year",
    "evidence": "What is known",
}
PLACES = ("settlements", "districts")
# The first theme is open at the start, the second is that of the printed sheets. The last layer of a theme is its
# ground: without it there is no such theme.
THEMES = {
    "overview": ("survey_tasks", *PLACES, "front_lines", "no_basis_to_rank", "classes"),
    "plan": (
        "survey_tasks", "known_hazards", *PLACES, "roads", "rivers", "ranked_cells", "no_basis_to_rank", "classes",
    ),
    "evidence": ("known_hazards", "front_lines", *PLACES, "evidence"),
    "uncertainty": ("survey_tasks", *PLACES, "no_basis_to_rank", "likely_range"),
}  # fmt: skip
LEGEND = ("survey_tasks", "known_hazards", "no_basis_to_rank", "classes")
# Height over width of the small map of the whole country; QGIS adapts the height of a map to its extent.
LOCATOR_SHAPE = 0.6
PAGES = (
    {"name": "A4", "width": 297, "height": 210, "side": 74},
    {"name": "A3", "width": 420, "height": 297, "side": 96},
)


@dataclass(frozen=True, kw_only=True)
class ProjectLayer:
    """One layer of the project; `style` and `attributes` are the parts of its QML in the form of a project."""

    id: str
    name: str
    source: str
    provider: str
    style: Markup
    attributes: dict[str, str]
    geometry: str = ""

    @property
    def type(self) -> str:
        """The kind of the layer in the terms of QGIS."""
        return "vector" if self.provider == "ogr" else "raster"


def write_qgz(package: Package, folder: Path) -> list[Path]:
    """Write mlrisk.qgz, a project with relative paths to the files of the formats gpkg and cog in the same folder."""
    path = folder / "mlrisk.qgz"
    # A fixed date: the same package gives the same bytes.
    member = zipfile.ZipInfo("mlrisk.qgs", date_time=(1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, _project(package))
    return [path]


def _project(package: Package) -> str:
    say = speaker(package)
    layers = _layers(package, say)
    planned = bool(package.tasks["planned"].any())
    template = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    crs, notes = package.grid.crs, package.notes
    authority = crs.to_authority()
    return template.from_string(files("mlrisk.outputs").joinpath("assets/project.qgs").read_text("utf-8")).render(
        title=say("Survey priority map, {country}, {date}").format(country=notes.country, date=notes.as_of.isoformat()),
        about="\n".join(notes_lines(notes, first_language(package))),
        not_evidence=say(NOT_EVIDENCE),
        warning=" ".join([say(NOT_EVIDENCE), *([say(notes.basis)] if notes.basis else []),
                          f"{say('Data up to')} {notes.as_of.isoformat()}."]),
        wkt=crs.to_wkt(),
        authid=":".join(authority) if authority else "",
        bounds=package.grid.bounds,
        locator=in_shape(package.grid.bounds, LOCATOR_SHAPE),
        groups=[
            {"name": say(name), "layers": [layers[key] for key in keys if key in layers]}
            for name, keys in GROUPS.items()
        ],
        layers=list(layers.values()),
        themes=[
            {"name": say(name), "layers": [_id(key) for key in keys if key in layers]}
            for name, keys in THEMES.items()
            if keys[-1] in layers
        ],
        legend=[layers[key] for key in LEGEND if key in layers],
        # One sheet for each task, hence none without tasks.
        pages=[_page(page, package.grid.bounds) for page in PAGES if "survey_tasks" in layers],
        locator_layers=[layers[key] for key in ("districts", "no_basis_to_rank", "classes") if key in layers],
        tasks=layers.get("survey_tasks"),
        planned=planned,
        number='"plan_order"' if planned else '"rank"',
        **_texts(package, say),
    )  # fmt: skip


def _texts(package: Package, say: Say) -> dict[str, str]:
    """Heading and facts of a printed sheet as QGIS fills them in for each task."""
    planned = PlanScope.of(package).planned
    named = say("No. {number} in the plan") if planned else say("Rank {number}")
    number = '[% coalesce("plan_order", "rank") %]'
    in_districts = bool(package.tasks["district"].ne("").any())
    facts = {
        **({"District": '[% "district" %]'} if in_districts else {}),
        "MGRS": '[% "mgrs" %]',
        "Area": '[% round("area_m2" / 10000, 1) %] ha',
        **({"Teams": "[% coalesce(represent_value(\"asset\"), '') %]",
            "Team-days": "[% coalesce(to_string(round(\"team_days\", 1)), '') %]"} if planned else {}),
        "Access": "[% coalesce(\"access_note\", '') %]",
    }  # fmt: skip
    lines = [f"{say(name)}: {text}" for name, text in facts.items()]
    reasons = [f"[% coalesce(\"reason_{number}\", '') %]" for number in (1, 2, 3)]
    heading = f'{named.format(number=number)}, [% "district" %]' if in_districts else named.format(number=number)
    return {"heading": heading, "facts": "\n".join([*lines, "", *reasons])}


def _layers(package: Package, say: Say) -> Mapping[str, ProjectLayer]:
    """The layers by their key, from top to bottom."""
    frames = {name: frame for name, frame in planner_layers(package).items() if len(frame)}
    rasters = _rasters(package, say)
    found = {}
    for key in (key for keys in GROUPS.values() for key in keys):
        if key in rasters:
            found[key] = rasters[key]
        elif key in frames:
            found[key] = _vector(key, frames[key], say)
    return found


def _vector(key: str, frame: gpd.GeoDataFrame, say: Say) -> ProjectLayer:
    style = layer_style(key, frame, say)
    if key == "ranked_cells":
        # The raster shows the classes of all land; single cells are there to be queried.
        style = replace(style, from_scale=NEARER)
    return _layer(
        key, f"./{GPKG}|layername={key}", "ogr", vector_root(style), say, GEOMETRY[style.kind].removesuffix("String")
    )


def _rasters(package: Package, say: Say) -> dict[str, ProjectLayer]:
    bands = list(BANDS)
    evidence = [Entry(code, say(EVIDENCE_TEXTS[name]), EVIDENCE_COLOURS[name]) for name, code in EVIDENCE_CODES.items()]
    classes = [replace(entry, text=say(entry.text)) for entry in CLASS_ENTRIES]
    victims = casualty_scale(package.risk["casualties_per_year"])
    # A quantity that no cell has, as the probability on a map by rules of the field, has no layer.
    known = {name for name in ("contamination", "casualties_per_year") if package.risk[name].notna().any()}
    chance = {
        "contamination": scale_root(CONTAMINATION_SCALE, bands.index("contamination") + 1),
        "likely_range": scale_root(CONTAMINATION_SCALE, bands.index("likely_range") + 1),
    }
    roots = {
        **(chance if "contamination" in known else {}),
        **({"victims": scale_root(victims, bands.index("casualties_per_year") + 1)}
           if "casualties_per_year" in known else {}),
        "evidence": classes_root(evidence, bands.index("evidence") + 1),
    }  # fmt: skip
    layers = {key: _layer(key, f"./{RASTER}", "gdal", root, say) for key, root in roots.items()}
    return layers | {"classes": _layer("classes", f"./{CLASSES_FILE}", "gdal", classes_root(classes), say)}


def _layer(key: str, source: str, provider: str, root: ET.Element, say: Say, geometry: str = "") -> ProjectLayer:
    style = Markup("".join(ET.tostring(child, encoding="unicode") for child in root))  # noqa: S704 ElementTree escapes
    attributes: dict[str, Any] = {name: value for name, value in root.attrib.items() if name != "version"}
    return ProjectLayer(
        id=_id(key), name=say(NAMES[key]), source=source, provider=provider, style=style, attributes=attributes,
        geometry=geometry,
    )  # fmt: skip


def _page(page: dict[str, Any], bounds: Bounds) -> dict[str, Any]:
    """A page with the extent of its large map, which leaves room for the side and the margins (mm)."""
    return page | {"bounds": in_shape(bounds, (page["height"] - 48) / (page["width"] - page["side"] - 32))}


def in_shape(bounds: Bounds, shape: float) -> Bounds:
    """The smallest bounds around others with the same middle and a height over width of `shape`.

    >>> in_shape((0.0, 0.0, 10.0, 10.0), 0.5)
    (-5.0, 0.0, 15.0, 10.0)
    """
    west, south, east, north = bounds
    width = max(east - west, (north - south) / shape)
    height, middle = width * shape, ((west + east) / 2, (south + north) / 2)
    return middle[0] - width / 2, middle[1] - height / 2, middle[0] + width / 2, middle[1] + height / 2


def _id(key: str) -> str:
    """The id of a layer, long enough that QGIS does not replace it."""
    return f"mlrisk_layer_{key}"
