"""A small country for the tests of the writers: a front line, released and unknown land, and hostile texts."""

import colorsys
import re
from dataclasses import replace
from datetime import date, timedelta
from math import sqrt

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, label
from shapely import union_all
from shapely.geometry import LineString, Point, Polygon, box

from features.base.grid import Grid
from mlrisk.risk_map.package import ModelNote, Notes, Package
from training.evidence import WORK_OF

CRS = "EPSG:32638"
WEST, SOUTH, CELL = 640_000.0, 4_380_000.0, 500.0
SCRIPT = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://example.invalid","open")'
PATH = "../../etc/passwd"
# Safe, cleaned or free of mines, in Azerbaijani; təmizləmə is clearance, the work (IMAS 09.10).
FORBIDDEN_AZ = re.compile(r"təhlükəsiz|təmiz(?!ləmə)|minasız|minadan azad|minalardan azad|yaşıl", re.IGNORECASE)
FORBIDDEN = re.compile(r"\b(safe|safely|safety|clear|mine-free|minefree)\b", re.IGNORECASE)


def is_green(colour: str) -> bool:
    """Whether #rrggbb has a hue of 70 to 170 degrees and is more than a grey."""
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    hue, saturation, _ = colorsys.rgb_to_hsv(red, green, blue)
    return 70 <= hue * 360 <= 170 and saturation > 0.1


def sample_package(rows: int = 60, columns: int = 80, seed: int = 7) -> Package:
    """A package whose risk falls with the distance to a front line; about a tenth of the area has no basis to rank."""
    grid = _grid(rows, columns)
    line = _front_line(grid)
    risk = _risk(grid, line, np.random.default_rng(seed))
    tasks = _tasks(grid, risk)
    return Package(
        grid=grid,
        risk=risk.assign(task_id=_task_of(risk, tasks)),
        tasks=tasks,
        hazards=_hazards(grid, line),
        layers=_layers(grid, line),
        notes=_notes(),
        metrics=_metrics(),
        languages=("en", "az"),
        plan={"calendar": _calendar(tasks)},
    )


def _calendar(tasks: gpd.GeoDataFrame) -> list[dict[str, object]]:
    """One team on each planned task, as a plan has it."""
    planned = tasks[tasks["planned"]]
    columns = planned[["task_id", "team", "team_days", "week", "last_week", "begins", "ends"]].rename(
        columns={"team_days": "days"}
    )
    return [{**row, "kind": "dogs"} for row in columns.to_dict("records")]


def _grid(rows: int, columns: int) -> Grid:
    width, height = columns * CELL, rows * CELL
    corners = [(0, 0.2), (0.3, 0), (0.8, 0.05), (1, 0.4), (0.95, 1), (0.5, 0.93), (0.1, 1), (0.04, 0.6)]
    area = Polygon([(WEST + east * width, SOUTH + north * height) for east, north in corners])
    return Grid.from_area(area, pyproj.CRS(CRS), CELL)


def _front_line(grid: Grid) -> LineString:
    west, south, east, north = grid.bounds
    share = np.linspace(0.02, 0.98, 60)
    eastings = west + share * (east - west)
    northings = south + (north - south) * (0.52 + 0.16 * np.sin(share * 7) + 0.03 * np.sin(share * 31))
    return LineString(np.column_stack([eastings, northings]))


def _risk(grid: Grid, line: LineString, rng: np.random.Generator) -> pd.DataFrame:
    centres = grid.centres_m()
    distance = gpd.GeoSeries(gpd.points_from_xy(centres[:, 0], centres[:, 1])).distance(line).to_numpy()
    noise = gaussian_filter(rng.standard_normal(grid.shape), 3)[grid.mask]
    noise = noise / noise.std()
    logit = -2.0 - distance / 2500 + 0.9 * noise
    contamination = 1 / (1 + np.exp(-logit))
    north_share = (centres[:, 1] - grid.bounds[1]) / (grid.bounds[3] - grid.bounds[1])
    east_share = (centres[:, 0] - grid.bounds[0]) / (grid.bounds[2] - grid.bounds[0])
    in_domain = ~((north_share > 0.8) & (east_share < 0.35) | (noise < -2.3))
    released = (np.hypot(east_share - 0.8, north_share - 0.3) < 0.07) & in_domain
    casualties = contamination * 2e-3 * np.exp(noise)
    priority = np.where(in_domain & ~released, contamination + 50 * casualties, np.nan)
    to_wgs84 = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    longitude, latitude = to_wgs84.transform(centres[:, 0], centres[:, 1])
    evidence = np.where(contamination > 0.3, "found", np.where(noise > 1.6, "searched", "unknown"))
    status = np.select([released, evidence == "found"], ["released", "evidence_open"], evidence)
    rank = pd.Series(priority).rank(ascending=False, method="first").astype("Int32")
    near = [f"{metres:.0f} m from the line held 1994-2020" for metres in distance]
    return pd.DataFrame(
        {
            "cell_id": grid.cell_ids(),
            "easting_m": centres[:, 0],
            "northing_m": centres[:, 1],
            "longitude": longitude,
            "latitude": latitude,
            "evidence": evidence,
            "status": status,
            "work": np.array([WORK_OF[name] for name in status], dtype=object),
            "contamination": contamination,
            "contamination_low": contamination * 0.6,
            "contamination_high": np.minimum(1, contamination * 1.7),
            "contamination_score": logit,
            "casualties_per_year": casualties,
            "in_domain": in_domain,
            "priority": priority,
            "rank": rank,
            "reason_1": np.where(rank.notna().to_numpy(), near, ""),
            "reason_2": np.where(noise > 1, "2 accidents within 1 km, the last in 2024", ""),
            "reason_3": "",
            "released": released,
            "venn_abers_low": contamination * 0.7,
            "venn_abers_high": np.minimum(1, contamination * 1.6),
            "spread": contamination * 0.5,
            "missed_share_below": np.clip(1 / (1 + np.exp(-logit - 2)), 0.02, 1),
            "mask": "",
            "task_id": pd.arrays.IntegerArray(np.zeros(len(rank), dtype=np.int32), np.ones(len(rank), dtype=bool)),
            "purpose": np.where(np.arange(len(rank)) % 50 == 0, "audit", ""),
            "inclusion_prob": 0.02,
            "season_detection": np.where(np.arange(len(rank)) % 50 == 0, 0.8, 0.0),
        }
    )


