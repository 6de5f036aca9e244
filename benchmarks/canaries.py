"""Personal values in tables with odd headers, wrong mappings and damage: is any in a message? See README.md."""

import argparse
import collections
import io
import json
import logging
import random
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import shapely
import yaml
from shapely.geometry import mapping

import mlrisk
from features.base import MlriskError
from features.sources import SCHEMAS, report_rows
from mlrisk.cli.text.check import checked_sources

# Parts of personal values, none of which is a word of the program.
CANARIES = ("Qanareva", "Zyxwvuta", "CANARY7731", "1987-01-23", "23.01.1987", "Kanarienweg", "0555-771-9931")
PERSON = {
    "victim_name": "Zyxwvuta Qanareva", "identity": "CANARY7731", "birth_date": "1987-01-23",
    "home_address": "Kanarienweg 99", "phone": "0555-771-9931",
}  # fmt: skip
STORY = "Zyxwvuta Qanareva, born 23.01.1987, of Kanarienweg 99 (CANARY7731, 0555-771-9931)"
RING = [[46.70, 39.75], [46.78, 39.75], [46.78, 39.80], [46.70, 39.80], [46.70, 39.75]]
AREAS = ("hazard_areas", "land_release", "districts", "control_areas", "land_use")
LINES = ("roads", "front_lines", "rivers", "power_lines")
COVARIATES, ROWS = "covariates", 9

Row = dict[str, str]
Case = tuple[str, dict[str, Any]]


def shape_of(source: str, number: int) -> str:
    """Geometry as text, of a kind that the source takes."""
    east, north = 46.71 + 0.007 * number, 39.76 + 0.003 * number
    if source in AREAS:
        return f"POLYGON (({east} {north}, {east + 0.01} {north}, {east + 0.01} {north + 0.01}, {east} {north}))"
    if source in LINES:
        return f"LINESTRING ({east} {north}, {east + 0.02} {north + 0.01})"
    return f"POINT ({east} {north})"


def columns_of(source: str) -> list[str]:
    """The canonical columns of a source; of covariates, which have none, one number."""
    return ["rain"] if source == COVARIATES else list(SCHEMAS[source].columns)


def rows_of(source: str) -> list[Row]:
    """Rows with a place, the columns of the source, and a person."""
    return [
        {
            "geometry": shape_of(source, number), "date": f"2019-05-1{number}",
            **dict.fromkeys(columns_of(source), "1"), "date_found": "2019-05-11", **PERSON, "narrative": STORY,
        }
        for number in range(ROWS)
    ]  # fmt: skip


def shapes_of(rows: list[Row]) -> Iterator[dict[str, Any]]:
    """The geometries of the rows for GeoJSON, taken out of the rows."""
    return (mapping(shapely.from_wkt(row.pop("geometry"))) for row in rows)


def table(rows: list[Row], header: list[str] | None, separator: str, quote: str = '"') -> bytes:
    """Delimited text with that header; without one the first line is a person."""
    lines = [header] if header is not None else []
    lines += [list(row.values()) for row in rows]
    written = [separator.join(f"{quote}{cell}{quote}" for cell in line) for line in lines]
    return ("\n".join(written) + "\n").encode()


def headers(rows: list[Row], draw: random.Random) -> list[str] | None:
    """A header that is right, absent, a person, twice the same, empty, or of odd names."""
    names = list(rows[0])
    return draw.choice(
        [
            *(names for _ in range(8)), None, list(rows[0].values()), [*names[:-2], names[-3], names[-3]],
            ["", *names[1:]], names[:-3],
            [name.upper() + " \u0406" for name in names], [f"{name}\n({STORY})" for name in names],
            [STORY if name == "narrative" else name for name in names],
        ]
    )  # fmt: skip


def spec_of(source: str, draw: random.Random) -> dict[str, Any]:
    """A mapping that asks for personal columns where ours are, wrong ones, conditions and values that do not fit."""
    ours = draw.choice([*columns_of(source), "longitude", "latitude", "date"])
    theirs = draw.choice([*PERSON, "narrative", "date_found", "nothing"])
    return draw.choice(
        [
            *({} for _ in range(12)), {"columns": {ours: theirs}},
            {"columns": {"longitude": theirs, "latitude": "phone"}},
            {"columns": {ours: theirs}, "values": {ours: {"x": "y"}}}, {"where": f"{theirs} > 5"},
            {"where": f"{theirs} = 'Anna'"}, {"date_order": "MDY", "columns": {"date": theirs}}, {"crs": "EPSG:32638"},
            {"layer": "people"}, {"encoding": "utf-16"}, {"terms": "nothing"}, {"columns": {theirs: ours}},
        ]
    )  # fmt: skip


