"""Coordinates: what is recognised, what is refused, and that nothing at home is ever doubted."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from features.base.errors import ConfigError, InputError
from features.base.grid import Grid
from features.sources.axis_mistakes import LATITUDE_SIGN, LONGITUDE_SIGN, NO_POINT, OUT_OF_RANGE, SWAPPED, mistaken_axes
from features.sources.coordinates import Home
from features.sources.opening import KEEP_AROUND_M, Sources, SourcesSettings, open_area, open_sources
from features.sources.report import SourceReport

WGS84 = pyproj.CRS("EPSG:4326")
UTM = pyproj.CRS("EPSG:32618")
# 20 km x 20 km in Antioquia: west of Greenwich, so that a lost sign is a lost continent.
GRID = Grid.from_area(shapely.box(480_000, 650_000, 500_000, 670_000), UTM, 1000)
HOME = Home(UTM, GRID.bounds, KEEP_AROUND_M)
DEGREES = [
    (-75.10, 5.95),
    (-75.12, 5.99),
    (-75.08, 6.01),
    (-75.05, 5.90),
    (-75.15, 6.03),
    (-75.01, 5.97),
    (-75.11, 5.92),
]


def read(path: Path, **spec: object) -> Sources:
    return open_sources(SourcesSettings.model_validate({"incidents": {"path": path.name, **spec}}), GRID, path.parent)


def write_csv(path: Path, rows: list[tuple[object, object]], header: str = "longitude,latitude") -> Path:
    path.write_text("\n".join([header, *(f"{first},{second}" for first, second in rows)]) + "\n")
    return path


def report(sources: Sources) -> SourceReport:
    return sources.reports[0]


def places(sources: Sources) -> np.ndarray:
    return shapely.get_coordinates(sources.vectors["incidents"].geometry.array)


def in_metres(rows: list[tuple[float, float]]) -> np.ndarray:
    to_utm = pyproj.Transformer.from_crs(4326, 32618, always_xy=True)
    return np.column_stack(to_utm.transform(*np.array(rows).T))


def test_longitude_and_latitude_become_easting_and_northing(tmp_path: Path) -> None:
    sources = read(write_csv(tmp_path / "a.csv", DEGREES))
    assert np.allclose(places(sources), in_metres(DEGREES), atol=1e-6)
    assert "reprojected from EPSG:4326" in report(sources).notes
    assert "no CRS stated: coordinates taken as EPSG:4326 (degrees)" in report(sources).notes


def test_decimal_commas_are_converted_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [f"{first};{second}".replace(".", ",") for first, second in DEGREES]
    path.write_text("\n".join(["longitude;latitude", *lines]))
    sources = read(path)
    assert np.allclose(places(sources), in_metres(DEGREES), atol=1e-6)
    assert report(sources).repaired == {"decimal comma": len(DEGREES)}
    assert "separator ';'" in report(sources).notes


def test_three_decimals_behind_a_comma_are_no_thousands(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('longitude,latitude\n"-75,123","5,987"\n')
    assert np.allclose(places(read(path)), in_metres([(-75.123, 5.987)]), atol=1e-6)


def test_unquoted_decimal_commas_are_refused_with_the_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("longitude,latitude\n-75.1,5.9\n-75,1,5,9\n")
    with pytest.raises(
        InputError, match=r"a\.csv: line 3 has 4 fields and the header 2: numbers with a decimal comma.*';'"
    ):
        read(path)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((75.10, 5.95), LONGITUDE_SIGN),
        ((-75.10, -5.95), LATITUDE_SIGN),
        ((5.95, -75.10), SWAPPED),
        ((-75.10, 95.0), OUT_OF_RANGE),
        ((-7510123, 5.95), NO_POINT),
        ((-7510123, 595123), NO_POINT),
        ((-751.0123, 59.5123), NO_POINT),
        ((-123.4, 8_000_000), OUT_OF_RANGE),
        ((-65.10, 5.95), "out of area"),
    ],
)
def test_a_stray_row_is_set_aside_by_its_mistake(tmp_path: Path, row: tuple[float, float], reason: str) -> None:
    sources = read(write_csv(tmp_path / "a.csv", [*DEGREES, row]))
    assert report(sources).set_aside == {reason: 1}
    assert np.allclose(places(sources), in_metres(DEGREES), atol=1e-6)
    if reason != "out of area":
        assert f"{reason}: line {len(DEGREES) + 2}" in report(sources).notes


def test_degrees_that_all_lost_their_point_are_refused_with_both_remedies(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [(round(x * 1e5), round(y * 1e5)) for x, y in DEGREES])
    with pytest.raises(InputError, match=r"are no degrees: give crs.*put the decimal point back"):
        read(path)


def test_a_lost_sign_is_recognised_beyond_the_area_by_the_rest_of_the_file(tmp_path: Path) -> None:
    far = [(longitude + 4, latitude + 4) for longitude, latitude in DEGREES]
    sources = read(write_csv(tmp_path / "a.csv", [*DEGREES, *far, (74.2, 6.2)]))
    assert report(sources).set_aside == {LONGITUDE_SIGN: 1, "out of area": len(far)}


def test_a_country_on_the_equator_has_both_signs(tmp_path: Path) -> None:
    country = [(-75.1 + step / 100, latitude) for step, latitude in enumerate(np.linspace(-9, 9, 200))]
    sources = read(write_csv(tmp_path / "a.csv", country))
    assert set(report(sources).set_aside) == {"out of area"}


def test_a_long_river_beyond_the_equator_is_no_mistake(tmp_path: Path) -> None:
    river = shapely.LineString([(-75.1, 5.95), (-75.1, -17.9)])
    gpd.GeoDataFrame(geometry=[river], crs=4326).to_file(tmp_path / "a.geojson")
    found = open_sources(SourcesSettings.model_validate({"rivers": "a.geojson"}), GRID, tmp_path)
    assert (report(found).rows_kept, report(found).set_aside) == (1, {})


def test_at_most_ten_rows_are_named(tmp_path: Path) -> None:
    wrong = [(-longitude, latitude + step / 1000) for step in range(2) for longitude, latitude in DEGREES]
    good = [(longitude, latitude + step / 1000) for step in range(9) for longitude, latitude in DEGREES]
    note = next(
        n for n in report(read(write_csv(tmp_path / "a.csv", wrong + good))).notes if n.startswith("longitude s")
    )
    assert note == "longitude sign: lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 4 more"


def test_a_swapped_file_is_refused_and_the_remedy_works(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [(latitude, longitude) for longitude, latitude in DEGREES], "lon,lat")
    with pytest.raises(InputError, match=r"100% of .*swapped: give columns: \{longitude: lat, latitude: lon\}"):
        read(path)
    sources = read(path, columns={"longitude": "lat", "latitude": "lon"})
    assert np.allclose(places(sources), in_metres(DEGREES), atol=1e-6)


def test_a_file_without_minus_signs_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [(-longitude, latitude) for longitude, latitude in DEGREES])
    with pytest.raises(InputError, match="only with the other sign of longitude"):
        read(path)


def test_a_swapped_area_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [(latitude, longitude) for longitude, latitude in DEGREES], "lon,lat")
    with pytest.raises(InputError, match="swapped"):
        open_area(path.name, UTM, tmp_path)


def test_a_swapped_map_is_refused_with_another_remedy(tmp_path: Path) -> None:
    points = [shapely.Point(latitude, longitude) for longitude, latitude in DEGREES]
    path = tmp_path / "a.geojson"
    gpd.GeoDataFrame(geometry=points, crs=4326).to_file(path)
    with pytest.raises(InputError, match="QGIS: Swap X and Y"):
        read(path)


def test_metres_need_a_crs(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [tuple(row) for row in in_metres(DEGREES)], "X,Y")
    columns = {"longitude": "X", "latitude": "Y"}
    with pytest.raises(InputError, match=r"a\.csv without a CRS has bounds .* no degrees: give crs"):
        read(path, columns=columns)
    assert np.allclose(places(read(path, columns=columns, crs="EPSG:32618")), in_metres(DEGREES), atol=1e-3)


def test_degrees_under_a_projected_crs_are_refused(tmp_path: Path) -> None:
    points = gpd.GeoDataFrame(geometry=[shapely.Point(row) for row in DEGREES], crs=32618)
    points.to_file(tmp_path / "a.gpkg")
    with pytest.raises(InputError, match=r"EPSG:32618 has bounds \(-75.15, 5.9, .*looks like degrees"):
        read(tmp_path / "a.gpkg")
    sources = read(tmp_path / "a.gpkg", crs="EPSG:4326")
    assert np.allclose(places(sources), in_metres(DEGREES), atol=1e-6)
    assert "CRS EPSG:4326 of the configuration used instead of EPSG:32618 of the file" in report(sources).notes


def test_a_map_without_crs_is_refused(tmp_path: Path) -> None:
    gpd.GeoDataFrame(geometry=[shapely.Point(row) for row in DEGREES], crs=4326).to_file(tmp_path / "a.shp")
    (tmp_path / "a.prj").unlink()
    with pytest.raises(InputError, match=r"a\.shp states no CRS: give crs"):
        read(tmp_path / "a.shp")
    assert len(places(read(tmp_path / "a.shp", crs="EPSG:4326"))) == len(DEGREES)


def test_an_unknown_crs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sources\.incidents\.crs \('EPSG:99999'\) is not a known CRS"):
        read(write_csv(tmp_path / "a.csv", DEGREES), crs="EPSG:99999")


def test_aliases_are_taken_and_noted_but_x_and_y_only_by_mapping(tmp_path: Path) -> None:
    assert "longitude read from column 'LNG'" in report(read(write_csv(tmp_path / "a.csv", DEGREES, "LNG,Lat"))).notes
    with pytest.raises(InputError, match=r"no column longitude .* give columns: .*it has x, y"):
        read(write_csv(tmp_path / "b.csv", DEGREES, "x,y"))


def test_rows_without_coordinates_have_no_geometry(tmp_path: Path) -> None:
    sources = read(write_csv(tmp_path / "a.csv", [*DEGREES, ("", 5.9), ("unknown", 5.9)]))
    assert report(sources).set_aside == {"no geometry": 2}
    lost = f"coordinates: 1 values of 'longitude' are no numbers, such as 'unknown' (line {len(DEGREES) + 3})"
    assert lost in report(sources).notes
    with pytest.raises(InputError, match="are not numbers"):
        read(write_csv(tmp_path / "b.csv", [("near the mill", "hill")] * 3))


@given(
    st.lists(st.tuples(st.floats(-77.0, -73.0), st.floats(4.0, 8.0)), min_size=1, max_size=30),
)
@settings(max_examples=50, deadline=None)
def test_home_is_what_lies_within_50_km_and_is_never_doubted(rows: list[tuple[float, float]]) -> None:
    points = np.array(rows)
    metres = in_metres(rows)
    distance = shapely.distance(shapely.points(metres), shapely.box(*GRID.bounds))
    held = HOME.holds(points[:, 0], points[:, 1], WGS84)
    certain = np.abs(distance - KEEP_AROUND_M) > 1e-3
    assert (held == (distance <= KEEP_AROUND_M))[certain].all()
    assert (mistaken_axes(points, WGS84, HOME)[held] == "").all()


def test_the_far_side_of_the_earth_and_no_place_at_all_are_not_home() -> None:
    far = np.array([(105.0, 5.9), (105.0, -5.9), (15.0, 4.0), (-75.0, 95.0), (np.nan, 5.9), (np.inf, 5.9)])
    assert not HOME.holds(far[:, 0], far[:, 1], WGS84).any()


def test_home_across_the_date_line() -> None:
    fiji = Grid.from_area(shapely.box(780_000, 8_000_000, 830_000, 8_050_000), pyproj.CRS("EPSG:32760"), 1000)
    home = Home(fiji.crs, fiji.bounds, KEEP_AROUND_M)
    east, west = np.array([179.9, -179.9, 0.0]), np.full(3, -17.9)
    assert home.holds(east, west, WGS84).tolist() == [True, True, False]
