"""Small inputs of every kind, and ways to damage them and their config, for the campaign of `fuzz`."""

import os
import random
import warnings
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from affine import Affine

WEST, SOUTH, EAST, NORTH = 46.70, 39.75, 46.78, 39.81
CONFIG = """name: fuzz
as_of: 2024-07-31
grid: {crs: "EPSG:32638", cell_size_m: 250, area: area.geojson}
sources:
  dem: dem.tif
  incidents: incidents.csv
  survey: {path: survey.xlsx, values: {outcome: {1: found, 0: searched}}}
  hazard_areas: hazards.SUFFIX
  land_release: {path: release.csv, where: "method IS NOT NULL"}
  roads: roads.geojson
  settlements: settlements.csv
  covariates: [people.tif, cells.csv]
"""
DRIVERS = {
    "gpkg": "GPKG",
    "geojson": "GeoJSON",
    "shp": "ESRI Shapefile",
    "fgb": "FlatGeobuf",
    "kml": "KML",
    "gml": "GML",
}
# Records in JSON and a web page under the name of a workbook hold geometry as text.
SUFFIXES = (*DRIVERS, "parquet", "json", "xls")
# Wrong values as they occur in registers and configs.
VALUES = (
    "", "nan", "inf", "-inf", "1e400", "-1", "unknown", "31.02.2019", "2031-05-05", "12 fevral 2018",
    "43466", "yes", "010", "x" * 5000, "Ağdam", "\u202e", "'", '"', ";", "0", "POINT EMPTY", "#N/A", "1/2",
    "99999999999999999999",
)  # fmt: skip
YAML_VALUES = (
    ".inf", "-.inf", ".nan", "-1", "0", "1e308", "[]", "{}", "null", "yes", "010", "2024-13-45", "9" * 400,
    "''", "1", "[a, b]", "{a: 1}", "2999-01-01", "&x [*x]", "!!python/name:os.system x", "/dev/zero",
    "'\\0'",
)  # fmt: skip


def make_inputs(folder: Path) -> None:
    """A small made-up country in files of many kinds."""
    rng = np.random.default_rng(1)
    points = np.column_stack([rng.uniform(WEST + 0.01, EAST - 0.01, 60), rng.uniform(SOUTH + 0.01, NORTH - 0.01, 60)])
    gpd.GeoDataFrame({"name": ["a"]}, geometry=[shapely.box(WEST, SOUTH, EAST, NORTH)], crs=4326).to_file(
        folder / "area.geojson"
    )
    days = [f"20{10 + number % 12}-0{number % 9 + 1}-1{number % 9}" for number in range(60)]
    places = {"longitude": points[:, 0].round(6), "latitude": points[:, 1].round(6)}
    table = pd.DataFrame(
        {"record_id": range(60), **places, "date": days, "killed": rng.integers(0, 3, 60), "injured": 1}
    )
    table.assign(notes="near the road").to_csv(folder / "incidents.csv", index=False)
    survey = pd.DataFrame({**places, "date": days, "outcome": rng.integers(0, 2, 60)})
    survey.to_excel(folder / "survey.xlsx", index=False, engine="xlsxwriter")
    boxes = [shapely.box(x, y, x + 0.003, y + 0.003) for x, y in points[:12]]
    hazards = gpd.GeoDataFrame({"record_id": [f"H{n}" for n in range(12)]}, geometry=boxes, crs=4326)
    hazards = hazards.assign(hazard_type=["SHA", "CHA"] * 6, record_date=days[:12])
    for suffix in SUFFIXES:
        if suffix == "parquet":
            hazards.to_parquet(folder / "hazards.parquet")
        elif suffix in ("json", "xls"):
            texts = pd.DataFrame(hazards.drop(columns="geometry")).assign(wkt=hazards.geometry.to_wkt())
            made = texts.to_json(orient="records") if suffix == "json" else texts.to_html(index=False)
            (folder / f"hazards.{suffix}").write_text(made, encoding="utf-8")
        else:
            short = hazards.rename(columns={"hazard_type": "hazard_typ", "record_date": "record_dat"})
            (short if suffix == "shp" else hazards).to_file(folder / f"hazards.{suffix}", driver=DRIVERS[suffix])
    release = [shapely.box(x, y, x + 0.004, y + 0.002) for x, y in points[20:32]]
    pd.DataFrame({"release_type": ["cleared", "cancelled"] * 6, "end_date": days[:12], "method": "manual",
                  "wkt": [shape.wkt for shape in release]}).to_csv(folder / "release.csv", index=False)  # fmt: skip
    roads = [shapely.LineString([points[n], points[n + 1]]) for n in range(0, 40, 2)]
    gpd.GeoDataFrame({"road_class": ["primary"] * 20}, geometry=roads, crs=4326).to_file(folder / "roads.geojson")
    pd.DataFrame({"lon": places["longitude"], "lat": places["latitude"], "name": "Ağdam", "population": 1200}).to_csv(
        folder / "settlements.csv", index=False, sep=";", encoding="cp1254"
    )
    pd.DataFrame({**places, "poverty": rng.uniform(0, 1, 60)}).to_csv(folder / "cells.csv", index=False)
    for name, values in (("dem", 400 + rng.uniform(0, 50, (40, 50))), ("people", rng.gamma(1, 30, (40, 50)))):
        where = Affine(0.002, 0, WEST - 0.01, 0, -0.002, NORTH + 0.01)
        shape = {"driver": "GTiff", "width": 50, "height": 40, "count": 1, "dtype": "float32"}
        with rasterio.open(folder / f"{name}.tif", "w", crs="EPSG:4326", transform=where, **shape) as dataset:
            dataset.write(values.astype("float32"), 1)