def _tasks(grid: Grid, risk: pd.DataFrame) -> gpd.GeoDataFrame:
    """Tasks of adjacent cells of the first twentieth within blocks of 4 km, by their best rank."""
    urgent = np.zeros(grid.shape, dtype=bool)
    urgent[grid.mask] = (risk["rank"] <= len(risk) // 20).fillna(False).to_numpy(dtype=bool)
    number: NDArray[np.int32] = label(urgent)[0][grid.mask]
    block = (risk["easting_m"] // 4000) * 10_000 + risk["northing_m"] // 4000
    groups = [group for (key, _), group in risk.groupby([number, block]) if key > 0]
    groups.sort(key=lambda group: int(group["rank"].min()))
    half = grid.cell_size_m / 2
    records = []
    for order, group in enumerate(groups, start=1):
        shape = union_all([box(e - half, n - half, e + half, n + half) for e, n in _places(group)])
        place = shape.representative_point()
        longitude, latitude = pyproj.Transformer.from_crs(CRS, 4326, always_xy=True).transform(place.x, place.y)
        records.append(
            {
                "task_id": order,
                "work": "non_technical_survey",
                "open_evidence_cells": int(group["status"].eq("evidence_open").sum()),
                "rank": order,
                "area_m2": shape.area,
                "cells": len(group),
                "contamination": group["contamination"].mean(),
                "contamination_low": group["contamination_low"].mean(),
                "contamination_high": group["contamination_high"].mean(),
                "expected_finds": group["contamination"].sum(),
                "casualties_per_year": group["casualties_per_year"].sum(),
                "priority": group["priority"].mean(),
                "district": (SCRIPT, "Tərtər", PATH, "Ağdam & Füzuli")[order % 4 - 1],
                "purpose": ("survey", "explore", "audit")[order % 3],
                "planned": order % 2 == 1,
                "asset": ("dogs", "", "dogs + machines")[order % 3],
                "team_days": 12.5,
                "teams": 1,
                "passes": 1.0 if order % 2 else 0.0,
                "cost": 0.0,
                "expected_found": 0.8 * group["contamination"].sum(),
                "casualties_averted": 0.8 * group["casualties_per_year"].sum(),
                "casualties_averted_low": 0.2 * group["casualties_per_year"].sum(),
                "casualties_averted_high": group["casualties_per_year"].sum(),
                "out_of_domain_share": 0.0,
                "stability": 0.9 if order % 3 == 0 else np.nan,
                "inclusion_prob": 0.012 if order % 3 == 2 else np.nan,
                "access_note": "road at 340 m; slope 4 degrees",
                "reason_1": FORMULA if order == 2 else group["reason_1"].iloc[0],
                "reason_2": "2 accidents within 1 km, the last in 2024",
                "reason_3": "" if order % 2 else "-1.5 km to the nearest planned return",
                "reason_1_az": f"Lehinə: təmas xəttindən {order} km məsafədə",
                "reason_2_az": "",
                "reason_3_az": "",
                "contributions": '{"front_lines": 1.25, "terrain": -0.5}' if order == 1 else "",
                "longitude": longitude,
                "latitude": latitude,
                "geometry": shape,
            }
        )
    frame = gpd.GeoDataFrame(records, geometry="geometry", crs=CRS)
    planned = frame["planned"].to_numpy()
    frame["plan_order"] = pd.arrays.IntegerArray(planned.cumsum().astype(np.int32), ~planned)
    frame["week"] = pd.arrays.IntegerArray(((planned.cumsum() + 2) // 3).astype(np.int32), ~planned)
    frame["last_week"] = frame["week"] + 1
    frame["team"] = np.where(planned, np.where(np.arange(len(frame)) % 4 == 0, "Alpha", "dogs 2"), "")
    # The season begins on the first Monday after the date of the data.
    for name, column, day in (("begins", "week", 0), ("ends", "last_week", 4)):
        week = frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
        dates = [date(2024, 8, 5) + timedelta(weeks=number - 1, days=day) if number > 0 else "" for number in week]
        frame[name] = [str(text) for text in dates]
    return frame.astype({"task_id": "int32", "rank": "int32", "cells": "int32", "teams": "int32"})


def _task_of(risk: pd.DataFrame, tasks: gpd.GeoDataFrame) -> pd.Series:
    """The task of each cell, null where it is in none."""
    shape = tasks.sindex.query(gpd.points_from_xy(risk["easting_m"], risk["northing_m"]), predicate="within")
    task = pd.Series(pd.NA, index=risk.index, dtype="Int32")
    task.iloc[shape[0]] = tasks["task_id"].to_numpy()[shape[1]]
    return task


def _places(group: pd.DataFrame) -> NDArray[np.float64]:
    return group[["easting_m", "northing_m"]].to_numpy(dtype=np.float64)


def _hazards(grid: Grid, line: LineString) -> gpd.GeoDataFrame:
    places = [line.interpolate(share, normalized=True) for share in (0.2, 0.45, 0.7, 0.9)]
    return gpd.GeoDataFrame(
        {
            "hazard_type": ["CHA", "SHA", "SHA", "CHA"],
            "hazard_status": ["open", "open", SCRIPT, "Closed"],
            "source": ["hazard_areas"] * 4,
        },
        geometry=[place.buffer(900 * sqrt(index + 1)) for index, place in enumerate(places)],
        crs=grid.crs,
    )


def _layers(grid: Grid, line: LineString) -> dict[str, gpd.GeoDataFrame]:
    west, south, east, north = grid.bounds
    width, height = east - west, north - south
    lines = gpd.GeoDataFrame({"kind": ["line_of_contact"], "held_from": ["1994"]}, geometry=[line], crs=CRS)
    across = LineString([(west, south + 0.3 * height), (west + 0.5 * width, south + 0.45 * height), (east, north)])
    along = LineString([(west + 0.4 * width, south), (west + 0.45 * width, north)])
    roads = gpd.GeoDataFrame({"road_class": ["primary", "track"]}, geometry=[across, along], crs=CRS)
    centre = Point(west + 0.42 * width, south + 0.4 * height)
    names = {"name": [SCRIPT, "Ağdam"], "place": ["village", "town"], "victim_name": ["a person", "a person"]}
    places = gpd.GeoDataFrame(names, geometry=[centre, Point(west + 0.7 * width, south + 0.6 * height)], crs=CRS)
    halves = [box(west, south, west + width / 2, north), box(west + width / 2, south, east, north)]
    districts = gpd.GeoDataFrame({"name": [SCRIPT, "Tərtər"]}, geometry=halves, crs=CRS)
    return {"front_lines": lines, "roads": roads, "settlements": places, "districts": districts}


def _notes() -> Notes:
    return Notes(
        country="Azərbaycan <b>",
        as_of=date(2024, 7, 31),
        policy="harm_per_day",
        models=(
            ModelNote("contamination", "demo.contamination", "3", "a" * 64),
            ModelNote("casualty", "demo.casualty", "2", "b" * 64),
        ),
        inputs={"roads": "c" * 64, "incidents": "d" * 64},
        not_included=("no record of mines laid during the withdrawal of November 2020", f"rivers {SCRIPT}"),
        warnings=("casualty model: 84 accidents, fewer than 100: read it as an index",),
    )


def _metrics() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = []
    for protocol, folds in (("as_of", ("2022", "2023")), ("leave_region_out", ("Ağdam", "Tərtər", "Füzuli"))):
        for fold in folds:
            for ranking, skill in (("model", 0.82), ("distance to the line", 0.78), ("random", 0.5)):
                value = skill + rng.normal(0, 0.02)
                recalls = {f"recall_{share}": min(1.0, value * share / 18) for share in (1, 5, 10, 20)}
                rows.append(
                    {"protocol": protocol, "fold": fold, "ranking": ranking, "roc_auc": value}
                    | {"pr_auc": value / 4, "base_rate": 0.031}
                    | recalls
                )
    return pd.DataFrame(rows)


def with_technical_survey(package: Package) -> Package:
    """The package with every fifth task, and the cells in it, on the list of technical survey."""
    tasks, risk = package.tasks.copy(), package.risk.copy()
    moved = np.arange(len(tasks)) % 5 == 4
    tasks.loc[moved, "work"] = "technical_survey"
    tasks["rank"] = tasks.groupby("work").cumcount().to_numpy(np.int32) + 1
    inside = risk["task_id"].isin(tasks["task_id"][moved]).to_numpy(dtype=bool)
    risk.loc[inside, "status"] = "suspected"
    risk["work"] = risk["status"].map(WORK_OF)
    rank = risk["rank"].astype("Float64").groupby(risk["work"]).rank(method="first")
    return replace(package, tasks=tasks, risk=risk.assign(rank=rank.astype("Int32")))
