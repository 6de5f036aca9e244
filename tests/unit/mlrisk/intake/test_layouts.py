"""One source in several layers or sheets, and its dates under names of its own."""

from datetime import date

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from mlrisk.intake.looking import Unread, inspect_files
from mlrisk.intake.proposing import propose
from mlrisk.intake.recognisers import recognise

DAY = date(2024, 7, 31)
ROWS = pd.DataFrame({"longitude": [47.01, 47.02], "latitude": [39.51, 39.52], "killed": [0, 1], "injured": [1, 0]})


def areas(folder, *layers, file="1.gpkg"):
    for number, name in enumerate(layers):
        box = shapely.box(47 + 0.01 * number, 39.5, 47.005 + 0.01 * number, 39.505)
        frame = gpd.GeoDataFrame({"hazard_id": [name], "hazard_type": ["CHA"]}, geometry=[box], crs=4326)
        frame.to_file(folder / file, layer=name)


def test_layers_of_one_layout_are_one_source(tmp_path):
    areas(tmp_path, "north", "south")
    proposal = propose(tmp_path, "a", DAY)
    assert proposal.sources["hazard_areas"][0]["layer"] == ["north", "south"]
    assert any("layers north, south are read as one source" in doubt for doubt in proposal.doubts)


def test_files_with_other_layers_are_not_joined(tmp_path):
    areas(tmp_path, "north", "south")
    areas(tmp_path, "north", "west", file="2.gpkg")
    proposal = propose(tmp_path, "a", DAY)
    assert proposal.sources["hazard_areas"][0]["path"] == "1.gpkg"
    assert {one.look.path for one, _ in proposal.alternatives} == {"2.gpkg"}


def test_sheets_by_year_are_one_source_and_a_list_of_codes_is_none(tmp_path):
    with pd.ExcelWriter(tmp_path / "1.xlsx", engine="xlsxwriter") as book:
        ROWS.assign(date="2018-01-02").to_excel(book, sheet_name="2018", index=False)
        ROWS.assign(date="2019-01-02").to_excel(book, sheet_name="2019", index=False)
        pd.DataFrame({"code": [1, 2], "meaning": ["a", "b"]}).to_excel(book, sheet_name="codes", index=False)
    proposal = propose(tmp_path, "a", DAY)
    assert proposal.sources["incidents"][0]["layer"] == ["2018", "2019"]
    assert [one.path for one in proposal.unread] == ["1.xlsx (layer codes)"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {"accident_date": "03.05.2019", "entry_date": "2020-01-01"},
            {"date": "accident_date", "recorded_date": "entry_date"},
        ),
        ({"Дата аварии": "3 мая 2019"}, {"date": "Дата аварии"}),
        ({"Fecha": "03/05/2019"}, {"date": "Fecha"}),
        ({"hadisə_tarixi": "3 may 2019"}, {"date": "hadisə_tarixi"}), ({"data_source": "police"}, {}),
        ({"year": 2019, "updated": "2020-01-01"}, {}),
    ],
)  # fmt: skip
def test_dates_are_found_by_names_and_values(tmp_path, columns, expected):
    ROWS.assign(**columns).to_csv(tmp_path / "1.csv", index=False)
    (look,) = inspect_files(tmp_path)
    assert not isinstance(look, Unread)
    (one,) = recognise(look)
    assert one.spec["columns"] == expected
    assert all(any(f"{ours} is read from" in doubt for doubt in one.doubts) for ours in expected)
