"""From findings to a proposed config: one layout for each source, a grid around them, and the remaining doubts."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import shapely

from features.base import InputError
from mlrisk.intake.finding import AREA, Finding, Proposal
from mlrisk.intake.looking import Unread, inspect_files
from mlrisk.intake.mine_action import RECORDS, TERMS_FILE, imsma_terms
from mlrisk.intake.mosaic import are_tiles, vrt_text
from mlrisk.intake.placing import (
    area_of,
    box_km2,
    overlap,
    proposed_cell_size,
    proposed_crs,
    rectangle,
    spacing_m,
)
from mlrisk.intake.recognisers import recognise

LISTED = "covariates"
ORDER = (
    "dem", "front_lines", "control_areas", "control_points", "roads", "incidents", "conflict_events", "hazard_areas",
    "minefield_records", "land_release", "finds", "survey", "settlements", "land_use", "rivers", "power_lines",
    "buildings", "districts", "covariates",
)  # fmt: skip
# Boxes of neighbours overlap a little, those of levels of one country wholly.
OTHER_LEVEL_SHARE = 0.5
ONE_LAYOUT = "another file is used, and a source has one set of columns"


def propose(folder: Path, name: str, as_of: date) -> Proposal:
    """Look at every file below `folder` and propose a config to be written into it.

    Raises InputError if no source with coordinates is recognised.
    """
    findings: list[Finding] = []
    unread: list[Unread] = []
    own = frozenset({f"{name}_dem.vrt", f"{name}_area.geojson"})
    for look in inspect_files(folder, own):
        found = look if isinstance(look, Unread) else recognise(look)
        findings.extend(()) if isinstance(found, Unread) else findings.extend(found)
        if isinstance(found, Unread):
            unread.append(found)
    if not any(finding.source and finding.look.bounds for finding in findings):
        listed = "; ".join(f"{one.path}: {one.reason}" for one in unread) or "it holds no files"
        raise InputError(f"init: nothing in {folder} is recognised: {listed}")
    return _proposal(name, as_of, findings, unread)


def _proposal(name: str, as_of: date, findings: list[Finding], unread: list[Unread]) -> Proposal:
    files: dict[str, str] = {}
    alternatives = [(one, "no source takes it") for one in findings if not one.source]
    area, other_areas = _best_group([one for one in findings if one.source == AREA])
    grid, box, doubts = _grid(name, area, other_areas, findings, files)
    chosen: list[Finding] = list(area)
    sources: dict[str, list[dict[str, Any]]] = {}
    for source in ORDER:
        mine = [one for one in findings if one.source == source]
        outside = [one for one in mine if one.look.bounds is not None and not overlap(one.look.bounds, box)]
        alternatives += [(one, "it lies outside the area") for one in outside]
        mine = [one for one in mine if one not in outside]
        if not mine:
            continue
        groups = _groups(mine)
        if source == "dem":
            groups = [_elevation(groups, name, files, alternatives, sources)]
        elif source == "districts":
            groups[0], coarser = _one_level(groups[0])
            alternatives += [(one, "districts of a finer level are used") for one in coarser]
            alternatives += [(one, ONE_LAYOUT) for group in groups[1:] for one in group]
            groups = groups[:1]
            sources[source] = [_spec(groups[0])]
        elif source == LISTED:
            sources[source] = [_spec(group) for group in groups]
        else:
            alternatives += [(one, ONE_LAYOUT) for group in groups[1:] for one in group]
            groups = groups[:1]
            sources[source] = [_spec(groups[0])]
        chosen += [one for group in groups for one in group]
    doubts += _doubts(chosen)
    doubts += [
        f"{source} ({spec['path']}): layers {', '.join(spec['layer'])} are read as one source: delete older copies"
        for source, specs in sources.items()
        for spec in specs
        if isinstance(spec.get("layer"), list)
    ]
    doubts += _doubts_of_labels(sources)
    if any(spec.get("terms") for specs in sources.values() for spec in specs):
        files[TERMS_FILE] = imsma_terms()[0].read_text(encoding="utf-8")
    return Proposal(
        name=name, as_of=as_of.isoformat(), grid=grid, sources=sources, findings=tuple(chosen),
        alternatives=tuple(alternatives), unread=tuple(unread), doubts=tuple(doubts), files=files,
    )  # fmt: skip


def _groups(findings: list[Finding]) -> list[list[Finding]]:
    """Groups of findings that share a spec, ordered by the best finding of each."""
    by_layout: dict[str, list[Finding]] = {}
    for one in findings:
        # Words of the same column in several files are merged into one translation.
        same = {key: value for key, value in one.spec.items() if key != "values"}
        layer = "" if _joins_layers(one) else one.look.layer
        # Places as polygons repeat those as points.
        kinds = sorted(one.look.geometry) if one.source == "settlements" else ""
        key = json.dumps([same, layer, kinds, sorted(one.spec.get("values", {}))], sort_keys=True, default=str)
        by_layout.setdefault(key if one.look.raster is None else one.look.path, []).append(one)
    by_layout = {
        f"{key}{number}": part for key, group in by_layout.items() for number, part in enumerate(_parts(group))
    }
    rasters = [one for one in findings if one.look.raster is not None]
    facts = [one.look.raster for one in rasters if one.look.raster is not None]
    if len(rasters) > 1 and are_tiles(facts) and len({one.what for one in rasters}) == 1:
        by_layout = {key: group for key, group in by_layout.items() if group[0].look.raster is None}
        by_layout[rasters[0].look.path] = rasters
    return sorted(by_layout.values(), key=lambda group: (-max(one.score for one in group), group[0].look.path))


def _parts(group: list[Finding]) -> list[list[Finding]]:
    """The group as it is if every file has the same layers, else one group a file."""
    places = {(one.look.path, one.look.layer) for one in group}
    paths, layers = {path for path, _ in places}, {layer for _, layer in places}
    if len(places) == len(paths) * len(layers):
        return [group]
    return [[one for one in group if one.look.path == path] for path in sorted(paths)]


def _joins_layers(one: Finding) -> bool:
    """Whether layers or sheets of one file and layout are one source, as where each holds a region or a year.

    Layers of boundaries are levels, and those of OpenStreetMap hold the same places in other shapes.
    """
    extract = one.look.path.casefold().endswith((".osm", ".pbf"))
    return one.look.layer is not None and one.source not in (AREA, "districts") and not extract


def _best_group(findings: list[Finding]) -> tuple[list[Finding], list[Finding]]:
    groups = _groups(findings)
    if not groups:
        return [], []
    best = groups[0]
    if best[0].look.geometry != {"point"}:
        # Several boundaries of one layout are levels, not neighbours: the one with the fewest parts is the whole
        # country.
        best = [max(best, key=lambda one: one.score)]
    return best, [one for one in findings if one not in best]


def _one_level(group: list[Finding]) -> tuple[list[Finding], list[Finding]]:
    """The files of the finest level of districts, those of neighbouring countries too, and the others."""
    kept: list[Finding] = []
    for one in sorted(group, key=lambda one: -one.look.count):
        if not any(_over(one, other) for other in kept):
            kept.append(one)
    return [one for one in group if one in kept], [one for one in group if one not in kept]


def _over(one: Finding, other: Finding) -> bool:
    """Whether the boxes of two files of districts share more than their rim."""
    first, second = one.look.bounds, other.look.bounds
    if first is None or second is None:
        return True
    shared = shapely.box(*first).intersection(shapely.box(*second)).area
    return bool(shared > OTHER_LEVEL_SHARE * min(shapely.box(*first).area, shapely.box(*second).area))


def _spec(group: list[Finding]) -> dict[str, Any]:
    """The entry of the config for the files of one layout."""
    paths = list(dict.fromkeys(one.look.path for one in group))
    spec: dict[str, Any] = {"path": paths[0] if len(paths) == 1 else paths}
    layers = list(dict.fromkeys(one.look.layer for one in group if one.look.layer is not None))
    if layers:
        spec["layer"] = layers[0] if len(layers) == 1 else layers
    for one in group:
        for key, value in one.spec.items():
            if isinstance(value, dict):
                into = spec.setdefault(key, {})
                for ours, theirs in value.items():
                    into[ours] = {**into.get(ours, {}), **theirs} if isinstance(theirs, dict) else theirs
            else:
                spec[key] = value
    if group[0].look.crs is None and group[0].look.raster is None:
        spec["crs"] = "EPSG:4326"
    return {key: value for key, value in spec.items() if value not in ({}, None)}


def _elevation(
    groups: list[list[Finding]],
    name: str,
    files: dict[str, str],
    alternatives: list[tuple[Finding, str]],
    sources: dict[str, list[dict[str, Any]]],
) -> list[Finding]:
    """The elevation: tiles as one VRT, else the raster with the finest pixels."""
    rasters = [one for group in groups for one in group]
    facts = [one.look.raster for one in rasters if one.look.raster is not None]
    if len(rasters) > 1 and are_tiles(facts):
        files[f"{name}_dem.vrt"] = vrt_text(rasters)
        sources["dem"] = [{"path": f"{name}_dem.vrt"}]
        return rasters
    alternatives += [(one, "another elevation has finer pixels or comes first") for one in rasters[1:]]
    sources["dem"] = [{"path": rasters[0].look.path}]
    return rasters[:1]


def _grid(
    name: str, area: list[Finding], others: list[Finding], findings: list[Finding], files: dict[str, str]
) -> tuple[dict[str, Any], tuple[float, float, float, float], list[str]]:
    """The proposed grid, its bounds in degrees, and its doubts."""
    doubts = []
    if area:
        size, box = area_of(area)
        spec = _spec(area)
        given: Any = spec["path"] if list(spec) == ["path"] else spec
        if others:
            names = sorted({one.look.name for one in others} - {one.look.name for one in area})
            doubts += [f"grid.area: {area[0].look.name} is taken; it could be {' or '.join(names)}"] if names else []
    else:
        placed = [one for one in findings if one.look.bounds is not None and one.source]
        records = [one for one in placed if one.source in RECORDS] or placed
        text, box = rectangle([one.look.bounds for one in records if one.look.bounds is not None])
        size, given = box_km2(box), f"{name}_area.geojson"
        files[given] = text
        kinds = ", ".join(dict.fromkeys(one.source for one in records))
        doubts.append(f"grid.area: no file is an area; {given} is the rectangle around {kinds}: give a boundary")
    dem = [one.look.raster for one in findings if one.source == "dem" and one.look.raster is not None]
    pixel_m = min((facts.pixel_m for facts in dem if overlap(facts.bounds, box)), default=None)
    cell = proposed_cell_size(size, pixel_m)
    if area and area[0].look.geometry == {"point"}:
        cell = int(spacing_m(area[0].look.shapes))
    crs = proposed_crs(box)
    doubts.append(
        f"grid: about {size:,.0f} km2 in {crs}; {cell} m makes about {size * 1e6 / cell**2:,.0f} cells: choose the "
        "size of land that one decision is about"
    )
    return {"crs": crs, "cell_size_m": cell, "area": given}, box, doubts


def _doubts(chosen: list[Finding]) -> list[str]:
    """The doubts of the findings, each once with the files that it concerns."""
    about: dict[str, list[str]] = {}
    for one in chosen:
        for doubt in one.doubts:
            about.setdefault(doubt, []).append(f"{one.source} ({one.look.name})")
    return [f"{', '.join(dict.fromkeys(where))}: {doubt}" for doubt, where in about.items()]


def _doubts_of_labels(sources: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Doubts about labels: what is missing in the sources to learn a map."""
    doubts = [
        "as_of: the day of this proposal; give the day on which the files were exported, and nothing later counts"
    ]
    known = set(sources)
    if not known & {"finds", "incidents", "hazard_areas", "land_release", "survey"}:
        doubts.append("labels: no record of mine action is among the files: no model can be trained from them")
    elif not known & {"land_release", "survey"}:
        doubts.append(
            "labels: no record says which land was searched and held nothing: training needs land_release, survey, or "
            "contamination.labels.declared_searched with a reason"
        )
    if "hazard_areas" in known:
        doubts.append(
            "labels: suspected areas (SHA) teach nothing unless contamination.labels.found names SHA; confirmed ones do"
        )
    return doubts
