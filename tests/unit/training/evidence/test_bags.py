"""Cleared polygons with counted devices: what they say of their cells, and what located finds teach."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
from shapely.geometry import Point, box

from features.base.grid import Grid
from features.sources.opening import Sources
from training.evidence.bags import ELSEWHERE, PRIOR_CELLS_A_DEVICE, PRIOR_DEVICES, bags_at
from training.evidence.ledger import Ledger
from training.evidence.states import FOUND, NO_BAG, SEARCHED, UNKNOWN
from training.settings.config import LabelSettings

UTM = pyproj.CRS("EPSG:32638")
EAST, NORTH, SIZE, SIDE = 500_000, 4_400_000, 250, 20
GRID = Grid.from_area(box(EAST, NORTH, EAST + SIZE * SIDE, NORTH + SIZE * SIDE), UTM, SIZE)
AS_OF = date(2024, 6, 30)


def field(column: int, row: int, columns: float = 4, rows: float = 1, devices: float = 0.0, kind="cleared"):
    west, south = EAST + SIZE * column, NORTH + SIZE * row
    shape = box(west, south, west + SIZE * columns, south + SIZE * rows)
    return {"geometry": shape, "release_type": kind, "end_date": "2022-05-01", "ap_mines": devices}


def find(column: int, row: int, **more):
    return {"geometry": Point(EAST + SIZE * (column + 0.5), NORTH + SIZE * (row + 0.5)), "date": "2022-04-01", **more}


def ledger(labels: LabelSettings | None = None, **tables) -> Ledger:
    frames = {}
    for name, rows in tables.items():
        frames[name] = gpd.GeoDataFrame(rows, geometry="geometry", crs=UTM)
        for column in frames[name].columns:
            if column == "date" or column.endswith("_date"):
                frames[name][column] = pd.to_datetime(frames[name][column])
    return Ledger.build(
        GRID,
        Sources(grid=GRID, vectors=frames, rasters={}, covariates=(), reports=()),
        labels or LabelSettings(),
        Path(),
    )


def row_of(evidence, row: int, columns: int = 4):
    start = (SIDE - 1 - row) * SIDE
    return {name: getattr(evidence, name)[start : start + columns] for name in ("state", "target", "weight", "bag")}


def rate(cells: float, devices: float) -> float:
    return (cells + PRIOR_CELLS_A_DEVICE * PRIOR_DEVICES) / (devices + PRIOR_DEVICES)


def test_counted_devices_make_no_cell_found_and_say_how_many_are():
    cells = row_of(ledger(land_release=[field(0, 0, devices=6)]).at(AS_OF), 0)
    assert set(cells["state"]) == {SEARCHED}
    assert cells["target"] == pytest.approx(np.full(4, (1 + 5 * PRIOR_CELLS_A_DEVICE) / 4))
    assert cells["weight"] == pytest.approx(np.ones(4))
    assert len(set(cells["bag"])) == 1
    assert cells["bag"][0] != NO_BAG


def test_a_polygon_of_one_cell_with_a_device_is_found():
    cells = row_of(ledger(land_release=[field(0, 0, columns=1, devices=1)]).at(AS_OF), 0, 1)
    assert (cells["state"][0], cells["target"][0], cells["bag"][0]) == (FOUND, 1.0, NO_BAG)


def test_located_finds_are_found_and_devices_beyond_them_lie_mostly_in_the_same_cells():
    book = ledger(land_release=[field(0, 0, devices=30)], finds=[find(0, 0), find(2, 0, eo_quantity=None)])
    cells = row_of(book.at(AS_OF), 0)
    assert cells["state"].tolist() == [FOUND, SEARCHED, FOUND, SEARCHED]
    elsewhere = ELSEWHERE * max(min(1 + 29 * rate(1, 29), 4) - 2, 0)
    assert cells["target"] == pytest.approx([1, elsewhere / 2, 1, elsewhere / 2])


def test_polygons_with_located_finds_teach_how_many_cells_devices_fill():
    dense = [field(0, row, devices=21) for row in range(6)]
    finds = [find(column, row) for row in range(6) for column in (0, 1, 2)]
    book = ledger(land_release=[*dense, field(0, 8, columns=10, devices=21)], finds=finds)
    bags = bags_at(book.entries, book.known(AS_OF))
    assert bags.cells_a_device == pytest.approx(rate(6 * 2, 6 * 20))
    assert row_of(book.at(AS_OF), 8, 10)["target"].sum() == pytest.approx(1 + 20 * rate(12, 120))


def test_no_polygon_holds_more_contaminated_cells_than_it_covers():
    cells = row_of(ledger(land_release=[field(0, 0, columns=3, devices=5_000)]).at(AS_OF), 0, 3)
    assert cells["target"].tolist() == [1.0, 1.0, 1.0]


def test_a_find_recorded_later_teaches_nothing_before():
    late = [find(0, 0, recorded_date="2023-06-01")]
    book = ledger(land_release=[field(0, 0, devices=3)], finds=late)
    before, after = (row_of(book.at(day), 0) for day in (date(2023, 5, 31), date(2023, 6, 1)))
    assert set(before["state"]) == {SEARCHED}
    assert len(set(before["target"].round(9))) == 1
    assert after["state"].tolist() == [FOUND, SEARCHED, SEARCHED, SEARCHED]


def test_stronger_records_stand_above_a_bag():
    survey = [{"geometry": find(1, 0)["geometry"], "outcome": "searched", "date": "2023-01-01"}]
    cells = row_of(ledger(land_release=[field(0, 0, devices=6)], survey=survey).at(AS_OF), 0)
    assert cells["target"][1] == 0
    assert cells["bag"][1] == NO_BAG
    assert cells["target"][0] > 0


def test_devices_make_no_label_where_the_config_leaves_them_out():
    evidence = ledger(LabelSettings(found=("find",)), land_release=[field(0, 0, devices=6)]).at(AS_OF)
    assert set(row_of(evidence, 0)["state"]) == {UNKNOWN}


def test_judging_leaves_soft_labels_to_what_can_be_checked():
    evidence = ledger(land_release=[field(0, 0, devices=6), field(0, 1)]).at(AS_OF)
    assert evidence.labelled.sum() == 8
    assert evidence.certain.sum() == 4


@pytest.mark.parametrize(
    ("shape", "weight"),
    [
        (box(EAST, NORTH, EAST + 0.3 * SIZE, NORTH + SIZE), 1.0),  # small, but the whole of it lies in the cell
        (box(EAST + 0.7 * SIZE, NORTH, EAST + 4.7 * SIZE, NORTH + SIZE), 0.3),
        (box(EAST + 0.95 * SIZE, NORTH, EAST + 4.95 * SIZE, NORTH + SIZE), 0.0),
    ],
)
def test_the_edge_of_a_hazard_area_counts_by_its_share(shape, weight):
    area = [{"geometry": shape, "hazard_type": "CHA", "record_date": "2020-01-01"}]
    cells = row_of(ledger(hazard_areas=area).at(AS_OF), 0, 1)
    assert cells["weight"][0] == pytest.approx(weight)
    assert cells["state"][0] == (FOUND if weight else UNKNOWN)
