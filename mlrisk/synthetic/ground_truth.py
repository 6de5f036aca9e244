"""The truth of a synthetic country: the ordnance in each cell at the as-of date, and the harm to come."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
import shapely
from rasterio.features import rasterize

from features.base import Flags, Floats, Grid, Integers
from mlrisk.synthetic.accidents import EXTRA_VICTIMS, KILLED_SHARE, Danger, awareness
from mlrisk.synthetic.handover_records import MinefieldRecords, counts_by_origin
from mlrisk.synthetic.ordnance import TYPES, Fields, Items
from mlrisk.synthetic.population import ACTIVITIES, ACTIVITY_SHARES
from mlrisk.synthetic.postwar_years import CLEARANCE_FINDS, Aftermath
from mlrisk.synthetic.scenario import AS_OF, Kind
from mlrisk.synthetic.terrain import MARGIN_CELLS, Terrain

BANDS = (
    "contaminated_at_as_of", "items_at_as_of", "ap_mines", "at_mines", "uxo", "contaminated_ever",
    "casualties_per_year", "surveyed",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Truth:
    """`bands` (len(BANDS), rows, columns) on the grid of the area, NaN outside it; `facts` for truth.json."""

    grid: Grid
    bands: Floats
    facts: dict[str, object]


def measure_truth(
    seed: int, kind: Kind, land: Terrain, fields: Fields, items: Items, danger: Danger, after: Aftermath,
    records: MinefieldRecords,
) -> Truth:  # fmt: skip
    """Rasters and totals at AS_OF."""
    rows, columns = (n - 2 * MARGIN_CELLS for n in land.grid.shape)
    inner = (slice(MARGIN_CELLS, MARGIN_CELLS + rows), slice(MARGIN_CELLS, MARGIN_CELLS + columns))
    grid = land.grid.window(MARGIN_CELLS, MARGIN_CELLS + rows, MARGIN_CELLS, MARGIN_CELLS + columns)
    size = land.inside.size
    left = [_count(items.cell[after.alive_at_as_of & (items.type == i)], size) for i in range(len(TYPES))]
    total = np.sum(left, axis=0)
    hurt = np.zeros(size)
    hurt[danger.cells] = after.casualties_at_as_of
    whole = [(total > 0).astype(float), total, *left, (_count(items.cell, size) > 0).astype(float), hurt]
    bands = np.stack([band.reshape(land.grid.shape)[inner] for band in whole] + [surveyed(grid, after)])
    bands[:, ~grid.mask] = np.nan
    facts = _facts(seed, kind, grid, bands, fields, items, after, records)
    return Truth(grid, bands, facts)


def surveyed(grid: Grid, after: Aftermath) -> Floats:
    """1 where the cell centre lies in released land or in a confirmed hazard on record by AS_OF."""
    day = pd.Timestamp(AS_OF)
    released = after.releases.loc[after.releases["recorded_date"] <= day, "geometry"]
    known = (after.hazards["record_date"] <= day) & (after.hazards["hazard_type"] == "CHA")
    polygons = [*released, *after.hazards.loc[known, "geometry"]]
    polygons = [polygon for polygon in polygons if not shapely.is_empty(polygon)]
    if not polygons:
        return np.zeros(grid.shape)
    return np.asarray(rasterize(polygons, grid.shape, transform=grid.transform, dtype="uint8"), dtype=np.float64)


def write_truth(truth: Truth, raster: Path, json_file: Path) -> None:
    """truth.tif with one described band each, truth.json with the facts."""
    count, height, width = truth.bands.shape
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": count, "height": height, "width": width, "nodata": float("nan"),
        "crs": truth.grid.crs.to_wkt(), "transform": truth.grid.transform, "compress": "deflate",
    }  # fmt: skip
    with rasterio.open(raster, "w", **profile) as target:
        target.write(truth.bands.astype(np.float32))
        target.descriptions = BANDS
    json_file.write_text(json.dumps(truth.facts, indent=1) + "\n", encoding="utf-8")


def _facts(
    seed: int, kind: Kind, grid: Grid, bands: Floats, fields: Fields, items: Items, after: Aftermath,
    records: MinefieldRecords,
) -> dict[str, object]:  # fmt: skip
    year = after.accidents.loc[after.accidents["accident_class"] == "non_demining", "date"].dt.year
    victims = after.accidents["killed"] + after.accidents["injured"]
    years = [int(y) for y in sorted(after.accidents_expected)]
    inside = {name: band[grid.mask] for name, band in zip(BANDS, bands, strict=True)}
    accurate: Flags = records.table["accurate"].to_numpy(dtype=bool)
    by_type: Integers = np.bincount(items.type, minlength=len(TYPES))
    return {
        "seed": seed,
        "as_of": AS_OF.isoformat(),
        "kind": asdict(kind),
        "cells": grid.n_cells,
        "cell_size_m": grid.cell_size_m,
        "minefields_and_impacts": int(fields.score.size),
        "items_ever": {name: int(n) for name, n in zip(TYPES, by_type, strict=True)},
        "items_at_as_of": int(inside["items_at_as_of"].sum()),
        "contaminated_share_ever": float(inside["contaminated_ever"].mean()),
        "contaminated_share_at_as_of": float(inside["contaminated_at_as_of"].mean()),
        "contaminated_cells_by_origin": counts_by_origin(fields, items),
        "surveyed_share_at_as_of": float(inside["surveyed"].mean()),
        "expected_casualties_next_year": float(bands[BANDS.index("casualties_per_year")][grid.mask].sum()),
        "expected_accidents_by_year": {str(y): after.accidents_expected[y] for y in years},
        "accidents_by_year": {str(y): int((year == y).sum()) for y in years},
        "casualties_by_year": {str(y): int(victims[year.index][year == y].sum()) for y in years},
        "awareness_by_year": {str(y): awareness(kind, y) for y in years},
        "activity_shares": {name: float(s) for name, s in zip(ACTIVITIES, ACTIVITY_SHARES, strict=True)},
        "casualties_per_accident": {name: 1 + float(n) for name, n in zip(TYPES, EXTRA_VICTIMS, strict=True)},
        "killed_share": {name: float(n) for name, n in zip(TYPES, KILLED_SHARE, strict=True)},
        "found_in_clearance": {name: float(n) for name, n in zip(TYPES, CLEARANCE_FINDS, strict=True)},
        "minefield_records": len(accurate),
        "minefield_records_accurate": int(accurate.sum()),
    }


def _count(cells: Integers, size: int) -> Floats:
    return np.bincount(cells, minlength=size).astype(np.float64)
