"""The files of a synthetic country: GeoPackage, GeoJSON, CSV and GeoTIFF, projected and WGS 84, and its config."""

from math import ceil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
from affine import Affine
from rasterio.warp import Resampling, reproject, transform_bounds

from mlrisk.synthetic import source_tables as tables
from mlrisk.synthetic.country import Country
from mlrisk.synthetic.data_faults import spoil_points, spoil_polygons, without_day
from mlrisk.synthetic.ground_truth import write_truth
from mlrisk.synthetic.scenario import AS_OF, stage_rng
from mlrisk.synthetic.terrain import CRS, FINE

METRES_PER_DEGREE = 111_320.0  # of latitude
CONFIG = """\
# A synthetic country: seed {seed}, {cells:,} cells. Nothing here is a real place and no result says anything of one.
# The files hold records up to three years after as_of, for judging: a run must not let them influence anything.
name: synthetic-{seed}
as_of: {as_of}

grid:
  crs: "{crs}"
  cell_size_m: {cell_size_m:g}
  area: area.gpkg

sources:
  dem: dem.tif # WGS 84
  front_lines: {{path: country.gpkg, layer: front_lines}}
  roads: {{path: country.gpkg, layer: roads}}
  rivers: {{path: country.gpkg, layer: rivers}}
  settlements: {{path: country.gpkg, layer: settlements}}
  land_use: {{path: country.gpkg, layer: land_use}}
  districts: {{path: country.gpkg, layer: districts}}
  power_lines: {{path: country.gpkg, layer: power_lines}}
  incidents: incidents.csv # WGS 84
  conflict_events: conflict_events.csv # WGS 84
  hazard_areas: # the authority's own names for columns and classes
    path: hazard_areas.gpkg
    columns: {{hazard_type: ha_class, hazard_status: status, status_date: status_day, record_date: created}}
    values: {{hazard_type: {{Suspected: SHA, Confirmed: CHA}}}}
  minefield_records: minefield_records.geojson # a quarter of them lie where they say
  land_release: land_release.gpkg
  finds:
    path: finds.csv
    columns: {{longitude: lon_wgs84, latitude: lat_wgs84, eo_category: item_class}}
"""


def write_country(country: Country, folder: Path) -> None:
    """Write every file into `folder`, over those of an earlier country; the same country gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = stage_rng(country.seed, "mess")
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    # GeoPackage stores when a layer was written; with a fixed date the digest of a file depends on the country alone.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{AS_OF.isoformat()}T00:00:00.000Z"})
    try:
        area = gpd.GeoDataFrame({"name": ["area"]}, geometry=[country.land.area], crs=CRS)
        _write_layers(folder / "area.gpkg", {"area": area})
        _write_layers(folder / "country.gpkg", tables.map_layers(country))
        hazards = spoil_polygons(rng, tables.hazard_areas(country))
        _write_layers(folder / "hazard_areas.gpkg", {"hazard_areas": hazards})
        releases = spoil_polygons(rng, tables.land_release(country))
        _write_layers(folder / "land_release.gpkg", {"land_release": releases})
        _write_layers(folder / "truth.gpkg", tables.true_objects(country))
        records = folder / "minefield_records.geojson"
        records.unlink(missing_ok=True)
        pyogrio.write_dataframe(tables.minefield_records(country), records, driver="GeoJSON")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
    incidents = without_day(rng, tables.incidents(country), 3)
    _write_csv(folder / "incidents.csv", spoil_points(rng, incidents, "longitude", "latitude"))
    _write_csv(folder / "conflict_events.csv", spoil_points(rng, tables.conflict(country), "longitude", "latitude"))
    _write_csv(folder / "finds.csv", spoil_points(rng, tables.finds(country), "lon_wgs84", "lat_wgs84"))
    _write_dem(country, folder / "dem.tif")
    write_truth(country.truth, folder / "truth.tif", folder / "truth.json")
    (folder / "config.yaml").write_text(_config(country), encoding="utf-8")


def _config(country: Country) -> str:
    grid = country.truth.grid
    return CONFIG.format(
        seed=country.seed, cells=grid.n_cells, as_of=AS_OF.isoformat(), crs=CRS, cell_size_m=grid.cell_size_m
    )


def _write_layers(path: Path, layers: dict[str, gpd.GeoDataFrame]) -> None:
    path.unlink(missing_ok=True)
    for name, layer in layers.items():
        if len(layer):
            pyogrio.write_dataframe(layer, path, layer=name, driver="GPKG")


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    table.to_csv(path, index=False, date_format="%Y-%m-%d", lineterminator="\n")


def _write_dem(country: Country, path: Path) -> None:
    """Elevation in degrees of WGS 84, as public elevation models come."""
    land = country.land
    west, south, east, north = transform_bounds(CRS, "EPSG:4326", *land.grid.bounds)
    pixel_deg = land.grid.cell_size_m / FINE / METRES_PER_DEGREE
    rows, columns = ceil((north - south) / pixel_deg), ceil((east - west) / pixel_deg)
    target = Affine(pixel_deg, 0, west, 0, -pixel_deg, north)
    warped = np.full((rows, columns), np.nan, dtype=np.float32)
    reproject(
        land.fine_elevation_m.astype(np.float32), warped, src_transform=land.fine_transform, src_crs=CRS,
        dst_transform=target, dst_crs="EPSG:4326", resampling=Resampling.bilinear, src_nodata=np.nan, dst_nodata=np.nan,
    )  # fmt: skip
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": 1, "height": rows, "width": columns, "nodata": float("nan"),
        "crs": "EPSG:4326", "transform": target, "compress": "deflate", "predictor": 3,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(np.round(warped, 1), 1)
        file.descriptions = ("elevation_m",)
