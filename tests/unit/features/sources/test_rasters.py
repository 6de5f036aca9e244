"""Rasters on the grid: closed forms, holes, markers, and tiles that agree with the whole."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.warp import Resampling, reproject

from features.base.errors import ConfigError, InputError
from features.base.grid import Grid
from features.sources.digests import digest_files
from features.sources.opening import SourcesSettings, open_sources
from features.sources.raster_positions import lay_positions, to_pixels
from features.sources.raster_sampling import clean
from features.sources.rasters import RasterSource
from features.sources.report import SourceReport
from tests.support.paths import DATA

UTM = pyproj.CRS("EPSG:32638")
BOX = (600_000, 4_400_000, 620_000, 4_424_000)


def grid(cell_size_m: float = 500) -> Grid:
    return Grid.from_area(shapely.box(*BOX), UTM, cell_size_m)


def plane(easting_m: np.ndarray, northing_m: np.ndarray) -> np.ndarray:
    return 300 + 0.01 * (easting_m - BOX[0]) - 0.02 * (northing_m - BOX[1])


def write(path: Path, values: np.ndarray, transform: Affine, crs: str | None = "EPSG:32638", **profile: object) -> Path:
    profile = {"dtype": values.dtype.name, "driver": "GTiff", "count": 1, "crs": crs, "transform": transform} | profile
    with rasterio.open(path, "w", height=values.shape[0], width=values.shape[1], **profile) as dataset:
        dataset.write(values, 1)
    return path


def plane_file(path: Path, pixel_m: float, margin_m: float = 2000) -> Path:
    left, top = BOX[0] - margin_m, BOX[3] + margin_m
    columns, rows = (int((BOX[2] - BOX[0] + 2 * margin_m) / pixel_m), int((BOX[3] - BOX[1] + 2 * margin_m) / pixel_m))
    transform = Affine(pixel_m, 0, left, 0, -pixel_m, top)
    east, north = np.meshgrid(left + (np.arange(columns) + 0.5) * pixel_m, top - (np.arange(rows) + 0.5) * pixel_m)
    return write(path, plane(east, north), transform)


def geographic_file(path: Path, degrees: float, crs: str = "EPSG:4326", holes: bool = False) -> Path:
    """A wavy surface in degrees around the grid."""
    columns, rows = int(0.6 / degrees), int(0.6 / degrees)
    transform = Affine(degrees, 0, 46.0, 0, -degrees, 40.2)
    lon, lat = np.meshgrid(46.0 + (np.arange(columns) + 0.5) * degrees, 40.2 - (np.arange(rows) + 0.5) * degrees)
    values = 500 + 200 * np.sin(lon * 60) * np.cos(lat * 50)
    if holes:
        values[(np.abs(lon - 46.27) < 0.02) & (np.abs(lat - 39.83) < 0.02)] = -32768
    return write(path, values, transform, crs, nodata=-32768)


def open_dem(path: Path, on: Grid, **spec: object) -> tuple[RasterSource, SourceReport]:
    found = open_sources(SourcesSettings.model_validate({"dem": {"path": str(path), **spec}}), on, path.parent)
    return found.rasters["dem"], found.reports[0]


@pytest.mark.slow
@pytest.mark.parametrize(("pixel_m", "how"), [(400, "bilinear"), (700, "bilinear"), (100, "average"), (50, "average")])
def test_a_plane_stays_a_plane(tmp_path: Path, pixel_m: float, how: str) -> None:
    on = grid()
    dem, _ = open_dem(plane_file(tmp_path / "dem.tif", pixel_m), on)
    truth = plane(*np.meshgrid(on.eastings_m, on.northings_m))
    for resampling in ("auto", how):
        assert np.allclose(dem.read(on, resampling), truth, atol=1e-6)


def test_auto_averages_fine_pixels_and_interpolates_coarse_ones(tmp_path: Path) -> None:
    on = grid()
    for degrees, how in [(0.001, "average"), (0.004, "bilinear")]:
        dem, _ = open_dem(geographic_file(tmp_path / f"{how}.tif", degrees), on)
        auto = dem.read(on)
        assert np.array_equal(auto, dem.read(on, how), equal_nan=True)
        assert not np.array_equal(auto, dem.read(on, "nearest"), equal_nan=True)


def test_an_unknown_resampling_is_refused(tmp_path: Path) -> None:
    dem, _ = open_dem(plane_file(tmp_path / "dem.tif", 400), grid())
    with pytest.raises(ConfigError, match=r"resampling \('cubic'\) must be one of auto, average"):
        dem.read(grid(), "cubic")


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [0.0007, 0.004, 0.01])
@pytest.mark.parametrize("resampling", ["auto", "average", "bilinear", "nearest", "mode"])
def test_tiles_agree_with_the_whole(tmp_path: Path, degrees: float, resampling: str) -> None:
    on = grid(400)
    dem, _ = open_dem(geographic_file(tmp_path / "dem.tif", degrees, holes=True), on)
    whole = dem.read(on, resampling)
    assert 0 < np.isnan(whole).sum() < whole.size / 2
    for tile_cells in (7, 16):
        together = np.full(on.shape, -1.0)
        for row in range(0, on.shape[0], tile_cells):
            for column in range(0, on.shape[1], tile_cells):
                stop = min(row + tile_cells, on.shape[0]), min(column + tile_cells, on.shape[1])
                together[row : stop[0], column : stop[1]] = dem.read(
                    on.window(row, stop[0], column, stop[1]), resampling
                )
        assert np.allclose(together, whole, rtol=0, atol=1e-6, equal_nan=True)
        wide = dem.read(on.expanded(tile_cells), resampling)[tile_cells:-tile_cells, tile_cells:-tile_cells]
        assert np.allclose(wide, whole, rtol=0, atol=1e-6, equal_nan=True)


def test_gdal_sees_the_same_average(tmp_path: Path) -> None:
    on = grid(1000)
    path = geographic_file(tmp_path / "dem.tif", 0.0005)
    theirs = np.full(on.shape, np.nan)
    with rasterio.open(path) as dataset:
        reproject(
            rasterio.band(dataset, 1), theirs, dst_transform=on.transform, dst_crs="EPSG:32638", dst_nodata=np.nan,
            resampling=Resampling.average,
        )  # fmt: skip
    ours = open_dem(path, on)[0].read(on, "average")
    assert np.ptp(theirs) > 300
    assert np.abs(ours - theirs).max() < 5


def test_a_hole_stays_a_hole_and_does_not_bleed(tmp_path: Path) -> None:
    on = grid()
    left, top = BOX[0], BOX[3]
    values = np.full((48, 40), 700.0)
    values[10:14, 20:24] = -9999.0
    path = write(tmp_path / "dem.tif", values, Affine(500, 0, left, 0, -500, top), nodata=-9999.0)
    for resampling in ("bilinear", "average", "nearest"):
        read = open_dem(path, on)[0].read(on, resampling)
        assert np.array_equal(np.isnan(read), values < 0)
        assert np.allclose(read[~np.isnan(read)], 700.0)


def test_interpolation_fills_no_hole_and_opens_none(tmp_path: Path) -> None:
    on = grid(300)
    dem, _ = open_dem(geographic_file(tmp_path / "dem.tif", 0.007, holes=True), on)
    holes = np.isnan(dem.read(on, "nearest"))
    assert 0 < holes.sum() < holes.size / 2
    assert np.array_equal(np.isnan(dem.read(on, "bilinear")), holes)


def test_nothing_is_made_up_outside_the_raster(tmp_path: Path) -> None:
    on = grid()
    values = np.full((10, 10), 700.0)
    path = write(tmp_path / "dem.tif", values, Affine(500, 0, BOX[0] + 5000, 0, -500, BOX[3] - 5000))
    read = open_dem(path, on)[0].read(on)
    inside = np.zeros(on.shape, dtype=bool)
    inside[10:20, 10:20] = True
    assert np.array_equal(np.isfinite(read), inside)


def test_undeclared_markers_become_missing_and_are_reported(tmp_path: Path) -> None:
    on = grid()
    values = np.full((48, 40), 700, dtype=np.int16)
    values[:12] = -9999
    values[12:24] = 32767
    path = write(tmp_path / "dem.tif", values, Affine(500, 0, BOX[0], 0, -500, BOX[3]))
    dem, report = open_dem(path, on)
    assert np.array_equal(np.isnan(dem.read(on)), values != 700)
    assert "50.0% of the area without elevation" in report.notes
    assert any(note.startswith("50.0% of the area holds undeclared") for note in report.notes)


def test_scale_and_offset_of_the_file_are_applied(tmp_path: Path) -> None:
    on = grid()
    path = write(tmp_path / "dem.tif", np.full((48, 40), 70, dtype=np.int16), Affine(500, 0, BOX[0], 0, -500, BOX[3]))
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (10.0,), (5.0,)
    assert np.allclose(open_dem(path, on)[0].read(on), 705.0)


def test_tiles_of_a_dem_are_read_as_one(tmp_path: Path) -> None:
    on = grid()
    whole = plane_file(tmp_path / "whole.tif", 400)
    with rasterio.open(whole) as dataset:
        values, transform = dataset.read(1), dataset.transform
    write(tmp_path / "west.tif", values[:, :30], transform)
    write(tmp_path / "east.tif", values[:, 30:], Affine(400, 0, transform.c + 30 * 400, 0, -400, transform.f))
    spec = SourcesSettings.model_validate({"dem": {"path": ["west.tif", "east.tif"]}})
    read = open_sources(spec, on, tmp_path).rasters["dem"].read(on)
    truth = open_dem(whole, on)[0].read(on)
    assert np.isfinite(read).all()
    # At the seam a cell has neighbours on one side only: half a pixel of slope at most.
    assert np.abs(read - truth).max() <= 0.01 * 200 + 1e-9


def test_the_digest_of_a_raster_is_that_of_all_that_is_read(tmp_path: Path) -> None:
    west, east = (plane_file(tmp_path / name, 400) for name in ("west.tif", "east.tif"))
    with rasterio.open(west) as dataset:
        shape, profile = dataset.shape, dataset.transform.to_gdal()
    (tmp_path / "both.vrt").write_text(
        f'<VRTDataset rasterXSize="{shape[1]}" rasterYSize="{shape[0]}"><SRS>EPSG:32638</SRS>'
        f"<GeoTransform>{', '.join(map(str, profile))}</GeoTransform>"
        '<VRTRasterBand dataType="Float32" band="1"><SimpleSource><SourceFilename relativeToVRT="1">west.tif'
        "</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    (tmp_path / "outer.vrt").write_text((tmp_path / "both.vrt").read_text().replace("west.tif", "both.vrt"))

    def digests():
        return [digest_files((tmp_path / name,)) for name in ("both.vrt", "outer.vrt", "west.tif")]

    before = digests()
    east.write_bytes(b"another file")
    # Statistics of a viewer are no other data.
    (tmp_path / "west.tif.aux.xml").write_text("<PAMDataset></PAMDataset>")
    assert digests() == before
    with rasterio.open(west, "r+") as dataset:
        dataset.write(dataset.read(1) + 1, 1)
    other = digests()
    assert not set(other) & set(before)
    # What stands beside the numbers and says what they mean is read too.
    with rasterio.open(west, "r+") as dataset:
        dataset.scales = (10.0,)
    assert not set(digests()) & set(other)


def test_classes_take_the_most_frequent_value(tmp_path: Path) -> None:
    on = grid()
    values = np.tile(np.array([[1, 1, 1, 9], [1, 1, 9, 9]], dtype=np.uint8), (96, 40))
    path = write(tmp_path / "classes.tif", values, Affine(125, 0, BOX[0], 0, -125, BOX[3]))
    sources = open_sources(SourcesSettings.model_validate({"land_use": path.name}), on, tmp_path)
    assert np.array_equal(np.unique(sources.rasters["land_use"].read(on)), [1])
    assert "land_use" not in sources.vectors


def test_a_world_raster_from_0_to_360_degrees(tmp_path: Path) -> None:
    on = Grid.from_area(shapely.box(480_000, 650_000, 500_000, 670_000), pyproj.CRS("EPSG:32618"), 1000)
    lon, _ = np.meshgrid(np.arange(360) + 0.5, np.arange(180))
    path = write(tmp_path / "world.tif", lon, Affine(1, 0, 0, 0, -1, 90), "EPSG:4326")
    read = open_dem(path, on)[0].read(on, "nearest")
    # 480 to 500 km east of zone 18 lie between 75.2 and 75 degrees west.
    assert np.array_equal(np.unique(read), [284.5])


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    on = grid()
    values, there = np.ones((4, 4)), Affine(500, 0, BOX[0], 0, -500, BOX[3])
    with pytest.raises(InputError, match=r"dem: .*a\.tif states no CRS: give crs"):
        open_dem(write(tmp_path / "a.tif", values, there, None), on)
    elsewhere = write(tmp_path / "b.tif", values, Affine(500, 0, BOX[0] + 900_000, 0, -500, BOX[3]))
    with pytest.raises(InputError, match="does not overlap the area"):
        open_dem(elsewhere, on)
    (tmp_path / "c.tif").write_bytes(b"II*\0 this is no raster")
    with pytest.raises(InputError, match=r"c\.tif cannot be read as a raster"):
        open_dem(tmp_path / "c.tif", on)
    whole = plane_file(tmp_path / "d.tif", 100).read_bytes()
    (tmp_path / "d.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"d\.tif cannot be read as a raster"):
        open_dem(tmp_path / "d.tif", on)[0].read(on)
    with pytest.raises(InputError, match=r"there is no file .*none\.tif"):
        open_dem(tmp_path / "none.tif", on)


def test_a_picture_without_a_place_is_refused(tmp_path: Path) -> None:
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": 4, "width": 4}
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(tmp_path / "a.tif", "w", **profile) as new,
    ):
        new.write(np.ones((1, 4, 4), dtype=np.uint8))
    with pytest.raises(InputError, match="does not say where it lies"):
        open_dem(tmp_path / "a.tif", grid())


@pytest.mark.slow
def test_a_raster_source_travels_between_processes(tmp_path: Path) -> None:
    on = grid()
    dem, _ = open_dem(plane_file(tmp_path / "dem.tif", 400), on)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert np.array_equal(pool.submit(dem.read, on).result(), dem.read(on))


@pytest.mark.skipif(not DATA.exists(), reason="the real data are not beside the project")
def test_the_dem_of_karabakh() -> None:
    on = grid(1000)
    dem, report = open_dem(DATA / "karabakh" / "dem.tif", on)
    read = dem.read(on)
    assert report.notes[0].startswith("warped from EPSG:4326")
    assert np.isfinite(read).all()
    assert -60 < read.min() < read.max() < 3800


@pytest.mark.slow
@pytest.mark.parametrize("resampling", ["auto", "average", "sum", "bilinear", "nearest", "mode"])
@pytest.mark.parametrize("cell_size_m", [70, 400, 1300])
def test_tiles_agree_bit_for_bit(tmp_path: Path, resampling: str, cell_size_m: float) -> None:
    whole_area = Grid.from_area(shapely.box(600_000, 4_400_000, 607_000, 4_409_000), UTM, cell_size_m)
    dem, _ = open_dem(geographic_file(tmp_path / "dem.tif", 0.002, holes=True), whole_area)
    whole = dem.read(whole_area, resampling)
    for tile in whole_area.tiles(17):
        row = whole_area.row_min + whole_area.shape[0] - tile.row_min - tile.shape[0]
        column = tile.column_min - whole_area.column_min
        part = whole[row : row + tile.shape[0], column : column + tile.shape[1]]
        assert np.array_equal(dem.read(tile, resampling), part, equal_nan=True)


@pytest.mark.parametrize(("cell_size_m", "most_pixels"), [(30.0, 0.004), (250.0, 0.004), (1000.0, 1e-8)])
def test_positions_between_the_nodes_are_within_a_fraction_of_a_pixel(
    tmp_path: Path, cell_size_m: float, most_pixels: float
) -> None:
    degrees = 1 / 3600
    for north_m in (0, 4_400_000, 7_700_000):
        grid_there = Grid.from_area(shapely.box(230_000, north_m, 238_000, north_m + 9_000), UTM, cell_size_m)
        path = write(tmp_path / "a.tif", np.ones((4, 4)), Affine(degrees, 0, 40, 0, -degrees, 75), "EPSG:4326")
        with rasterio.open(path) as dataset:
            positions = lay_positions(grid_there, pyproj.CRS(4326), dataset, 1)
            found = positions.at(np.arange(grid_there.shape[0]), np.arange(grid_there.shape[1]))
            exact = to_pixels(
                *np.meshgrid(grid_there.eastings_m, grid_there.northings_m), UTM, pyproj.CRS(4326), dataset
            )
        assert max(np.abs(a - b).max() for a, b in zip(found, exact, strict=True)) < most_pixels


@pytest.mark.slow
def test_a_grid_across_the_turn_of_the_meridian_reads_both_ends(tmp_path: Path) -> None:
    fiji = Grid.from_area(shapely.box(780_000, 8_000_000, 900_000, 8_040_000), pyproj.CRS("EPSG:32760"), 500)
    lon, lat = np.meshgrid(-180 + (np.arange(3600) + 0.5) / 10, 90 - (np.arange(1800) + 0.5) / 10)
    path = write(tmp_path / "world.tif", (np.cos(np.radians(lon)) * 1000 + lat).astype("float32"),
                 Affine(0.1, 0, -180, 0, -0.1, 90), "EPSG:4326")  # fmt: skip
    read = RasterSource(name="dem", paths=(path,), crs=pyproj.CRS(4326), pixel_m=11_000.0).read(fiji, "nearest")
    east, north = np.meshgrid(fiji.eastings_m, fiji.northings_m)
    there = pyproj.Transformer.from_crs("EPSG:32760", "EPSG:4326", always_xy=True).transform(east, north)
    assert np.ptp(there[0]) > 300
    assert np.isfinite(read).all()
    assert np.abs(read - (np.cos(np.radians(there[0])) * 1000 + there[1])).max() < 0.2


@pytest.mark.parametrize("pixel_m", [35, 100, 930])
@pytest.mark.parametrize("crs", ["EPSG:32638", "EPSG:4326"])
def test_a_sum_keeps_the_number_of_people(tmp_path: Path, pixel_m: float, crs: str) -> None:
    on = Grid.from_area(shapely.box(*BOX), UTM, 100 if pixel_m > 500 else 500)
    rng = np.random.default_rng(0)
    side = int(14_000 / pixel_m)
    if crs == "EPSG:4326":
        # 14 km from a corner well inside the area, in degrees.
        (left, top), (pixel_x, pixel_y) = (46.21, 39.93), (pixel_m / 85_500, pixel_m / 111_000)
    else:
        (left, top), (pixel_x, pixel_y) = (BOX[0] + 2345, BOX[3] - 4321), (pixel_m, pixel_m)
    people = rng.poisson(3, (side, side)).astype("float32")
    write(tmp_path / "people.tif", people, Affine(pixel_x, 0, left, 0, -pixel_y, top), crs)
    spec = {"covariates": [{"path": "people.tif", "resampling": "sum"}]}
    source = open_sources(SourcesSettings.model_validate(spec), on, tmp_path).covariates[0]
    assert isinstance(source, RasterSource)
    assert np.nansum(source.read(on)) == pytest.approx(people.sum(), rel=0.01)


def test_the_resampling_of_the_configuration_is_what_auto_means(tmp_path: Path) -> None:
    on = grid()
    plane_file(tmp_path / "wet.tif", 100)
    for chosen, how in [("mean", "average"), ("nearest", "nearest"), ("sum", "sum"), ("auto", "average")]:
        spec = SourcesSettings.model_validate({"covariates": [{"path": "wet.tif", "resampling": chosen}]})
        (source,) = open_sources(spec, on, tmp_path).covariates
        assert isinstance(source, RasterSource)
        assert np.array_equal(source.read(on), source.read(on, how), equal_nan=True)
    for name in ("dem", "roads", "land_use"):
        with pytest.raises(ValueError, match=rf"{name}.resampling \('sum'\) is for rasters of covariates alone"):
            SourcesSettings.model_validate({name: {"path": "wet.tif", "resampling": "sum"}})
    (tmp_path / "points.csv").write_text("longitude,latitude,a\n46.2,39.9,1\n")
    spec = SourcesSettings.model_validate({"covariates": [{"path": "points.csv", "resampling": "sum"}]})
    with pytest.raises(ConfigError, match="is a table, resampling"):
        open_sources(spec, on, tmp_path)


def test_pixels_are_kept_in_half_the_memory_where_that_loses_nothing(tmp_path: Path) -> None:
    for dtype, narrow in [("int16", True), ("uint8", True), ("float32", True), ("int32", False), ("float64", False)]:
        assert (clean(np.ma.ones((2, 2), dtype=dtype), 1, 0, (-1e9, 1e9), (-9999.0,)).dtype == np.float32) == narrow
    assert clean(np.ma.ones((2, 2), dtype="int16"), 0.1, 0, (-1e9, 1e9), (-9999.0,)).dtype == np.float64


def test_a_raster_on_the_lines_of_the_grid_is_read_pixel_by_pixel(tmp_path):
    rng = np.random.default_rng(3)
    pixels = rng.normal(0, 300, (40, 50)).astype(np.float32)
    pixels[7, 9] = np.nan
    file = tmp_path / "aligned.tif"
    transform = Affine(30, 0, 500_010, 0, -30, 4_000_620)
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "crs": "EPSG:32638", "transform": transform}
    with rasterio.open(file, "w", height=40, width=50, **profile) as out:
        out.write(pixels, 1)
    crs = pyproj.CRS("EPSG:32638")
    source = RasterSource(name="dem", paths=(file,), crs=crs, pixel_m=30.0)

    # Three cells beyond the raster to the west and two to the north.
    found = source.read(
        Grid(crs=crs, cell_size_m=30.0, column_min=16_667 - 3, row_min=133_354 - 8, mask=np.ones((10, 12), dtype=bool))
    )
    assert np.isnan(found[:2]).all()
    assert np.isnan(found[:, :3]).all()
    np.testing.assert_array_equal(found[2:, 3:], pixels[:8, :9])


def test_an_average_over_whole_pixels_is_exact(tmp_path):
    rng = np.random.default_rng(4)
    pixels = rng.normal(0, 300, (40, 40)).astype(np.float32)
    file = tmp_path / "fine.tif"
    transform = Affine(10, 0, 500_000, 0, -10, 4_000_400)
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "crs": "EPSG:32638", "transform": transform}
    with rasterio.open(file, "w", height=40, width=40, **profile) as out:
        out.write(pixels, 1)
    crs = pyproj.CRS("EPSG:32638")
    grid = Grid(crs=crs, cell_size_m=40.0, column_min=12_500, row_min=100_000, mask=np.ones((10, 10), dtype=bool))
    found = RasterSource(name="dem", paths=(file,), crs=crs, pixel_m=10.0).read(grid)
    expected = pixels.astype(np.float64).reshape(10, 4, 10, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
