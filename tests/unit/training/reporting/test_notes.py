"""Notes of a run say what a reader can do about them."""

from datetime import date
from types import SimpleNamespace

import numpy as np

from training.reporting.notes import no_accidents_note


def test_a_country_whose_accidents_are_old_is_told_the_day_of_the_newest():
    config = SimpleNamespace(as_of=date(2026, 11, 30), casualty=SimpleNamespace(window_years=8))
    day = np.array(["2004-12-31", "NaT", "2012-06-01"], dtype="datetime64[D]")
    note = no_accidents_note(config, SimpleNamespace(day=day, dated=~np.isnat(day)))
    assert note.endswith(
        "casualties_per_year is empty; the newest on record is of 2012-06-01: is as_of (2026-11-30) right?"
    )
    assert no_accidents_note(config).endswith("casualties_per_year is empty")
