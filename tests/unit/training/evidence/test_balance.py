"""Evidence of found cells alone is named before and after a model is learned from it."""

from types import SimpleNamespace

import numpy as np
import pytest

from mlrisk.cli.text.check import checked_sources
from mlrisk.commands import SourceCheck
from training.evidence import FOUND, SEARCHED, UNKNOWN, few_searched_notes


@pytest.mark.parametrize(("found", "searched", "warned"), [(500, 49, True), (500, 50, False), (0, 0, False)])
def test_few_searched_cells_are_named(found, searched, warned):
    state = np.repeat([FOUND, SEARCHED, UNKNOWN], [found, searched, 1000])
    notes = few_searched_notes(SimpleNamespace(state=state, labelled=state != UNKNOWN))
    assert bool(notes) == warned
    assert all(note.startswith("only 49 cells are searched beside 500 found") for note in notes)


def test_check_shows_its_notes():
    made = SourceCheck(
        reports=(), cells=9, evidence={"found": 9}, records={}, memory_gb=0.6, core_minutes=1.0, notes=("only 0 cells",)
    )
    assert "note: only 0 cells" in checked_sources(made)
