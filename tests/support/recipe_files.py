"""Small files in the layout that a recipe expects: paths, layers, columns, and values that its `where` selects."""

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import rasterio.shutil
import shapely
from affine import Affine

from features.sources.kinds import PARQUET_SUFFIXES, RASTER_SUFFIXES, TABLE_SUFFIXES
from features.sources.schema import CASUALTIES, DATE, LINE, NUMBER, POINT, SCHEMAS
from features.sources.settings import SourceSpec
from tests.support.open_data_files import EAST, NORTH, OSM, SOUTH, WEST, relief

ROWS = 3
# Values by which the clauses of the recipes select.
SELECTED = {
    "where_prec": 1, "geo_precision": 1, "highway": "primary", "waterway": "river", "place": "village",
    "building": "yes", "landuse": "forest", "point_type": "Evidence Point", "name": "Ceasefire Line 1994",
}  # fmt: skip
EXAMPLES = {DATE: "1993-08-05", NUMBER: 7, CASUALTIES: 1}


def written(folder: Path, source: str, spec: SourceSpec, others: Mapping[str, object]) -> None:
    """Write the files of a source; `others` are columns that other sources read from the same files."""
    for path in spec.paths:
        file = folder / path
        suffix = file.suffix.casefold()
        if suffix in RASTER_SUFFIXES:
            _raster(file, whole=source == "land_use")
        elif suffix == ".pbf":
            nodes = "\n".join(
                f'<node id="{n}" lat="{SOUTH + 0.02 * n}" lon="{WEST + 0.02 * (n * 4 % 9)}"/>' for n in range(1, 10)
            )
            file.write_text(OSM.format(nodes=nodes).replace("farmland", "forest"), encoding="utf-8")
        else:
            _records(file, source, spec, others)


def columns_of(source: str, spec: SourceSpec) -> dict[str, object]:
    """Columns of the file, with the value of each."""
    kinds = SCHEMAS[source].columns if source in SCHEMAS else {}
    found: dict[str, object] = {}
    for ours, kind in kinds.items():
        if ours in spec.columns or ours in SCHEMAS[source].required or (kind == DATE and ours == "date"):
            book = spec.values.get(ours)
            words = next(iter(book)) if isinstance(book, dict) else "SHA" if ours == "hazard_type" else "some"
            found[spec.columns.get(ours, ours)] = 1993 if ours == "year" else EXAMPLES.get(kind, words)
    found |= {name: value for name, value in SELECTED.items() if spec.where and name in spec.where}
    if spec.where and "TIPO_EVENTO" in spec.where:
        found["TIPO_EVENTO"] = np.array(["1", "3", "7"])
    return found


def _records(file: Path, source: str, spec: SourceSpec, others: Mapping[str, object]) -> None:
    east, north = np.linspace(WEST + 0.02, EAST - 0.05, ROWS), np.linspace(SOUTH + 0.02, NORTH - 0.05, ROWS)
    table = pd.DataFrame({**others, **columns_of(source, spec)}, index=range(ROWS))
    if source == "covariates":
        table = table.assign(poverty=[0.1, 0.2, 0.3])
    if file.suffix in TABLE_SUFFIXES:
        names = [spec.columns.get(ours, ours) for ours in ("longitude", "latitude")]
        table.assign(**dict(zip(names, (east, north), strict=True))).to_csv(file, index=False)
        return
    kinds = SCHEMAS[source].geometry if source in SCHEMAS else ("polygon",)
    if kinds == (LINE,):
        shapes = [shapely.LineString([(x, y), (x + 0.01, y + 0.01)]) for x, y in zip(east, north, strict=True)]
    elif kinds[0] == POINT:
        shapes = list(shapely.points(east, north))
    else:
        shapes = list(shapely.box(east, north, east + 0.02, north + 0.02))
    frame = gpd.GeoDataFrame(table, geometry=shapes, crs=4326)
    if file.suffix in PARQUET_SUFFIXES:
        frame.to_parquet(file)
    else:
        frame.to_file(file, **({"layer": spec.one_layer} if spec.one_layer else {}))


def _raster(file: Path, *, whole: bool) -> None:
    values = relief(40, 40)
    values = np.where(values > values.mean(), 10, 40).astype("uint8") if whole else values
    place = Affine(0.01, 0, WEST - 0.1, 0, -0.01, NORTH + 0.1)
    tile = file.with_suffix(".tif")
    with rasterio.open(
        tile, "w", driver="GTiff", width=40, height=40, count=1, dtype=values.dtype, crs="EPSG:4326", transform=place
    ) as dataset:
        dataset.write(values, 1)
    if file.suffix == ".vrt":
        with rasterio.open(tile) as dataset:
            rasterio.shutil.copy(dataset, file, driver="VRT")
