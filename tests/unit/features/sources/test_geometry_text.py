"""Geometry in text columns: every form is read or named by row; curves and surfaces of faces become polygons."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from features.sources.geometry_text import geometry_of_wkb, parse_geometry
from tests.support.source_files import BOTTOM, LEFT, box, table_of

SQUARE = shapely.box(0, 0, 2, 2)
CIRCLE = "CIRCULARSTRING (0 1, 1 2, 2 1, 1 0, 0 1)"
FACES = "(((0 0 5, 2 0 5, 2 2 5, 0 0 5)), ((0 0 5, 2 2 5, 0 2 5, 0 0 5)))"


@pytest.mark.parametrize(
    "text",
    [
        SQUARE.wkt, f"SRID=4326;{SQUARE.wkt}", SQUARE.wkb_hex, shapely.to_wkb(shapely.set_srid(SQUARE, 4326), hex=True,
        include_srid=True), json.dumps(shapely.geometry.mapping(SQUARE)),
        f"TIN Z {FACES}", f"POLYHEDRALSURFACE Z {FACES}",
        "0 0 0 1;0 2 0 1;2 2 0 1;2 0 0 1;0 0 0 1",
    ],
)  # fmt: skip
def test_the_same_land_in_every_form(text: str) -> None:
    read = parse_geometry(pd.Series([text]))
    assert shapely.area(shapely.union_all(shapely.get_parts(shapely.force_2d(read.geometry)))) == pytest.approx(4)
    assert not read.unreadable[0]


@pytest.mark.parametrize(
    ("text", "area"),
    [
        (f"CURVEPOLYGON ({CIRCLE})", np.pi), (f"MULTISURFACE (CURVEPOLYGON ({CIRCLE}))", np.pi),
        ("CURVEPOLYGON (COMPOUNDCURVE (CIRCULARSTRING (0 1, 1 2, 2 1), (2 1, 0 1)))", np.pi / 2),
    ],
)  # fmt: skip
def test_curves_become_polygons(text: str, area: float) -> None:
    found = parse_geometry(pd.Series(["POINT (9 9)", text])).geometry
    assert shapely.area(found[1]) == pytest.approx(area, rel=0.01)


def test_the_reference_system_that_a_text_states_is_told() -> None:
    assert parse_geometry(pd.Series(["SRID=32638;POINT (1 2)"])).srids == (32638,)
    assert parse_geometry(
        pd.Series([shapely.to_wkb(shapely.set_srid(SQUARE, 32638), hex=True, include_srid=True)])
    ).srids == (32638,)


def test_a_point_of_a_survey_form_has_its_latitude_first() -> None:
    assert parse_geometry(pd.Series(["39.8 46.7 512.3 4.8"])).geometry[0] == shapely.Point(46.7, 39.8)


@pytest.mark.parametrize("text", ["POLYGON ((0 0, 1", "{'type': 'Point'}", "near the mill", "0103ZZ", "00FF" * 9])
def test_what_cannot_be_read_is_told(text: str) -> None:
    read = parse_geometry(pd.Series([text, "", None]))
    assert read.unreadable.tolist() == [True, False, False]
    assert shapely.is_missing(read.geometry).all()


def test_big_endian_surfaces_are_read_too() -> None:
    little = shapely.to_wkb(shapely.MultiPolygon([SQUARE]), byte_order=0)
    as_tin = bytearray(little)
    as_tin[4] = 16
    assert geometry_of_wkb([bytes(as_tin)])[0].equals(SQUARE)


def rows(*texts: str, columns: str = "record_id;hazard_type;wkt") -> str:
    return "\n".join([columns, *[f"{number};CHA;{text}" for number, text in enumerate(texts, start=1)]]) + "\n"


def test_a_text_that_cannot_be_read_is_set_aside_with_its_line(tmp_path: Path) -> None:
    table, report = table_of(tmp_path, rows(box(0).wkt, "POLYGON ((1", box(1).wkt), "hazard_areas", crs="EPSG:32638")
    assert len(table) == 2
    assert report.set_aside == {"geometry that cannot be read": 1}
    assert "geometry that cannot be read: line 3" in report.notes


def test_the_stated_reference_system_places_the_rows(tmp_path: Path) -> None:
    table, _ = table_of(tmp_path, rows(f'"SRID=32638;{box(0).wkt}"'), "hazard_areas")
    assert table.geometry[0].equals(box(0))


def test_coordinates_fill_what_the_text_leaves_open(tmp_path: Path) -> None:
    text = f"record_id;hazard_type;wkt;longitude;latitude\n1;CHA;{box(0).wkt};;\n2;CHA;;{LEFT + 9000};{BOTTOM + 9000}\n"
    text += "3;CHA;;;\n"
    table, report = table_of(tmp_path, text, "hazard_areas", crs="EPSG:32638")
    assert table.geom_type.tolist() == ["Polygon", "Point"]
    assert report.set_aside == {"no geometry": 1}
    assert any(
        note.startswith("rows without geometry placed by 'longitude' and 'latitude' (line 3)") for note in report.notes
    )


@pytest.mark.parametrize("wrong", ["inf", "nan"])
def test_a_vertex_that_is_no_number_is_not_repaired(tmp_path: Path, wrong: str) -> None:
    broken = box(1).wkt.replace(str(BOTTOM + 5500), wrong, 1)
    table, report = table_of(tmp_path, rows(box(0).wkt, broken), "hazard_areas", crs="EPSG:32638")
    assert len(table) == 1
    assert report.set_aside == {"vertex that is no number": 1}
    assert report.repaired == {}
