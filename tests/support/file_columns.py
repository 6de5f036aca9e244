"""Columns, layers and bands of the files of a map that a page of the documentation does not name."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pyogrio
import rasterio

FURTHER_LANGUAGE = re.compile(r"^(reason_\d)_[a-z]{2}$")


def columns_without_a_page(folder: Path, page: str) -> dict[str, list[str]]:
    """Names that stand in no code of `page`, by the file that has them; files that are not there are left out."""
    lacking = {}
    for file, names in _columns(folder):
        general = {name: FURTHER_LANGUAGE.sub(r"\1_CODE", name) for name in names}
        own = [name for name in names if f"`{general[name]}`" not in page]
        if own:
            lacking[file] = own
    return lacking


def _columns(folder: Path) -> Iterator[tuple[str, list[str]]]:
    if (table := folder / "survey_tasks.csv").exists():
        with table.open(encoding="utf-8-sig") as stream:
            yield table.name, next(csv.reader(stream))
    if (risk := folder / "risk.parquet").exists():
        yield risk.name, [name for name in pq.read_schema(risk).names if name != "geometry"]
    if (bands := folder / "risk_map.tif").exists():
        with rasterio.open(bands) as image:
            yield bands.name, list(image.descriptions)
    for database in (folder / "risk_map.gpkg", folder / "risk_map.gdb.zip"):
        for layer in (name for name, _ in pyogrio.list_layers(database)) if database.exists() else ():
            if layer != "layer_styles":
                about = pyogrio.read_info(database, layer=layer)
                yield f"{database.name} {layer}", list(about["fields"])
