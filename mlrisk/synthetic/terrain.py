"""Terrain: the outline of the country, relief with valleys and ridges, rivers."""

from dataclasses import dataclass

import numpy as np
from affine import Affine
from scipy import ndimage
from shapely import LineString, Polygon

from features.base import Flags, Floats, Grid, projected_crs
from mlrisk.synthetic.grid_graph import relax, smooth_noise
from mlrisk.synthetic.hydrology import Drainage, drain, erode, river_ways
from mlrisk.synthetic.scenario import Kind, stage_rng

CRS = "EPSG:32638"
FINE = 3  # elevation pixels along the side of a cell
MARGIN_CELLS = 12  # land around the country, so that features continue beyond the border
RIVER_KM2 = 6.0  # catchment from which on a river has a bed and a line
# No mines are laid on steeper ground: rows cannot be walked there and nobody attacks over it.
CLIFF_DEG = 30.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Terrain:
    """Arrays over the country and its margin, on `grid` or, with the prefix `fine_`, FINE times finer."""

    area: Polygon
    grid: Grid
    elevation_m: Floats
    slope_deg: Floats
    fine_elevation_m: Floats
    fine_slope_deg: Floats
    position: Floats  # height over the surroundings (1 km), in standard deviations: ridges positive
    rivers: tuple[LineString, ...]
    river_mask: Flags
    inside: Flags  # cells of the country itself

    @property
    def fine_transform(self) -> Affine:
        """From (column, row) of a `fine_` array to easting and northing."""
        left, _, _, top = self.grid.bounds
        pixel = self.grid.cell_size_m / FINE
        return Affine(pixel, 0, left, 0, -pixel, top)

    def fine_index(self, eastings_m: Floats, northings_m: Floats) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of points in the `fine_` arrays, kept inside them."""
        left, _, _, top = self.grid.bounds
        pixel = self.grid.cell_size_m / FINE
        rows = np.clip(((top - northings_m) / pixel).astype(np.int64), 0, self.fine_slope_deg.shape[0] - 1)
        columns = np.clip(((eastings_m - left) / pixel).astype(np.int64), 0, self.fine_slope_deg.shape[1] - 1)
        return rows, columns

    def centres(self) -> Floats:
        """(cells, 2) easting and northing of every cell of the rectangle, row by row."""
        eastings, northings = np.meshgrid(self.grid.eastings_m, self.grid.northings_m)
        return np.column_stack([eastings.ravel(), northings.ravel()])


def outline(seed: int, cells: int, cell_size_m: float) -> Polygon:
    """An irregular country of the area of `cells` cells."""
    rng = stage_rng(seed, "area")
    angle = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    waves = np.arange(2, 12)
    size = rng.normal(0, 0.26, waves.size) / waves**0.9
    phase = rng.uniform(0, 2 * np.pi, waves.size)
    radius = np.exp((size[:, None] * np.cos(waves[:, None] * angle + phase[:, None])).sum(axis=0))
    shape = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    shape *= np.sqrt(cells * cell_size_m**2 / Polygon(shape).area)
    centre = np.array([560_000.0, 4_400_000.0]) + rng.uniform(-60_000, 60_000, 2)
    return Polygon(np.round(shape + centre, 1))


def make_terrain(seed: int, kind: Kind, cells: int, cell_size_m: float) -> Terrain:
    """Relief shaped by uplift and rivers, then detail at a third of the cell size."""
    area = outline(seed, cells, cell_size_m)
    own = Grid.from_area(area, projected_crs(CRS), cell_size_m)
    grid = own.expanded(MARGIN_CELLS)
    rng = stage_rng(seed, "terrain")
    rough = _relief(rng, kind, grid.shape, cell_size_m)
    outlets = _outlets(kind, grid.shape)
    water = drain(rough, outlets)
    height = _valley_floors(water.filled_m.reshape(grid.shape), water, cell_size_m)
    water = drain(height, outlets)
    height = water.filled_m.reshape(grid.shape)
    rivers, river_mask = _rivers(water, grid, rng)
    fine = _detail(rng, kind, height, river_mask)
    pixel = cell_size_m / FINE
    fine_slope = np.degrees(np.arctan(np.hypot(*np.gradient(fine, pixel))))
    slope = fine_slope.reshape(grid.shape[0], FINE, grid.shape[1], FINE).mean(axis=(1, 3))
    above = height - ndimage.gaussian_filter(height, max(1000 / cell_size_m, 1.5))
    position = above / (above.std() + 1e-9)
    return Terrain(
        area=area,
        grid=grid,
        elevation_m=height,
        slope_deg=slope,
        fine_elevation_m=fine,
        fine_slope_deg=fine_slope,
        position=position,
        rivers=rivers,
        river_mask=river_mask,
        inside=grid.mask,
    )


def _relief(rng: np.random.Generator, kind: Kind, shape: tuple[int, int], cell_m: float) -> Floats:
    """Heights in metres from the long waves of uplift, cut by rivers; coarse first where the country is large."""
    span_m = min(shape) * cell_m
    long_wave = min(9000.0, span_m / 4) / cell_m
    grain = _grained_noise(rng, shape, long_wave, kind.grain_deg)
    contrast = {"mountains": 0.6, "hills": 0.5, "plains": 1.1}[kind.relief]
    uplift = np.exp(contrast * grain)
    start = 0.02 * smooth_noise(rng, shape, 1.0) + 0.15 * smooth_noise(rng, shape, long_wave)
    height = _evolve(start - start.min(), uplift, kind)
    low, high = np.percentile(height, [2, 99])
    relief_m = kind.relief_m * min(1.0, (span_m / 40_000) ** 0.7)
    base_m = {"mountains": 600.0, "hills": 250.0, "plains": 40.0}[kind.relief]
    return np.asarray(base_m + (height - low) / (high - low) * relief_m, dtype=np.float64)


def _evolve(start: Floats, uplift: Floats, kind: Kind) -> Floats:
    shape = start.shape
    rounds = 14
    if start.size > 30_000:
        half = _evolve(start[::2, ::2], uplift[::2, ::2], kind)
        rows, columns = np.meshgrid(np.arange(shape[0]) / 2, np.arange(shape[1]) / 2, indexing="ij")
        start = start * 0.05 + ndimage.map_coordinates(half, [rows, columns], order=1, mode="nearest") * 1.4
        rounds = 3
    eroded = erode(start, uplift, _outlets(kind, (shape[0], shape[1])), rounds, strength=0.6)
    return np.asarray(ndimage.gaussian_filter(eroded, 0.6), dtype=np.float64)


def _grained_noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float, grain_deg: float) -> Floats:
    """Smooth noise stretched threefold along `grain_deg`: ranges and valleys with a common direction."""
    size = int(1.6 * max(shape)) + 8
    angle = np.radians(grain_deg)
    rows, columns = np.meshgrid(np.arange(shape[0]), np.arange(shape[1]), indexing="ij")
    along = columns * np.cos(angle) + rows * np.sin(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    field = smooth_noise(rng, (size, size), sigma / 1.7)
    sample = [across - across.min(), (along - along.min()) / 3]
    noise = ndimage.map_coordinates(field, sample, order=1, mode="mirror")
    return np.asarray((noise - noise.mean()) / noise.std(), dtype=np.float64)


def _outlets(kind: Kind, shape: tuple[int, int]) -> Flags:
    outlets = np.zeros(shape, dtype=bool)
    outlets[:, 0] = "west" in kind.drains_to
    outlets[:, -1] |= "east" in kind.drains_to
    outlets[0, :] |= "north" in kind.drains_to
    outlets[-1, :] |= "south" in kind.drains_to
    return outlets


def _valley_floors(height: Floats, water: Drainage, cell_m: float) -> Floats:
    """Wide flat floors along the larger rivers: where people live and fields are."""
    catchment_km2 = water.catchment_cells.reshape(height.shape) * (cell_m / 1000) ** 2
    bed = catchment_km2 >= RIVER_KM2
    if not bed.any():
        return height
    away, (rows, columns) = ndimage.distance_transform_edt(~bed, return_indices=True)
    width_m = np.clip(180 * catchment_km2[rows, columns] ** 0.4, 300, 2200)
    share = 1 - np.exp(-((away * cell_m / width_m) ** 2))
    floor = height[rows, columns] + 0.004 * away * cell_m
    return np.asarray(np.where(height > floor, floor + (height - floor) * share, height), dtype=np.float64)


def _rivers(water: Drainage, grid: Grid, rng: np.random.Generator) -> tuple[tuple[LineString, ...], Flags]:
    ways = river_ways(water, RIVER_KM2 / (grid.cell_size_m / 1000) ** 2)
    mask = np.zeros(grid.shape[0] * grid.shape[1], dtype=bool)
    if not ways:
        return (), mask.reshape(grid.shape)
    eastings, northings = np.meshgrid(grid.eastings_m, grid.northings_m)
    nodes = np.column_stack([eastings.ravel(), northings.ravel()])
    nodes = nodes + rng.uniform(-0.3, 0.3, nodes.shape) * grid.cell_size_m
    start = np.concatenate([way[:-1] for way in ways])
    stop = np.concatenate([way[1:] for way in ways])
    mask[start] = mask[stop] = True
    nodes = relax(nodes, start, stop, np.zeros(mask.size, dtype=bool), rounds=1)
    return tuple(LineString(np.round(nodes[way], 1)) for way in ways), mask.reshape(grid.shape)


def _detail(rng: np.random.Generator, kind: Kind, height: Floats, river_mask: Flags) -> Floats:
    """Heights of FINE pixels along a cell: the cell heights, and roughness that grows with slope and ends at rivers."""
    rows, columns = (np.arange(n * FINE) / FINE + 0.5 / FINE - 0.5 for n in height.shape)
    where = np.meshgrid(rows, columns, indexing="ij")
    fine = ndimage.map_coordinates(height, where, order=1, mode="nearest")
    shape = (fine.shape[0], fine.shape[1])
    noise = 0.75 * smooth_noise(rng, shape, 2.5) + 0.35 * smooth_noise(rng, shape, 1.0)
    local = ndimage.map_coordinates(ndimage.generic_gradient_magnitude(height, ndimage.sobel) / 8, where, order=1)
    dry = ndimage.map_coordinates(
        np.minimum(ndimage.distance_transform_edt(~river_mask), 4.0) / 4.0, where, order=1, mode="nearest"
    )
    rough = {"mountains": 0.30, "hills": 0.25, "plains": 0.2}[kind.relief]
    return np.asarray(fine + noise * rough * (local + 0.4) * dry, dtype=np.float64)
