"""The ground of a plan: masks on the grid of the run, whatever the cell size."""

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

from features.base import Grid
from mlrisk.planning.ground import _masks
from mlrisk.settings import MaskSettings

UTM = pyproj.CRS("EPSG:32638")


@pytest.mark.parametrize("cell_size_m", [99.9, 100.0, 33.3, 250.0])
def test_a_mask_shuts_the_cells_that_it_touches_at_any_cell_size(cell_size_m, tmp_path):
    column, row = int(500_000 / cell_size_m), int(4_400_000 / cell_size_m)
    grid = Grid(crs=UTM, cell_size_m=cell_size_m, column_min=column, row_min=row, mask=np.ones((24, 31), dtype=bool))
    west, south, _, _ = grid.bounds
    area = shapely.box(west, south, west + 2.5 * cell_size_m, south + 1.5 * cell_size_m)
    gpd.GeoSeries([area], crs=UTM).to_file(tmp_path / "shut.gpkg")
    reason = _masks(grid, [MaskSettings(reason="security", area="shut.gpkg")], (), tmp_path)
    column, row = ((grid.centres_m() - [west, south]) // cell_size_m).T
    assert np.array_equal(reason == "security", (column < 3) & (row < 2))


@pytest.mark.slow
def test_a_mask_over_the_whole_rectangle_leaves_no_cell(tmp_path):
    sizes = np.arange(30.1, 130.0, 3.7)
    for number, size in enumerate(sizes):
        grid = Grid(
            crs=UTM,
            cell_size_m=float(size),
            column_min=5_001 + number,
            row_min=40_003 + 7 * number,
            mask=np.ones((9, 11), dtype=bool),
        )
        path = tmp_path / f"shut_{number}.gpkg"
        gpd.GeoSeries([shapely.box(*grid.bounds).buffer(1_000)], crs=UTM).to_file(path)
        assert (_masks(grid, [MaskSettings(reason="flood", area=path.name)], (), tmp_path) == "flood").all()