def config_of(suffix: str) -> str:
    """The config over hazard areas of one kind."""
    names = ", columns: {hazard_type: hazard_typ, record_date: record_dat}" if suffix == "shp" else ""
    return CONFIG.replace("hazards.SUFFIX", f"{{path: hazards.{suffix}{names}}}")


def damage(folder: Path, rng: random.Random) -> str:
    """Damage one file of a case; returns a text that says which and how."""
    suffix = rng.choice(SUFFIXES)
    (folder / "config.yaml").write_text(config_of(suffix), encoding="utf-8")
    names = ["incidents.csv", "release.csv", "settlements.csv", "cells.csv", "survey.xlsx", "roads.geojson",
             "dem.tif", "people.tif", "area.geojson", f"hazards.{suffix}", f"hazards.{suffix}",
             "config.yaml", "config.yaml"]  # fmt: skip
    file = folder / rng.choice(names)
    ways: list[Callable[[Path, random.Random], str]] = [_cut, _spoil, _double, _replace_file]
    if file.suffix == ".csv":
        ways += [_value, _value, _value, _structure, _structure, _encoding]
    elif file.suffix == ".yaml":
        ways = [_yaml_value, _yaml_value, _yaml_value, _yaml_line, _yaml_line, _spoil, _cut]
    elif file.suffix == ".tif":
        ways += [_raster, _raster]
    elif file.suffix == ".shp":
        ways += [_companion, _companion]
    way = rng.choice(ways)
    return f"{file.name}: {way(file, rng)}"


def _cut(file: Path, rng: random.Random) -> str:
    content = file.read_bytes()
    at = rng.randrange(len(content) + 1)
    file.write_bytes(content[:at])
    return f"cut at byte {at} of {len(content)}"


def _spoil(file: Path, rng: random.Random) -> str:
    """Replace some bytes by others, but never by figures: another figure would be another value, not a damage."""
    content = bytearray(file.read_bytes())
    others = [byte for byte in range(256) if byte not in b"0123456789"]
    places = [rng.randrange(len(content)) for _ in range(rng.choice((1, 1, 3, 20)))]
    for place in places:
        content[place] = rng.choice(others)
    file.write_bytes(bytes(content))
    return f"bytes {places[:5]} spoiled"


def _double(file: Path, rng: random.Random) -> str:
    content = file.read_bytes()
    at = rng.randrange(len(content))
    size = rng.choice((1, 10, 200, len(content)))
    while content[at : at + size].isdigit():
        # Figures twice make another value, not a damage.
        size += 1
    file.write_bytes(content[:at] + content[at : at + size] * 2 + content[at + size :])
    return f"{size} bytes at {at} doubled"


def _replace_file(file: Path, rng: random.Random) -> str:
    file.unlink()
    kind = rng.choice(("nothing", "fifo", "folder", "loop", "empty", "device", "html"))
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "loop":
        file.symlink_to(file.name)
    elif kind == "empty":
        file.touch()
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "html":
        file.write_text("<!DOCTYPE html><html><body>Sign in</body></html>")
    return f"replaced by {kind}"


def _value(file: Path, rng: random.Random) -> str:
    """Replace some values of one column."""
    lines = file.read_bytes().decode("cp1254").split("\n")
    separator = ";" if ";" in lines[0] else ","
    column = rng.randrange(lines[0].count(separator) + 1)
    value, rows = rng.choice(VALUES), rng.choice((1, 3, 40))
    for number in rng.sample(range(1, len(lines) - 1), min(rows, len(lines) - 2)):
        fields = lines[number].split(separator)
        if column < len(fields):
            fields[column] = value
        lines[number] = separator.join(fields)
    file.write_bytes("\n".join(lines).encode("utf-8"))
    return f"{rows} values of column {column} are {value[:20]!r}"


