"""Companions and parts of a file that are no regular files are refused before GDAL opens them."""

import os
from pathlib import Path

import geopandas as gpd
import pytest

from features.base import InputError
from tests.support.source_files import UTM, box, opened

VECTOR = (
    '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource relativeToVRT="1">{}</SrcDataSource></OGRVRTLayer>'
    "</OGRVRTDataSource>"
)
RASTER = (
    '<VRTDataset><VRTRasterBand><SimpleSource><SourceFilename relativeToVRT="1">{}</SourceFilename></SimpleSource>'
    "</VRTRasterBand></VRTDataset>"
)


@pytest.mark.parametrize("suffix", [".dbf", ".prj", ".cpg", ".shx"])
def test_a_pipe_beside_a_shapefile_is_named(tmp_path: Path, suffix: str) -> None:
    gpd.GeoSeries([box()], crs=UTM).to_file(tmp_path / "a.shp")
    (tmp_path / f"a{suffix}").unlink()
    os.mkfifo(tmp_path / f"a{suffix}")
    with pytest.raises(InputError, match=f"a{suffix} beside it is a pipe"):
        opened(tmp_path, roads="a.shp")


@pytest.mark.parametrize(("source", "text"), [("roads", VECTOR), ("dem", RASTER)])
def test_a_pipe_in_a_virtual_file_is_named(tmp_path: Path, source: str, text: str) -> None:
    os.mkfifo(tmp_path / "part")
    (tmp_path / "inner.vrt").write_text(text.format("part"))
    (tmp_path / "a.vrt").write_text(text.format("inner.vrt"))
    with pytest.raises(InputError, match="part, of which it is made: it is a pipe"):
        opened(tmp_path, **{source: "a.vrt"})


def test_a_virtual_file_that_is_made_of_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.vrt").write_text(RASTER.format("a.vrt"))
    with pytest.raises(InputError, match="virtual files that are made of each other"):
        opened(tmp_path, dem="a.vrt")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("https://example.org/a.geojson", "download it first"), ("~/a.gpkg", "write the whole path"),
        ("*.gpkg", "list the files"), ("gone.gpkg", "is a link to nowhere"), ("other.gpkg", "paths are relative to"),
    ],
)  # fmt: skip
def test_a_path_that_names_no_file_says_what_would_do(tmp_path: Path, path: str, why: str) -> None:
    (tmp_path / "gone.gpkg").symlink_to("nowhere")
    with pytest.raises(InputError, match=why):
        opened(tmp_path, roads=path)
