"""Tiles are logged as they come, with the counts by which the command line moves its bar."""

import logging

import numpy as np
import pyproj
import pytest

from features.base import Grid
from features.table import over_tiles
from features.table.scheduler import Compute

GRID = Grid(
    crs=pyproj.CRS("EPSG:32638"), cell_size_m=100.0, column_min=5_000, row_min=44_000, mask=np.ones((8, 8), dtype=bool)
)


@pytest.mark.parametrize("threads", [1, 2])
def test_every_tile_is_logged_with_its_place_among_all(threads, caplog):
    caplog.set_level(logging.DEBUG, logger="features")
    tiles = list(GRID.tiles(4))
    values = [value for _, value in over_tiles(lambda tile: tile.n_cells, tiles, Compute(threads=threads))]
    assert values == [16] * 4
    counts = [(record.done, record.total) for record in caplog.records if hasattr(record, "done")]
    assert counts == [(number, 4) for number in (1, 2, 3, 4)]
