"""Checks of a grid before it is made: its CRS, the size of its cells, its place on the Earth, and the memory."""

from math import isfinite

import pyproj
from pyproj.exceptions import CRSError, ProjError
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from features.base.errors import ConfigError, InputError
from features.base.memory import MEMORY_SHARE

# Memory for the evidence of a cell; columns of a large map lie on disk.
BYTES_PER_CELL = 60

# UTM three zones away is 3 % off; with a greater error the CRS is not fit to measure land.
MOST_AREA_ERROR = 0.1


def projected_crs(crs: str) -> pyproj.CRS:
    """The CRS named by the configuration, refused unless it is projected and measured in metres.

    Raises ConfigError for an unknown name, a geographic CRS or a unit other than the metre.
    """
    try:
        known = pyproj.CRS.from_user_input(crs)
    except CRSError as error:
        raise ConfigError(f"grid.crs ({crs!r}) is not a known CRS: give an EPSG code such as 'EPSG:32638'") from error
    if not known.is_projected:
        raise ConfigError(
            f"grid.crs ({crs!r}) is not projected: cells are squares in metres, give a projected CRS such as a UTM zone"
        )
    units = {axis.unit_name for axis in known.axis_info[:2]}
    if units != {"metre"}:
        raise ConfigError(f"grid.crs ({crs!r}) is measured in {', '.join(sorted(units))}: give a CRS in metres")
    return known


def check_cell_size(cell_size_m: float) -> None:
    """Refuse cells below a metre."""
    if not (isfinite(cell_size_m) and cell_size_m >= 1):
        raise ConfigError(f"grid.cell_size_m ({cell_size_m:g}) must be at least 1 metre")


def check_domain(bounds: tuple[float, float, float, float], crs: pyproj.CRS) -> None:
    """Refuse coordinates outside the domain of the CRS, which show a wrong CRS or swapped axes."""
    if not all(isfinite(value) for value in bounds):
        raise InputError(f"grid.area lies outside the domain of {crs.to_string()}: its bounds are {bounds}")
    domain = crs.area_of_use
    if domain is None:
        return
    to_crs = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    limits = to_crs.transform_bounds(domain.west, domain.south, domain.east, domain.north)
    # Authorities work half a zone beyond the edge of a UTM zone, so a tenth of the domain is tolerated.
    slack = 0.1 * max(limits[2] - limits[0], limits[3] - limits[1]) + 500_000
    if all(isfinite(limit) for limit in limits) and not box(*limits).buffer(slack).intersects(box(*bounds)):
        raise InputError(
            f"grid.area with bounds {tuple(round(value) for value in bounds)} lies outside the domain of "
            f"{crs.to_string()} ({domain.name}): check grid.crs and the CRS of the area"
        )


def scale_of(area: BaseGeometry, crs: pyproj.CRS) -> tuple[float, float] | None:
    """Metres on the ground of one metre of the CRS at the middle of the area, the least and the greatest by direction.

    None if the projection gives no factors. Tissot's indicatrix, by PROJ.
    """
    middle = area.representative_point()
    try:
        longitude, latitude = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(
            middle.x, middle.y
        )
        factors = pyproj.Proj(crs).get_factors(longitude, latitude)
    except ProjError:
        return None
    least, greatest = float(factors.tissot_semiminor), float(factors.tissot_semimajor)
    return (1 / greatest, 1 / least) if isfinite(greatest) and isfinite(least) and least > 0 else None


def check_scale(area: BaseGeometry, crs: pyproj.CRS) -> None:
    """Refuse a CRS whose squares have another size or shape on the ground, such as Web Mercator."""
    scale = scale_of(area, crs)
    if scale is not None and abs(scale[0] * scale[1] - 1) > MOST_AREA_ERROR:
        raise ConfigError(
            f"grid.crs ({crs.to_string()!r}): a metre of this CRS is {scale[0]:.2f} m here and a square of 1 km2 is "
            f"{scale[0] * scale[1]:.2f} km2: give a CRS made for the area, such as its UTM zone"
        )


def check_memory(area: BaseGeometry, shape: tuple[int, int], cell_size_m: float, memory_bytes: float) -> None:
    """Refuse more cells than the memory holds."""
    cells = max(area.area / cell_size_m**2, 1.0)
    need = cells * BYTES_PER_CELL + 2.0 * shape[0] * shape[1]
    if need > MEMORY_SHARE * memory_bytes:
        raise InputError(
            f"grid.cell_size_m ({cell_size_m:g}) makes {cells:,.0f} cells over grid.area, which take about "
            f"{need / 1e9:.0f} GB: {memory_bytes / 1e9:.1f} GB are free; use larger cells or a smaller area"
        )
