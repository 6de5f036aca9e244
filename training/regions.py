"""Regions of cells and the folds that hold one of them out, with a buffer that keeps neighbours from telling."""

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from features.grid import Grid
from features.sources import Sources
from training.config import ValidationSettings
from training.evidence import geographic_centres

NO_REGION = ""


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows to learn from and rows to be judged on, both indices into the table that was split."""

    protocol: str
    name: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def cell_regions(grid: Grid, sources: Sources, settings: ValidationSettings) -> NDArray[np.object_]:
    """Name of the region of each cell, in `grid.cell_ids()` order; empty where a cell lies in none.

    Districts are cut by cell centres, or taken from the nearest point where points mark the cells of a district;
    where there are not two of them, blocks take their place.
    """
    if isinstance(settings.regions, dict):
        longitude, latitude = geographic_centres(grid)
        names = np.full(len(longitude), NO_REGION, dtype=object)
        for name, (west, south, east, north) in settings.regions.items():
            names[(longitude >= west) & (longitude <= east) & (latitude >= south) & (latitude <= north)] = name
        return names
    districts = sources.vectors.get("districts")
    if settings.regions == "districts" and districts is not None and len(districts):
        names = district_names(grid, districts)
        if len(set(names) - {NO_REGION}) > 1:
            return names
    return block_names(grid.centres_m(), settings.block_m)


def block_names(centres_m: NDArray[np.float64], block_m: float) -> NDArray[np.object_]:
    """Name of the square block of each point; blocks are aligned to the CRS origin."""
    blocks, place = np.unique(np.floor(centres_m / block_m).astype(np.int64), axis=0, return_inverse=True)
    return np.array([f"block {east} {north}" for east, north in blocks], dtype=object)[place.reshape(-1)]


def leave_region_out(
    regions: NDArray[np.object_],
    labelled: NDArray[np.bool_],
    positive: NDArray[np.bool_],
    centres_m: NDArray[np.float64],
    settings: ValidationSettings,
    seed: int,
    cell_size_m: float = 0.0,
) -> Iterator[Fold]:
    """Folds that hold whole regions out; training cells within `buffer_m` of a held-out cell are left out as well.

    A buffer narrower than a cell would leave the neighbours in: it is widened to `cell_size_m`.

    Arrays run over all cells; the indices of a fold do too. Regions are dealt to `folds` groups so that each group
    gets its share of found cells; named boxes are one fold each. A fold without a found cell on either side judges
    nothing and is left out.
    """
    groups = _deal(regions, labelled, positive, settings, seed)
    buffer_m = max(settings.buffer_m, cell_size_m) if settings.buffer_m else 0.0
    for group, members in groups.items():
        held_out = np.isin(regions, members)
        test = np.flatnonzero(held_out & labelled)
        candidates = np.flatnonzero(~held_out & labelled & (regions != NO_REGION))
        if buffer_m and len(test) and len(candidates):
            tree = cKDTree(centres_m[held_out])
            # The tree's bound leaves out its own value, and cells of a lattice lie at exactly the buffer's distance.
            distance, _ = tree.query(centres_m[candidates], distance_upper_bound=buffer_m * (1 + 1e-9))
            candidates = candidates[~np.isfinite(distance)]
        if _judges(positive, candidates) and _judges(positive, test):
            yield Fold("leave_region_out", group, candidates, test)


def random_folds(labelled: NDArray[np.bool_], positive: NDArray[np.bool_], folds: int, seed: int) -> Iterator[Fold]:
    """Random k-fold over labelled cells: dishonest, reported only to show the optimism gap."""
    rows = np.flatnonzero(labelled)
    part = np.random.default_rng(seed).permutation(len(rows)) % folds
    for number in range(folds):
        train, test = rows[part != number], rows[part == number]
        if _judges(positive, train) and _judges(positive, test):
            yield Fold("random", f"random {number + 1}", train, test)


def _judges(positive: NDArray[np.bool_], rows: NDArray[np.int64]) -> bool:
    return len(rows) > 0 and 0 < int(positive[rows].sum()) < len(rows)


def district_names(grid: Grid, districts: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Name of the district of each cell centre, in `grid.cell_ids()` order; empty outside all of them."""
    centres = grid.centres_m()
    texts = district_texts(districts)
    if districts.geom_type.eq("Point").all():
        tree = cKDTree(np.column_stack([districts.geometry.x, districts.geometry.y]))
        _, nearest = tree.query(centres, distance_upper_bound=grid.cell_size_m)
        return np.asarray(np.array([*texts, NO_REGION], dtype=object)[nearest])
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(centres[:, 0], centres[:, 1]), crs=districts.crs)
    joined = points.sjoin(districts[["geometry"]], how="left", predicate="within")
    # A centre on a shared border belongs to the first of its districts.
    first = joined[~joined.index.duplicated()]["index_right"]
    return np.array([NO_REGION if np.isnan(row) else texts[int(row)] for row in first.astype(float)], dtype=object)


def district_texts(districts: gpd.GeoDataFrame) -> list[str]:
    """A text for each district: its name; polygons of one name are told apart by their number, points are not."""
    names = districts["name"].astype("string").fillna("") if "name" in districts else [""] * len(districts)
    if districts.geom_type.eq("Point").all():
        return [str(name) for name in names]
    texts: list[str] = []
    for number, name in enumerate(names):
        texts.append(str(name) if name and name not in texts else f"{name} (district {number})".strip())
    return texts


def _deal(
    regions: NDArray[np.object_],
    labelled: NDArray[np.bool_],
    positive: NDArray[np.bool_],
    settings: ValidationSettings,
    seed: int,
) -> dict[str, list[str]]:
    """Groups of regions by fold name: each region goes to the group with the least found and labelled land so far."""
    names = sorted({str(name) for name in regions[labelled]} - {NO_REGION})
    if isinstance(settings.regions, dict) or len(names) <= settings.folds:
        return {name: [name] for name in names}
    every = regions.astype(str)
    share = {
        name: (positive & (every == name)).sum() / max(positive.sum(), 1)
        + (labelled & (every == name)).sum() / labelled.sum()
        for name in names
    }
    shuffled = np.random.default_rng(seed).permutation(names).tolist()
    groups: dict[str, list[str]] = {f"regions {number + 1}": [] for number in range(settings.folds)}
    load = dict.fromkeys(groups, 0.0)
    for name in sorted(shuffled, key=lambda region: -share[region]):
        target = min(load, key=lambda group: (load[group], len(groups[group])))
        groups[target].append(name)
        load[target] += float(share[name])
    return groups