def damaged(data: bytes, draw: random.Random) -> bytes:
    """The bytes as they are, or cut, with a stray quote, a byte that no text has, or a line of another length."""
    at = draw.randrange(len(data))
    return draw.choice(
        [
            *(data for _ in range(12)), data[: max(at, 40)], data[:at] + b'"' + data[at:],
            data[:at] + b"\xff\x00" + data[at:],
            data + (STORY + ";" + STORY + "\n").encode(), data.replace(b"2019-05-1", b"1987-01-23 ", 3),
            b"\xef\xbb\xbf" + data, data.decode().encode("utf-16"),
        ]
    )  # fmt: skip


def cases(folder: Path, draw: random.Random) -> Iterator[Case]:
    """Names of cases, each with its config, after its file was written."""
    area = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [RING]}}
    (folder / "area.geojson").write_text(json.dumps(area), encoding="utf-8")
    sources = [*(name for name in SCHEMAS if name != "dem"), COVARIATES]
    while True:
        source = draw.choice(sources)
        rows, file = rows_of(source), draw.choice(["a.csv", "a.txt", "a.geojson", "a.json"])
        if file.endswith("json"):
            shapes = [
                {"type": "Feature", "properties": row, "geometry": shape}
                for row, shape in zip(rows, shapes_of(rows), strict=True)
            ]
            data = json.dumps({"type": "FeatureCollection", "features": shapes}).encode()
        else:
            data = table(
                rows, headers(rows, draw), draw.choice([",", ";", "\t", "|"]), draw.choice(['"', '"', '"', "'", ""])
            )
        (folder / file).write_bytes(damaged(data, draw))
        spec = {"path": file, **spec_of(source, draw)}
        config: dict[str, Any] = {
            "name": "canary", "as_of": "2024-07-31", "sources": {source: [spec] if source == COVARIATES else spec},
            "grid": {"crs": "EPSG:32638", "cell_size_m": 500, "area": "area.geojson"},
        }  # fmt: skip
        yield f"{source}, {file}, {json.dumps(spec)}", config


def messages_of(config: Path, log: io.StringIO) -> tuple[str, str]:
    """How a check ended, and all that it says: printed parts, the JSON report, the log, or the error with its chain."""
    try:
        checked = mlrisk.check(mlrisk.load_config(config))
    except MlriskError as error:
        return "refused", f"{error}\n{log.getvalue()}"
    except Exception as error:  # noqa: BLE001 an unexpected one prints its trace
        return "unexpected", f"{''.join(traceback.format_exception(error))}\n{log.getvalue()}"
    parts = [part if isinstance(part, str) else repr(part) for part in checked_sources(checked)]
    report = json.dumps(report_rows(checked.reports), ensure_ascii=False, default=str)
    return "read", "\n".join([*parts, report, log.getvalue()])


def main() -> None:
    """Look for personal values in as many messages; exit 1 if one holds any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    draw = random.Random(chosen.seed)  # noqa: S311 a draw of cases
    ends, found = collections.Counter[str](), 0
    with tempfile.TemporaryDirectory() as name, logged() as log:
        folder = Path(name)
        for number, (case, config) in enumerate(cases(folder, draw)):
            if number == chosen.messages:
                break
            path = folder / "config.yaml"
            path.write_text(yaml.safe_dump(config), encoding="utf-8")
            log.seek(0)
            log.truncate()
            end, text = messages_of(path, log)
            ends[end] += 1
            here = [canary for canary in CANARIES if canary in text]
            found += bool(here)
            if here or end == "unexpected":
                print(f"{case}: {end}: {', '.join(here)}\n    {text[-400:]}", flush=True)
    print(f"{sum(ends.values())} messages ({', '.join(f'{k} {v}' for k, v in ends.items())}), with a canary: {found}")
    sys.exit(int(found > 0))


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """The log of all libraries, in memory."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield stream
    finally:
        root.removeHandler(handler)


if __name__ == "__main__":
    main()