def _structure(file: Path, rng: random.Random) -> str:
    """Damage quotes, separators, header or order of lines."""
    lines = file.read_text(encoding="cp1254").split("\n")
    kind = rng.choice(
        ("quote", "two quotes", "separator", "header", "no header", "titles", "blank lines", "short", "crlf")
    )
    at = rng.randrange(1, len(lines) - 1)
    if kind in ("quote", "two quotes"):
        for number in (at, rng.randrange(1, len(lines) - 1))[: 1 if kind == "quote" else 2]:
            place = rng.randrange(len(lines[number]) + 1)
            lines[number] = lines[number][:place] + '"' + lines[number][place:]
    elif kind == "separator":
        lines = [line.replace(",", rng.choice((";", "\t"))) for line in lines]
    elif kind == "header":
        lines[0] = lines[0].upper() if rng.random() < 0.5 else lines[0].replace("date", "Tarix").replace("lon", "x")
    elif kind == "no header":
        lines = lines[1:]
    elif kind == "titles":
        lines = ["Register of the authority", "", *lines]
    elif kind == "blank lines":
        lines = [part for line in lines for part in (line, "")]
    elif kind == "short":
        lines[at] = lines[at][: len(lines[at]) // 2]
    file.write_text(("\r\n" if kind == "crlf" else "\n").join(lines), encoding="cp1254", newline="")
    return f"{kind} (line {at + 1})"


def _encoding(file: Path, rng: random.Random) -> str:
    encoding = rng.choice(("utf-16", "utf-16-le", "utf-8-sig", "cp1251", "utf-32"))
    file.write_bytes(file.read_text(encoding="cp1254").encode(encoding, errors="replace"))
    return f"in {encoding}"


def _raster(file: Path, rng: random.Random) -> str:
    with warnings.catch_warnings():
        # Files without a place are made on purpose.
        warnings.simplefilter("ignore")
        return _raster_made_anew(file, rng)


def _raster_made_anew(file: Path, rng: random.Random) -> str:
    with rasterio.open(file) as dataset:
        values, profile = dataset.read(1), dataset.profile
    kind = rng.choice(("marker", "complex", "no crs", "no place", "south up", "infinite", "two bands", "feet", "huge"))
    profile["dtype"] = "complex64" if kind == "complex" else "float64" if kind == "huge" else "float32"
    if kind == "marker":
        values[:, 10:20] = rng.choice((-99999, -9999, -200, -999, 1e20, -3.4e38))
    elif kind == "no crs":
        profile["crs"] = None
    elif kind == "no place":
        profile["transform"] = Affine.identity()
    elif kind == "south up":
        place = profile["transform"]
        profile["transform"], values = Affine(place.a, 0, place.c, 0, -place.e, place.f + 40 * place.e), values[::-1]
    elif kind == "infinite":
        values[10:20] = np.inf
    elif kind == "huge":
        values = values.astype("float64") * 1e300
    profile["count"] = 2 if kind == "two bands" else 1
    with rasterio.open(file, "w", **profile) as dataset:
        dataset.write(values.astype(profile["dtype"]), 1)
        if kind == "feet":
            dataset.units = ("ft",)
    return kind


def _companion(file: Path, rng: random.Random) -> str:
    other = file.with_suffix(rng.choice((".dbf", ".shx", ".prj", ".cpg")))
    kind = rng.choice((_cut, _spoil, _replace_file))
    if other.exists():
        return f"{other.name}: {kind(other, rng)}"
    return "nothing"


def _yaml_value(file: Path, rng: random.Random) -> str:
    lines = file.read_text(encoding="utf-8").split("\n")
    at = rng.choice([number for number, line in enumerate(lines) if ": " in line])
    key, value = lines[at].split(": ", 1)[0], rng.choice(YAML_VALUES)
    if "cell_size_m" in lines[at] and rng.random() < 0.5:
        key, value = (
            "grid",
            f'{{crs: "EPSG:32638", cell_size_m: {rng.choice(("0.001", "1", ".inf", "1e9"))}, area: area.geojson}}',
        )
    lines[at] = f"{key}: {value}"
    file.write_text("\n".join(lines), encoding="utf-8")
    return f"{key.strip()}: {value[:40]}"


def _yaml_line(file: Path, rng: random.Random) -> str:
    lines = file.read_text(encoding="utf-8").split("\n")
    at, kind = rng.randrange(len(lines) - 1), rng.choice(("gone", "twice", "indented", "tab", "swapped"))
    if kind == "gone":
        del lines[at]
    elif kind == "twice":
        lines.insert(at, lines[at])
    elif kind == "swapped":
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    else:
        lines[at] = ("\t" if kind == "tab" else "   ") + lines[at]
    file.write_text("\n".join(lines), encoding="utf-8")
    return f"line {at + 1} {kind}"
