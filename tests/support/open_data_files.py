"""A small country near Fuzuli as files of open data alone, laid out as their publishers do, under numbers for names."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from affine import Affine

WEST, SOUTH, EAST, NORTH = 47.0, 39.5, 47.2, 39.7
GED = "id,year,type_of_violence,conflict_name,where_prec,latitude,longitude,date_start,date_end,best,high,low\n"
OSM = """<?xml version='1.0' encoding='UTF-8'?>
<osm version="0.6">
{nodes}
<node id="90" lat="39.55" lon="47.05"><tag k="place" v="village"/><tag k="name" v="Birinci"/><tag k="population" v="300"/></node>
<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/></way>
<way id="2"><nd ref="2"/><nd ref="3"/><tag k="highway" v="track"/></way>
<way id="3"><nd ref="1"/><nd ref="4"/><tag k="waterway" v="river"/></way>
<way id="4"><nd ref="3"/><nd ref="4"/><tag k="power" v="line"/></way>
<way id="5"><nd ref="5"/><nd ref="6"/><nd ref="7"/><nd ref="5"/><tag k="landuse" v="farmland"/></way>
<way id="6"><nd ref="7"/><nd ref="8"/><nd ref="9"/><nd ref="7"/><tag k="building" v="yes"/></way>
</osm>
"""  # noqa: E501 a document of another program


def raster(
    path: Path, values: np.ndarray, west: float, north: float, pixel: float, nodata: float | None = None
) -> None:
    profile = {"driver": "GTiff", "count": 1, "height": values.shape[0], "width": values.shape[1], "crs": "EPSG:4326"}
    place = Affine(pixel, 0.0, west, 0.0, -pixel, north)
    with rasterio.open(path, "w", dtype=values.dtype, transform=place, nodata=nodata, **profile) as dataset:
        dataset.write(values, 1)


def relief(rows: int, columns: int, start: int = 0) -> np.ndarray:
    row, column = np.mgrid[0:rows, start : start + columns]
    return (600 + 300 * np.sin(row / 20) + 200 * np.cos(column / 25)).astype(np.float32)


def people(rows: int, columns: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.where(rng.random((rows, columns)) < 0.05, rng.gamma(2, 20, (rows, columns)), 0.01).astype(np.float32)


def open_data_country(folder: Path) -> None:
    rng = np.random.default_rng(1)
    events = [
        f"{number},1993,1,Azerbaijan: Nagorno-Karabakh,1,{SOUTH + 0.2 * rng.random():.5f},"
        f"{WEST + 0.2 * rng.random():.5f},1993-08-{number % 28 + 1:02d},1993-08-{number % 28 + 1:02d},{number % 5},9,0"
        for number in range(40)
    ]
    (folder / "1.csv").write_text(GED + "\n".join(events) + "\n", encoding="utf-8")
    nodes = "\n".join(
        f'<node id="{number}" lat="{SOUTH + 0.02 * number:.4f}" lon="{WEST + 0.02 * (number * 4 % 9):.4f}"/>'
        for number in range(1, 10)
    )
    (folder / "2.osm").write_text(OSM.format(nodes=nodes), encoding="utf-8")
    for number, west in ((3, WEST), (4, WEST + 0.1)):
        raster(folder / f"{number}.tif", relief(200, 100, 100 * (number - 3)), west, NORTH, 0.001)
    raster(folder / "5.tif", people(240, 240), WEST, NORTH, 1 / 1200, -99999.0)
    halves = [shapely.box(WEST, SOUTH, WEST + 0.1, NORTH), shapely.box(WEST + 0.1, SOUTH, EAST, NORTH)]
    for number, parts, level in ((6, [shapely.union_all(halves)], "ADM0"), (7, halves, "ADM2")):
        table = {
            "shapeName": [f"part {part}" for part in range(len(parts))],
            "shapeISO": "",
            "shapeID": [f"{level}{part}" for part in range(len(parts))],
            "shapeGroup": "AZE",
            "shapeType": level,
        }
        gpd.GeoDataFrame(pd.DataFrame(table), geometry=parts, crs="EPSG:4326").to_file(folder / f"{number}.geojson")
