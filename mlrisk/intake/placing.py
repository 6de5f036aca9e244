"""The proposed grid: CRS, cell size, area."""

import json
from math import sqrt
from typing import Any

import numpy as np
import pyproj
import shapely

from mlrisk.intake.finding import Finding

Box = tuple[float, float, float, float]

CELL_SIZES_M = (100, 250, 500, 1000, 2000, 5000, 10_000)
# A map of more cells takes minutes longer, and a first map will not be kept.
MOST_CELLS = 250_000
# A zone is 6 degrees wide; this far beyond it lengths are wrong by a few per mille.
WIDEST_ZONE_DEGREES = 10.0
UTM_LATITUDES = (-80.0, 84.0)
# Pixels of elevation larger than this share of a cell do not show relief within the cell.
PIXEL_SHARE = 0.75


def proposed_crs(box: Box) -> str:
    """The UTM zone of the middle of a box in degrees, or an equal-area CRS around it if it is too wide for a zone.

    >>> proposed_crs((15.7, 42.5, 19.6, 45.3)), proposed_crs((-76.2, -5.0, -74.2, -3.0))
    ('EPSG:32633', 'EPSG:32718')
    """
    west, south, east, north = box
    longitude, latitude = (west + east) / 2, (south + north) / 2
    if east - west > WIDEST_ZONE_DEGREES or south < UTM_LATITUDES[0] or north > UTM_LATITUDES[1]:
        return f"+proj=laea +lat_0={latitude:.1f} +lon_0={longitude:.1f} +datum=WGS84 +units=m +no_defs"
    zone = int((longitude + 180) // 6) % 60 + 1
    return f"EPSG:{(32600 if latitude >= 0 else 32700) + zone}"


def proposed_cell_size(area_km2: float, pixel_m: float | None) -> int:
    """The smallest usual cell size in metres that gives not too many cells and suits the pixels of elevation.

    >>> proposed_cell_size(51_000, None), proposed_cell_size(900, None), proposed_cell_size(900, 460.0)
    (500, 100, 500)
    """
    least = max(sqrt(area_km2 * 1e6 / MOST_CELLS), 0 if pixel_m is None else PIXEL_SHARE * pixel_m)
    return next((size for size in CELL_SIZES_M if size >= least), CELL_SIZES_M[-1])


def area_of(findings: list[Finding]) -> tuple[float, Box]:
    """Size in km2 and bounds in degrees of the files of an area; that of cell points follows from their spacing."""
    geod, size = pyproj.Geod(ellps="WGS84"), 0.0
    for finding in findings:
        look = finding.look
        turned = None if look.crs is None or look.crs.is_geographic else pyproj.Transformer.from_crs(
            look.crs, "EPSG:4326", always_xy=True)  # fmt: skip
        for shape in look.shapes:
            if shape.geom_type.endswith("Polygon"):
                there = shape if turned is None else shapely.transform(shape, turned.transform, interleaved=False)
                size += abs(geod.geometry_area_perimeter(there)[0]) / 1e6
        if look.geometry == {"point"}:
            size += look.count * (spacing_m(look.shapes) / 1000) ** 2
    boxes = np.array([finding.look.bounds for finding in findings if finding.look.bounds is not None])
    west, south = boxes[:, :2].min(axis=0)
    east, north = boxes[:, 2:].max(axis=0)
    return size, (float(west), float(south), float(east), float(north))


def spacing_m(points: tuple[shapely.Geometry, ...]) -> float:
    """Spacing in metres of the rows of a grid of points in degrees, rounded to hundreds."""
    latitudes = np.unique(shapely.get_y(np.array(points, dtype=object)).round(7))
    return max(100.0, round(float(np.median(np.diff(latitudes))) * 111_320 / 100) * 100.0)


def rectangle(boxes: list[Box]) -> tuple[str, Box]:
    """The rectangle around boxes in degrees, rounded outwards to hundredths, as GeoJSON and as bounds."""
    low, high = np.array(boxes)[:, :2].min(axis=0), np.array(boxes)[:, 2:].max(axis=0)
    west, south = (np.floor(low * 100) / 100).tolist()
    east, north = (np.ceil(high * 100) / 100).tolist()
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    tree: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}],
    }
    return json.dumps(tree) + "\n", (west, south, east, north)


def overlap(first: Box, second: Box) -> bool:
    """Whether two boxes overlap."""
    return first[0] <= second[2] and second[0] <= first[2] and first[1] <= second[3] and second[1] <= first[3]


def box_km2(box: Box) -> float:
    """Size of a rectangle in degrees."""
    return abs(pyproj.Geod(ellps="WGS84").geometry_area_perimeter(shapely.box(*box))[0]) / 1e6
