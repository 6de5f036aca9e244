"""A map that memory cannot hold is refused before it is scored, in words."""

import pytest

from features.base import InputError
from mlrisk.ranking import cell_scores, scoring
from tests.support.sample_country import country_grid


def test_more_cells_than_memory_ranks_are_refused_before_the_first_tile(monkeypatch):
    grid = country_grid()
    need = grid.n_cells * scoring.BYTES_PER_CELL
    monkeypatch.setattr(scoring, "free_bytes", lambda: need / scoring.MEMORY_SHARE - 1)
    with pytest.raises(InputError, match=rf"ranking {grid.n_cells:,} cells takes about .* GB are free; use larger"):
        cell_scores(None, grid, None)
